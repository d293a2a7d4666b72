package feeds

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"dateline/feeds/index"
	"dateline/feeds/render"
)

// keptBases bounds what is remembered of earlier states of feeds, in bytes: some
// 18,000 states.
const keptBases = 8 << 20

// base is an earlier state of a feed that a client may have.
type base struct {
	path string   // of the selection
	seqs []uint64 // the events its entries came from
}

// remember keeps a state that was sent.
func (f *Feeds) remember(p *plan, v *view, tag string) {
	if _, known := f.bases.get(tag); known {
		return
	}
	b := base{p.path, make([]uint64, len(v.window.Entries))}
	for i, e := range v.window.Entries {
		b.seqs[i] = e.Seq
	}
	f.bases.put(tag, b, 8*len(b.seqs)+len(tag)+64)
}

// wantsDelta reports whether a client takes the "feed" instance manipulation
// (RFC 3229, and the registry that it opened).
func wantsDelta(h http.Header) bool {
	for _, field := range h.Values("A-IM") {
		for part := range strings.SplitSeq(field, ",") {
			if name, weight := weighted(part); name == "feed" && weight > 0 {
				return true
			}
		}
	}
	return false
}

// baseIn finds the state of a feed that a client has, with the ETag it named it by.
func (f *Feeds) baseIn(h http.Header, p *plan) (b base, etag string, ok bool) {
	for _, field := range h.Values("If-None-Match") {
		for _, etag := range tagList(field) {
			if b, ok := f.bases.get(tagOf(etag)); ok && b.path == p.path {
				return b, etag, true
			}
		}
	}
	return base{}, "", false
}

// tagOf is what an ETag has in common with those of the other codings.
func tagOf(etag string) string {
	tag, _, _ := strings.Cut(strings.Trim(etag, `"`), "-")
	return tag
}

// serveDelta answers a client that has an earlier state of a feed with what is
// new or changed since (RFC 3229 section 10.4). It is false when the client did
// not ask so, or when its state is not remembered.
func (f *Feeds) serveDelta(w http.ResponseWriter, r *http.Request, p *plan, v *view, format render.Format) (bool, error) {
	if !wantsDelta(r.Header) {
		return false, nil
	}
	b, etag, ok := f.baseIn(r.Header, p)
	if !ok {
		return false, nil
	}
	accepted := acceptedBy(r)
	if _, same := (validators{tag: v.tag(format)}).unchanged(r.Header, accepted, f.cfg.Now()); same {
		return false, nil
	}
	d, err := f.delta(r.Context(), p, v, format, b, etag)
	if err != nil {
		return true, err
	}
	c := accepted[0]
	ready, err := f.encode(d, c)
	if err != nil {
		return true, err
	}
	h := w.Header()
	vary(h, "Accept-Encoding")
	f.validate(h, validators{d.tag, d.changed}, c, render.TTL, f.cfg.Now())
	h.Set("Cache-Control", "no-store, im") // it is an answer to this client's state alone
	h.Set("IM", "feed")
	h.Set("Delta-Base", etag)
	f.served.full.Add(1)
	f.send(w, r, http.StatusIMUsed, ready)
	return true, nil
}

// delta is the document with the entries that a base has not.
func (f *Feeds) delta(ctx context.Context, p *plan, v *view, format render.Format, b base, etag string) (*document, error) {
	tag := v.tag(format)
	return f.keep(ctx, p.path+"."+string(format)+" since "+tagOf(etag), tag, func(ctx context.Context) (*document, error) {
		var fresh []*index.Entry
		for _, e := range v.window.Entries {
			if !slices.Contains(b.seqs, e.Seq) {
				fresh = append(fresh, e)
			}
		}
		head := p.head
		head.Previous = nameOf(v.window.Behind) // and never complete
		around, err := f.newFrame(format, head)
		if err != nil {
			return nil, err
		}
		d, err := f.assemble(ctx, format, around, v.updated(), fresh)
		if err != nil {
			return nil, err
		}
		d.tag, d.changed = tag, v.changed()
		return d, nil
	})
}
