package eval_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/read"
	"dateline/publisher/read/eval"
)

// measure scores labelled releases with the built-in taxonomy.
func measure(t *testing.T, labels string, open func(string) ([]byte, error)) eval.Report {
	t.Helper()
	cases, err := eval.Parse(strings.NewReader(labels))
	if err != nil {
		t.Fatal(err)
	}
	taxonomy := news.DefaultTaxonomy()
	report, err := eval.Score(taxonomy, read.New(taxonomy, time.Now), cases, open)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// The targets that reading is held to, on the labelled releases of this
// project. A change of a rule or of the taxonomy that falls below fails here;
// "dateline eval publisher/read/testdata/labelled.jsonl" shows why.
func TestScore_targets(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../testdata/labelled.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	report := measure(t, string(b), nil)
	if report.Releases < 120 {
		t.Fatalf("there are %d labelled releases, want 120 at least", report.Releases)
	}
	for _, want := range []eval.Figures{
		{Kind: eval.About, Precision: 0.97, Recall: 0.95, Releases: 120},
		{Kind: eval.Place, Precision: 0.98, Recall: 0.98, Releases: 100},
		{Kind: eval.Field, Precision: 0.92, Recall: 0.8, Releases: 100},
		{Kind: eval.Language, Precision: 0.99, Recall: 0.96, Releases: 100},
	} {
		got := report.Of(want.Kind)
		if got.Precision < want.Precision || got.Recall < want.Recall || got.Releases < want.Releases {
			t.Errorf("%s: precision %.3f, recall %.3f of %d, want %.3f, %.3f of %d at least", want.Kind, got.Precision, got.Recall, got.Releases, want.Precision, want.Recall, want.Releases)
			for _, m := range report.Misses {
				if m.Kind == want.Kind {
					t.Logf("%s: %s, wrong %v: %s (%s)", m.ID, m.Tag, m.Wrong, m.Title, m.Why.Rule)
				}
			}
		}
	}
}

func TestScore(t *testing.T) {
	t.Parallel()
	page := []byte("Voters in Albania\nDate: 17 May 2017\nContent type: News\nSource: Secretariat\nTIRANA, 17 May 2017 – The voters were many.")
	report := measure(t, `
{"id": "a", "title": "Voters in Albania", "text": "They were many.", "source_labels": ["OSCE Presence in Albania"], "sources": ["presence-in-albania"], "fields": ["Policing"], "countries": {"about": ["al", "Japan"]}}
{"id": "b", "title": "Visit to Canada", "text": "It was short.", "countries": {"about": []}}
{"id": "c", "title": "Visit to Canada", "text": "It was short."}
{"id": "d", "file": "page.txt", "date": "2017-05-18", "type": "News", "sources": ["secretariat", "odihr"], "places": ["TIRANA"], "countries": {"place": ["albania"]}}`,
		func(name string) ([]byte, error) {
			if name != "page.txt" {
				return nil, os.ErrNotExist
			}
			return page, nil
		})
	for _, want := range []eval.Figures{
		{Kind: eval.About, Releases: 2, Right: 1, Wrong: 1, Missed: 1, Precision: 0.5, Recall: 0.5},
		{Kind: eval.Place, Releases: 1, Right: 1, Precision: 1, Recall: 1},
		{Kind: eval.PlaceIn, Releases: 1, Right: 1, Precision: 1, Recall: 1},
		{Kind: eval.Field, Releases: 1, Wrong: 1},
		{Kind: eval.Source, Releases: 2, Right: 2, Missed: 1, Precision: 1, Recall: 2. / 3},
		{Kind: eval.Type, Releases: 1, Right: 1, Precision: 1, Recall: 1},
		{Kind: eval.Date, Releases: 1, Wrong: 1, Missed: 1},
		{Kind: eval.Language},
	} {
		if got := report.Of(want.Kind); got != want {
			t.Errorf("%s is %+v, want %+v", want.Kind, got, want)
		}
	}
	t.Run("every miss is named", func(t *testing.T) {
		if !slices.ContainsFunc(report.Misses, func(m eval.Miss) bool {
			return m.ID == "b" && m.Tag == "canada" && m.Wrong && m.Why.Rule == "title" && m.Why.Words == "Canada"
		}) {
			t.Errorf("the misses are %+v", report.Misses)
		}
		if !slices.ContainsFunc(report.Misses, func(m eval.Miss) bool { return m.ID == "a" && m.Tag == "japan" && !m.Wrong }) {
			t.Errorf("the misses are %+v", report.Misses)
		}
	})
	t.Run("it is deterministic and JSON", func(t *testing.T) {
		one, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(one, []byte(`"precision":0.5`)) {
			t.Errorf("%s", one)
		}
	})
}

func TestScore_refuses(t *testing.T) {
	t.Parallel()
	missing := errors.New("it is not there")
	for name, tc := range map[string]struct{ labels, want string }{
		"an unknown country": {`{"id": "x1", "title": "T", "countries": {"about": ["Atlantis"]}}`, `there is no country "Atlantis"`},
		"an unknown field":   {`{"id": "x1", "title": "T", "fields": ["Polcing"]}`, "perhaps policing"},
		"a missing file":     {`{"id": "x1", "file": "no.txt"}`, "it is not there"},
		"a refused document": {`{"id": "x1", "title": "T", "source_labels": ["Ministry of Silly Walks"]}`, "Silly"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases, err := eval.Parse(strings.NewReader(tc.labels))
			if err != nil {
				t.Fatal(err)
			}
			taxonomy := news.DefaultTaxonomy()
			_, err = eval.Score(taxonomy, read.New(taxonomy, time.Now), cases, func(string) ([]byte, error) { return nil, missing })
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "x1: ") {
				t.Errorf("error is %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for labels, want := range map[string]string{
		"":                              "no labelled releases",
		"{\"title\": \"T\"}\nnonsense":  "line 2",
		`{"title": "T", "colour": "x"}`: `unknown field "colour"`,
		`{"id": "x"}`:                   "neither a title nor a file",
	} {
		if _, err := eval.Parse(strings.NewReader(labels)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q in it", labels, err, want)
		}
	}
}

func TestParse_names(t *testing.T) {
	t.Parallel()
	cases, err := eval.Parse(strings.NewReader(`{"id": "r1", "title": "T", "date": "2004-03-01", "type": null, "sources": ["OSCE Secretariat"], "fields": [], "summary": "S.", "dateline_raw": "VIENNA, 1 March 2004-", "dateline_place": ["VIENNA"], "about_countries_gold": ["RS"], "lang": "en", "flags": ["x"]}`))
	if err != nil {
		t.Fatal(err)
	}
	c := cases[0]
	if c.Text != "S." || c.Language != "en" || c.Dateline != "VIENNA, 1 March 2004-" || !slices.Equal(c.Places, []string{"VIENNA"}) ||
		!slices.Equal(c.Countries.About, []string{"RS"}) || !slices.Equal(c.SourceNames, []string{"OSCE Secretariat"}) {
		t.Errorf("it is %+v", c)
	}
}
