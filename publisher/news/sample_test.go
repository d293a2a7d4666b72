package news_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dateline/publisher/news"
)

var update = flag.Bool("update", false, "write golden files anew")

// noon is the time at which everything in these tests happens.
var noon = time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC)

// sample is a release that uses every field.
func sample() news.Release {
	origin := "https://example.org/news/1"
	return news.Release{
		ID: news.NewID(origin), Revision: 1, Status: news.Published, Origin: origin,
		OtherOrigins: []string{"https://example.org/old/1"}, Language: "en", Type: "press-release",
		Title: "Police officers train in Salzburg & Vienna", Summary: "A course on fair policing <ends>.",
		HTML:        "<p>Forty officers took part.</p>\n<p>The course lasted a week.</p>",
		Text:        "Forty officers took part.\n\nThe course lasted a week.",
		PublishedAt: time.Date(2025, 3, 14, 10, 30, 0, 0, time.FixedZone("", 3600)),
		UpdatedAt:   noon, SurfacedAt: noon, SurfacedRevision: 1,
		Dateline:  news.Dateline{Raw: "SALZBURG, 14 March 2025 –", Date: "2025-03-14"},
		Places:    []news.Place{{Name: "Salzburg", Country: "austria"}, {Name: "Somewhere"}},
		Countries: []news.CountryTag{{Slug: "austria", Role: news.PlaceRole, Evidence: news.Evidence{Rule: "dateline", Words: "SALZBURG", Confidence: 0.9}}, {Slug: "serbia", Role: news.About, Evidence: news.Evidence{Rule: "title", Words: "Serbian", Confidence: 0.5}}},
		Fields:    []news.Tag{{Slug: "policing", Evidence: news.Evidence{Rule: "label", Words: "Policing", Confidence: 1}}, {Slug: "rule-of-law", Evidence: news.Evidence{Rule: "proposal", Words: "courts", Confidence: 0.25}}},
		Sources:   []news.Tag{{Slug: "secretariat", Evidence: news.Evidence{Rule: "label", Words: "OSCE Secretariat", Confidence: 1}}},
		URL:       "https://example.org/news/1", Links: []news.Link{{URL: "https://example.org/course", Title: "The course"}},
		Contacts: []string{"Press office, press@example.org"},
	}
}

// life is one event of each kind, as a release goes through them.
func life(t *testing.T) map[news.Kind]news.Event {
	t.Helper()
	out := map[news.Kind]news.Event{}
	var prev *news.Release
	now := noon
	for _, kind := range []news.Kind{news.KindPublished, news.KindRevised, news.KindCorrected, news.KindWithdrawn, news.KindRepublished} {
		next := sample()
		switch kind {
		case news.KindCorrected:
			next.Note = "The number of officers was wrong:\nit was forty."
		case news.KindWithdrawn:
			next.Reason = "It was published by mistake."
		}
		e, err := news.Next(prev, next, kind, now, false)
		if err != nil {
			t.Fatal(err)
		}
		out[kind], prev, now = e, &e.Release, now.Add(time.Hour+time.Millisecond)
	}
	return out
}

// golden compares got with a file below testdata; -update writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}
