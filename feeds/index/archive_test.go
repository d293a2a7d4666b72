package index_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dateline/feeds/index"
	"dateline/publisher/news"

	"pgregory.net/rapid"
)

// TestIndex_Archive holds, over random histories, that the documents of every
// selection are those of the model, in one chain; that a walk from the window
// over the chain gives every release; and that a minor revision and a release
// that comes in its time leave what is closed as it was.
func TestIndex_Archive(t *testing.T) {
	taxonomy := news.DefaultTaxonomy()
	rapid.Check(t, func(rt *rapid.T) {
		h, x := newHistory(rt), index.New(taxonomy)
		selection := draw(rt, taxonomy)
		q := x.Query(selection)
		before := map[index.Part]index.Archive{}
		m := replay(taxonomy, []news.Selection{selection}, nil)
		for range rapid.IntRange(1, 40).Draw(rt, "events") {
			old, l := m, h.grow()
			x.Apply(l.seq, &l.event)
			m = m.grown(h)
			now := everything(rt, x, q)
			compare(rt, m, &selection, now)
			walk(rt, m, &selection, x, q)
			stays := stability(old, m, l)
			for _, a := range now {
				was, known := before[a.Part]
				if !known || stays == changes {
					continue
				}
				if was.Next == (index.Part{}) && stays == arrives {
					was.Next = a.Next
				}
				lost := stays == arrives && a.Next == (index.Part{}) && a.Part == now[0].Part
				if !sameArchive(was, a) && !lost {
					rt.Fatalf("%s after event %d, %s: the document %s changed from\n%v to\n%v", selection.Path(), l.seq, l.event.Kind, a.Part, was, a)
				}
			}
			before = map[index.Part]index.Archive{}
			for _, a := range now {
				before[a.Part] = a
			}
		}
	})
}

// draw is a selection of any kinds, groups among them.
func draw(t *rapid.T, taxonomy *news.Taxonomy) news.Selection {
	path := ""
	if rapid.Bool().Draw(t, "routine") {
		path = "routine/"
	}
	kinds := 0
	add := func(kind string, values ...string) {
		if rapid.IntRange(0, 2).Draw(t, kind+" asked for") > 0 {
			return
		}
		if kinds++; kinds > 1 {
			path += "/"
		}
		path += kind + "/" + strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 3, rapid.ID).Draw(t, kind), "+")
		if kind == "country" {
			path += rapid.SampledFrom([]string{"", "/role/about", "/role/place"}).Draw(t, "role")
		}
	}
	add("field", "policing", "elections", "youth", "human", "politico-military")
	add("country", "austria", "serbia", "kosovo", "participating-states")
	add("source", "secretariat", "permanent-council", "mission-to-moldova")
	add("type", "press-release", "daily-report", "news")
	add("language", "en", "ru", "de")
	if kinds == 0 {
		path += "all"
	}
	s, err := news.ParseSelection(taxonomy, path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// effect is what an event may do to archives.
type effect int

const (
	changes effect = iota
	arrives        // a release in its time: the newest document grows, a next one arrives
	nothing
)

func stability(old, now *model, l logged) effect {
	r := &l.event.Release
	prev := old.releases[r.ID]
	if prev != nil {
		if l.event.Kind == news.KindRevised && prev.filed == now.releases[r.ID].filed {
			return nothing
		}
		return changes
	}
	for _, k := range old.releases {
		if k.now.PublishedAt.UTC().Format("2006-01") > r.PublishedAt.UTC().Format("2006-01") || k.first.After(r.SurfacedAt) || k.first.Equal(r.SurfacedAt) {
			return changes
		}
	}
	return arrives
}

// everything walks from the newest document there is, linked or not.
func everything(t *rapid.T, x *index.Index, q index.Query) []index.Archive {
	var newest index.Archive
	for at := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC); newest.Part == (index.Part{}) && at.Year() > 2025; at = at.AddDate(0, -1, 0) {
		for number := 1; ; number++ {
			a, ok := x.Archive(q, index.Part{Year: at.Year(), Month: at.Month(), Number: number}, limits)
			if !ok {
				break
			}
			newest = a
		}
	}
	if newest.Part == (index.Part{}) {
		return nil
	}
	out := []index.Archive{newest}
	for newest.Previous != (index.Part{}) {
		a, ok := x.Archive(q, newest.Previous, limits)
		if !ok {
			t.Fatalf("%s leads to %s, which is not there", newest.Part, newest.Previous)
		}
		if a.Next != newest.Part && a.Next != (index.Part{}) || a.Next == (index.Part{}) && newest.Next != (index.Part{}) {
			t.Fatalf("%s is before %s and leads to %q", a.Part, newest.Part, a.Next)
		}
		out, newest = append(out, a), a
	}
	return out
}

func compare(t *rapid.T, m *model, s *news.Selection, got []index.Archive) {
	names, docs := m.archive(s)
	if len(got) != len(names) {
		t.Fatalf("%d documents, want %q", len(got), names)
	}
	for i, a := range got {
		if a.Part.String() != names[i] || !slices.Equal(named(a.Entries), docs[i]) {
			t.Fatalf("document %s holds\n%q, want %s with\n%q", a.Part, named(a.Entries), names[i], docs[i])
		}
		if a.Next == (index.Part{}) && i > 1 {
			t.Fatalf("%s lacks its next document", a.Part)
		}
	}
}

// walk reads what a reader of the feed can read.
func walk(t *rapid.T, m *model, s *news.Selection, x *index.Index, q index.Query) {
	w := x.Window(q, limits)
	revisions := map[string]int{}
	for _, e := range w.Entries {
		revisions[e.ID] = e.Revision
	}
	if w.Behind != (index.Part{}) && w.Behind.String() != m.behind(s) {
		t.Fatalf("behind the window is %q, want %q", w.Behind, m.behind(s))
	}
	complete := len(w.Entries) == len(m.matches(s))
	if complete != (w.Behind == index.Part{}) {
		t.Fatalf("complete is %v, behind is %q", complete, w.Behind)
	}
	twice := map[string]bool{}
	for _, a := range chain(x, q, w) {
		for _, e := range a.Entries {
			if twice[e.ID] {
				t.Fatalf("%s stands twice in the archive", e.ID)
			}
			twice[e.ID] = true
			if _, newer := revisions[e.ID]; !newer {
				revisions[e.ID] = e.Revision
			}
		}
	}
	for _, k := range m.matches(s) {
		got, ok := revisions[k.now.ID]
		if !ok || got != k.now.Revision && got != k.archived.Revision {
			t.Fatalf("the walk gives %s in revision %d, want %d or %d", k.now.ID, got, k.now.Revision, k.archived.Revision)
		}
		delete(revisions, k.now.ID)
	}
	if len(revisions) > 0 {
		t.Fatalf("the walk gives %v beside", revisions)
	}
}
