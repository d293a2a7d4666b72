package feeds

import (
	"encoding/json"
	"math/bits"
	"slices"
	"time"

	"dateline/feeds/site"
	"dateline/publisher/news"
)

// measure is what the page of a selection says about it in figures. It holds
// for a view of the selection and a day, because the pace is counted back from
// the day's end.
type measure struct {
	view    *view
	day     int64
	applied uint64

	count          int
	weekly, recent int          // as in site.Selection
	wider          []site.Wider // while count is 0
	state          []byte       // of all the figures, for the ETag
}

// measureOf counts a plan, unless it is still as it was.
func (f *Feeds) measureOf(p *plan, v *view) *measure {
	day, applied := f.cfg.Now().UTC().Truncate(24*time.Hour).UnixMilli(), f.Applied()
	old := p.measure.Load()
	if old != nil && old.view == v && old.day == day && (old.count > 0 || old.applied == applied) {
		return old
	}
	m := &measure{view: v, day: day, applied: applied}
	tomorrow := time.UnixMilli(day).Add(24 * time.Hour)
	m.count, m.recent = f.index.Tally(p.query, tomorrow.AddDate(0, 0, -7*site.Weeks).UnixMilli())
	if m.recent >= site.Weeks { // no finer than the page says it, so that the ETag moves when the page does
		m.weekly, m.recent = (m.recent+site.Weeks/2)/site.Weeks, 0
	}
	if m.count == 0 {
		m.wider = f.wider(p.selection)
	}
	m.state, _ = json.Marshal([]any{m.count, m.weekly, m.recent, m.wider}) // numbers and slugs always can be
	p.measure.Store(m)
	return m
}

// maxWider bounds the wider selections that an empty page offers.
const maxWider = 6

// wider are the nearest selections around an empty one that hold something: as
// few kinds as can be are left out. There are at most some forty to look at.
func (f *Feeds) wider(s news.Selection) []site.Wider {
	near := f.loosened(s)
	for n := 1; n <= len(news.TopicKinds); n++ {
		for mask := range uint(1) << len(news.TopicKinds) {
			if bits.OnesCount(mask) == n {
				near = append(near, leaving(s, mask)...)
			}
		}
		if found := f.holding(near); len(found) > 0 {
			return found
		}
		near = nil
	}
	return nil
}

// leaving is the selection without the kinds of a mask, if it has all of them.
func leaving(s news.Selection, mask uint) []news.Selection {
	for i, k := range news.TopicKinds {
		if mask&(1<<i) == 0 {
			continue
		}
		if len(s.Of(k)) == 0 {
			return nil
		}
		s = site.With(s, k, nil)
	}
	return []news.Selection{s}
}

// loosened are the selections that ask a little less of each kind.
func (f *Feeds) loosened(s news.Selection) []news.Selection {
	var out []news.Selection
	if s.Role != "" {
		either := s
		either.Role = ""
		out = append(out, either)
	}
	if !s.Routine && len(s.Types) == 0 {
		all := s
		all.Routine = true
		out = append(out, all)
	}
	for _, k := range []news.TopicKind{news.KindField, news.KindCountry} {
		slugs := s.Of(k)
		for _, g := range f.cfg.Taxonomy.Groups(k) {
			if len(slugs) > 0 && !slices.Contains(slugs, g.Slug) && !slices.ContainsFunc(slugs, func(slug string) bool { return !slices.Contains(g.Members, slug) }) {
				out = append(out, site.With(s, k, []string{g.Slug}))
			}
		}
	}
	return out
}

// holding are those of some selections that hold a release, the smallest first.
func (f *Feeds) holding(some []news.Selection) []site.Wider {
	var out []site.Wider
	for _, s := range some {
		if n, _ := f.index.Tally(f.index.Query(s), 0); n > 0 {
			out = append(out, site.Wider{Selection: s, Count: n})
		}
	}
	slices.SortStableFunc(out, func(a, b site.Wider) int { return a.Count - b.Count })
	return out[:min(len(out), maxWider)]
}
