package index

import "dateline/publisher/news"

// Query is a selection made ready for one index. It does not change once made.
type Query struct {
	clauses []clause // all of them must hold; the first is "every release" when no topic is named
	routine bool     // releases of routine series too
}

// clause is any of several topics of one kind.
type clause struct {
	lists []*list
	set   []uint64 // bits by the lists' numbers
}

// Query makes a selection ready. Groups stand for their members; the slugs must
// be those of the taxonomy, as [news.ParseSelection] returns them.
func (x *Index) Query(s news.Selection) Query {
	x.mu.Lock()
	defer x.mu.Unlock()
	// A type that is named is asked for, so that routine series need no filter.
	q := Query{routine: s.Routine || len(s.Types) > 0}
	for _, k := range news.TopicKinds {
		role := news.Role("")
		if k == news.KindCountry {
			role = s.Role
		}
		if values := s.Of(k); len(values) > 0 {
			q.clauses = append(q.clauses, x.clause(k, role, values))
		}
	}
	if len(q.clauses) == 0 {
		q.clauses = []clause{newClause([]*list{x.all})}
	}
	return q
}

func (x *Index) clause(k news.TopicKind, role news.Role, slugs []string) clause {
	var lists []*list
	for _, slug := range slugs {
		members := x.taxonomy.Members(k, slug)
		if members == nil {
			members = []string{slug}
		}
		for _, m := range members {
			lists = append(lists, x.list(k, role, m))
		}
	}
	return newClause(lists)
}

func newClause(lists []*list) clause {
	var c clause
	for _, l := range lists {
		if c.has(l) {
			continue
		}
		for len(c.set) <= l.number/64 {
			c.set = append(c.set, 0)
		}
		c.set[l.number/64] |= 1 << (l.number % 64)
		c.lists = append(c.lists, l)
	}
	return c
}

func (c *clause) has(l *list) bool {
	return l.number/64 < len(c.set) && c.set[l.number/64]&(1<<(l.number%64)) != 0
}

func (c *clause) hasAny(lists []*list) bool {
	for _, l := range lists {
		if c.has(l) {
			return true
		}
	}
	return false
}

func (c *clause) length() int {
	n := 0
	for _, l := range c.lists {
		n += len(l.entries)
	}
	return n
}

func (q *Query) match(e *Entry) bool { return q.matchBeside(-1, e) }

// matchBeside is match for an entry of which one clause is known to hold.
func (q *Query) matchBeside(sure int, e *Entry) bool {
	if e.Routine && !q.routine {
		return false
	}
	for i := range q.clauses {
		if i != sure && !q.clauses[i].hasAny(e.lists) {
			return false
		}
	}
	return true
}

// IDs are the ids of all releases, in no order.
func (x *Index) IDs() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make([]string, 0, len(x.entries))
	for id := range x.entries {
		out = append(out, id)
	}
	return out
}
