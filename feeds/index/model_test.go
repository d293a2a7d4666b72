package index_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dateline/feeds/index"
	"dateline/publisher/news"
)

// model is the contract said the slow way: all releases, matched and sorted.
type model struct {
	taxonomy   *news.Taxonomy
	selections []news.Selection
	releases   map[string]*kept
	seen       []seen // by selection
}

// kept is what the model knows of a release.
type kept struct {
	now, archived news.Release
	first         time.Time // it surfaced
	weight        int
	filed         uint64
}

// seen is what a selection's document says.
type seen struct {
	window  []string
	filed   []string
	changed time.Time
}

// replay makes the model of a log.
func replay(t *news.Taxonomy, selections []news.Selection, events []logged) *model {
	m := &model{taxonomy: t, selections: selections, releases: map[string]*kept{}, seen: make([]seen, len(selections))}
	for _, l := range events {
		m.apply(l)
	}
	return m
}

// grown is the model after the last event of a history.
func (m *model) grown(h *history) *model {
	l := h.events[len(h.events)-1]
	if l.event.Release.Erased {
		return replay(m.taxonomy, m.selections, h.events)
	}
	next := &model{m.taxonomy, m.selections, maps.Clone(m.releases), slices.Clone(m.seen)}
	next.apply(l)
	return next
}

func (m *model) apply(l logged) {
	m.keep(l)
	for i := range m.selections {
		s := &m.seen[i]
		window, filed := m.window(&m.selections[i]), m.filed(&m.selections[i])
		if !slices.Equal(window, s.window) || !slices.Equal(filed, s.filed) {
			*s = seen{window, filed, l.event.Time}
		}
	}
}

func (m *model) keep(l logged) {
	r := l.event.Release
	old := m.releases[r.ID]
	k := &kept{r, r, r.SurfacedAt, weigh(&r), l.seq}
	if old != nil {
		k.first, k.weight = old.first, old.weight
		if filing(&old.now) == filing(&r) {
			k.filed = old.filed
			if l.event.Kind == news.KindRevised {
				k.archived = old.archived
			}
		}
	}
	m.releases[r.ID] = k
}

// filing is where a release is filed.
func filing(r *news.Release) string {
	out := []string{r.PublishedAt.UTC().Format("2006-01"), "type " + r.Type, "language " + r.Language}
	for _, f := range r.Fields {
		out = append(out, "field "+f.Slug)
	}
	for _, c := range r.Countries {
		out = append(out, "country "+c.Slug+" "+string(c.Role))
	}
	for _, s := range r.Sources {
		out = append(out, "source "+s.Slug)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}

func weigh(r *news.Release) int { return len(r.Text) + len(r.Title) + len(r.Note) + len(r.Reason) }

func (m *model) matches(s *news.Selection) []*kept {
	var in []*kept
	for _, k := range m.releases {
		if s.Match(m.taxonomy, &k.now) {
			in = append(in, k)
		}
	}
	return in
}

func name(r *news.Release) string { return fmt.Sprintf("%s:%d:%s", r.ID, r.Revision, r.Status) }

func (m *model) window(s *news.Selection) []string {
	in := m.matches(s)
	slices.SortFunc(in, func(a, b *kept) int {
		if c := b.now.SurfacedAt.Compare(a.now.SurfacedAt); c != 0 {
			return c
		}
		return strings.Compare(a.now.ID, b.now.ID)
	})
	var out []string
	size := 0
	for _, k := range in {
		out = append(out, name(&k.now))
		size += weigh(&k.now)
		if len(out) >= limits.Count || size >= limits.Bytes {
			break
		}
	}
	return out
}

// filed is what is filed under a selection, from the month on that the window
// leads to.
func (m *model) filed(s *news.Selection) []string {
	first := m.behind(s)
	var out []string
	if first != "" {
		out = append(out, "behind "+first)
	}
	for _, k := range m.matches(s) {
		if first == "" || k.now.PublishedAt.UTC().Format("2006-01") >= first[:7] {
			out = append(out, fmt.Sprint(k.now.ID, k.filed))
		}
	}
	slices.Sort(out)
	return out
}

// behind is the newest document of the archive with something the window has not.
func (m *model) behind(s *news.Selection) string {
	window := map[string]bool{}
	for _, n := range m.window(s) {
		window[n[:36]] = true
	}
	names, docs := m.archive(s)
	for i, doc := range docs {
		for _, n := range doc {
			if !window[n[:36]] {
				return names[i]
			}
		}
	}
	return ""
}

// archive is every document of a selection's archive, the newest first: its
// name and what it shows.
func (m *model) archive(s *news.Selection) (names []string, docs [][]string) {
	months := map[string][]*kept{}
	for _, k := range m.matches(s) {
		at := k.now.PublishedAt.UTC().Format("2006-01")
		months[at] = append(months[at], k)
	}
	for at, in := range months {
		slices.SortFunc(in, func(a, b *kept) int {
			if c := a.first.Compare(b.first); c != 0 {
				return c
			}
			return strings.Compare(a.now.ID, b.now.ID)
		})
		for number := 1; len(in) > 0; number++ {
			n, size := 0, 0
			for n < len(in) && n < limits.Count/2 && size < limits.Bytes/2 {
				size += in[n].weight
				n++
			}
			names, docs = append(names, fmt.Sprintf("%s-%03d", at, number)), append(docs, page(in[:n]))
			in = in[n:]
		}
	}
	byName := map[string][]string{}
	for i, n := range names {
		byName[n] = docs[i]
	}
	slices.Sort(names)
	slices.Reverse(names)
	for i, n := range names {
		docs[i] = byName[n]
		names[i] = strings.TrimSuffix(strings.ReplaceAll(n, "-00", "-"), "-1")
	}
	return names, docs
}

// page is what a document shows, the newest by its date first.
func page(in []*kept) []string {
	shown := make([]news.Release, len(in))
	for i, k := range in {
		shown[i] = k.archived
	}
	slices.SortFunc(shown, func(a, b news.Release) int {
		if c := b.PublishedAt.Truncate(time.Millisecond).Compare(a.PublishedAt.Truncate(time.Millisecond)); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	var out []string
	for i := range shown {
		out = append(out, name(&shown[i]))
	}
	return out
}

// chain walks the archive from what a window says is behind it.
func chain(x *index.Index, q index.Query, w index.Window) []index.Archive {
	var out []index.Archive
	for part := w.Behind; part != (index.Part{}); {
		a, ok := x.Archive(q, part, limits)
		if !ok {
			panic("there is no " + part.String())
		}
		out, part = append(out, a), a.Previous
	}
	return out
}

func sameArchive(a, b index.Archive) bool {
	return a.Part == b.Part && a.Previous == b.Previous && a.Next == b.Next && a.Updated.Equal(b.Updated) && slices.Equal(named(a.Entries), named(b.Entries))
}

func named(entries []*index.Entry) []string { return shown(index.Window{Entries: entries}) }
