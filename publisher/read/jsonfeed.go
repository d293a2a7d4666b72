package read

import (
	"encoding/json"
	"iter"
	"strings"

	"dateline/publisher/news"
)

// jsonFeed is what is read of JSON Feed 1.0 and 1.1.
type jsonFeed struct {
	Home     string            `json:"home_page_url"`
	URL      string            `json:"feed_url"`
	Language string            `json:"language"`
	Items    []json.RawMessage `json:"items"`
}

type jsonFeedItem struct {
	ID        any      `json:"id"` // a string, but some write numbers
	URL       string   `json:"url"`
	External  string   `json:"external_url"`
	Title     string   `json:"title"`
	HTML      string   `json:"content_html"`
	Text      string   `json:"content_text"`
	Summary   string   `json:"summary"`
	Published string   `json:"date_published"`
	Modified  string   `json:"date_modified"`
	Tags      []string `json:"tags"`
	Language  string   `json:"language"`
	Authors   []struct {
		Name string `json:"name"`
	} `json:"authors"`
	Dateline *struct {
		Status    news.Status `json:"status"`
		Type      string      `json:"type"`
		Fields    []string    `json:"fields"`
		Sources   []string    `json:"sources"`
		Countries []struct {
			Slug string    `json:"slug"`
			Role news.Role `json:"role"`
		} `json:"countries"`
	} `json:"_dateline"`
}

// jsonFeed reads JSON Feed, one entry at a time. The feed library keeps no
// language of an entry and none of our own data.
func (r *Reader) jsonFeed(b []byte) iter.Seq2[sheet, error] {
	var feed jsonFeed
	if err := json.Unmarshal(b, &feed); err != nil {
		return refused(jsonTypes("the JSON Feed", b, err))
	}
	if len(feed.Items) > maxEntries {
		return refused(boundsOf(0, len(feed.Items), 0, 0))
	}
	return func(yield func(sheet, error) bool) {
		for _, raw := range feed.Items {
			s := sheet{format: FormatJSONFeed}
			var item jsonFeedItem
			err := json.Unmarshal(raw, &item)
			if err != nil {
				s.title, err = item.Title, jsonTypes("the entry", raw, err)
			} else {
				s, err = r.jsonFeedItem(&feed, &item)
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func (r *Reader) jsonFeedItem(feed *jsonFeed, item *jsonFeedItem) (sheet, error) {
	s := sheet{
		format: FormatJSONFeed, rule: ruleLabel, foreign: true, title: plainLine(item.Title), date: firstOf(item.Published, item.Modified),
		language: firstOf(item.Language, feed.Language), url: firstOf(webURL(item.URL), webURL(item.External)), labels: item.Tags,
	}
	id, isText := item.ID.(string)
	if raw, err := json.Marshal(item.ID); err == nil && !isText && item.ID != nil {
		id = string(raw)
	}
	s.origin = originOf(id, s.url, firstOf(feed.URL, feed.Home))
	for _, a := range item.Authors {
		if r.isTopic(news.KindSource, news.CleanLine(a.Name)) {
			s.sources = append(s.sources, a.Name)
		}
	}
	content := item.HTML
	if content == "" {
		content = textToHTML(news.Clean(item.Text))
	}
	r.setContent(&s, content, textToHTML(news.Clean(item.Summary)))
	s.partial = s.partial || content == ""
	if d := item.Dateline; d != nil {
		if d.Status == news.Withdrawn {
			return s, errWithdrawn()
		}
		s.typ, s.fields, s.sources, s.labels = d.Type, d.Fields, d.Sources, nil
		s.editedCountries = true
		for _, c := range d.Countries {
			if c.Role == news.About && r.isTopic(news.KindCountry, c.Slug) {
				s.countries = append(s.countries, c.Slug)
			}
		}
	}
	return s, nil
}

func errWithdrawn() error {
	return news.Problemf(news.Unacceptable, "this release was withdrawn where it comes from, so there is nothing to publish")
}

// firstOf is the first of the words that is not blank.
func firstOf(words ...string) string {
	for _, w := range words {
		if strings.TrimSpace(w) != "" {
			return w
		}
	}
	return ""
}
