package index

import "slices"

// Tally counts the releases of a query that are not withdrawn, and those among
// them that surfaced at since (milliseconds since 1970) or later.
func (x *Index) Tally(q Query, since int64) (count, recent int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lists := x.shortest(q)
	simple := len(q.clauses) == 1 && len(lists) == 1
	for walk := newWalk(lists); ; {
		e := walk.next()
		if e == nil || simple && e.Surfaced < since {
			break
		}
		if e.Withdrawn || !q.match(e) {
			continue
		}
		count++
		if e.Surfaced >= since {
			recent++
		}
	}
	if simple { // the list knows its length
		count = lists[0].plain
		if q.routine {
			count = lists[0].shown
		}
	}
	return count, recent
}

// Entries returns all releases, the newest first.
func (x *Index) Entries() []*Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := slices.Clone(x.all.entries)
	slices.Reverse(out)
	return out
}
