package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"dateline/publisher/news"

	"github.com/gorilla/feeds"
)

// jsonFeed is version 1.1; gorilla's own leaves items out when there are none.
type jsonFeed struct {
	feeds.JSONFeed
	Dateline feedExtension     `json:"_dateline"`
	Items    []json.RawMessage `json:"items"` // the last key, where the document is parted
}

// feedExtension and itemExtension are explained on the page they name
// (JSON Feed 1.1, section Extensions).
type feedExtension struct {
	About    string `json:"about"`
	Updated  string `json:"updated"`
	Complete bool   `json:"complete,omitempty"`
	Archive  bool   `json:"archive,omitempty"`
	Current  string `json:"current_url,omitempty"` // of an archive document
	Previous string `json:"prev_archive_url,omitempty"`
	Next     string `json:"next_archive_url,omitempty"`
}

type itemExtension struct {
	About     string             `json:"about"`
	Revision  int                `json:"revision"`
	Status    news.Status        `json:"status"`
	Updated   string             `json:"updated"`
	Note      string             `json:"note,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Type      string             `json:"type,omitempty"`
	Fields    []string           `json:"fields,omitempty"`
	Countries []countryExtension `json:"countries,omitempty"`
	Sources   []string           `json:"sources,omitempty"`
	// Translations are the same story in other languages.
	Translations []translation `json:"translations,omitempty"`
}

type translation struct {
	Language string `json:"language"`
	URL      string `json:"url"`
}

// attachment is not gorilla's, which has the wrong key for the size.
type attachment struct {
	URL       string `json:"url"`
	MediaType string `json:"mime_type"`
	Title     string `json:"title,omitempty"`
}

type countryExtension struct {
	Slug string    `json:"slug"`
	Role news.Role `json:"role"`
}

type jsonItem struct {
	feeds.JSONItem
	Language    string        `json:"language,omitempty"`
	Attachments []attachment  `json:"attachments,omitempty"`
	Dateline    itemExtension `json:"_dateline"`
}

func (r *Renderer) jsonItem(rel *news.Release, others []Translation) ([]byte, error) {
	published, modified := rel.PublishedAt.UTC().Truncate(time.Millisecond), rel.UpdatedAt.UTC().Truncate(time.Millisecond)
	item := jsonItem{
		JSONItem: feeds.JSONItem{
			Id: uuid(rel), Url: news.ReleaseURL(r.base, rel.ID, rel.Title), ExternalUrl: address(rel.URL),
			Title: title(rel), Summary: Summary(rel), ContentHTML: r.content(rel),
			PublishedDate: &published, ModifiedDate: &modified, Tags: r.tags(rel),
		},
		Language: clean(rel.Language),
		Dateline: r.extension(rel),
	}
	for _, name := range r.authors(rel) {
		item.Authors = append(item.Authors, &feeds.JSONAuthor{Name: name})
	}
	for _, f := range filesOf(rel) {
		item.Attachments = append(item.Attachments, attachment{f.url, f.mediaType, f.title})
	}
	for _, o := range others {
		item.Dateline.Translations = append(item.Dateline.Translations, translation{clean(o.Language), r.translationURL(o)})
	}
	return jsonBytes(item)
}

// tags are the names of all topics, each once.
func (r *Renderer) tags(rel *news.Release) []string {
	var out []string
	seen := map[string]bool{}
	for _, l := range r.labels(rel) {
		if !seen[l.name] {
			seen[l.name] = true
			out = append(out, l.name)
		}
	}
	return out
}

func (r *Renderer) extension(rel *news.Release) itemExtension {
	x := itemExtension{
		About: r.about(), Revision: rel.Revision, Status: rel.Status, Updated: rfc3339(rel.UpdatedAt),
		Note: cleanLine(rel.Note), Reason: cleanLine(rel.Reason), Type: rel.Type, Fields: rel.FieldSlugs(), Sources: rel.SourceSlugs(),
	}
	for _, c := range rel.Countries {
		x.Countries = append(x.Countries, countryExtension{c.Slug, c.Role})
	}
	return x
}

func (r *Renderer) about() string { return r.base + "/about-feeds#dateline" }

func (r *Renderer) feedExtension(feed Feed) feedExtension {
	x := feedExtension{About: r.about(), Updated: rfc3339(sentinel), Complete: feed.Complete, Archive: feed.Archive != ""}
	for _, l := range r.relations(feed, JSON) {
		switch l.rel {
		case "current":
			x.Current = l.href
		case "prev-archive":
			x.Previous = l.href
		case "next-archive":
			x.Next = l.href
		}
	}
	return x
}

// jsonFrame leads from each document to the one with what is older, as
// next_url means it (JSON Feed 1.1, section Top-level).
func (r *Renderer) jsonFrame(feed Feed) (Frame, error) {
	x := r.feedExtension(feed)
	var hubs []*feeds.JSONHub
	if feed.Hub != "" {
		hubs = []*feeds.JSONHub{{Type: "WebSub", Url: feed.Hub}}
	}
	b, err := jsonBytes(jsonFeed{
		JSONFeed: feeds.JSONFeed{
			Version: "https://jsonfeed.org/version/1.1", Title: clean(feed.Title), Language: feed.Language,
			HomePageUrl: r.pageURL(feed), FeedUrl: r.documentURL(feed, feed.Archive, JSON), NextUrl: x.Previous, Description: clean(feed.Description),
			Authors: []*feeds.JSONAuthor{{Name: clean(r.publisher), Url: r.base + "/"}}, Hubs: hubs,
		},
		Dateline: x,
		Items:    []json.RawMessage{},
	})
	if err != nil {
		return Frame{}, err
	}
	b, open := bytes.CutSuffix(b, []byte("[]}"))
	if !open {
		return Frame{}, errors.New("render: the document does not end as it should")
	}
	return cut(append(b, "[\n\n]}\n"...), "\n]}\n", layoutRFC3339)
}

// jsonBytes encodes without the escapes that only matter inside HTML pages.
func jsonBytes(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
