package render_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dateline/feeds/check"
	"dateline/feeds/render"
	"dateline/publisher/news"

	"github.com/mmcdole/gofeed"
)

var update = flag.Bool("update", false, "write the golden documents anew")

const base = "https://news.example.org/wire"

var taxonomy = news.DefaultTaxonomy()

func newRenderer() *render.Renderer { return render.New(taxonomy, base, "Example Newsroom") }

func at(hour int) time.Time { return time.Date(2026, 11, 20, hour, 30, 15, 123e6, time.UTC) }

func tags(slugs ...string) []news.Tag {
	var out []news.Tag
	for _, s := range slugs {
		out = append(out, news.Tag{Slug: s})
	}
	return out
}

// samples are a full release, a corrected one in Russian, and a withdrawn one.
func samples() []news.Release {
	vienna := time.FixedZone("", 3600)
	return []news.Release{
		{
			ID: news.NewID("https://example.org/1"), Revision: 1, Status: news.Published, Language: "en", Type: "press-release",
			Title: "Police academies agree on a joint course", Summary: "Trainers from three academies settle what recruits learn first.",
			HTML: "<p>Trainers met for three days.</p>\n<p>They agreed on <em>one</em> course &amp; two exams.</p>", Text: "Trainers met for three days.\n\nThey agreed on one course & two exams.",
			PublishedAt: time.Date(2026, 11, 20, 9, 15, 0, 0, vienna), UpdatedAt: at(8), SurfacedAt: at(8), SurfacedRevision: 1,
			Countries: []news.CountryTag{{Slug: "austria", Role: news.PlaceRole}, {Slug: "moldova", Role: news.About}},
			Fields:    tags("policing", "education"), Sources: tags("secretariat", "mission-to-moldova"), URL: "https://example.org/1?a=1&b=2",
			Links: []news.Link{{URL: "https://example.org/about"}, {URL: "https://example.org/course.PDF?v=2", Title: "The course"}, {URL: "mailto:press@example.org"}, {URL: "https://example.org/talk.mp3"}},
		},
		{
			ID: news.NewID("https://example.org/2"), Revision: 3, Status: news.Published, Language: "ru",
			Title: "Наблюдатели представили доклад", Text: "Первый абзац.\n\nВторой абзац.", Note: "the number of observers was 86, not 68",
			PublishedAt: time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC), DayOnly: true, UpdatedAt: at(9), Fields: tags("elections"),
		},
		{
			ID: news.NewID("https://example.org/3"), Revision: 2, Status: news.Withdrawn, Language: "en", Type: "news", Title: "Meeting in Tirana",
			Reason: "sent before the meeting took place", PublishedAt: at(1), UpdatedAt: at(10), Countries: []news.CountryTag{{Slug: "albania", Role: news.About}},
		},
	}
}

// hostile is text that breaks documents made with less care.
func hostile() news.Release {
	bad := "a\x0bb\xff\xfe]]>c <b>d</b> </script> & &amp; \u202egnp.\u202c مرحبا שלום 👩‍🚒 \ufffe\u0000 e"
	return news.Release{
		ID: news.NewID(bad), Revision: 1, Status: news.Published, Language: "en", Title: bad, Summary: bad, HTML: "<p>\x0b\xff ]]> \ufffe" + html.EscapeString(bad) + "</p>", Text: bad, Note: bad,
		PublishedAt: at(3), UpdatedAt: at(4), URL: "https://example.org/\x0b\"><x>", Countries: []news.CountryTag{{Slug: "austria", Role: news.About}},
	}
}

// sample is a document to look at.
type sample struct {
	feed     render.Feed
	releases []news.Release
	others   []render.Translation // of each
}

// documents are one of each kind.
func documents() map[string]sample {
	return map[string]sample{
		"feed":         {feed: render.Feed{Previous: "2026-10-2", Hub: "https://news.example.org/wire/hub"}, releases: samples()},
		"empty":        {feed: render.Feed{Complete: true}},
		"hostile":      {releases: []news.Release{hostile()}},
		"archive":      {feed: render.Feed{Archive: "2026-11", Previous: "2026-09-2", Next: "2026-11-2"}, releases: samples()[1:]},
		"oldest":       {feed: render.Feed{Archive: "2026-11", Next: "2026-11-2"}, releases: samples()[:1]},
		"translations": {releases: samples()[:1], others: []render.Translation{{ID: news.NewID("ru"), Language: "ru", Slug: "soglasovan-obshchiy-kurs"}, {ID: news.NewID("uk"), Language: "uk"}}},
	}
}

func document(t testing.TB, f render.Format, releases []news.Release) []byte {
	t.Helper()
	return sample{releases: releases}.render(t, f)
}

func (s sample) render(t testing.TB, f render.Format) []byte {
	t.Helper()
	r, releases := newRenderer(), s.releases
	updated := render.Epoch
	for _, rel := range releases {
		if rel.UpdatedAt.After(updated) {
			updated = rel.UpdatedAt
		}
	}
	s.feed.Path, s.feed.Title, s.feed.Description = "field/policing+education", "Policing or Education – Example Newsroom", "Releases on Policing <&> Education."
	frame, err := r.Frame(f, s.feed)
	if err != nil {
		t.Fatal(err)
	}
	var items [][]byte
	for i := range releases {
		item, err := r.Item(f, &releases[i], s.others...)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return bytes.Join([][]byte{frame.Head(updated), bytes.Join(items, []byte(f.Separator())), frame.Foot()}, nil)
}

func TestRenderer_Golden(t *testing.T) {
	for name, sample := range documents() {
		for _, f := range render.Formats {
			t.Run(name+"."+string(f), func(t *testing.T) {
				got := sample.render(t, f)
				path := filepath.Join("testdata", name+"."+string(f))
				if *update {
					if err := os.WriteFile(path, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("the document differs from %s; when that is meant, raise Version and run go test with -update\n%s", path, got)
				}
			})
		}
	}
}

func TestRenderer_Valid(t *testing.T) {
	for name, sample := range documents() {
		for _, f := range render.Formats {
			t.Run(name+"."+string(f), func(t *testing.T) {
				for _, problem := range check.Document(string(f), sample.render(t, f)).Problems {
					t.Error(problem)
				}
			})
		}
	}
}

func TestRenderer_ReadBack(t *testing.T) {
	releases := samples()
	for _, f := range render.Formats {
		t.Run(string(f), func(t *testing.T) {
			feed, err := gofeed.NewParser().Parse(bytes.NewReader(document(t, f, releases)))
			if err != nil {
				t.Fatal(err)
			}
			want := len(releases)
			if f == render.Atom {
				want-- // the withdrawn one is a tombstone
			}
			if len(feed.Items) != want {
				t.Fatalf("%d items, want %d", len(feed.Items), want)
			}
			for i, item := range feed.Items {
				rel := &releases[i]
				if item.GUID != "urn:uuid:"+rel.ID {
					t.Errorf("item %d has the id %q", i, item.GUID)
				}
				if !item.PublishedParsed.Equal(rel.PublishedAt.Truncate(time.Second)) && !item.PublishedParsed.Equal(rel.PublishedAt) {
					t.Errorf("item %d was published %v, want %v", i, item.PublishedParsed, rel.PublishedAt)
				}
				if item.Link != news.ReleaseURL(base, rel.ID, rel.Title) {
					t.Errorf("item %d has the link %q", i, item.Link)
				}
			}
			if first := feed.Items[0]; first.Title != releases[0].Title || first.Description != releases[0].Summary || first.Content != releases[0].HTML {
				t.Errorf("the first item reads %q, %q, %q", first.Title, first.Description, first.Content)
			}
			if second := feed.Items[1]; !strings.HasPrefix(second.Content, "<p><strong>Correction, 20 November 2026:</strong> the number of observers was 86") || second.Description != "Первый абзац." {
				t.Errorf("the corrected item reads %q, %q", second.Description, second.Content)
			}
		})
	}
}

func TestRenderer_Withdrawn(t *testing.T) {
	rel := samples()[2]
	rel.Text, rel.HTML, rel.Summary = "secret", "<p>secret</p>", "secret"
	for _, f := range render.Formats {
		b, err := newRenderer().Item(f, &rel)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"urn:uuid:" + rel.ID, "Withdrawn: Meeting in Tirana", rel.Reason} {
			if !bytes.Contains(b, []byte(want)) {
				t.Errorf("%s lacks %q:\n%s", f, want, b)
			}
		}
		if bytes.Contains(b, []byte("secret")) {
			t.Errorf("%s still holds the text:\n%s", f, b)
		}
	}
}

func FuzzRenderer_Item(f *testing.F) {
	h := hostile()
	f.Add(h.Title, h.HTML, h.Language)
	f.Add("]]>", "<![CDATA[ ]]>", "en")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, title, body, slug string) {
		rel := samples()[0]
		rel.Title, rel.Summary, rel.HTML, rel.Note, rel.URL, rel.Type = title, title, body, title, title, slug
		rel.Fields = tags(slug)
		for _, status := range []news.Status{news.Published, news.Withdrawn} {
			rel.Status, rel.Reason = status, title
			for _, format := range []render.Format{render.RSS, render.Atom} {
				if err := wellFormed(document(t, format, []news.Release{rel})); err != nil {
					t.Fatalf("%s: %v", format, err)
				}
			}
			if doc := document(t, render.JSON, []news.Release{rel}); !json.Valid(doc) {
				t.Fatalf("not JSON: %s", doc)
			}
		}
	})
}

func wellFormed(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w in\n%s", err, b)
		}
	}
}
