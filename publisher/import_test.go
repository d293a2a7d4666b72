package publisher_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"dateline/publisher"
)

// three releases as lines of JSON; the second has no date.
const threeLines = `{"title":"One","date":"2011-02-03","origin":"https://example.org/1","text":"The first."}
{"title":"Two","origin":"https://example.org/2","text":"The second."}
{"title":"Three","date":"2013-02-03","origin":"https://example.org/3","text":"The third."}
`

func importLines(t *testing.T, s service, query, body string) []publisher.Imported {
	t.Helper()
	a := s.do(t, http.MethodPost, "/api/v1/import"+query, "application/octet-stream", body)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != publisher.ImportType {
		t.Fatalf("status %d, %s: %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	var out []publisher.Imported
	d := json.NewDecoder(bytes.NewReader(a.body))
	for d.More() {
		var one publisher.Imported
		if err := d.Decode(&one); err != nil {
			t.Fatal(err)
		}
		out = append(out, one)
	}
	return out
}

func outcomes(lines []publisher.Imported) string {
	var words []string
	for _, l := range lines {
		words = append(words, string(l.Outcome))
	}
	return strings.Join(words, " ")
}

func TestHandler_import(t *testing.T) {
	t.Parallel()
	s := newService(t)
	t.Run("a dry run says what would come of it and changes nothing", func(t *testing.T) {
		if got := outcomes(importLines(t, s, "?dry_run=true", threeLines)); got != "created refused created" {
			t.Errorf("it answers %s", got)
		}
		if n := events(t, s.wire); n != 0 {
			t.Errorf("%d events", n)
		}
	})
	t.Run("the refused one does not keep the others out", func(t *testing.T) {
		lines := importLines(t, s, "", threeLines)
		if got := outcomes(lines); got != "created refused created" {
			t.Fatalf("it answers %s", got)
		}
		if lines[0].Date != "2011-02-03" || lines[0].ID == "" || len(lines[1].Errors) != 1 || !strings.Contains(lines[1].Errors[0], "no date") {
			t.Errorf("the lines are %+v", lines)
		}
		for seq := uint64(1); seq <= 2; seq++ {
			e, err := s.wire.At(t.Context(), seq)
			if err != nil || !e.Backfill || e.Alerts() || !e.Release.SurfacedAt.Equal(e.Release.PublishedAt) {
				t.Errorf("event %d: %+v, %v; want a back-fill that is ordered by its own date", seq, e, err)
			}
		}
	})
	t.Run("what is there is left alone, what changed is revised", func(t *testing.T) {
		changed := strings.Replace(threeLines, "The third.", "The third, better.", 1)
		if got := outcomes(importLines(t, s, "?dry_run=true", changed)); got != "unchanged refused revised" {
			t.Errorf("the dry run answers %s", got)
		}
		if got := outcomes(importLines(t, s, "", changed)); got != "unchanged refused revised" {
			t.Errorf("it answers %s", got)
		}
	})
	t.Run("new releases alert when that is asked for", func(t *testing.T) {
		importLines(t, s, "?alert=true", `{"title":"New","date":"2017-05-16","origin":"https://example.org/new","text":"Today."}`)
		e, err := s.wire.At(t.Context(), 4)
		if err != nil || !e.Alerts() {
			t.Errorf("the event is %+v, %v", e, err)
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		refused(t, s.do(t, http.MethodPost, "/api/v1/import?alert=perhaps", "", "x"), http.StatusBadRequest, "alert=perhaps")
		if got := importLines(t, s, "", ""); outcomes(got) != "refused" || len(got[0].Errors) != 1 {
			t.Errorf("an empty body: %+v", got)
		}
	})
}

func TestHandler_importLogAway(t *testing.T) {
	t.Parallel()
	s := newService(t)
	if err := s.wire.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The rest would meet the same, so the answer ends with the first refusal.
	lines := importLines(t, s, "", threeLines)
	if outcomes(lines) != "refused" || !strings.Contains(lines[0].Errors[0], "again") {
		t.Errorf("it answers %+v", lines)
	}
}
