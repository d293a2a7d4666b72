package read

import (
	"iter"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"dateline/publisher/news"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"
)

func opensFeed(s string) bool {
	switch rootElement(s) {
	case "rss", "feed", "rdf:rdf":
		return true
	}
	return false
}

// feed reads RSS and Atom. The content of an entry is the text; where there is
// only a description, that is, and the release is partial when it breaks off or
// the format calls it a summary.
func (r *Reader) feed(text string) iter.Seq2[sheet, error] {
	if err := checkXML(text); err != nil {
		return refused(err)
	}
	feed, err := gofeed.NewParser().ParseString(withoutDeclaration(text))
	if err != nil {
		return refused(xmlProblem(err))
	}
	return func(yield func(sheet, error) bool) {
		for _, item := range feed.Items {
			if !yield(r.feedItem(feed, item), nil) {
				return
			}
		}
	}
}

func (r *Reader) feedItem(feed *gofeed.Feed, item *gofeed.Item) sheet {
	s := sheet{
		format: feed.FeedType, rule: ruleLabel, foreign: true, title: plainLine(item.Title), language: feed.Language,
		date: feedDate(item), url: webURL(item.Link), labels: item.Categories,
	}
	s.origin = originOf(item.GUID, s.url, feed.Link)
	if dc := item.DublinCoreExt; dc != nil && len(dc.Language) > 0 {
		s.language = dc.Language[0]
	}
	for _, a := range item.Authors {
		if a != nil && r.isTopic(news.KindSource, news.CleanLine(a.Name)) {
			s.sources = append(s.sources, a.Name)
		}
	}
	r.setContent(&s, item.Content, item.Description)
	return s
}

// setContent takes the text of an entry over, and its description.
func (r *Reader) setContent(s *sheet, content, description string) {
	description = blocksOf(description)
	if strings.TrimSpace(content) != "" {
		s.body = blocksOf(content)
		if text := plainLine(description); utf8.RuneCountInString(text) <= 2*maxSummary && !breaksOff(text) {
			s.summary = text
		}
		return
	}
	s.body = description
	s.partial = s.format == FormatAtom || breaksOff(plainLine(description))
}

// feedDate is the publishing date of an entry, in a form parseDate reads.
func feedDate(item *gofeed.Item) string {
	if _, _, ok := parseDate(item.Published); ok {
		return item.Published
	}
	for _, t := range []*time.Time{item.PublishedParsed, item.UpdatedParsed} {
		if t != nil {
			return t.Format(time.RFC3339)
		}
	}
	return item.Published
}

// blocksOf makes paragraphs of text that has none of its own.
func blocksOf(s string) string {
	if s = strings.TrimSpace(s); s == "" || s[0] == '<' {
		return s
	}
	return "<p>" + strings.ReplaceAll(s, "\n\n", "</p>\n<p>") + "</p>"
}

// plainLine is the text of a piece of HTML, on one line.
func plainLine(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return news.CleanLine(s)
	}
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return news.CleanLine(b.String())
		case html.TextToken:
			b.WriteString(z.Token().Data)
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); !isInline(string(name)) {
				b.WriteByte(' ')
			}
		}
	}
}

func isInline(name string) bool {
	switch name {
	case "a", "b", "i", "em", "strong", "span", "sub", "sup", "abbr", "cite", "q", "small", "u", "mark", "font":
		return true
	}
	return false
}

// webURL is an absolute http or https address, else "".
func webURL(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return s
}

// originOf makes an id that other systems do not use for something else: a URI
// as it is; another word only beside the address of its feed, and not at all
// where the release has an address itself, which serves better.
func originOf(id, address, feed string) string {
	id = news.CleanLine(id)
	switch {
	case strings.Contains(id, ":"):
		return id
	case id == "" || address != "":
		return ""
	case feed != "":
		return news.CleanLine(feed) + "#" + id
	}
	return id
}
