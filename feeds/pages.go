package feeds

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"dateline/feeds/index"
	"dateline/feeds/render"
	"dateline/feeds/site"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

// pageOf answers for pages that exist in every language. path is without the
// language; it reports whether there is such a page.
func (f *Feeds) pageOf(w http.ResponseWriter, r *http.Request, language, path string) (bool, error) {
	key, s := page.InLanguage(language, path), f.sites[language]
	switch path {
	case "/":
		return true, f.overview(w, r, key, func() ([]byte, error) { return f.frontPage(r.Context(), language) })
	case "/topics":
		return true, f.overview(w, r, key, func() ([]byte, error) { return s.Topics(f.index.Total(), f.index.Count) })
	case "/about-feeds":
		return true, f.overview(w, r, key, s.About)
	case "/feeds":
		return true, f.find(w, r, language)
	case "/topics/", "/about-feeds/", "/feeds/":
		return true, &moved{page.InLanguage(language, strings.TrimSuffix(path, "/"))}
	}
	return false, nil
}

// serveSelectionPage answers with the page of a plan. language is the one in
// front of the path, empty for none.
func (f *Feeds) serveSelectionPage(w http.ResponseWriter, r *http.Request, p *plan, language string) error {
	language, err := spoken(p, language, "/feeds/"+p.path)
	if err != nil {
		return err
	}
	v := f.viewOf(p)
	m := f.measureOf(p, v)
	tag := hashed([]byte(v.pageTag), []byte(language), m.state, []byte(nameOf(v.window.Behind)))
	page.Headers(w.Header())
	return f.answer(w, r, validators{tag: tag}, pageAge, http.StatusOK, func() (*document, error) {
		return f.keep(r.Context(), "page/"+language+"/"+p.path, tag, func(ctx context.Context) (*document, error) {
			items, err := f.itemsOf(ctx, language, v.window.Entries)
			if err != nil {
				return nil, err
			}
			b, err := f.sites[language].Selection(site.Selection{
				Selection: p.selection, Items: items, Older: olderOf(v.window.Behind), Count: m.count, Weekly: m.weekly, Recent: m.recent, Wider: m.wider,
			})
			return f.page(b, err, tag)
		})
	})
}

// spoken is the language of a page about a plan, of which path is the plain
// path and language stands in front; *moved when it should not.
func spoken(p *plan, language, path string) (string, error) {
	own := page.OwnLanguage(p.path)
	switch {
	case own != "" && language != "":
		return "", &moved{path}
	case own != "":
		return own, nil
	case language == "":
		return page.Languages()[0], nil
	}
	return language, nil
}

// inLanguage is page.InLanguage; without a language the path stays.
func inLanguage(language, path string) string {
	if language == "" {
		return path
	}
	return page.InLanguage(language, path)
}

// serveArchivePage answers with the page of a part of a plan's archive. It shows
// releases as they are now, which feeds of an archive do not always.
func (f *Feeds) serveArchivePage(w http.ResponseWriter, r *http.Request, p *plan, a *index.Archive, language string) error {
	path := p.path + render.ArchivePath + a.Part.String()
	language, err := spoken(p, language, "/feeds/"+path)
	if err != nil {
		return err
	}
	entries := make([]*index.Entry, len(a.Entries))
	for i, e := range a.Entries {
		entries[i] = e
		if now, ok := f.index.Find(e.ID); ok {
			entries[i] = now
		}
	}
	tag := hashed(f.pageSeed, fmt.Appendf(nil, "%s %s\n%s %s\n", language, path, nameOf(a.Previous), nameOf(a.Next)), contentOf(entries))
	page.Headers(w.Header())
	return f.answer(w, r, validators{tag: tag}, pageAge, http.StatusOK, func() (*document, error) {
		return f.keep(r.Context(), "page/"+language+"/"+path, tag, func(ctx context.Context) (*document, error) {
			items, err := f.itemsOf(ctx, language, entries)
			if err != nil {
				return nil, err
			}
			b, err := f.sites[language].Archive(site.Archive{
				Selection: p.selection, Part: *olderOf(a.Part), Items: items, Older: olderOf(a.Previous), Newer: olderOf(a.Next),
			})
			return f.page(b, err, tag)
		})
	})
}

// olderOf is a part of an archive as pages know it, nil for none.
func olderOf(p index.Part) *site.Part {
	if p == (index.Part{}) {
		return nil
	}
	return &site.Part{Name: p.String(), Month: time.Date(p.Year, p.Month, 1, 0, 0, 0, 0, time.UTC), Number: p.Number}
}

// front is how many releases the front page shows.
const front = 10

func (f *Feeds) frontPage(ctx context.Context, language string) ([]byte, error) {
	items, err := f.itemsOf(ctx, language, f.index.Window(f.index.Query(news.Selection{}), index.Limits{Count: front, Bytes: math.MaxInt}).Entries)
	if err != nil {
		return nil, err
	}
	return f.sites[language].Front(items, f.index.Count)
}

// itemKey names an entry of a list in a language.
type itemKey struct {
	seq      uint64
	language string
}

// itemsOf returns entries as elements of lists. In the first language they are
// ready; in others they are rendered for the first page that shows them.
func (f *Feeds) itemsOf(ctx context.Context, language string, entries []*index.Entry) ([][]byte, error) {
	items := make([][]byte, len(entries))
	if language == page.Languages()[0] {
		fragments, err := f.fragmentsOf(ctx, entries)
		for i, g := range fragments {
			items[i] = g.item
		}
		return items, err
	}
	for i, e := range entries {
		key := itemKey{e.Seq, language}
		item, ok := f.items.get(key)
		if !ok {
			r, err := f.read(ctx, e)
			if err != nil {
				return nil, err
			}
			if item, err = f.sites[language].Item(r); err != nil {
				return nil, err
			}
			f.items.put(key, item, len(item))
		}
		items[i] = item
	}
	return items, nil
}

// page makes a document of an HTML page. Without a tag, the ETag is a hash of
// the page itself.
func (f *Feeds) page(b []byte, err error, tag string) (*document, error) {
	if err != nil {
		return nil, err
	}
	whole, err := f.compress(b)
	if err != nil {
		return nil, err
	}
	if tag == "" {
		tag = hashed(b)
	}
	d := &document{tag: tag}
	d.blocks = []*block{whole}
	return d, nil
}

// releasePage is the page of a release, in the language of its text if that is
// one pages are written in.
func (f *Feeds) releasePage(ctx context.Context, e *index.Entry) (*document, error) {
	state := fmt.Appendf(nil, "%d", e.Revision)
	var others []site.Translation
	for _, o := range f.index.Translations(e.ID) {
		others = append(others, site.Translation{Path: releasePath(o), Language: o.Language})
		state = fmt.Appendf(state, " %s %s", releasePath(o), o.Language)
	}
	tag := hashed(f.pageSeed, []byte(e.ID), state)
	return f.keep(ctx, "release/"+e.ID, tag, func(ctx context.Context) (*document, error) {
		r, err := f.read(ctx, e)
		if err != nil {
			return nil, err
		}
		b, err := f.sites[page.LanguageOf(e.Language)].Release(r, others)
		d, err := f.page(b, err, tag)
		if err != nil {
			return nil, err
		}
		d.path = releasePath(e)
		return d, nil
	})
}

// releasePath is the path of a release's page.
func releasePath(e *index.Entry) string {
	if slug := e.Slug(); slug != "" {
		return "/releases/" + e.ID + "/" + slug
	}
	return "/releases/" + e.ID
}
