package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFeedsCheck_overManyReleases(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir := t.TempDir()
	var old strings.Builder
	for n := range 150 {
		fmt.Fprintf(&old, `{"origin":"old-%d","title":"Report number %d on elections","date":"20%02d-%02d-10","fields":["elections"],"countries":["serbia"],"sources":["odihr"],"type":"news","language":"en","text":"Observers wrote report number %d. It has two sentences."}`+"\n", n, n, 10+n/15, 1+n%12, n)
	}
	writeTo(t, filepath.Join(dir, "old.jsonl"), old.String())
	s.cli(t, "import", filepath.Join(dir, "old.jsonl"))
	e := s.publishText(t, policingPage)
	s.awaitInFeed(t, "/feeds/all.json", e.Subject)
	s.withdrawn(t, e.Subject)
	type result struct {
		Feeds, Documents int
		Problems         []objection
	}
	for _, feeds := range [][]string{{"all", "field/elections", "country/serbia/type/news"}, {"source/odihr+secretariat"}} {
		got := decodeJSON[result](t, s.cli(t, append([]string{"feeds", "check", "--json"}, feeds...)...))
		if got.Feeds != len(feeds) || got.Documents <= 6*len(feeds) || len(got.Problems) != 0 {
			t.Errorf("%v: %+v; want documents of the archives among them, and no problems", feeds, got)
		}
	}
	list := s.cli(t, "feeds", "ls")
	for _, want := range []string{"/feeds/all ", "/feeds/field/policing ", "/feeds/country/north-macedonia ", "/feeds/language/ru "} {
		if !strings.Contains(list, want) {
			t.Errorf("%s is not in the list of feeds", want)
		}
	}
	if doc := s.cli(t, "feeds", "get", "field/policing.rss"); !strings.HasPrefix(doc, "<?xml") || !strings.Contains(doc, e.Subject) {
		t.Errorf("the document is %s", doc)
	}
}

// A server with faults: each is found and named, with exit code 1.
func TestFeedsCheck_findsFaults(t *testing.T) {
	t.Parallel()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `W/"x"`)
		if strings.HasSuffix(r.URL.Path, ".json") {
			fmt.Fprintf(w, `{"version":"https://jsonfeed.org/version/1.1","title":"T","home_page_url":"https://a.example","feed_url":"https://a.example","next_url":"https://a.example%s","_dateline":{"prev_archive_url":"https://a.example%s"},"items":[{"id":"1"}]}`, r.URL.Path, r.URL.Path)
			return
		}
		fmt.Fprint(w, "<rss><channel>") //nolint:errcheck // a test's server
	}))
	t.Cleanup(bad.Close)
	out, talk, code := runCommand(t, "feeds", "check", "all", "--server", bad.URL, "--data", t.TempDir())
	if code != exitFailed {
		t.Errorf("exit code %d: %s", code, talk)
	}
	for _, want := range []string{"/feeds/all.rss", "not well-formed", "none, or weak", "leads in a circle"} {
		if !strings.Contains(out+talk, want) {
			t.Errorf("%q is not said in\n%s%s", want, out, talk)
		}
	}
}

func writeTo(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
