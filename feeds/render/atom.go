package render

import (
	"encoding/xml"

	"dateline/publisher/news"

	"github.com/gorilla/feeds"
)

const (
	atomNamespace      = "http://www.w3.org/2005/Atom"
	tombstoneNamespace = "http://purl.org/atompub/tombstones/1.0" // RFC 6721
)

type atomFeed struct {
	Lang     string  `xml:"xml:lang,attr"`
	Title    xmlText `xml:"title"`
	Subtitle xmlText `xml:"subtitle"`
	feeds.AtomFeed
	Link      []feeds.AtomLink `xml:"link"`
	Generator string           `xml:"generator"`
	history
}

// FeedXml is what feeds.ToXML writes; without it the method of the embedded
// feed would be taken and our fields dropped.
func (f *atomFeed) FeedXml() any { return f } //nolint:revive // the name is gorilla's

type atomEntry struct {
	Lang  string  `xml:"xml:lang,attr"`
	Title xmlText `xml:"title"`
	feeds.AtomEntry
	Summary  xmlText            `xml:"summary"`
	Author   []feeds.AtomAuthor `xml:"author"`
	Links    []entryLink        `xml:"link"`
	Category []atomCategory     `xml:"category"`
}

type entryLink struct {
	feeds.AtomLink
	HrefLang string `xml:"hreflang,attr,omitempty"`
	Title    string `xml:"title,attr,omitempty"`
}

type atomCategory struct {
	Term   string `xml:"term,attr"`
	Scheme string `xml:"scheme,attr"`
	Label  string `xml:"label,attr"`
}

// tombstone says that an entry is gone (RFC 6721 section 3). It brings its
// namespace along: a feed without one does not name what validators do not know.
type tombstone struct {
	XMLName xml.Name  `xml:"at:deleted-entry"`
	At      string    `xml:"xmlns:at,attr"`
	Ref     string    `xml:"ref,attr"`
	When    string    `xml:"when,attr"`
	Link    entryLink `xml:"link"`
	Comment xmlText   `xml:"at:comment"`
}

func (r *Renderer) atomItem(rel *news.Release, others []Translation) ([]byte, error) {
	page := entryLink{AtomLink: feeds.AtomLink{Href: news.ReleaseURL(r.base, rel.ID, rel.Title), Rel: "alternate", Type: "text/html"}, HrefLang: clean(rel.Language)}
	if rel.Status == news.Withdrawn {
		return xmlItem(tombstone{
			At: tombstoneNamespace, Ref: uuid(rel), When: rfc3339(rel.UpdatedAt), Link: page, Comment: typed(title(rel) + ". Reason: " + cleanLine(rel.Reason) + r.instead(rel)),
		}, "  ")
	}
	e := atomEntry{
		AtomEntry: feeds.AtomEntry{
			Id: uuid(rel), Updated: rfc3339(rel.UpdatedAt), Published: rfc3339(rel.PublishedAt),
			Content: &feeds.AtomContent{Type: "html", Content: Body(rel)},
		},
		Lang: language(rel.Language), Title: typed(title(rel)), Summary: typed(Summary(rel)), Links: []entryLink{page},
	}
	for _, o := range others {
		e.Links = append(e.Links, entryLink{AtomLink: feeds.AtomLink{Href: r.translationURL(o), Rel: "alternate", Type: "text/html"}, HrefLang: clean(o.Language)})
	}
	for _, f := range filesOf(rel) {
		e.Links = append(e.Links, entryLink{AtomLink: feeds.AtomLink{Href: f.url, Rel: "enclosure", Type: f.mediaType}, Title: f.title})
	}
	if via := address(rel.URL); via != "" {
		e.Links = append(e.Links, entryLink{AtomLink: feeds.AtomLink{Href: via, Rel: "via", Type: "text/html"}})
	}
	for _, name := range r.authors(rel) {
		e.Author = append(e.Author, feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: name}})
	}
	for _, l := range r.labels(rel) {
		e.Category = append(e.Category, atomCategory{l.term, l.scheme, l.name})
	}
	return xmlItem(e, "  ")
}

func (r *Renderer) atomFrame(feed Feed) (Frame, error) {
	doc := atomFeed{
		AtomFeed: feeds.AtomFeed{
			Xmlns: atomNamespace, Id: r.pageURL(feed), Updated: rfc3339(sentinel),
			Author: &feeds.AtomAuthor{AtomPerson: feeds.AtomPerson{Name: clean(r.publisher), Uri: r.base + "/"}},
		},
		Lang: "en", Title: typed(clean(feed.Title)), Subtitle: typed(clean(feed.Description)), Generator: "Dateline",
		history: historyOf(feed),
	}
	for _, l := range r.relations(feed, Atom) {
		doc.Link = append(doc.Link, feeds.AtomLink{Href: l.href, Rel: l.rel, Type: l.typeOf(Atom)})
	}
	doc.Link = append(doc.Link, feeds.AtomLink{Href: r.pageURL(feed), Rel: "alternate", Type: "text/html"})
	return xmlFrame(&doc, "</feed>", layoutRFC3339)
}

// language is a release's language, "und" (BCP 47) when it names none, because
// it must not inherit that of the feed.
func language(l string) string {
	if l = clean(l); l != "" {
		return l
	}
	return "und"
}
