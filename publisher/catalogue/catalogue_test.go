package catalogue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"dateline/publisher/catalogue"
	"dateline/publisher/news"

	"pgregory.net/rapid"
)

// world is a list beside the releases that it should hold.
type world struct {
	t   *news.Taxonomy
	c   *catalogue.Catalogue
	seq uint64
	all map[string]news.Release
	now time.Time
}

func newWorld(t *news.Taxonomy) *world {
	return &world{t: t, c: catalogue.New(t), all: map[string]news.Release{}, now: today}
}

// add makes the next event of a release, a second later or at the same time.
func (w *world) add(t *rapid.T, next news.Release, kind news.Kind, backfill bool) {
	t.Helper()
	var prev *news.Release
	if old, ok := w.all[next.ID]; ok {
		prev = &old
	}
	e, err := news.Next(prev, next, kind, w.now, backfill)
	if err != nil {
		t.Fatal(err)
	}
	w.seq++
	w.all[next.ID] = e.Release
	w.c.Apply(w.seq, &e)
}

var (
	someFields    = []string{"policing", "rule-of-law"}
	someCountries = []string{"albania", "austria", "serbia"}
	someTypes     = []string{"", "press-release", "daily-report"}
)

func drawn(t *rapid.T, n int) news.Release {
	r := news.Release{
		ID: news.NewID(fmt.Sprint("release ", n)), Title: rapid.SampledFrom([]string{"Round TABLE in Tirana", "Mobile court", "Table of courts"}).Draw(t, "title"),
		Text: "Text.", Language: rapid.SampledFrom([]string{"en", "ru"}).Draw(t, "language"), Type: rapid.SampledFrom(someTypes).Draw(t, "type"),
		PublishedAt: today.AddDate(0, 0, -rapid.IntRange(0, 5).Draw(t, "days back")), Reason: "Mistake.",
	}
	for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom(someFields), 0, 2, rapid.ID).Draw(t, "fields") {
		r.Fields = append(r.Fields, news.Tag{Slug: f})
	}
	for _, c := range rapid.SliceOfNDistinct(rapid.SampledFrom(someCountries), 0, 2, rapid.ID).Draw(t, "countries") {
		r.Countries = append(r.Countries, news.CountryTag{Slug: c, Role: rapid.SampledFrom([]news.Role{news.About, news.PlaceRole}).Draw(t, "role")})
	}
	return r
}

func (w *world) change(t *rapid.T) {
	if rapid.Bool().Draw(t, "time goes on") {
		w.now = w.now.Add(time.Second)
	}
	r := drawn(t, rapid.IntRange(0, 12).Draw(t, "n"))
	old, known := w.all[r.ID]
	switch {
	case !known:
		w.add(t, r, news.KindPublished, rapid.Bool().Draw(t, "back-fill"))
	case old.Status == news.Withdrawn:
		w.add(t, r, news.KindRepublished, false)
	default:
		r.Note = "Note."
		w.add(t, r, rapid.SampledFrom([]news.Kind{news.KindRevised, news.KindCorrected, news.KindWithdrawn}).Draw(t, "kind"), false)
	}
}

// oracle finds and sorts the releases of a filter without an index.
func (w *world) oracle(f catalogue.Filter) (ids []string) {
	var found []news.Release
	for _, r := range w.all {
		title := strings.ToLower(r.Title)
		ok := (f.Status == "" || r.Status == f.Status) && !r.PublishedAt.Before(f.From) && (f.Before.IsZero() || r.PublishedAt.Before(f.Before)) &&
			f.Selection.Match(w.t, &r)
		for _, word := range strings.Fields(strings.ToLower(f.Words)) {
			ok = ok && slices.ContainsFunc(strings.FieldsFunc(title, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }), func(has string) bool { return strings.HasPrefix(has, word) })
		}
		if ok {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b news.Release) int {
		if c := b.SurfacedAt.Compare(a.SurfacedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	return ids
}

func drawnFilter(t *rapid.T) catalogue.Filter {
	f := catalogue.Filter{
		Status: rapid.SampledFrom([]news.Status{"", "", news.Published, news.Withdrawn}).Draw(t, "status"),
		Words:  rapid.SampledFrom([]string{"", "", "table", "TIRANA round", "court", "nowhere"}).Draw(t, "words"),
	}
	f.Selection.Routine = rapid.Bool().Draw(t, "routine")
	if rapid.Bool().Draw(t, "bounded") {
		f.From = today.AddDate(0, 0, -rapid.IntRange(0, 6).Draw(t, "from"))
		f.Before = f.From.AddDate(0, 0, rapid.IntRange(0, 4).Draw(t, "before"))
	}
	if rapid.Bool().Draw(t, "by field") {
		f.Selection.Fields = []string{rapid.SampledFrom(someFields).Draw(t, "field")}
	}
	if rapid.Bool().Draw(t, "by country") {
		f.Selection.Countries = []string{rapid.SampledFrom(someCountries).Draw(t, "country")}
		f.Selection.Role = rapid.SampledFrom([]news.Role{"", news.About, news.PlaceRole}).Draw(t, "role")
	}
	return f
}

func TestCatalogue_List_oracle(t *testing.T) {
	taxonomy := news.DefaultTaxonomy()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(taxonomy)
		for range rapid.IntRange(0, 40).Draw(rt, "changes") {
			w.change(rt)
		}
		f, limit := drawnFilter(rt), rapid.IntRange(1, 5).Draw(rt, "limit")
		var got []string
		var after *catalogue.Cursor
		for {
			page, next := w.c.List(f, after, limit)
			if len(page) > limit || next != nil && len(page) < limit {
				rt.Fatalf("a page of %d, the next at %v", len(page), next)
			}
			for _, e := range page {
				got = append(got, e.ID)
				if r := w.all[e.ID]; e.Revision != r.Revision || e.Status != r.Status || e.Title != r.Title {
					rt.Fatalf("it lists %+v, want %+v", e, r)
				}
			}
			if after = next; after == nil {
				break
			}
		}
		if want := w.oracle(f); !slices.Equal(got, want) {
			rt.Fatalf("it lists %v, want %v", got, want)
		}
	})
}

// While a walk goes on, releases come in and others change. What is not touched
// meanwhile is seen once.
func TestCatalogue_List_walk(t *testing.T) {
	taxonomy := news.DefaultTaxonomy()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(taxonomy)
		for n := range rapid.IntRange(1, 20).Draw(rt, "before") {
			w.add(rt, drawn(rt, n), news.KindPublished, rapid.Bool().Draw(rt, "back-fill"))
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 1).Draw(rt, "second")) * time.Second)
		}
		w.now = w.now.Add(time.Second)
		untouched := map[string]bool{}
		for id := range w.all {
			untouched[id] = true
		}
		seen := map[string]int{}
		limit := rapid.IntRange(1, 4).Draw(rt, "limit")
		for after, more := (*catalogue.Cursor)(nil), true; more; more = after != nil {
			var page []catalogue.Entry
			page, after = w.c.List(catalogue.Filter{Selection: news.Selection{Routine: true}}, after, limit)
			for _, e := range page {
				seen[e.ID]++
			}
			for range rapid.IntRange(0, 3).Draw(rt, "meanwhile") {
				r := drawn(rt, 100+len(w.all))
				if rapid.Bool().Draw(rt, "an old one is corrected") {
					r = drawn(rt, rapid.IntRange(0, 19).Draw(rt, "which"))
				}
				if old, known := w.all[r.ID]; known && old.Status == news.Published {
					r.Note = "Note."
					w.add(rt, r, news.KindCorrected, false)
				} else if !known {
					w.add(rt, r, news.KindPublished, false)
				}
				delete(untouched, r.ID)
			}
			if len(seen) > 200 {
				rt.Fatal("the walk does not end")
			}
		}
		for id := range untouched {
			if seen[id] != 1 {
				rt.Fatalf("%s was seen %d times", id, seen[id])
			}
		}
	})
}

func TestCatalogue_Apply(t *testing.T) {
	c := catalogue.New(news.DefaultTaxonomy())
	first, err := news.Next(nil, news.Release{ID: news.NewID("a"), Title: "A", PublishedAt: today}, news.KindPublished, today, false)
	if err != nil {
		t.Fatal(err)
	}
	next := first.Release
	next.Reason = "Mistake."
	second, err := news.Next(&first.Release, next, news.KindWithdrawn, today, false)
	if err != nil {
		t.Fatal(err)
	}
	third, err := news.Next(&second.Release, next, news.KindRepublished, today, false)
	if err != nil {
		t.Fatal(err)
	}
	if c.CaughtUp() {
		t.Error("it is caught up before the log's end is known")
	}
	c.Expect(2)
	c.Expect(9) // the first time counts
	c.Apply(1, &first)
	if c.CaughtUp() {
		t.Error("it is caught up at event 1 of 2")
	}
	came := make(chan error, 1)
	go func() { came <- c.Await(context.Background(), 2) }()
	c.Apply(2, &second)
	if err := <-came; err != nil || !c.CaughtUp() {
		t.Errorf("at event 2: %v, caught up %v", err, c.CaughtUp())
	}
	c.Apply(1, &first) // once more
	if e, ok := c.Find(news.NewID("a")); !ok || e.Status != news.Withdrawn || e.TakenBack != 2 || e.Seq != 2 {
		t.Errorf("it is %+v", e)
	}
	c.Apply(5, &third)
	if e, ok := c.Find(news.NewID("a")); !ok || e.Status != news.Published || e.TakenBack != 2 || c.Applied() != 5 {
		t.Errorf("it is %+v", e)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Await(gone, 6); err == nil {
		t.Error("an event that never came was awaited")
	}
	if _, ok := c.Find(news.NewID("b")); ok {
		t.Error("it finds what was never there")
	}
}
