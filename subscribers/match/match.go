// Package match finds the subscriptions that a release belongs to among very
// many of them. It is pure: selections go in, numbers come out.
//
// [Index] keeps one dense bitmap for each value that selections name (a field,
// a country, a source, a type, a language) and one for each kind for the
// selections that do not name that kind; a bit is a subscription. The
// subscriptions of a release are then, over all kinds, the intersection of the
// unions of its values' bitmaps. What Index finds is exactly what
// [news.Selection.Match] accepts, one by one.
//
// With every value in use a subscription costs about 23 bytes.
package match

import (
	"math/bits"

	"dateline/publisher/news"
)

// pageWords is the number of 64-bit words in a page; 4 kB, so that the pages
// of one step stay in the processor's nearest cache.
const pageWords = 512

const pageBits = pageWords * 64

type page [pageWords]uint64

// set is a set of slots, in pages that are nil while they are empty.
type set struct{ pages []*page }

func (s *set) put(slot int) {
	p := slot / pageBits
	for len(s.pages) <= p {
		s.pages = append(s.pages, nil)
	}
	if s.pages[p] == nil {
		s.pages[p] = new(page)
	}
	s.pages[p][slot%pageBits/64] |= 1 << (slot % 64)
}

func (s *set) drop(slot int) {
	if p := s.page(slot / pageBits); p != nil {
		p[slot%pageBits/64] &^= 1 << (slot % 64)
	}
}

func (s *set) page(i int) *page {
	if s == nil || i >= len(s.pages) {
		return nil
	}
	return s.pages[i]
}

type value struct {
	kind news.TopicKind
	slug string
}

// Index holds selections by slot: small numbers that the caller gives out and
// uses again. The zero Index is not usable; see [New]. It may be read by many
// goroutines at once, but not while it is changed.
type Index struct {
	taxonomy *news.Taxonomy
	pages    int
	values   map[value]*set
	free     map[news.TopicKind]*set // selections without a value of the kind
	routine  *set                    // selections that ask for routine series
	role     map[news.Role]*set      // selections that narrow their countries to the role
	nothing  *page                   // stays empty
}

// New makes an empty index. Groups of the taxonomy stand for their members as
// they are at the time of [Index.Add].
func New(t *news.Taxonomy) *Index {
	x := &Index{
		taxonomy: t, values: map[value]*set{}, free: map[news.TopicKind]*set{}, routine: &set{}, nothing: new(page),
		role: map[news.Role]*set{news.About: {}, news.PlaceRole: {}},
	}
	for _, k := range news.TopicKinds {
		x.free[k] = &set{}
	}
	return x
}

// Add puts a selection into a slot that holds none.
func (x *Index) Add(slot int, s *news.Selection) {
	x.pages = max(x.pages, slot/pageBits+1)
	for _, k := range news.TopicKinds {
		wanted := s.Of(k)
		if len(wanted) == 0 {
			x.free[k].put(slot)
		}
		for _, slug := range wanted {
			x.of(k, slug).put(slot)
			for _, member := range x.taxonomy.Members(k, slug) {
				x.of(k, member).put(slot)
			}
		}
	}
	if narrow, ok := x.role[s.Role]; ok {
		narrow.put(slot)
	}
	if s.Routine {
		x.routine.put(slot)
	}
}

func (x *Index) of(k news.TopicKind, slug string) *set {
	v := value{k, slug}
	if x.values[v] == nil {
		x.values[v] = &set{}
	}
	return x.values[v]
}

// Remove empties a slot.
func (x *Index) Remove(slot int) {
	for s := range x.sets {
		s.drop(slot)
	}
}

func (x *Index) sets(yield func(*set) bool) {
	for _, s := range x.values {
		if !yield(s) {
			return
		}
	}
	for _, s := range x.free {
		if !yield(s) {
			return
		}
	}
	for _, s := range x.role {
		if !yield(s) {
			return
		}
	}
	yield(x.routine)
}

// Bytes is the memory that the bitmaps take.
func (x *Index) Bytes() int {
	n := 0
	for s := range x.sets {
		n += 8 * cap(s.pages)
		for _, p := range s.pages {
			if p != nil {
				n += 8 * pageWords
			}
		}
	}
	return n
}

// term is one union of a query: the slots in any of the sets, each without
// those in its except.
type term struct{ any []part }

type part struct{ in, except *set }

// Match calls fn with each slot whose selection the release is in, in
// ascending order.
func (x *Index) Match(r *news.Release, fn func(slot int)) {
	terms := x.query(r)
	var acc, union page
	for p := range x.pages {
		for i, t := range terms {
			into := &union
			if i == 0 {
				into = &acc
			}
			t.fill(p, into, x.nothing)
			if i > 0 && !intersect(&acc, &union) {
				break
			}
		}
		each(&acc, p*pageBits, fn)
	}
}

// query makes the terms of a release, the most selective kinds first.
func (x *Index) query(r *news.Release) []term {
	if r.Tells != nil { // who names the topic, and nobody else
		return []term{{[]part{{in: x.values[value{r.Tells.Kind, r.Tells.Slug}]}}}}
	}
	terms := []term{x.countries(r), x.term(news.KindField, r.FieldSlugs()...), x.term(news.KindSource, r.SourceSlugs()...),
		x.term(news.KindType, r.Type), x.term(news.KindLanguage, r.Language)}
	if x.taxonomy.IsRoutine(r.Type) {
		terms = append(terms, term{[]part{{in: x.routine}, {in: x.values[value{news.KindType, r.Type}]}}})
	}
	return terms
}

func (x *Index) term(k news.TopicKind, slugs ...string) term {
	parts := []part{{in: x.free[k]}}
	for _, slug := range slugs {
		if s := x.values[value{k, slug}]; s != nil {
			parts = append(parts, part{in: s})
		}
	}
	return term{parts}
}

// countries leaves out, for a country that plays one role only, the selections
// that ask for the other.
func (x *Index) countries(r *news.Release) term {
	t := x.term(news.KindCountry)
	roles := map[string]news.Role{}
	for _, c := range r.Countries {
		if had, ok := roles[c.Slug]; ok && had != c.Role {
			roles[c.Slug] = ""
		} else {
			roles[c.Slug] = c.Role
		}
	}
	for slug, role := range roles {
		p := part{in: x.values[value{news.KindCountry, slug}]}
		switch role {
		case news.About:
			p.except = x.role[news.PlaceRole]
		case news.PlaceRole:
			p.except = x.role[news.About]
		}
		if p.in != nil {
			t.any = append(t.any, p)
		}
	}
	return t
}

// fill writes the union into out, four sets at a stride: the loops below are
// where a query spends its time. nothing is an empty page.
func (t term) fill(p int, out, nothing *page) {
	var four [4]*page
	n, first := 0, true
	for _, part := range t.any {
		in, except := part.in.page(p), part.except.page(p)
		if in == nil {
			continue
		}
		if except != nil {
			if first {
				clear(out[:])
				first = false
			}
			for i := range out {
				out[i] |= in[i] &^ except[i]
			}
			continue
		}
		four[n] = in
		if n++; n == len(four) {
			or(out, four, first)
			n, first = 0, false
		}
	}
	if n > 0 || first {
		for i := n; i < len(four); i++ {
			four[i] = nothing
		}
		or(out, four, first)
	}
}

func or(out *page, of [4]*page, first bool) {
	a, b, c, d := of[0], of[1], of[2], of[3]
	if first {
		for i := range out {
			out[i] = a[i] | b[i] | c[i] | d[i]
		}
		return
	}
	for i := range out {
		out[i] |= a[i] | b[i] | c[i] | d[i]
	}
}

// intersect keeps in acc what is in both and reports whether anything is.
func intersect(acc, other *page) bool {
	var some uint64
	for i := range acc {
		acc[i] &= other[i]
		some |= acc[i]
	}
	return some != 0
}

func each(s *page, base int, fn func(int)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			fn(base + i*64 + bits.TrailingZeros64(w))
		}
	}
}
