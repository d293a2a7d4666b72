package index

import "time"

// Limits bound a window: it ends with the entry that reaches one of them.
type Limits struct {
	Count int
	Bytes int
}

// part are the limits of one document of an archive: half a window, so that a
// month's newest document, while it fills, stands in the window as a whole.
func (l Limits) part() Limits { return Limits{max(l.Count/2, 1), max(l.Bytes/2, 1)} }

// reached reports whether a document of count entries and size bytes is full.
func (l Limits) reached(count, size int) bool { return count >= l.Count || size >= l.Bytes }

// Window is the entries a document of a selection shows, the newest first.
type Window struct {
	Entries []*Entry
	// Changed is the time of the last event that changed the window or Behind: of
	// one that changed an entry of it, or that filed a release under the selection
	// or took one from it, unless in a month before that of Behind. It is zero
	// while nothing ever was in it.
	Changed time.Time
	// Full says that a limit was reached, so there may be older entries.
	Full bool
	// Behind is the newest document of the archive that has an entry which the
	// window has not; from it, [Archive.Previous] leads to all others. It is
	// zero when the window has them all.
	Behind Part
	// AsOf is the last event the window takes account of.
	AsOf uint64
}

// Window takes the newest entries of a selection up to the limits.
func (x *Index) Window(q Query, limits Limits) Window {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lead := x.shortest(q)
	w := Window{AsOf: x.applied}
	size := 0
	walk := newWalk(lead)
	for e := walk.next(); e != nil; e = walk.next() {
		if !q.match(e) {
			continue
		}
		w.Entries = append(w.Entries, e)
		size += e.Size
		if limits.reached(len(w.Entries), size) {
			w.Full = true
			break
		}
	}
	if w.Full {
		w.Behind = x.behind(q, w.Entries[len(w.Entries)-1], limits.part())
	}
	if changed := x.changed(&w, q, lead); changed >= 0 {
		w.Changed = time.UnixMilli(changed).UTC()
	}
	return w
}

// reaches reports whether the place of an entry lies within the window.
func (w *Window) reaches(e *Entry) bool {
	return !w.Full || order(w.Entries[len(w.Entries)-1], e) < 0
}

// Fresh reports whether a window of the query that was taken as of an event is
// still what Window would return. It may be wrong in saying no.
func (x *Index) Fresh(q Query, asOf uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, c := range q.clauses {
		if c.untouchedSince(asOf) {
			return true
		}
	}
	return false
}

func (c *clause) untouchedSince(seq uint64) bool {
	for _, l := range c.lists {
		if l.touched > seq {
			return false
		}
	}
	return true
}

// shortest is the cheapest set of lists that together hold all matches.
func (x *Index) shortest(q Query) []*list {
	lists, best := []*list{x.all}, len(x.all.entries)
	for i := range q.clauses {
		if n := q.clauses[i].length(); n < best {
			lists, best = q.clauses[i].lists, n
		}
	}
	return lists
}

// changed is Window.Changed in milliseconds since 1970; -1 when there was none.
// Only what came after the last change of an entry of the window is looked at.
// What comes to or goes from a month before that of Behind cannot change Behind,
// and what once made Behind what it is was in its month or a later one. An entry
// that left later than the last change of those that are here left them standing
// where they are, so that it was in the window if its place is.
func (x *Index) changed(w *Window, q Query, lead []*list) int64 {
	latest, lastSeq := int64(-1), uint64(0)
	first := w.Behind.month()
	for _, e := range w.Entries {
		latest, lastSeq = max(latest, e.Updated), max(lastSeq, e.Seq)
	}
	for _, l := range lead {
		for i := len(l.departures) - 1; i >= 0 && l.departures[i].seq > lastSeq; i-- {
			d := &l.departures[i]
			if (monthOf(d.old.Published) >= first || w.reaches(d.old)) && q.match(d.old) {
				latest = max(latest, d.at)
				break // earlier ones of this list are older still
			}
		}
		for i := len(l.arrivals) - 1; i >= 0 && l.arrivals[i].Filed > lastSeq; i-- {
			if e := l.arrivals[i]; monthOf(e.Published) >= first && x.entries[e.ID].Filed == e.Filed && q.match(e) {
				latest = max(latest, e.FiledAt)
				break
			}
		}
	}
	return latest
}

// walk visits the entries of several lists, each once, the newest first.
type walk struct {
	lists [][]*Entry
}

func newWalk(lists []*list) *walk {
	w := &walk{lists: make([][]*Entry, 0, len(lists))}
	for _, l := range lists {
		if len(l.entries) > 0 {
			w.lists = append(w.lists, l.entries)
		}
	}
	return w
}

func (w *walk) next() *Entry {
	var newest *Entry
	for _, l := range w.lists {
		if len(l) == 0 {
			continue
		}
		if e := l[len(l)-1]; newest == nil || order(e, newest) > 0 {
			newest = e
		}
	}
	if newest == nil {
		return nil
	}
	for i, l := range w.lists {
		if len(l) > 0 && l[len(l)-1] == newest {
			w.lists[i] = l[:len(l)-1]
		}
	}
	return newest
}
