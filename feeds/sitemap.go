package feeds

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"dateline/feeds/index"
	"dateline/feeds/site"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

const (
	mapType   = "application/xml; charset=utf-8"
	textType  = "text/plain; charset=utf-8"
	mapSpace  = "http://www.sitemaps.org/schemas/sitemap/0.9"
	newsSpace = "http://www.google.com/schemas/sitemap-news/0.9"

	newsAge    = 48 * time.Hour // how long a release is news
	maxNewsMap = 1000           // releases in the map of news
	fullPart   = 40_000         // releases in a part of the map on average; more part it finer, because 50,000 are the limit
)

// forMachines answers for what crawlers and browsers look for at fixed places.
// It reports whether there is something at the path.
func (f *Feeds) forMachines(w http.ResponseWriter, r *http.Request, path string) (bool, error) {
	h := w.Header()
	name, isMap := strings.CutPrefix(path, "/sitemap")
	if isMap {
		h.Set("Content-Type", mapType)
	}
	switch prefix, isPart := strings.CutPrefix(name, "-releases-"); {
	case path == "/robots.txt":
		h.Set("Content-Type", textType)
		return true, f.listing(w, r, path, pageAge, func() ([]byte, error) { return f.robots(), nil })
	case isMap && name == ".xml":
		return true, f.listing(w, r, path, pageAge, f.mapIndex)
	case isMap && name == "-pages.xml":
		return true, f.listing(w, r, path, pageAge, f.mapOfPages)
	case isMap && name == "-news.xml":
		return true, f.serveNewsMap(w, r)
	case isMap && isPart && strings.HasSuffix(prefix, ".xml"):
		return true, f.listing(w, r, path, pageAge, func() ([]byte, error) { return f.mapOfReleases(strings.TrimSuffix(prefix, ".xml")) })
	}
	for _, icon := range page.Icons() {
		if path == icon.Path {
			h.Set("Content-Type", icon.Type)
			return true, f.listing(w, r, path, 24*time.Hour, func() ([]byte, error) { return icon.Bytes, nil })
		}
	}
	h.Del("Content-Type")
	return false, nil
}

func (f *Feeds) robots() []byte {
	return fmt.Appendf(nil, "User-agent: *\nDisallow: %s\n\nSitemap: %s\nSitemap: %s\n", f.look.Path("/api/"), f.look.URL("/sitemap.xml"), f.look.URL("/sitemap-news.xml"))
}

// urlset is a part of the map (sitemaps.org).
type urlset struct {
	XMLName xml.Name `xml:"urlset"`
	Space   string   `xml:"xmlns,attr"`
	Links   string   `xml:"xmlns:xhtml,attr,omitempty"`
	News    string   `xml:"xmlns:news,attr,omitempty"`
	URLs    []place  `xml:"url"`
}

type place struct {
	Loc     string     `xml:"loc"`
	Lastmod string     `xml:"lastmod,omitempty"`
	Twins   []twin     `xml:"xhtml:link"`
	News    *newsEntry `xml:"news:news"`
}

type twin struct {
	Rel      string `xml:"rel,attr"`
	Language string `xml:"hreflang,attr"`
	Href     string `xml:"href,attr"`
}

type newsEntry struct {
	Name     string `xml:"news:publication>news:name"`
	Language string `xml:"news:publication>news:language"`
	Date     string `xml:"news:publication_date"`
	Title    string `xml:"news:title"`
}

// mapIndex leads to the parts.
type mapIndex struct {
	XMLName xml.Name `xml:"sitemapindex"`
	Space   string   `xml:"xmlns,attr"`
	Parts   []place  `xml:"sitemap"`
}

// parts are the releases that have a page, by the first digits of their ids, so
// that what comes later changes only the part it falls into.
func (f *Feeds) parts() map[string][]*index.Entry {
	all := f.index.Entries()
	digits := partDigits(len(all))
	out := map[string][]*index.Entry{}
	for _, e := range all {
		if !e.Withdrawn {
			out[e.ID[:digits]] = append(out[e.ID[:digits]], e)
		}
	}
	return out
}

// partDigits is how many digits part a number of releases finely enough.
func partDigits(releases int) int {
	digits := 1
	for n := releases; n > fullPart*16; n /= 16 {
		digits++
	}
	return digits
}

func (f *Feeds) mapIndex() ([]byte, error) {
	m := mapIndex{Space: mapSpace, Parts: []place{{Loc: f.look.URL("/sitemap-pages.xml"), Lastmod: stamp(f.index.Window(f.index.Query(news.Selection{Routine: true}), f.limits).Changed)}}}
	for prefix, part := range f.parts() {
		newest := slices.MaxFunc(part, func(a, b *index.Entry) int { return cmp.Compare(a.Updated, b.Updated) })
		m.Parts = append(m.Parts, place{Loc: f.look.URL("/sitemap-releases-" + prefix + ".xml"), Lastmod: stamp(time.UnixMilli(newest.Updated))})
	}
	slices.SortFunc(m.Parts, func(a, b place) int { return strings.Compare(a.Loc, b.Loc) })
	return writeXML(m)
}

func (f *Feeds) mapOfReleases(prefix string) ([]byte, error) {
	part, ok := f.parts()[prefix]
	if !ok {
		return nil, news.Problemf(news.NotFound, "the map of this site has no part %s; its parts are listed in /sitemap.xml", prefix)
	}
	m := urlset{Space: mapSpace}
	for _, e := range part {
		m.URLs = append(m.URLs, place{Loc: f.look.URL(releasePath(e)), Lastmod: stamp(time.UnixMilli(e.Updated))})
	}
	slices.SortFunc(m.URLs, func(a, b place) int { return strings.Compare(a.Loc, b.Loc) })
	return writeXML(m)
}

// mapOfPages lists the pages that stay and those of topics that hold something.
func (f *Feeds) mapOfPages() ([]byte, error) {
	all := f.index.Window(f.index.Query(news.Selection{}), f.limits).Changed
	m := urlset{Space: mapSpace, Links: "http://www.w3.org/1999/xhtml"}
	f.addTwins(&m, "/", all)
	f.addTwins(&m, "/feeds", all)
	f.addTwins(&m, "/topics", all)
	f.addTwins(&m, "/about-feeds", time.Time{})
	f.addTwins(&m, "/feeds/all", all)
	for _, k := range news.TopicKinds {
		for _, t := range slices.Concat(f.cfg.Taxonomy.Topics(k), f.cfg.Taxonomy.Groups(k)) {
			s := site.With(news.Selection{}, k, []string{t.Slug})
			if w := f.index.Window(f.index.Query(s), f.limits); len(w.Entries) > 0 && f.ended(&s) == nil {
				f.addTwins(&m, "/feeds/"+s.Path(), w.Changed)
			}
		}
	}
	return writeXML(m)
}

// addTwins adds a page in every language it has.
func (f *Feeds) addTwins(m *urlset, path string, changed time.Time) {
	paths, links := []string{path}, []twin{}
	for i, l := range page.Languages() {
		in := page.InLanguage(l, path)
		if i > 0 && in != path {
			paths = append(paths, in)
		}
		links = append(links, twin{"alternate", l, f.look.URL(in)})
	}
	if len(paths) == 1 {
		links = nil
	}
	for _, p := range paths {
		m.URLs = append(m.URLs, place{Loc: f.look.URL(p), Lastmod: stamp(changed), Twins: links})
	}
}

// serveNewsMap answers with the map of what was released in the last two days.
func (f *Feeds) serveNewsMap(w http.ResponseWriter, r *http.Request) error {
	since := f.cfg.Now().Add(-newsAge).UnixMilli()
	recent := slices.DeleteFunc(f.index.Entries(), func(e *index.Entry) bool { return e.Withdrawn || e.Routine || e.Published < since })
	slices.SortFunc(recent, func(a, b *index.Entry) int {
		return cmp.Or(cmp.Compare(b.Published, a.Published), cmp.Compare(a.ID, b.ID))
	})
	recent = recent[:min(len(recent), maxNewsMap)]
	var state []byte
	for _, e := range recent {
		state = fmt.Appendf(state, "%s:%d ", e.ID, e.Revision)
	}
	tag := hashed(f.pageSeed, state)
	return f.answer(w, r, validators{tag: tag}, pageAge, http.StatusOK, func() (*document, error) {
		return f.keep(r.Context(), "/sitemap-news.xml", tag, func(ctx context.Context) (*document, error) {
			b, err := f.newsMap(ctx, recent)
			return f.page(b, err, tag)
		})
	})
}

func (f *Feeds) newsMap(ctx context.Context, recent []*index.Entry) ([]byte, error) {
	m := urlset{Space: mapSpace, News: newsSpace}
	for _, e := range recent {
		r, err := f.read(ctx, e)
		if err != nil {
			return nil, err
		}
		n := &newsEntry{Name: f.cfg.Title, Language: cmp.Or(e.Language, page.Languages()[0]), Date: r.PublishedAt.Format(time.RFC3339), Title: news.CleanLine(r.Title)}
		if r.DayOnly {
			n.Date = r.PublishedAt.Format(time.DateOnly)
		}
		m.URLs = append(m.URLs, place{Loc: f.look.URL(releasePath(e)), News: n})
	}
	return writeXML(m)
}

// stamp writes a time of the log; what never changed has none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

func writeXML(v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("write a map of the site: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
