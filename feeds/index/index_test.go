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
// retag, correct, withdraw, republish, erase, with a clock that never goes back
// and often stands still.
type history struct {
	t      *rapid.T
	now    time.Time
	last   map[string]news.Release
	events []logged // what a replay finds: of an erased release its last event
	seq    uint64
}

type logged struct {
	seq   uint64
	event news.Event
}

func newHistory(t *rapid.T) *history {
	return &history{t: t, now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), last: map[string]news.Release{}}
}

// grow draws the next event. It is what the log ends with afterwards.
func (h *history) grow() logged {
	e := h.next()
	h.seq++
	if e.Release.Erased {
		h.events = slices.DeleteFunc(h.events, func(l logged) bool { return l.event.Release.ID == e.Release.ID })
	}
	h.events = append(h.events, logged{h.seq, e})
	return h.events[len(h.events)-1]
}

func (h *history) next() news.Event {
	h.now = h.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 400, 1000, 90_000, 12 * 24 * 3600_000}).Draw(h.t, "wait")) * time.Millisecond)
	n := rapid.IntRange(1, 9).Draw(h.t, "release")
	for h.last[news.NewID(strconv.Itoa(n))].Erased {
		n += 10
	}
	id := news.NewID(strconv.Itoa(n))
	prev, known := h.last[id]
	if !known {
		r := h.content(news.Release{ID: id})
		r.PublishedAt = h.date()
		return h.move(nil, r, news.KindPublished, rapid.Bool().Draw(h.t, "backfill"))
	}
	kind := rapid.SampledFrom([]news.Kind{news.KindRevised, news.KindRevised, news.KindCorrected, news.KindWithdrawn}).Draw(h.t, "kind")
	if prev.Status == news.Withdrawn {
		kind = rapid.SampledFrom([]news.Kind{news.KindRepublished, news.KindRepublished, news.KindWithdrawn}).Draw(h.t, "kind after")
	}
	next := prev
	if kind != news.KindWithdrawn {
		next = h.content(prev)
		if rapid.IntRange(0, 4).Draw(h.t, "date changes") == 0 {
			next.PublishedAt = h.date()
		}
	}
	next.Erased = kind == news.KindWithdrawn && (prev.Status == news.Withdrawn || rapid.Bool().Draw(h.t, "erased"))
	next.Note, next.Reason = "a figure was wrong", "sent in error"
	return h.move(&prev, next, kind, false)
}

func (h *history) date() time.Time {
	return h.now.AddDate(0, 0, -rapid.SampledFrom([]int{0, 0, 0, 1, 3, 31, 95}).Draw(h.t, "age"))
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
	if r.Revision > 0 && rapid.Bool().Draw(h.t, "stays filed") {
		return r
	}
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

// parse makes the selections of paths.
func parse(t testing.TB, taxonomy *news.Taxonomy) []news.Selection {
	t.Helper()
	out := make([]news.Selection, len(paths))
	for i, p := range paths {
		s, err := news.ParseSelection(taxonomy, p)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = s
	}
	return out
}

func TestIndex_Window(t *testing.T) {
	taxonomy := news.DefaultTaxonomy()
	selections := parse(t, taxonomy)
	rapid.Check(t, func(rt *rapid.T) {
		h, x := newHistory(rt), index.New(taxonomy)
		queries := make([]index.Query, len(paths))
		windows := make([]index.Window, len(paths))
		for i, s := range selections {
			queries[i] = x.Query(s)
		}
		m := replay(taxonomy, selections, nil)
		for range rapid.IntRange(1, 40).Draw(rt, "events") {
			l := h.grow()
			x.Apply(l.seq, &l.event)
			m = m.grown(h)
			for i, p := range paths {
				want := m.seen[i].window
				if l.seq > 1 && x.Fresh(queries[i], windows[i].AsOf) && !slices.Equal(want, shown(windows[i])) {
					rt.Fatalf("%s: an old window is called fresh after event %d", p, l.seq)
				}
				windows[i] = x.Window(queries[i], limits)
				if got := shown(windows[i]); !slices.Equal(got, want) {
					rt.Fatalf("%s after event %d:\n got %q\nwant %q", p, l.seq, got, want)
				}
				if !windows[i].Changed.Equal(m.seen[i].changed) {
					rt.Fatalf("%s after event %d: changed %v, want %v", p, l.seq, windows[i].Changed, m.seen[i].changed)
				}
			}
		}
		replayed := index.New(taxonomy)
		for _, l := range h.events {
			replayed.Apply(l.seq, &l.event)
			replayed.Apply(l.seq, &l.event) // a second time does nothing
		}
		for i, p := range paths {
			again := replayed.Window(replayed.Query(selections[i]), limits)
			if !slices.Equal(shown(again), shown(windows[i])) || !again.Changed.Equal(windows[i].Changed) || again.Full != windows[i].Full || again.Behind != windows[i].Behind {
				rt.Fatalf("%s: a replay gives another window", p)
			}
			if a, b := chain(replayed, replayed.Query(selections[i]), again), chain(x, queries[i], windows[i]); !slices.EqualFunc(a, b, sameArchive) {
				rt.Fatalf("%s: a replay gives another archive:\n%v\n%v", p, a, b)
			}
		}
	})
}

func TestIndex_Count(t *testing.T) {
	taxonomy := news.DefaultTaxonomy()
	rapid.Check(t, func(rt *rapid.T) {
		h, x := newHistory(rt), index.New(taxonomy)
		for range rapid.IntRange(1, 30).Draw(rt, "events") {
			l := h.grow()
			x.Apply(l.seq, &l.event)
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
