package index

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Part names a document of an archive: the releases published in a calendar
// month (UTC), or where these are too many for one document, some of them. The
// zero Part names none.
type Part struct {
	Year   int
	Month  time.Month
	Number int // from 1, in the order in which the releases came
}

// String is "2026-11", and "2026-11-2" for the second document of that month.
func (p Part) String() string {
	if p.Number > 1 {
		return fmt.Sprintf("%04d-%02d-%d", p.Year, p.Month, p.Number)
	}
	return fmt.Sprintf("%04d-%02d", p.Year, p.Month)
}

// Archive is one document of the archive of a selection.
type Archive struct {
	Part Part
	// Entries are as [Entry.Archived] gives them, the newest by their published
	// dates first.
	Entries []*Entry
	// Previous and Next are the documents before and after this one, of the same
	// month or of the nearest that has any; zero where there is none. Next does
	// not name a document that still fills.
	Previous, Next Part
	// Updated is the time of the last event that changed or brought an entry.
	Updated time.Time
}

// Archive takes a document of the archive of a selection that is parted under
// the limits of its windows. It is false when there is no such document.
//
// What it says is changed by a release that comes into its month late, by a
// correction, a withdrawal, an erasure, a change of topics or date, and once by
// the arrival of Next. A document that fills (the last of the newest month) also
// grows with each release; windows do not need it, unless corrections have
// pushed its releases out of them.
func (x *Index) Archive(q Query, part Part, limits Limits) (Archive, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	m := part.month()
	parts := x.parts(q, m, limits.part())
	if part.Number < 1 || part.Number > len(parts) {
		return Archive{}, false
	}
	a := Archive{Part: part, Previous: x.before(q, m, part.Number, limits.part()), Next: x.after(q, m, part.Number, parts, limits.part())}
	updated := int64(0)
	for _, e := range parts[part.Number-1] {
		shown := e.Archived()
		a.Entries = append(a.Entries, shown)
		updated = max(updated, shown.Updated, e.FiledAt)
	}
	slices.SortFunc(a.Entries, func(a, b *Entry) int {
		return cmp.Or(cmp.Compare(b.Published, a.Published), cmp.Compare(a.ID, b.ID))
	})
	a.Updated = time.UnixMilli(updated).UTC()
	return a, true
}

// behind is the newest part with an entry older than the last of a window.
func (x *Index) behind(q Query, last *Entry, limits Limits) Part {
	for m, ok := x.monthBefore(q, never); ok; m, ok = x.monthBefore(q, m) {
		number, older := 0, 0
		cut := limits.cutter()
		for e := range x.matches(q, m) {
			if cut.begins(e) {
				number++
			}
			if order(e, last) < 0 {
				older = number
			}
		}
		if older > 0 {
			return m.part(older)
		}
	}
	return Part{}
}

func (x *Index) before(q Query, m month, number int, limits Limits) Part {
	if number > 1 {
		return m.part(number - 1)
	}
	earlier, ok := x.monthBefore(q, m)
	if !ok {
		return Part{}
	}
	return earlier.part(len(x.parts(q, earlier, limits)))
}

func (x *Index) after(q Query, m month, number int, parts [][]*Entry, limits Limits) Part {
	later, hasLater := x.monthAfter(q, m)
	switch {
	case number < len(parts):
		if hasLater || x.closed(parts[number:], limits) {
			return m.part(number + 1)
		}
	case hasLater:
		_, ended := x.monthAfter(q, later)
		if ended || x.closed(x.parts(q, later, limits), limits) {
			return later.part(1)
		}
	}
	return Part{}
}

// closed reports whether the first of the last parts of the newest month is full.
func (x *Index) closed(parts [][]*Entry, limits Limits) bool {
	size := 0
	for _, e := range parts[0] {
		size += e.weight
	}
	return len(parts) > 1 || limits.reached(len(parts[0]), size)
}

// cutter parts entries, in the order in which they came, into documents: what
// comes later is in a later one.
type cutter struct {
	limits      Limits
	count, size int
}

func (l Limits) cutter() cutter { return cutter{limits: l, count: l.Count} }

// begins reports whether the next entry begins a document.
func (c *cutter) begins(e *Entry) bool {
	full := c.limits.reached(c.count, c.size)
	if full {
		c.count, c.size = 0, 0
	}
	c.count, c.size = c.count+1, c.size+e.weight
	return full
}

// parts are the documents of a month.
func (x *Index) parts(q Query, m month, limits Limits) [][]*Entry {
	var out [][]*Entry
	cut := limits.cutter()
	for e := range x.matches(q, m) {
		if cut.begins(e) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], e)
	}
	return out
}

// matches are the entries of a month in the order in which they came.
func (x *Index) matches(q Query, m month) iter.Seq[*Entry] {
	shelves, sure := x.shelves(q, m)
	if len(shelves) == 1 {
		return func(yield func(*Entry) bool) {
			for _, e := range shelves[0] {
				if q.matchBeside(sure, e) && !yield(e) {
					return
				}
			}
		}
	}
	var out []*Entry
	for _, shelf := range shelves {
		for _, e := range shelf {
			if q.matchBeside(sure, e) {
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, coming)
	return slices.Values(slices.Compact(out))
}

// shelves is the cheapest set of shelves that together hold all matches of a
// month, and the clause that holds for all on them, -1 for none.
func (x *Index) shelves(q Query, m month) (best [][]*Entry, sure int) {
	best, sure = [][]*Entry{x.all.of(m)}, -1
	least := len(best[0])
	for i := range q.clauses {
		var shelves [][]*Entry
		n := 0
		for _, l := range q.clauses[i].lists {
			if shelf := l.of(m); len(shelf) > 0 {
				shelves, n = append(shelves, shelf), n+len(shelf)
			}
		}
		if n <= least {
			best, least, sure = shelves, n, i
		}
	}
	return best, sure
}

func (x *Index) has(q Query, m month) bool {
	shelves, sure := x.shelves(q, m)
	return slices.ContainsFunc(shelves, func(shelf []*Entry) bool {
		return slices.ContainsFunc(shelf, func(e *Entry) bool { return q.matchBeside(sure, e) })
	})
}

// monthBefore is the last month before m that has a match.
func (x *Index) monthBefore(q Query, m month) (month, bool) {
	lead := x.shortest(q)
	for {
		found, ok := never, false
		for _, l := range lead {
			if i := l.shelf(m); i > 0 && (!ok || l.shelves[i-1].month > found) {
				found, ok = l.shelves[i-1].month, true
			}
		}
		if !ok || x.has(q, found) {
			return found, ok
		}
		m = found
	}
}

// monthAfter is the first month after m that has a match.
func (x *Index) monthAfter(q Query, m month) (month, bool) {
	lead := x.shortest(q)
	for {
		found, ok := never, false
		for _, l := range lead {
			if i := l.shelf(m + 1); i < len(l.shelves) && l.shelves[i].month < found {
				found, ok = l.shelves[i].month, true
			}
		}
		if !ok || x.has(q, found) {
			return found, ok
		}
		m = found
	}
}
