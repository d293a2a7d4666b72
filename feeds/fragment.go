package feeds

import (
	"context"

	"dateline/feeds/index"
	"dateline/feeds/render"
	"dateline/publisher/news"
)

// fragment is a release rendered for every document it may stand in.
type fragment struct {
	feed map[render.Format]*block
	item []byte // element of a page's list
}

// fragmentKey names a fragment. The number of kin tells apart what an erased
// version was taken out of.
type fragmentKey struct {
	seq uint64
	kin int
}

func keyOf(e *index.Entry) fragmentKey { return fragmentKey{e.Seq, len(e.Kin)} }

func (g *fragment) size() int {
	n := len(g.item)
	for _, b := range g.feed {
		n += b.size()
	}
	return n
}

func (f *Feeds) render(r *news.Release, kin []index.Kin) (*fragment, error) {
	f.served.rendered.Add(1)
	g := &fragment{feed: make(map[render.Format]*block, len(render.Formats))}
	others := make([]render.Translation, len(kin))
	for i, k := range kin {
		others[i] = render.Translation(k)
	}
	for _, format := range render.Formats {
		plain, err := f.renderer.Item(format, r, others...)
		if err != nil {
			return nil, err
		}
		b, err := f.compress(plain)
		if err != nil {
			return nil, err
		}
		g.feed[format] = b
	}
	var err error
	g.item, err = f.site.Item(r)
	return g, err
}

// compress makes a block that is ready for gzip, and for zstd once frame was called.
func (f *Feeds) compress(plain []byte) (*block, error) {
	c, err := f.compressor()
	if err != nil {
		return nil, err
	}
	defer f.press.Put(c)
	deflated, err := c.deflate(plain)
	return newBlock(plain, deflated), err
}

// frame makes blocks ready for zstd.
func (f *Feeds) frame(blocks []*block) error {
	for _, b := range blocks {
		b.framing.Do(func() {
			if b.raw {
				b.framed = storedFrame(b.plain)
				return
			}
			var c *compressor
			if c, b.failed = f.compressor(); b.failed == nil {
				defer f.press.Put(c)
				b.framed = c.frame(b.plain)
			}
		})
		if b.failed != nil {
			return b.failed
		}
	}
	return nil
}

func (f *Feeds) compressor() (*compressor, error) {
	if c, ok := f.press.Get().(*compressor); ok {
		return c, nil
	}
	return newCompressor()
}

// fragmentsOf returns the fragments of a window's entries, from memory or from
// the log.
func (f *Feeds) fragmentsOf(ctx context.Context, entries []*index.Entry) ([]*fragment, error) {
	out := make([]*fragment, len(entries))
	for i, e := range entries {
		g, ok := f.fragments.get(keyOf(e))
		if !ok {
			r, err := f.read(ctx, e)
			if err != nil {
				return nil, err
			}
			if g, err = f.render(r, e.Kin); err != nil {
				return nil, err
			}
			f.fragments.put(keyOf(e), g, g.size())
		}
		out[i] = g
	}
	return out, nil
}
