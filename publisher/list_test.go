package publisher_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dateline/publisher"
	"dateline/publisher/news"
)

type listed struct {
	Releases []publisher.Listed
	Next     string
}

func list(t *testing.T, s service, query string) (l listed, link string) {
	t.Helper()
	a := s.do(t, "GET", "/api/v1/releases?"+query, "", "", "Scopes", "")
	if err := json.Unmarshal(a.body, &l); err != nil || a.status != http.StatusOK || l.Releases == nil {
		t.Fatalf("status %d, %v: %s", a.status, err, a.body)
	}
	return l, a.header.Get("Link")
}

func TestHandler_list(t *testing.T) {
	t.Parallel()
	s := newService(t)
	add := func(t *testing.T, n int) {
		t.Helper()
		doc := fmt.Sprintf("---\ntitle: Release %d\ndate: 2026-11-%02d\norigin: l%d\nlanguage: %s\n---\nText.", n, 1+n%20, n, []string{"en", "ru"}[n%2])
		if a := s.do(t, "POST", "/api/v1/releases", "text/markdown", doc); a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
	}
	for s.do(t, "GET", "/api/v1/releases", "", "").status == http.StatusServiceUnavailable { // it is being read
		if t.Context().Err() != nil {
			t.Fatal("the list is never read")
		}
	}
	if l, link := list(t, s, ""); len(l.Releases) != 0 || l.Next != "" || link != "" {
		t.Errorf("an empty list is %+v, %s", l, link)
	}
	for n := range 10 {
		add(t, n)
	}
	t.Run("a walk by the header Link, while others come in", func(t *testing.T) {
		seen, added := map[string]int{}, 10
		query := "limit=3"
		for pages := 0; ; pages++ {
			l, link := list(t, s, query)
			for _, r := range l.Releases {
				seen[r.ID]++
				if r.URL != news.ReleaseURL("https://news.example.org", r.ID, r.Title) {
					t.Errorf("the page is %s", r.URL)
				}
			}
			if l.Next == "" {
				if link != "" {
					t.Errorf("the last page has the link %s", link)
				}
				break
			}
			target, rel, _ := strings.Cut(link, ">; ")
			u, err := url.Parse(strings.TrimPrefix(target, "<"))
			if err != nil || rel != `rel="next"` || u.Host != "news.example.org" || u.Query().Get("cursor") != l.Next || u.Query().Get("limit") != "3" {
				t.Fatalf("the link is %s, %v", link, err)
			}
			query = u.RawQuery
			add(t, added)
			if added++; pages > 10 {
				t.Fatal("the walk does not end")
			}
		}
		for n := range 10 {
			if id := news.NewID(fmt.Sprint("l", n)); seen[id] != 1 {
				t.Errorf("release %d was seen %d times", n, seen[id])
			}
		}
	})
	t.Run("what was just published is there", func(t *testing.T) {
		for n := 50; n < 60; n++ {
			add(t, n)
			if l, _ := list(t, s, "limit=1"); l.Releases[0].ID != news.NewID(fmt.Sprint("l", n)) {
				t.Errorf("release %d is missing: %+v", n, l)
			}
		}
	})
	t.Run("filters", func(t *testing.T) {
		for query, want := range map[string]int{
			"language=ru&from=2026-11-02&before=2026-11-03&limit=500": 1, "language=en&from=2026-11-02&before=2026-11-03": 0,
			"q=release+7": 1, "status=withdrawn": 0, "language=ru,en&q=9": 1, "field=policing": 0, "q=RELEASE&limit=2": 2,
		} {
			if l, _ := list(t, s, query); len(l.Releases) != want {
				t.Errorf("%s: %d, want %d", query, len(l.Releases), want)
			}
		}
	})
	for query, words := range map[string]string{
		"limit=0": "between 1 and 500", "limit=501": "between 1 and 500", "limit=x": "between 1 and 500", "limit=-1": "between 1 and 500",
		"cursor=x": "begin at the newest", "cursor=MTIzNA": "begin at the newest", "cursor=%00": "begin at the newest",
		"status=draft": "/api/v1/desk", "status=embargoed": "/api/v1/desk", "status=gone": "neither published nor withdrawn",
		"from=yesterday": "no date like", "before=2026-13-01": "no date like", "role=about": "needs a country", "role=x&country=albania": "neither about nor place",
		"words=x": "no parameter", "statsu=published": "perhaps status", "limit=1&limit=2": "stands twice", "q=%zz": "percent signs",
		"field=polcing": "policing", "country=austira": "austria", "field=policing/country/albania": "by commas", "routine=perhaps": "neither true nor false",
	} {
		t.Run("bad: "+query, func(t *testing.T) {
			a := s.do(t, "GET", "/api/v1/releases?"+query, "", "")
			var p struct{ Detail string }
			if err := json.Unmarshal(a.body, &p); err != nil || a.status != http.StatusBadRequest && a.status != http.StatusNotFound || !strings.Contains(p.Detail, words) || strings.Contains(p.Detail, "\n") {
				t.Errorf("status %d, %v: %s", a.status, err, a.body)
			}
		})
	}
}
