package render

import (
	"encoding/xml"
	"html"

	"dateline/publisher/news"

	"github.com/gorilla/feeds"
)

// rss is the root. It is not gorilla's, which knows no atom, dc and dcterms.
type rss struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Atom    string   `xml:"xmlns:atom,attr"`
	Content string   `xml:"xmlns:content,attr"`
	DC      string   `xml:"xmlns:dc,attr"`
	DCTerms string   `xml:"xmlns:dcterms,attr"`
	Channel rssChannel
}

// FeedXml is what feeds.ToXML writes; without it the method of the embedded
// channel would be taken and our fields dropped.
func (r *rss) FeedXml() any { return r } //nolint:revive // the name is gorilla's

type rssChannel struct {
	Title       xmlText `xml:"title"`
	Description xmlText `xml:"description"`
	feeds.RssFeed
	Links []atomLink `xml:"atom:link"`
	history
}

type atomLink struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
}

type rssItem struct {
	Title xmlText `xml:"title"`
	feeds.RssItem
	Creator  []string      `xml:"dc:creator"`
	Language string        `xml:"dc:language,omitempty"`
	Modified string        `xml:"dcterms:modified"`
	Category []rssCategory `xml:"category"`
}

type rssCategory struct {
	Domain string `xml:"domain,attr"`
	Name   string `xml:",chardata"`
}

func (r *Renderer) rssItem(rel *news.Release) ([]byte, error) {
	item := rssItem{
		RssItem: feeds.RssItem{
			Link:        news.ReleaseURL(r.base, rel.ID, rel.Title),
			Description: html.EscapeString(Summary(rel) + r.instead(rel)),
			Guid:        &feeds.RssGuid{Id: uuid(rel), IsPermaLink: "false"},
			PubDate:     rfc822(rel.PublishedAt),
		},
		Title: untyped(title(rel)), Creator: r.authors(rel), Language: clean(rel.Language), Modified: rfc3339(rel.UpdatedAt),
	}
	if rel.Status != news.Withdrawn {
		item.Content = &feeds.RssContent{Content: Body(rel)}
	}
	if files := filesOf(rel); len(files) > 0 { // an item has one at most
		item.Enclosure = &feeds.RssEnclosure{Url: files[0].url, Length: "0", Type: files[0].mediaType} // 0: not known
	}
	for _, l := range r.labels(rel) {
		item.Category = append(item.Category, rssCategory{l.scheme, l.name})
	}
	return xmlItem(item, "    ")
}

func (r *Renderer) rssFrame(feed Feed) (Frame, error) {
	doc := rss{
		Version: "2.0", Atom: "http://www.w3.org/2005/Atom", Content: "http://purl.org/rss/1.0/modules/content/",
		DC: "http://purl.org/dc/elements/1.1/", DCTerms: "http://purl.org/dc/terms/",
		Channel: rssChannel{
			RssFeed: feeds.RssFeed{
				Link: r.pageURL(feed), Language: feed.Language, LastBuildDate: rfc822(sentinel),
				Generator: "Dateline", Docs: "https://www.rssboard.org/rss-specification", Ttl: int(TTL.Minutes()),
			},
			Title: untyped(clean(feed.Title)), Description: untyped(clean(feed.Description)),
			history: historyOf(feed),
		},
	}
	for _, l := range r.relations(feed, RSS) {
		doc.Channel.Links = append(doc.Channel.Links, atomLink{l.href, l.rel, l.typeOf(RSS)})
	}
	return xmlFrame(&doc, "  </channel>", layoutRFC822)
}

// xmlItem renders an element with its indentation and a line feed behind it.
func xmlItem(v any, indent string) ([]byte, error) {
	b, err := xml.MarshalIndent(v, indent, "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// xmlFrame renders a document without items and parts it before its end.
func xmlFrame(doc feeds.XmlFeed, end, layout string) (Frame, error) {
	s, err := feeds.ToXML(doc)
	if err != nil {
		return Frame{}, err
	}
	return cut([]byte(s+"\n"), end, layout)
}
