package feeds_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/publisher/news"

	"github.com/klauspost/compress/zstd"
)

// exporting keeps an export of a newsroom until the returned function is called.
func (n *newsroom) exporting(dir string) (stop func()) {
	n.t.Helper()
	ctx, cancel := context.WithCancel(n.t.Context())
	done := make(chan error, 1)
	f := n.feeds
	go func() { done <- f.Export(ctx, dir) }()
	return func() {
		n.t.Helper()
		cancel()
		if err := <-done; err != nil {
			n.t.Errorf("Export returned %v", err)
		}
	}
}

// current waits until the export has taken in the event with the sequence seq.
func (n *newsroom) current(dir string, seq string) {
	n.t.Helper()
	for deadline := time.After(30 * time.Second); ; {
		if b, err := os.ReadFile(filepath.Join(dir, ".dateline-export")); err == nil && strings.TrimSpace(string(b)) == seq {
			return
		}
		select {
		case <-time.After(time.Millisecond): // nothing tells of it
		case <-deadline:
			n.t.Fatalf("the export never took event %s in", seq)
		}
	}
}

// same compares every file of an export with what is served, and every sibling
// with its file. It returns the names.
func (n *newsroom) same(dir string) map[string]bool {
	n.t.Helper()
	names := map[string]bool{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == ".dateline-export" {
			return err
		}
		names[name] = true
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		plain := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst"), ".br")
		if strings.HasPrefix(plain, "feeds/") && strings.HasSuffix(plain, "/index.html") {
			return nil // it tells of the day, too
		}
		path := "/" + strings.TrimSuffix(strings.TrimSuffix(plain, "/index.html"), "/index")
		if plain == "index.html" {
			path = "/"
		}
		served := get(n.t, n.feeds, path)
		want := read(n.t, served)
		if served.StatusCode != http.StatusOK {
			n.t.Errorf("%s is there, but %s answers %d", name, path, served.StatusCode)
		}
		switch {
		case strings.HasSuffix(name, ".gz"):
			z, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				return err
			}
			if b, err = io.ReadAll(z); err != nil {
				return err
			}
		case strings.HasSuffix(name, ".zst"):
			z, err := zstd.NewReader(bytes.NewReader(b))
			if err != nil {
				return err
			}
			defer z.Close()
			if b, err = io.ReadAll(z); err != nil {
				return err
			}
		case strings.HasSuffix(name, ".br"):
			return nil // its bytes are compared where codings are tested
		}
		if string(b) != want {
			n.t.Errorf("%s is not what %s serves", name, path)
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return names
}

func TestFeeds_Export(t *testing.T) {
	n := newNewsroom(t)
	dir := filepath.Join(t.TempDir(), "www")
	first := n.publish(release(1))
	stop := n.exporting(dir)
	n.current(dir, "1")
	for _, want := range []string{
		"index.html", "topics/index.html", "robots.txt", "sitemap.xml", "opml/index", "feeds/all.rss", "feeds/all.atom.gz", "feeds/all.json.zst", "feeds/field/policing/index.html",
		"feeds/field/policing/country/austria.json", "feeds/field/policing/country/austria.json.br", "feeds/routine/all.rss", "releases/" + first.ID + "/police-course-number-1-opens/index.html",
	} {
		if names := n.same(dir); !names[want] {
			t.Errorf("%s is not exported", want)
		}
	}

	t.Run("what comes is taken in, what is corrected replaced, what is withdrawn removed", func(t *testing.T) {
		n.clock.advance(time.Minute)
		second := n.publish(release(2))
		n.clock.advance(time.Minute)
		renamed := second
		renamed.Title, renamed.Note = "Another course opens", "the title was wrong"
		renamed.Fields = []news.Tag{{Slug: "education"}}
		n.change(news.KindCorrected, renamed)
		gone := first
		gone.Reason = "sent twice"
		n.change(news.KindWithdrawn, gone)
		n.current(dir, "4")
		names := n.same(dir)
		if !names["releases/"+second.ID+"/another-course-opens/index.html"] || names["releases/"+second.ID+"/police-course-number-2-opens/index.html"] {
			t.Error("the page of a release with another title is not where it belongs")
		}
		if names["releases/"+first.ID+"/police-course-number-1-opens/index.html"] {
			t.Error("the page of a withdrawn release is there")
		}
		b, err := os.ReadFile(filepath.Join(dir, "feeds/field/policing.rss"))
		if err != nil || strings.Contains(string(b), "They agreed.") {
			t.Errorf("withdrawn text is in the export: %v", err)
		}
	})

	t.Run("a start makes everything right", func(t *testing.T) {
		stop()
		for name, text := range map[string]string{"feeds/all.rss": "spoilt", "feeds/field/old-name.rss": "stray"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(filepath.Join(dir, ".dateline-export")); err != nil {
			t.Fatal(err)
		}
		if err := n.feeds.Export(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "choose an empty one") {
			t.Errorf("a folder with other things: %v", err)
		}
		if err := os.WriteFile(filepath.Join(dir, ".dateline-export"), []byte("0\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		n.feeds = n.follow(feeds.Config{})
		stop := n.exporting(dir)
		n.current(dir, "4")
		if names := n.same(dir); names["feeds/field/old-name.rss"] || !names["feeds/all.rss"] {
			t.Error("a stray file is there still")
		}
		stop()
	})
}
