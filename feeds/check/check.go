// Package check holds a feed document against what its specification demands
// and what validators warn of: RSS 2.0 with the RSS Advisory Board's best
// practices, Atom (RFC 4287) with tombstones (RFC 6721), JSON Feed 1.1, and the
// links of paged and archived feeds (RFC 5005). It judges the document as it was
// sent, and knows nothing of how it was made.
package check

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Report is what a document says of itself, and what is wrong with it.
type Report struct {
	Problems []string // one sentence each; none for a document that is as it should be
	IDs      []string // of its entries and tombstones, in order
	Self     string   // where it says it is
	// Previous is the next older document of its archive, Next the next newer one,
	// Current the document that changes; each empty where there is none.
	Previous, Next, Current string
	Complete                bool // it says that it holds everything
}

// Document checks a document in one of the formats "rss", "atom" and "json".
func Document(format string, doc []byte) Report {
	switch format {
	case "rss":
		return checkRSS(doc)
	case "atom":
		return checkAtom(doc)
	}
	return checkJSON(doc)
}

func (p *Report) unless(ok bool, format string, args ...any) {
	if !ok {
		p.Problems = append(p.Problems, fmt.Sprintf(format, args...))
	}
}

func (p *Report) distinct(what string, ids []string) {
	ids = slices.Sorted(slices.Values(ids))
	p.unless(len(slices.Compact(slices.Clone(ids))) == len(ids), "%s stand twice: %q", what, ids)
}

type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e element) all(space, local string) []element {
	var out []element
	for _, c := range e.Children {
		if c.XMLName == (xml.Name{Space: space, Local: local}) {
			out = append(out, c)
		}
	}
	return out
}

func (e element) one(p *Report, space, local string) element {
	found := e.all(space, local)
	p.unless(len(found) == 1, "%s has %d elements %s, wants 1", e.XMLName.Local, len(found), local)
	if len(found) == 0 {
		return element{}
	}
	return found[0]
}

func (e element) attr(local string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

const (
	nsAtom    = "http://www.w3.org/2005/Atom"
	nsAt      = "http://purl.org/atompub/tombstones/1.0"
	nsHistory = "http://purl.org/syndication/history/1.0"
	nsContent = "http://purl.org/rss/1.0/modules/content/"
	nsDC      = "http://purl.org/dc/elements/1.1/"
)

func parse(p *Report, doc []byte) element {
	var root element
	err := wellFormed(doc)
	p.unless(err == nil, "not well-formed: %v", err)
	err = xml.Unmarshal(doc, &root)
	p.unless(err == nil, "not XML: %v", err)
	return root
}

func checkRSS(doc []byte) (p Report) {
	root := parse(&p, doc)
	p.unless(root.XMLName.Local == "rss" && root.attr("version") == "2.0", "the root is %v", root.XMLName)
	ch := root.one(&p, "", "channel")
	p.unless(ch.one(&p, "", "title").Text != "", "no title")
	p.unless(ch.one(&p, "", "description").Text != "", "no description")
	p.unless(absolute(ch.one(&p, "", "link").Text), "the link is not absolute")
	checkHistory(&p, &ch, "application/rss+xml")
	_, err := mail.ParseDate(ch.one(&p, "", "lastBuildDate").Text)
	p.unless(err == nil, "lastBuildDate: %v", err)
	p.unless(ch.one(&p, "", "ttl").Text == "5", "the ttl is not five minutes")
	var ids []string
	for _, item := range ch.all("", "item") {
		ids = append(ids, checkRSSItem(&p, &item))
	}
	p.IDs = ids
	p.distinct("guids", ids)
	return p
}

// checkHistory looks at the links of a document and what they say together (RFC
// 5005), and returns them.
func checkHistory(p *Report, feed *element, mediaType string) map[string]string {
	rels := map[string]string{}
	for _, l := range feed.all(nsAtom, "link") {
		rel := l.attr("rel")
		_, twice := rels[rel]
		p.unless(!twice && rel != "", "the link %q stands twice", rel)
		p.unless(absolute(l.attr("href")), "the link %s is not absolute", rel)
		p.unless(l.attr("type") == mediaType || rel == "hub" && l.attr("type") == "" || rel == "alternate" && l.attr("type") == "text/html", "the link %s leads to %s", rel, l.attr("type"))
		rels[rel] = l.attr("href")
	}
	archive, complete := len(feed.all(nsHistory, "archive")), len(feed.all(nsHistory, "complete"))
	p.unless(archive+complete <= 1, "%d archive and %d complete", archive, complete)
	p.unless(rels["self"] != "", "no link to itself")
	p.unless((rels["current"] != "") == (archive == 1), "current is %q in a document with %d archive", rels["current"], archive)
	p.unless(archive == 1 || rels["next-archive"] == "", "a current document has the next %q", rels["next-archive"])
	p.unless(complete == 0 || rels["prev-archive"] == "", "a complete document leads to %q", rels["prev-archive"])
	p.Self, p.Previous, p.Next, p.Current, p.Complete = rels["self"], rels["prev-archive"], rels["next-archive"], rels["current"], complete == 1
	return rels
}

func checkRSSItem(p *Report, item *element) string {
	title := item.one(p, "", "title").Text
	p.unless(title != "" && !strings.Contains(title, "</"), "the title %q is empty or looks like HTML", title)
	p.unless(absolute(item.one(p, "", "link").Text), "%s: the link is not absolute", title)
	guid := item.one(p, "", "guid")
	p.unless(guid.attr("isPermaLink") == "false" && strings.HasPrefix(guid.Text, "urn:uuid:"), "%s: the guid is %q", title, guid.Text)
	_, err := mail.ParseDate(item.one(p, "", "pubDate").Text)
	p.unless(err == nil, "%s: pubDate: %v", title, err)
	p.unless(len(item.all("", "author")) == 0, "%s: author must be an e-mail address", title)
	p.unless(len(item.all(nsDC, "creator")) > 0, "%s: no dc:creator", title)
	enclosures := item.all("", "enclosure")
	p.unless(len(enclosures) <= 1, "%s: %d enclosures", title, len(enclosures))
	for _, e := range enclosures {
		p.unless(absolute(e.attr("url")) && e.attr("length") != "" && strings.Contains(e.attr("type"), "/"), "%s: the enclosure %v", title, e.Attrs)
	}
	for _, c := range item.all("", "category") {
		p.unless(absolute(c.attr("domain")) && c.Text != "", "%s: the category %q has the domain %q", title, c.Text, c.attr("domain"))
	}
	place := func(space, local string) int {
		return slices.IndexFunc(item.Children, func(c element) bool { return c.XMLName == xml.Name{Space: space, Local: local} })
	}
	item.one(p, "", "description")
	if full := place(nsContent, "encoded"); full >= 0 {
		p.unless(place("", "description") < full, "%s: content:encoded stands before description", title)
	}
	return guid.Text
}

func checkAtom(doc []byte) (p Report) {
	root := parse(&p, doc)
	p.unless(root.XMLName == xml.Name{Space: nsAtom, Local: "feed"}, "the root is %v", root.XMLName)
	p.unless(root.attr("lang") != "", "no xml:lang")
	feed := checkAtomCommon(&p, &root)
	p.unless(root.one(&p, nsAtom, "author").one(&p, nsAtom, "name").Text != "", "no author")
	p.unless(checkHistory(&p, &root, "application/atom+xml")["alternate"] != "", "no link to its page")
	var ids []string
	for _, e := range root.all(nsAtom, "entry") {
		updated := checkAtomCommon(&p, &e)
		p.unless(!updated.After(feed), "an entry is newer than its feed")
		ids = append(ids, checkAtomEntry(&p, &e))
	}
	for _, d := range root.all(nsAt, "deleted-entry") {
		when, err := time.Parse(time.RFC3339, d.attr("when"))
		p.unless(err == nil && !when.After(feed), "the tombstone's time %q: %v", d.attr("when"), err)
		p.unless(d.one(&p, nsAt, "comment").Text != "", "a tombstone without reason")
		ids = append(ids, d.attr("ref"))
	}
	p.IDs = ids
	p.distinct("ids", append(ids, root.one(&p, nsAtom, "id").Text))
	return p
}

func checkAtomCommon(p *Report, e *element) time.Time {
	p.unless(e.one(p, nsAtom, "id").Text != "", "no id")
	p.unless(e.one(p, nsAtom, "title").Text != "", "no title")
	t, err := time.Parse(time.RFC3339, e.one(p, nsAtom, "updated").Text)
	p.unless(err == nil, "updated: %v", err)
	return t
}

func checkAtomEntry(p *Report, e *element) string {
	id := e.one(p, nsAtom, "id").Text
	p.unless(strings.HasPrefix(id, "urn:uuid:"), "the id is %q", id)
	_, err := time.Parse(time.RFC3339, e.one(p, nsAtom, "published").Text)
	p.unless(err == nil, "%s: published: %v", id, err)
	p.unless(len(e.all(nsAtom, "author")) > 0, "%s: no author", id)
	p.unless(e.attr("lang") != "", "%s: no xml:lang", id)
	p.unless(e.one(p, nsAtom, "content").attr("type") == "html", "%s: the content has no type", id)
	p.unless(e.one(p, nsAtom, "summary").attr("type") != "", "%s: the summary has no type", id)
	var alternates []string // by type and language at most one (RFC 4287 section 4.1.1)
	for _, l := range e.all(nsAtom, "link") {
		p.unless(absolute(l.attr("href")) && l.attr("type") != "", "%s: the link %v", id, l.Attrs)
		p.unless(slices.Contains([]string{"alternate", "via", "enclosure"}, l.attr("rel")), "%s: the relation %s", id, l.attr("rel"))
		if l.attr("rel") == "alternate" {
			alternates = append(alternates, l.attr("type")+" "+l.attr("hreflang"))
		}
	}
	p.unless(len(alternates) > 0, "%s: no alternate link", id)
	p.distinct("alternates", alternates)
	for _, c := range e.all(nsAtom, "category") {
		p.unless(c.attr("term") != "" && absolute(c.attr("scheme")) && c.attr("label") != "", "%s: the category %v", id, c.Attrs)
	}
	return id
}

func checkJSON(doc []byte) (p Report) {
	var feed struct {
		Version string `json:"version"`
		Title   string `json:"title"`
		Home    string `json:"home_page_url"`
		Feed    string `json:"feed_url"`
		Next    string `json:"next_url"`
		History struct {
			Complete bool   `json:"complete"`
			Archive  bool   `json:"archive"`
			Current  string `json:"current_url"`
			Previous string `json:"prev_archive_url"`
			Next     string `json:"next_archive_url"`
		} `json:"_dateline"`
		Items []struct {
			ID        string `json:"id"`
			URL       string `json:"url"`
			Content   string `json:"content_html"`
			Published string `json:"date_published"`
			Modified  string `json:"date_modified"`
			Authors   []struct {
				Name string `json:"name"`
			} `json:"authors"`
			Dateline struct {
				About    string `json:"about"`
				Revision int    `json:"revision"`
			} `json:"_dateline"`
		} `json:"items"`
	}
	err := json.Unmarshal(doc, &feed)
	p.unless(err == nil, "not JSON: %v", err)
	p.unless(feed.Version == "https://jsonfeed.org/version/1.1" && feed.Title != "", "version %q, title %q", feed.Version, feed.Title)
	p.unless(absolute(feed.Home) && absolute(feed.Feed), "links %q, %q", feed.Home, feed.Feed)
	p.unless(feed.Items != nil, "no items")
	h := feed.History
	p.unless(feed.Next == h.Previous && (h.Previous == "" || absolute(h.Previous)), "next_url %q, prev_archive_url %q", feed.Next, h.Previous)
	p.unless(!h.Complete || h.Previous == "" && !h.Archive, "complete, yet %q", h.Previous)
	p.Self, p.Previous, p.Next, p.Current, p.Complete = feed.Feed, feed.Next, h.Next, h.Current, h.Complete
	p.unless(h.Archive == absolute(h.Current) && (h.Archive || h.Next == ""), "an archive %v, current %q, next %q", h.Archive, h.Current, h.Next)
	var ids []string
	for _, i := range feed.Items {
		ids = append(ids, i.ID)
		p.unless(strings.HasPrefix(i.ID, "urn:uuid:") && absolute(i.URL) && i.Content != "", "item %q, %q, %q", i.ID, i.URL, i.Content)
		for _, s := range []string{i.Published, i.Modified} {
			_, err := time.Parse(time.RFC3339, s)
			p.unless(err == nil, "%s: %v", i.ID, err)
		}
		p.unless(len(i.Authors) > 0 && absolute(i.Dateline.About) && i.Dateline.Revision > 0, "%s: authors %v, extension %v", i.ID, i.Authors, i.Dateline)
	}
	p.IDs = ids
	p.distinct("ids", ids)
	return p
}

// wellFormed reads a document to its end as XML.
func wellFormed(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func absolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
