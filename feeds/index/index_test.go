package index_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dateline/feeds/index"
	"dateline/publisher/news"

	"pgregory.net/rapid"
)

var limits = index.Limits{Count: 4, Bytes: 400}

// paths are the selections the property is checked on: single topics, groups,
// roles, several values, several kinds, routine series.
var paths = []string{
	"all", "routine/all", "field/policing", "field/policing+elections", "field/human", "country/austria", "country/austria/role/about",
	"country/austria/role/place", "country/participating-states", "field/policing/country/austria", "routine/field/policing/country/austria+serbia",
	"field/elections/country/serbia/role/about/source/secretariat", "type/daily-report", "type/press-release", "language/ru", "field/youth/language/en",
}

// history draws a random history of a few releases: publish, back-fill, revise,
// retag, correct, withdraw, republish, with a clock that never goes back and
// often stands still.
type history struct {
	t    *rapid.T
	now  time.Time
	last map[string]news.Release
}

func newHistory(t *rapid.T) *history {
	return &history{t: t, now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), last: map[string]news.Release{}}
}

func (h *history) next() news.Event {
	h.now = h.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 400, 1000, 90_000}).Draw(h.t, "wait")) * time.Millisecond)
	id := news.NewID(strconv.Itoa(rapid.IntRange(1, 9).Draw(h.t, "release")))
	prev, known := h.last[id]
	if !known {
		r := h.content(news.Release{ID: id})
		r.PublishedAt = h.now.AddDate(0, 0, -rapid.IntRange(0, 3).Draw(h.t, "age"))
		return h.move(nil, r, news.KindPublished, rapid.Bool().Draw(h.t, "backfill"))
	}
	if prev.Status == news.Withdrawn {
		return h.move(&prev, h.content(prev), news.KindRepublished, false)
	}
	kind := rapid.SampledFrom([]news.Kind{news.KindRevised, news.KindRevised, news.KindCorrected, news.KindWithdrawn}).Draw(h.t, "kind")
	next := prev
	if kind != news.KindWithdrawn {
		next = h.content(prev)
	}
	next.Note, next.Reason = "a figure was wrong", "sent in error"
	return h.move(&prev, next, kind, false)
}

func (h *history) move(prev *news.Release, next news.Release, kind news.Kind, backfill bool) news.Event {
	e, err := news.Next(prev, next, kind, h.now, backfill)
	if err != nil {
		h.t.Fatal(err)
	}
	h.last[e.Release.ID] = e.Release
	return e
}

func (h *history) content(r news.Release) news.Release {
	r.Title = "Title"
	r.Text = strings.Repeat("x", rapid.SampledFrom([]int{10, 60, 150, 500}).Draw(h.t, "size"))
	r.Type = rapid.SampledFrom([]string{"press-release", "press-release", "daily-report"}).Draw(h.t, "type")
	r.Language = rapid.SampledFrom([]string{"en", "ru", ""}).Draw(h.t, "language")
	r.Fields, r.Countries, r.Sources = nil, nil, nil
	for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"policing", "elections", "youth"}), 0, 2, rapid.ID).Draw(h.t, "fields") {
		r.Fields = append(r.Fields, news.Tag{Slug: f})
	}
	for _, c := range rapid.SliceOfN(rapid.SampledFrom([]string{"austria", "serbia", "kosovo"}), 0, 2).Draw(h.t, "countries") {
		role := rapid.SampledFrom([]news.Role{news.About, news.PlaceRole}).Draw(h.t, "role")
		r.Countries = append(r.Countries, news.CountryTag{Slug: c, Role: role})
	}
	if rapid.Bool().Draw(h.t, "source") {
		r.Sources = []news.Tag{{Slug: "secretariat"}}
	}
	return r
}

// oracle is the contract said the slow way: all releases, matched and sorted.
func oracle(t *news.Taxonomy, s *news.Selection, releases map[string]news.Release) []string {
	var in []news.Release
	for _, r := range releases {
		if s.Match(t, &r) {
			in = append(in, r)
		}
	}
	slices.SortFunc(in, func(a, b news.Release) int {
		if c := b.SurfacedAt.Compare(a.SurfacedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	var out []string
	size := 0
	for _, r := range in {
		out = append(out, fmt.Sprintf("%s:%d:%s", r.ID, r.Revision, r.Status))
		size += len(r.Text) + len(r.Title) + len(r.Note) + len(r.Reason)
		if len(out) >= limits.Count || size >= limits.Bytes {
			break
		}
	}
	return out
}

func shown(w index.Window) []string {
	var out []string
	for _, e := range w.Entries {
		status := news.Published
		if e.Withdrawn {
			status = news.Withdrawn
		}
		out = append(out, fmt.Sprintf("%s:%d:%s", e.ID, e.Revision, status))
	}
	return out
}

func TestIndex_Window(t *testing.T) {
	taxonomy := news.DefaultTaxonomy()
	rapid.Check(t, func(rt *rapid.T) {
		h, x := newHistory(rt), index.New(taxonomy)
		selections := make([]news.Selection, len(paths))
		queries := make([]index.Query, len(paths))
		before := make([][]string, len(paths))
		changed := make([]time.Time, len(paths))
		windows := make([]index.Window, len(paths))
		for i, p := range paths {
			s, err := news.ParseSelection(taxonomy, p)
			if err != nil {
				t.Fatal(err)
			}
			selections[i], queries[i] = s, x.Query(s)
		}
		var events []news.Event
		for seq := range uint64(rapid.IntRange(1, 40).Draw(rt, "events")) {
			e := h.next()
			events = append(events, e)
			x.Apply(seq+1, &e)
			for i := range paths {
				want := oracle(taxonomy, &selections[i], h.last)
				if !slices.Equal(want, before[i]) {
					before[i], changed[i] = want, e.Time
				}
				if seq > 0 && x.Fresh(queries[i], windows[i].AsOf) && !slices.Equal(want, shown(windows[i])) {
					rt.Fatalf("%s: an old window is called fresh after event %d", paths[i], seq+1)
				}
				windows[i] = x.Window(queries[i], limits)
				if got := shown(windows[i]); !slices.Equal(got, want) {
					rt.Fatalf("%s after event %d:\n got %q\nwant %q", paths[i], seq+1, got, want)
				}
				if !windows[i].Changed.Equal(changed[i]) {
					rt.Fatalf("%s after event %d: changed %v, want %v", paths[i], seq+1, windows[i].Changed, changed[i])
				}
			}
		}
		replayed := index.New(taxonomy)
		for i := range events {
			replayed.Apply(uint64(i+1), &events[i])
			replayed.Apply(uint64(i+1), &events[i]) // a second time does nothing
		}
		for i := range paths {
			again := replayed.Window(replayed.Query(selections[i]), limits)
			if !slices.Equal(shown(again), shown(windows[i])) || !again.Changed.Equal(windows[i].Changed) || again.Full != windows[i].Full {
				rt.Fatalf("%s: a replay gives another window", paths[i])
			}
		}
	})
}

func TestIndex_Count(t *testing.T) {
	taxonomy := news.DefaultTaxonomy()
	rapid.Check(t, func(rt *rapid.T) {
		h, x := newHistory(rt), index.New(taxonomy)
		for seq := range uint64(rapid.IntRange(1, 30).Draw(rt, "events")) {
			e := h.next()
			x.Apply(seq+1, &e)
		}
		for _, c := range []struct {
			kind news.TopicKind
			slug string
		}{{news.KindField, "policing"}, {news.KindCountry, "serbia"}, {news.KindType, "daily-report"}, {news.KindLanguage, "ru"}} {
			s, err := news.ParseSelection(taxonomy, string(c.kind)+"/"+c.slug)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for _, r := range h.last {
				if r.Status == news.Published && s.Match(taxonomy, &r) {
					want++
				}
			}
			if got := x.Count(c.kind, c.slug); got != want {
				rt.Fatalf("%s %s: counted %d, want %d", c.kind, c.slug, got, want)
			}
		}
		withdrawn := 0
		for _, r := range h.last {
			if r.Status == news.Withdrawn {
				withdrawn++
			}
		}
		if n, w := x.Len(); n != len(h.last) || w != withdrawn {
			rt.Fatalf("%d releases, %d withdrawn; want %d, %d", n, w, len(h.last), withdrawn)
		}
	})
}
