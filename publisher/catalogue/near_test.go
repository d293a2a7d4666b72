package catalogue_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dateline/publisher/catalogue"
	"dateline/publisher/news"
	"dateline/publisher/read"
)

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// corpus are the releases of the bundled corpus, as first events.
func corpus(t *testing.T) []news.Event {
	t.Helper()
	paths, err := filepath.Glob("../../cmd/dateline/corpus/[0-9]*")
	if err != nil || len(paths) < 40 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	reader := read.New(news.DefaultTaxonomy(), func() time.Time { return today })
	var out []news.Event
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := reader.Read(b)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		doc.Release.ID = news.NewID(path)
		e, err := news.Next(nil, doc.Release, news.KindPublished, today, true)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// changed is a text of which n words are other ones.
func changed(random *rand.Rand, text string, n int) string {
	words := strings.Fields(text)
	for range n {
		words[random.IntN(len(words))] = fmt.Sprint("word", random.IntN(1000))
	}
	return strings.Join(words, " ")
}

func TestCatalogue_Near(t *testing.T) {
	all := corpus(t)
	c := catalogue.New(news.DefaultTaxonomy())
	for i := range all {
		c.Apply(uint64(i+1), &all[i])
	}
	t.Run("different releases of the corpus are not alike", func(t *testing.T) {
		pairs := 0
		for _, e := range all {
			for _, near := range c.Near(&e.Release) {
				pairs++
				t.Logf("%q is said to be like %q", e.Release.Title, near.Title)
			}
		}
		if pairs > 0 {
			t.Errorf("%d of %d releases are said to be like another", pairs, len(all))
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	for _, tc := range []struct {
		name   string
		change func(r *news.Release)
		least  int // of a hundred
	}{
		{"the same text", func(*news.Release) {}, 100},
		{"another title", func(r *news.Release) { r.Title = "Quite another title" }, 97},
		{"one word in a hundred", func(r *news.Release) {
			r.Title, r.Text = "Quite another title", changed(random, r.Text, max(1, len(strings.Fields(r.Text))/100))
		}, 97},
		{"three words", func(r *news.Release) {
			r.Title, r.Text = "Quite another title", changed(random, r.Text, 3)
		}, 85},
		{"a sentence more", func(r *news.Release) {
			r.Title = "Quite another title"
			r.Text += "\n\nThe next meeting is planned for spring."
		}, 90},
		{"other spaces and signs", func(r *news.Release) {
			r.Title = "Quite another title"
			r.Text = strings.NewReplacer(",", ";", ".", " .", "\n\n", "\n").Replace(strings.ToUpper(r.Text))
		}, 97},
	} {
		t.Run("found: "+tc.name, func(t *testing.T) {
			found, of := 0, 0
			for _, e := range all {
				if len(strings.Fields(e.Release.Text)) < 40 {
					continue
				}
				r := e.Release
				r.ID = news.NewID("another " + r.ID)
				tc.change(&r)
				of++
				for _, near := range c.Near(&r) {
					if near.ID == e.Release.ID {
						found++
					}
				}
			}
			t.Logf("found %d of %d", found, of)
			if found*100 < of*tc.least {
				t.Errorf("%d of %d are found, want %d of a hundred", found, of, tc.least)
			}
		})
	}
}

func TestCatalogue_Near_few(t *testing.T) {
	at := func(origin, title, text, language, kind string, day int) news.Event {
		r := news.Release{ID: news.NewID(origin), Title: title, Text: text, Language: language, Type: kind, PublishedAt: today.AddDate(0, 0, day)}
		e, err := news.Next(nil, r, news.KindPublished, today, false)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	long := strings.Repeat("The observers counted cars at the bridge and wrote down what they saw. ", 6)
	short := "See the attached file."
	withdrawn := at("withdrawn", "Taken back", long, "de", "", 0)
	taken, err := news.Next(&withdrawn.Release, news.Release{Title: "Taken back", Reason: "Mistake.", Language: "de", PublishedAt: today}, news.KindWithdrawn, today, false)
	if err != nil {
		t.Fatal(err)
	}
	c := catalogue.New(news.DefaultTaxonomy())
	for i, e := range []news.Event{
		at("long", "Traffic", long, "en", "", 0),
		at("short", "Statement on the elections", short, "en", "", 0),
		at("georgian", "დამკვირვებლები ხიდზე", short, "ka", "", 0),
		at("daily", "Daily report", long, "en", "daily-report", -1),
		withdrawn, taken,
	} {
		c.Apply(uint64(i+1), &e)
	}
	for _, tc := range []struct {
		name string
		e    news.Event
		want []string
	}{
		{"itself is not", at("long", "Traffic", long, "en", "", 0), []string{"daily"}},
		{"the text, years later", at("x", "Other", long, "en", "", 900), []string{"long", "daily"}},
		{"the text in another language", at("x", "Other", long, "fr", "", 0), nil},
		{"few words alone are not", at("x", "Other statement", short, "en", "", 0), nil},
		{"the title on a day close by", at("x", "STATEMENT on the  elections!", "Quite another text.", "en", "", 2), []string{"short"}},
		{"the title on another day", at("x", "Statement on the elections", "Quite another text.", "en", "", 5), nil},
		{"other titles in a script of its own", at("x", "სხვა სათაური", short, "ka", "", 0), nil},
		{"the same title in a script of its own", at("x", "დამკვირვებლები ხიდზე", "სხვა.", "ka", "", 0), []string{"georgian"}},
		{"what was withdrawn", at("x", "Taken back", long, "de", "", 0), nil},
		{"the next day of a series", at("x", "Daily report", long, "en", "daily-report", 9), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, want := map[string]bool{}, map[string]bool{}
			for _, e := range c.Near(&tc.e.Release) {
				got[e.ID] = true
			}
			for _, origin := range tc.want {
				want[news.NewID(origin)] = true
			}
			if !maps.Equal(got, want) {
				t.Errorf("%d are found, want %v", len(got), tc.want)
			}
		})
	}
}
