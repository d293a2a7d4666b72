package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/news"
)

// awaitFiles waits until a folder is as wanted: there is no event to wait for
// outside the server's process.
func awaitFiles(t *testing.T, asWanted func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !asWanted() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the files do not come to what they should")
		}
	}
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// drop brings a document into a folder by an atomic rename.
func drop(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.Rename(writeFile(t, "x", text), filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// An organisation starts without touching its CMS: from a folder and a feed.
func TestServer_waysIn(t *testing.T) {
	var pulls atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("User-Agent"), "dateline/") {
			t.Errorf("asked by %q", r.Header.Get("User-Agent"))
		}
		pulls.Add(1)
		_, _ = fmt.Fprint(w, `<rss version="2.0"><channel><title>News</title><link>https://example.org/</link><item><guid>urn:x:1</guid><title>Round table in Tirana</title>
			<pubDate>Fri, 20 Nov 2026 10:00:00 +0000</pubDate><description>It was held in Tirana.</description></item></channel></rss>`)
	}))
	t.Cleanup(upstream.Close)
	inbox, data := t.TempDir(), t.TempDir()
	flags := []string{"--watch", inbox, "--pull", upstream.URL + "/feed?token=secret", "--allow-network", "127.0.0.0/8"}
	s := startServer(t, data, flags...)

	drop(t, inbox, "academies.txt", policingPage)
	drop(t, inbox, "draft.md", "---\ntitle: Not yet\nstatus: draft\n---\nText.\n")
	note := filepath.Join(inbox, "draft.md.error.txt")
	awaitFiles(t, func() bool { return isThere(filepath.Join(inbox, "published", "academies.txt")) && isThere(note) })
	if b, err := os.ReadFile(note); err != nil || !strings.Contains(string(b), `it says "status: draft"`) {
		t.Errorf("the note says %s, %v", b, err)
	}
	s.awaitInFeed(t, "/feeds/field/policing/country/austria.json", news.NewID("watch:academies.txt"))
	s.awaitInFeed(t, "/feeds/country/albania.json", news.NewID("urn:x:1"))

	s.kill()
	s = startServer(t, data, flags...)
	drop(t, inbox, "academies.txt", strings.Replace(policingPage, "four languages", "five languages", 1))
	awaitFiles(t, func() bool { return !isThere(filepath.Join(inbox, "academies.txt")) })
	out := s.cli(t, "tail", "--all", "--once", "--json")
	for _, want := range []string{news.NewID("watch:academies.txt") + ":1", news.NewID("urn:x:1") + ":1", news.NewID("watch:academies.txt") + ":2"} {
		if !strings.Contains(out, want) {
			t.Errorf("the log lacks %s: %s", want, out)
		}
	}
	if n := pulls.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times", n)
	}
}
