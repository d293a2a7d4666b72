package read_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/read"
)

var update = flag.Bool("update", false, "write the golden files anew")

// outcome is what a golden file keeps of a proposal. Tags that are guessed from
// words are not kept: they have tests of their own.
type outcome struct {
	Refused  string            `json:"refused,omitempty"`
	Format   string            `json:"format"`
	Title    string            `json:"title"`
	Date     string            `json:"date,omitempty"`
	DayOnly  bool              `json:"day_only,omitempty"`
	Type     string            `json:"type,omitempty"`
	Language string            `json:"language,omitempty"`
	Dateline news.Dateline     `json:"dateline,omitzero"`
	Places   []string          `json:"places,omitempty"`
	Labelled map[string]string `json:"labelled,omitempty"` // topic to kind, by label or editor
	Summary  string            `json:"summary,omitempty"`
	HTML     string            `json:"html,omitempty"`
	Partial  bool              `json:"partial,omitempty"`
	URL      string            `json:"url,omitempty"`
	Origin   string            `json:"origin,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`
}

func outcomeOf(p read.Proposal, err error) outcome {
	r := p.Release
	o := outcome{Format: p.Format, Title: r.Title, URL: r.URL, Origin: r.Origin}
	if err != nil {
		o.Refused = err.Error()
		return o
	}
	o.Date, o.DayOnly, o.Type, o.Language, o.Dateline = r.PublishedAt.Format(time.RFC3339), r.DayOnly, r.Type, r.Language, r.Dateline
	o.Summary, o.HTML, o.Partial, o.Warnings = r.Summary, r.HTML, p.Partial, p.Warnings
	for _, pl := range r.Places {
		o.Places = append(o.Places, pl.Name)
	}
	o.Labelled = map[string]string{}
	stated := func(e news.Evidence) bool { return e.Rule == "label" || e.Rule == "editor" }
	for _, t := range r.Fields {
		if stated(t.Evidence) {
			o.Labelled[t.Slug] = "field"
		}
	}
	for _, t := range r.Sources {
		if stated(t.Evidence) {
			o.Labelled[t.Slug] = "source"
		}
	}
	for _, t := range r.Countries {
		if stated(t.Evidence) {
			o.Labelled[t.Slug] = string(t.Role)
		}
	}
	return o
}

// TestReader_Each_golden reads every document under testdata and compares what
// is read with the golden file beside it; -update writes those anew.
func TestReader_Each_golden(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob(filepath.Join("testdata", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	r := newReader()
	for _, path := range documents {
		dir, name := filepath.Split(path)
		if base := filepath.Base(dir); base != "formats" && base != "pages" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var all []outcome
			for p, err := range r.Each(b) {
				if err == nil {
					sound(t, news.DefaultTaxonomy(), p)
				} else if news.CodeOf(err) == "" {
					t.Errorf("the refusal %q is no problem", err)
				}
				all = append(all, outcomeOf(p, err))
			}
			golden(t, filepath.Join("testdata", "golden", name+".json"), all)
		})
	}
}

func golden(t *testing.T, path string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s: read\n%s\nwant\n%s", path, got, want)
	}
}
