package feeds

import (
	"context"
	"fmt"
	"math"

	"dateline/feeds/index"
	"dateline/feeds/site"
	"dateline/publisher/news"
)

// selectionPage is the page of a view.
func (f *Feeds) selectionPage(ctx context.Context, p *plan, v *view) (*document, error) {
	return f.keep(ctx, p.path, v.pageTag, func(ctx context.Context) (*document, error) {
		items, err := f.itemsOf(ctx, v.window.Entries)
		if err != nil {
			return nil, err
		}
		b, err := f.site.Selection(site.Selection{Selection: p.selection, Path: p.path, Title: p.title, Notes: p.notes, Items: items, Full: v.window.Full})
		return f.page(b, err, v.pageTag)
	})
}

// front is how many releases the front page shows.
const front = 10

func (f *Feeds) frontPage(ctx context.Context) ([]byte, error) {
	items, err := f.itemsOf(ctx, f.index.Window(f.index.Query(news.Selection{}), index.Limits{Count: front, Bytes: math.MaxInt}).Entries)
	if err != nil {
		return nil, err
	}
	return f.site.Front(items, f.index.Count)
}

func (f *Feeds) itemsOf(ctx context.Context, entries []*index.Entry) ([][]byte, error) {
	fragments, err := f.fragmentsOf(ctx, entries)
	if err != nil {
		return nil, err
	}
	items := make([][]byte, len(fragments))
	for i, g := range fragments {
		items[i] = g.item
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
	return &document{tag: tag, blocks: []*block{&whole}}, nil
}

// releasePage is the page of a release.
func (f *Feeds) releasePage(ctx context.Context, e *index.Entry) (*document, error) {
	state := fmt.Appendf(nil, "%d", e.Revision)
	var others []site.Translation
	for _, o := range f.index.Translations(e.ID) {
		others = append(others, site.Translation{ID: o.ID, Language: o.Language})
		state = fmt.Appendf(state, " %s %s", o.ID, o.Language)
	}
	tag := hashed(f.pageSeed, []byte(e.ID), state)
	return f.keep(ctx, "release/"+e.ID, tag, func(ctx context.Context) (*document, error) {
		r, err := f.read(ctx, e)
		if err != nil {
			return nil, err
		}
		b, err := f.site.Release(r, others)
		d, err := f.page(b, err, tag)
		if err != nil {
			return nil, err
		}
		d.path = news.ReleaseURL("", r.ID, r.Title)
		return d, nil
	})
}
