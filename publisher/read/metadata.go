package read

import (
	"encoding/json"
	"slices"
	"strings"

	"dateline/publisher/news"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// metadata is what an HTML page says of itself for machines.
type metadata struct {
	meta      map[string][]string // name or property, in lower case, to contents
	title     string              // of the head
	heading   string              // the first h1
	canonical string
	language  string
	times     []string // of time elements
	body      string   // schema.org articleBody
	article   *schemaArticle
}

// schemaArticle is what is read of a schema.org Article. Values may be words,
// objects or lists of either.
type schemaArticle struct {
	Types            any `json:"@type"`
	ID               any `json:"@id"`
	Headline         any
	Name             any
	Description      any
	DatePublished    any
	InLanguage       any
	URL              any
	MainEntityOfPage any
	ArticleBody      any
	ArticleSection   any
	Keywords         any
	Publisher        any
	Author           any
	ContentLocation  any
	LocationCreated  any
}

const (
	maxScripts = 32
	maxGraph   = 256 // objects in the JSON-LD of a page
)

// metadataOf reads the head, JSON-LD, headings and times of a page.
func metadataOf(doc *html.Node) (*metadata, error) {
	m := &metadata{meta: map[string][]string{}}
	var articles []schemaArticle
	scripts := 0
	m.walk(doc, func(script string) {
		if scripts++; scripts <= maxScripts {
			articles = append(articles, schemaArticles([]byte(script))...)
		}
	})
	var headlines []string
	for i, a := range articles {
		if headline := wordOf(a.Headline); !slices.Contains(headlines, headline) {
			headlines = append(headlines, headline)
		}
		if m.article == nil {
			m.article = &articles[i]
			m.body = wordOf(a.ArticleBody)
		}
	}
	if len(headlines) > 1 {
		return nil, news.Problemf(news.Unacceptable, "this page describes %d articles: %s; publish each from its own page", len(headlines), quotedList(headlines))
	}
	return m, nil
}

func (m *metadata) walk(n *html.Node, script func(string)) {
	switch n.DataAtom {
	case atom.Html:
		m.language = attr(n, "lang")
	case atom.Meta:
		name := strings.ToLower(firstOf(attr(n, "property"), attr(n, "name"), attr(n, "itemprop")))
		if name != "" && len(m.meta[name]) < maxNames {
			m.meta[name] = append(m.meta[name], attr(n, "content"))
		}
	case atom.Link:
		if strings.EqualFold(attr(n, "rel"), "canonical") {
			m.canonical = attr(n, "href")
		}
	case atom.Title:
		m.title = firstOf(m.title, textOf(n))
	case atom.H1:
		m.heading = firstOf(m.heading, textOf(n))
	case atom.Time:
		if at := attr(n, "datetime"); at != "" && !slices.Contains(m.times, at) && len(m.times) < maxNames {
			m.times = append(m.times, at)
		}
	case atom.Script:
		if strings.EqualFold(strings.TrimSpace(attr(n, "type")), "application/ld+json") && n.FirstChild != nil {
			script(n.FirstChild.Data)
		}
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		m.walk(c, script)
	}
}

// fill puts into s what the page says; JSON-LD first, then Open Graph and the
// names that Dublin Core and others use.
func (m *metadata) fill(r *Reader, s *sheet) {
	a := m.article
	if a == nil {
		a = &schemaArticle{}
	}
	s.title = plainLine(firstOf(wordOf(a.Headline), m.first("og:title", "dc.title", "dcterms.title", "twitter:title"), m.heading))
	s.date = m.firstDate(append(wordsIn(a.DatePublished), m.all("article:published_time", "datepublished", "og:article:published_time", "dc.date", "dc.date.issued",
		"dcterms.created", "dcterms.issued", "dcterms.date", "date", "pubdate", "publishdate", "publication_date")...))
	s.language = firstOf(r.languageOf(wordOf(a.InLanguage)), r.languageOf(m.first("og:locale", "dc.language", "dcterms.language", "language")), r.languageOf(m.language))
	s.url = firstOf(webURL(m.canonical), webURL(m.first("og:url")), webURL(wordOf(a.URL)), webURL(wordOf(a.MainEntityOfPage)), webURL(wordOf(a.ID)))
	s.summary = m.summaryOf(a)
	for _, name := range slices.Concat(wordsIn(a.Publisher), wordsIn(a.Author), m.all("author", "article:author", "dc.creator", "dcterms.creator", "dc.publisher")) {
		if r.isTopic(news.KindSource, news.CleanLine(name)) {
			s.sources = append(s.sources, name)
		}
	}
	for _, list := range slices.Concat(wordsIn(a.ArticleSection), wordsIn(a.Keywords), wordsIn(a.ContentLocation), m.all("article:section", "article:tag", "keywords", "news_keywords")) {
		for word := range strings.SplitSeq(list, ",") {
			if word = news.CleanLine(word); r.isLabel(word) && !slices.Contains(s.labels, word) {
				s.labels = append(s.labels, word)
			}
		}
	}
	for _, place := range wordsIn(a.LocationCreated) {
		if _, ok := splitPlaces(place, r.knowsPlace, false); ok && len(s.places) < maxPlaces {
			s.places = append(s.places, place)
		}
	}
}

// windowTitle is the title of the head without the name of the site behind it.
func (m *metadata) windowTitle() string {
	title, _, _ := strings.Cut(m.title, " | ")
	return title
}

// isLabel reports whether a keyword names a topic; the keywords of a page hold
// much else, of which it is not worth warning.
func (r *Reader) isLabel(word string) bool {
	return r.isTopic(news.KindField, word) || r.isTopic(news.KindSource, word) || r.isTopic(news.KindCountry, word) || r.isTopic(news.KindType, word)
}

// summaryOf is the description of a page, unless it is cut or long.
func (m *metadata) summaryOf(a *schemaArticle) string {
	text := plainLine(firstOf(wordOf(a.Description), m.first("og:description", "description", "dcterms.abstract")))
	if breaksOff(text) || len(text) > 4*maxSummary {
		return ""
	}
	return text
}

// firstDate is the first that can be read; else the only one of a time element.
func (m *metadata) firstDate(dates []string) string {
	if len(m.times) == 1 {
		dates = append(dates, m.times[0])
	}
	for _, d := range dates {
		if _, _, ok := parseDate(d); ok {
			return d
		}
	}
	return ""
}

func (m *metadata) all(names ...string) []string {
	var out []string
	for _, name := range names {
		out = append(out, m.meta[name]...)
	}
	return out
}

func (m *metadata) first(names ...string) string { return firstOf(m.all(names...)...) }

// schemaArticles finds the articles of a JSON-LD script: its object, those of a
// list, and those of a graph. Broken scripts are passed.
func schemaArticles(script []byte) []schemaArticle {
	var values []json.RawMessage
	if json.Unmarshal(script, &values) != nil {
		values = []json.RawMessage{script}
	}
	var out []schemaArticle
	for _, value := range values[:min(len(values), maxGraph)] {
		var graph struct {
			Graph []json.RawMessage `json:"@graph"`
		}
		if json.Unmarshal(value, &graph) != nil {
			continue
		}
		for _, node := range append(graph.Graph[:min(len(graph.Graph), maxGraph)], value) {
			var a schemaArticle
			if json.Unmarshal(node, &a) == nil && a.isArticle() {
				out = append(out, a)
			}
		}
	}
	return out
}

func (a *schemaArticle) isArticle() bool {
	return slices.ContainsFunc(wordsIn(a.Types), func(t string) bool {
		return strings.HasSuffix(t, "Article") || strings.HasSuffix(t, "BlogPosting")
	})
}

// wordsIn lists the words of a schema.org value: a text itself, the name or
// address of an object, those of a list.
func wordsIn(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		for _, key := range []string{"name", "@value", "@id", "url", "alternateName"} {
			if s, ok := v[key].(string); ok && s != "" {
				return []string{s}
			}
		}
	case []any:
		var out []string
		for _, e := range v[:min(len(v), maxNames)] {
			if _, nested := e.([]any); !nested {
				out = append(out, wordsIn(e)...)
			}
		}
		return out
	}
	return nil
}

func wordOf(v any) string { return firstOf(wordsIn(v)...) }

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

// textOf is the text within an element, on one line.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return news.CleanLine(b.String())
}
