package publisher_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"dateline/publisher/read"
)

// noFields is a release without a field, whose words speak for one.
const noFields = `{"title":"Voters in Albania get new ballot papers","date":"2017-05-17","type":"News","text":"TIRANA, 17 May 2017 – Election officials showed the ballot papers to voters in Donetsk."}`

func TestHandler_inspect(t *testing.T) {
	t.Parallel()
	s := newService(t)
	a := s.do(t, http.MethodPost, "/api/v1/inspect", "application/json", noFields)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d, %s: %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	var p read.Proposal
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatal(err)
	}
	t.Run("the release as it would be", func(t *testing.T) {
		if p.Release.Title == "" || p.Format != read.FormatJSON || p.Release.Type != "news" {
			t.Errorf("it answers %s", a.body)
		}
	})
	t.Run("fields are offered and no tags", func(t *testing.T) {
		if len(p.Release.Fields) != 0 || len(p.Proposed) == 0 || p.Proposed[0].Slug != "elections" || p.Proposed[0].Evidence.Words == "" {
			t.Errorf("fields %v, proposed %v", p.Release.Fields, p.Proposed)
		}
	})
	t.Run("nothing is published", func(t *testing.T) {
		if last, err := s.wire.LastSeq(t.Context()); err != nil || last != 0 {
			t.Errorf("the log's last event is %d, %v", last, err)
		}
	})
	t.Run("a page is inspected too", func(t *testing.T) {
		if a := s.do(t, http.MethodPost, "/api/v1/inspect", "text/plain", pageText); a.status != http.StatusOK {
			t.Errorf("status %d: %s", a.status, a.body)
		}
	})
	t.Run("what cannot be read is refused", func(t *testing.T) {
		refused(t, s.do(t, http.MethodPost, "/api/v1/inspect", "text/plain", "no release"), http.StatusUnprocessableEntity, "no release is found")
		refused(t, s.do(t, http.MethodPost, "/api/v1/inspect", "image/png", "x"), http.StatusUnsupportedMediaType, "image/png")
	})
}

func TestHandler_acceptProposals(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for query, want := range map[string]bool{"?origin=a": false, "?origin=b&accept_proposals=true": true, "?origin=c&accept_proposals=false": false} {
		a := s.do(t, http.MethodPost, "/api/v1/releases"+query, "application/json", noFields)
		if a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		var e struct {
			Data struct{ Subjects []struct{ Name string } }
		}
		if err := json.Unmarshal(a.body, &e); err != nil {
			t.Fatal(err)
		}
		got := slices.ContainsFunc(e.Data.Subjects, func(s struct{ Name string }) bool { return s.Name == "Elections" })
		if got != want {
			t.Errorf("%s: it has the proposed field: %v, want %v", query, got, want)
		}
	}
	refused(t, s.do(t, http.MethodPost, "/api/v1/releases?accept_proposals=perhaps", "application/json", noFields), http.StatusBadRequest, "neither true nor false")
}
