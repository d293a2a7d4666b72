package feeds

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dateline/feeds/index"
	"dateline/feeds/render"
	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// plan is a selection that was asked for, ready to be answered.
type plan struct {
	selection news.Selection
	path      string // canonical, below /feeds/
	title     string
	notes     []string // footnotes of its topics
	query     index.Query
	head      render.Feed
	view      atomic.Pointer[view]
	measure   atomic.Pointer[measure]
	frames    sync.Map // render.Format to *frame, of the current documents
}

// frame is what stands around the items of a document.
type frame struct {
	render.Frame
	behind          index.Part // what a current document leads to
	before, after   *block     // of the head, around its time
	separator, foot *block
}

// join puts blocks of items between the head, with a time, and the foot.
func (f *frame) join(stamp *block, items []*block) []*block {
	out := make([]*block, 0, 2*len(items)+4)
	out = append(out, f.before, stamp, f.after)
	for i, item := range items {
		if i > 0 && f.separator.length > 0 {
			out = append(out, f.separator)
		}
		out = append(out, item)
	}
	return append(out, f.foot)
}

func (f *Feeds) newFrame(format render.Format, head render.Feed) (*frame, error) {
	around, err := f.renderer.Frame(format, head)
	if err != nil {
		return nil, err
	}
	before, _, after := around.Parts(render.Epoch)
	made := &frame{Frame: around, separator: stored([]byte(format.Separator())), foot: stored(around.Foot())}
	if made.before, err = f.compress(before); err != nil {
		return nil, err
	}
	made.after, err = f.compress(after)
	return made, err
}

// frameOf is the frame of the plan's current document in a format.
func (f *Feeds) frameOf(p *plan, v *view, format render.Format) (*frame, error) {
	if kept, ok := p.frames.Load(format); ok && kept.(*frame).behind == v.window.Behind {
		return kept.(*frame), nil
	}
	head := p.head
	head.Complete = v.window.Behind == index.Part{}
	head.Previous = nameOf(v.window.Behind)
	made, err := f.newFrame(format, head)
	if err != nil {
		return nil, err
	}
	made.behind = v.window.Behind
	p.frames.Store(format, made)
	return made, nil
}

// view is a plan's window with the validators that follow from it.
type view struct {
	window          index.Window
	feedTag, kinTag string // the second of formats that tell of other versions
	pageTag         string
}

// tag is that of the document in a format.
func (v *view) tag(format render.Format) string {
	if format == render.RSS {
		return v.feedTag
	}
	return v.kinTag
}

// updated is when the documents of the view changed last.
func (v *view) updated() time.Time {
	if v.window.Changed.IsZero() {
		return render.Epoch
	}
	return v.window.Changed
}

// changed is the second of it.
func (v *view) changed() time.Time { return v.updated().Truncate(time.Second) }

// document is an answer with its validators.
type document struct {
	tag     string    // of the ETags, without quotes and coding
	changed time.Time // whole second; zero for no Last-Modified
	path    string    // canonical, where that is not known beforehand
	asOf    uint64    // pages over everything: the last event they know
	shows   []*index.Entry

	body
}

func (f *Feeds) newPlan(s news.Selection) (*plan, error) {
	p := &plan{
		selection: s, path: s.Path(), title: s.Title(f.cfg.Taxonomy), query: f.index.Query(s),
	}
	for _, k := range news.TopicKinds {
		for _, slug := range s.Of(k) {
			topic, _ := f.cfg.Taxonomy.Topic(k, slug)
			if topic.Note != "" {
				p.notes = append(p.notes, topic.Note)
			}
			if topic.Retired != "" {
				note, err := f.look.Words().Say("topic.retired", topic.Name, topic.Retired)
				if err != nil {
					return nil, err
				}
				p.notes = append(p.notes, note)
			}
		}
	}
	p.head = render.Feed{Path: p.path, Title: p.title + " – " + f.cfg.Title, Description: f.describe(p), Hub: f.cfg.Hub}
	if len(s.Languages) == 1 {
		p.head.Language = s.Languages[0]
	}
	return p, nil
}

func (f *Feeds) describe(p *plan) string {
	return strings.Join(append([]string{"Releases published by " + f.cfg.Title + ": " + p.title + "."}, p.notes...), " ")
}

// viewOf is the plan's window as it is now.
func (f *Feeds) viewOf(p *plan) *view {
	old := p.view.Load()
	if old != nil && f.index.Fresh(p.query, old.window.AsOf) {
		return old
	}
	v := &view{window: f.index.Window(p.query, f.limits)}
	v.feedTag, v.pageTag = f.tags(p, v)
	v.kinTag = withKin(v.feedTag, v.window.Entries)
	p.view.Store(v)
	return v
}

// tags hash what the documents of a view depend on.
func (f *Feeds) tags(p *plan, v *view) (feed, page string) {
	entries := contentOf(v.window.Entries)
	return hashed(f.feedSeed, fmt.Appendf(nil, "%s\n%d\n%s\n", p.path, v.updated().UnixMilli(), nameOf(v.window.Behind)), entries),
		hashed(f.pageSeed, fmt.Appendf(nil, "%s\n%v\n", p.path, v.window.Full), entries)
}

// contentOf stands for what a document shows of its entries.
func contentOf(entries []*index.Entry) []byte {
	b := make([]byte, 0, len(entries)*44)
	for _, e := range entries {
		b = append(b, e.ID...)
		b = binary.BigEndian.AppendUint64(b, uint64(e.Revision))
	}
	return b
}

// kinOf stands for the versions in other languages that entries tell of.
func kinOf(entries []*index.Entry) []byte {
	var b []byte
	for _, e := range entries {
		for _, k := range e.Kin {
			b = append(b, k.ID...)
		}
	}
	return b
}

// withKin is the tag of a document that tells of other versions, when tag is
// that of one that does not, as in RSS, which has no way to.
func withKin(tag string, entries []*index.Entry) string {
	kin := kinOf(entries)
	if len(kin) == 0 {
		return tag
	}
	return hashed([]byte(tag), kin)
}

func hashed(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// feed is the document of a view in a format.
func (f *Feeds) feed(ctx context.Context, p *plan, v *view, format render.Format) (*document, error) {
	tag := v.tag(format)
	return f.keep(ctx, p.path+"."+string(format), tag, func(ctx context.Context) (*document, error) {
		frame, err := f.frameOf(p, v, format)
		if err != nil {
			return nil, err
		}
		d, err := f.assemble(ctx, format, frame, v.updated(), v.window.Entries)
		if err != nil {
			return nil, err
		}
		d.tag, d.changed = tag, v.changed()
		return d, nil
	})
}

// assemble puts a document together from its frame and entries.
func (f *Feeds) assemble(ctx context.Context, format render.Format, around *frame, updated time.Time, entries []*index.Entry) (*document, error) {
	fragments, err := f.fragmentsOf(ctx, entries)
	if err != nil {
		return nil, err
	}
	_, at, _ := around.Parts(updated)
	stamp := stored(at)
	items := make([]*block, len(fragments))
	for i, frag := range fragments {
		items[i] = frag.feed[format]
	}
	d := &document{shows: entries}
	d.blocks = around.join(stamp, items)
	pack := func(c coding) func() ([]*block, error) {
		return sync.OnceValues(func() ([]*block, error) {
			groups, err := f.groups(format, c, entries, items)
			return around.join(stamp, groups), err
		})
	}
	d.zipped, d.framed = pack(gzipped), pack(zstandard)
	return d, nil
}

// keep returns the kept document of a key when its tag is still right, and
// otherwise makes it, once for all who wait. When that fails, the last good one
// is better than none.
func (f *Feeds) keep(ctx context.Context, key, tag string, fresh func(context.Context) (*document, error)) (*document, error) {
	old, kept := f.documents.get(key)
	if kept && old.tag == tag {
		return old, nil
	}
	made, err, _ := f.making.Do(key+"\n"+tag, func() (any, error) {
		// One reader who leaves must not fail the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTimeout)
		defer cancel()
		d, err := fresh(ctx)
		if err == nil {
			f.documents.put(key, d, d.size())
		}
		return d, err
	})
	if err != nil && kept && !f.withdrawnFrom(old) {
		f.cfg.Log.Warn().Err(err).Str("document", key).Msg("last good copy served")
		return old, nil
	}
	if err != nil {
		return nil, err
	}
	return made.(*document), nil
}

// withdrawnFrom reports whether a document shows what was withdrawn since. It may
// have been made while that happened.
func (f *Feeds) withdrawnFrom(d *document) bool {
	return slices.ContainsFunc(d.shows, func(e *index.Entry) bool {
		now, ok := f.index.Find(e.ID)
		return ok && now.Withdrawn && now.Seq != e.Seq
	})
}

// makeTimeout bounds reading the log for one document.
const makeTimeout = 10 * time.Second

// read reads a release from the log.
func (f *Feeds) read(ctx context.Context, e *index.Entry) (*news.Release, error) {
	event, err := f.cfg.Wire.At(ctx, e.Seq)
	switch {
	case errors.Is(err, wire.ErrNotFound):
		return nil, news.Problemf(news.Unavailable, "the text of release %s cannot be read from the log", e.ID)
	case err != nil:
		return nil, err
	}
	return &event.Release, nil
}
