package render

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"dateline/publisher/news"
)

// Version is part of every ETag. Raise it with every change of the bytes that
// the same release gives.
const Version = 2

// Format is a format of feeds; its value is the extension in URLs.
type Format string

// The formats.
const (
	RSS  Format = "rss"
	Atom Format = "atom"
	JSON Format = "json"
)

// Formats lists the formats in the order in which pages offer them.
var Formats = []Format{RSS, Atom, JSON}

// Name is the format's name for people.
func (f Format) Name() string {
	return map[Format]string{RSS: "RSS", Atom: "Atom", JSON: "JSON Feed"}[f]
}

// MediaType is the format's media type without parameters.
func (f Format) MediaType() string {
	if f == JSON {
		return "application/feed+json"
	}
	return "application/" + string(f) + "+xml"
}

// ContentType is what a response carries. JSON has no charset parameter
// (RFC 8259 section 11).
func (f Format) ContentType() string {
	if f == JSON {
		return f.MediaType()
	}
	return f.MediaType() + "; charset=utf-8"
}

// Separator stands between two items.
func (f Format) Separator() string {
	if f == JSON {
		return ",\n"
	}
	return ""
}

// TTL is how long a reader may keep a document before it asks again.
const TTL = 5 * time.Minute

// Epoch is the time of change of a feed that never had a release: fixed, so
// that an empty document is the same everywhere and always.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Feed is what the head of a document says.
type Feed struct {
	Path        string // canonical path below /feeds/, without extension
	Title       string
	Description string
	Language    string // language of all items, empty when mixed

	// Complete says that the document has all releases of the feed (RFC 5005
	// section 2). Then there are no links to archives.
	Complete bool
	// Archive is the name of an archive document (RFC 5005 section 4); empty for
	// the current document.
	Archive string
	// Previous and Next are the names of the archive documents that hold what is
	// older and newer; empty where there is none.
	Previous, Next string
	// Hub is the address of the WebSub hub that tells of changes; empty for none.
	Hub string
}

// Frame is what stands before and after the items of a document. It stays the
// same while the time of change moves.
type Frame struct {
	before, after, foot []byte
	layout              string // of the time of change between before and after
}

// Head is the part before the items of a feed that last changed at updated;
// [Epoch] stands for never.
func (f *Frame) Head(updated time.Time) []byte {
	b := make([]byte, 0, len(f.before)+len(f.layout)+len(f.after)+8)
	b = append(b, f.before...)
	b = updated.UTC().AppendFormat(b, f.layout)
	return append(b, f.after...)
}

// Parts are Head in three: only the second depends on the time.
func (f *Frame) Parts(updated time.Time) (before, stamp, after []byte) {
	return f.before, updated.UTC().AppendFormat(nil, f.layout), f.after
}

// Foot is the part behind the items.
func (f *Frame) Foot() []byte { return f.foot }

// cut makes a frame of a document without items: it ends before end, and its
// time of change is the sentinel.
func cut(doc []byte, end, layout string) (Frame, error) {
	i := bytes.LastIndex(doc, []byte(end))
	if i < 0 {
		return Frame{}, errors.New("render: the document does not end as it should")
	}
	stamp := sentinel.Format(layout)
	before, after, found := bytes.Cut(doc[:i], []byte(stamp))
	if !found {
		return Frame{}, errors.New("render: the document has no time of change")
	}
	return Frame{before, bytes.Clone(after), bytes.Clone(doc[i:]), layout}, nil
}

// sentinel stands in a document where its time of change belongs. It is a time
// that no text names in these forms.
var sentinel = time.Date(1, 2, 3, 4, 5, 6, 0, time.UTC)

const (
	layoutRFC3339 = "2006-01-02T15:04:05.999Z"
	layoutRFC822  = "Mon, 02 Jan 2006 15:04:05 GMT"
)

// Renderer renders for one publisher. It may be used by many goroutines.
type Renderer struct {
	taxonomy  *news.Taxonomy
	base      string // without a slash at the end
	publisher string
}

// New makes a renderer. base is the address of the pages, without a slash at
// the end; publisher is the name of who publishes.
func New(t *news.Taxonomy, base, publisher string) *Renderer {
	return &Renderer{taxonomy: t, base: base, publisher: publisher}
}

// Translation is a release that tells the same story in another language.
type Translation struct {
	ID, Language string
	Slug         string // of its title, may be empty
}

func (r *Renderer) translationURL(v Translation) string {
	if v.Slug == "" {
		return r.base + "/releases/" + v.ID
	}
	return r.base + "/releases/" + v.ID + "/" + v.Slug
}

// Item renders one release, and where formats can say it, its versions in other
// languages, one for each. A withdrawn one becomes a short notice under the same id.
func (r *Renderer) Item(f Format, rel *news.Release, others ...Translation) ([]byte, error) {
	switch f {
	case RSS:
		return r.rssItem(rel)
	case Atom:
		return r.atomItem(rel, others)
	case JSON:
		return r.jsonItem(rel, others)
	}
	return nil, fmt.Errorf("render %s: no such format", f)
}

// Frame renders what stands before and after the items.
func (r *Renderer) Frame(f Format, feed Feed) (Frame, error) {
	switch f {
	case RSS:
		return r.rssFrame(feed)
	case Atom:
		return r.atomFrame(feed)
	case JSON:
		return r.jsonFrame(feed)
	}
	return Frame{}, fmt.Errorf("render %s: no such format", f)
}

func (r *Renderer) pageURL(feed Feed) string { return r.base + "/feeds/" + feed.Path }

// documentURL is where a document of the feed is: the current one when name is
// empty, else that of the archive.
func (r *Renderer) documentURL(feed Feed, name string, f Format) string {
	if name == "" {
		return r.pageURL(feed) + "." + string(f)
	}
	return r.pageURL(feed) + ArchivePath + name + "." + string(f)
}

// ArchivePath stands in paths between a selection and the name of a document of
// its archive.
const ArchivePath = "/archive/"

// relation is a link of a document to another one of the same feed.
type relation struct{ rel, href string }

// relations are the links of a document, its own address first.
func (r *Renderer) relations(feed Feed, f Format) []relation {
	out := []relation{{"self", r.documentURL(feed, feed.Archive, f)}}
	if feed.Archive != "" {
		out = append(out, relation{"current", r.documentURL(feed, "", f)})
	}
	if feed.Previous != "" {
		out = append(out, relation{"prev-archive", r.documentURL(feed, feed.Previous, f)})
	}
	if feed.Next != "" {
		out = append(out, relation{"next-archive", r.documentURL(feed, feed.Next, f)})
	}
	if feed.Hub != "" {
		out = append(out, relation{"hub", feed.Hub})
	}
	return out
}

// typeOf is the media type of what a relation leads to, where it is known.
func (l relation) typeOf(f Format) string {
	if l.rel == "hub" {
		return ""
	}
	return f.MediaType()
}

// historyNamespace is of RFC 5005.
const historyNamespace = "http://purl.org/syndication/history/1.0"

// history says what kind of document it is. Each mark brings its namespace along.
type history struct {
	Complete *mark `xml:"fh:complete"`
	Archive  *mark `xml:"fh:archive"`
}

type mark struct {
	FH string `xml:"xmlns:fh,attr"`
}

func historyOf(feed Feed) history {
	var h history
	if feed.Complete {
		h.Complete = &mark{historyNamespace}
	}
	if feed.Archive != "" {
		h.Archive = &mark{historyNamespace}
	}
	return h
}

func uuid(rel *news.Release) string { return "urn:uuid:" + rel.ID }

// label is a topic of a release as formats show it.
type label struct {
	scheme, term, name string
}

// labels lists the fields, countries by role, sources and the type of a release.
func (r *Renderer) labels(rel *news.Release) []label {
	out := make([]label, 0, len(rel.Fields)+len(rel.Countries)+len(rel.Sources)+1)
	add := func(k news.TopicKind, role news.Role, slug string) {
		scheme := r.base + "/topics#" + string(k)
		if role != "" {
			scheme += "-" + string(role)
		}
		l := label{scheme, clean(slug), clean(r.taxonomy.Name(k, slug))}
		for _, have := range out {
			if have == l {
				return
			}
		}
		out = append(out, l)
	}
	for _, f := range rel.Fields {
		add(news.KindField, "", f.Slug)
	}
	for _, c := range rel.Countries {
		add(news.KindCountry, c.Role, c.Slug)
	}
	for _, s := range rel.Sources {
		add(news.KindSource, "", s.Slug)
	}
	if rel.Type != "" {
		add(news.KindType, "", rel.Type)
	}
	return out
}

// authors are the sources of a release, or the publisher when it names none.
func (r *Renderer) authors(rel *news.Release) []string {
	var out []string
	for _, s := range rel.SourceSlugs() {
		out = append(out, clean(r.taxonomy.Name(news.KindSource, s)))
	}
	if len(out) == 0 {
		out = []string{clean(r.publisher)}
	}
	return out
}

// rfc3339 writes a time in UTC with its milliseconds, where it has some: two
// releases of one second stay apart, and a republication is later than the
// withdrawal before it.
func rfc3339(t time.Time) string { return t.UTC().Format(layoutRFC3339) }

func rfc822(t time.Time) string { return t.UTC().Format(layoutRFC822) }
