package intake_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dateline/publisher"
	"dateline/publisher/intake"
	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"
)

// desk is a watched folder with its watcher.
type desk struct {
	*newsroom
	dir string
	w   *intake.Watcher
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return newDeskOf(t, newNewsroom(t))
}

func newDeskOf(t testing.TB, n *newsroom) *desk {
	t.Helper()
	d := &desk{newsroom: n, dir: t.TempDir()}
	d.restart()
	return d
}

// restart forgets what the watcher knew.
func (d *desk) restart() { d.w = intake.NewWatcher(d.config()) }

func (d *desk) config() intake.WatchConfig {
	return intake.WatchConfig{Dir: d.dir, Publisher: d, Reader: d.reader, Now: d.clock.now, Log: d.logger()}
}

// look looks as often as a file needs that is there already.
func (d *desk) look() {
	for range 2 {
		d.w.Look(d.t.Context())
		d.clock.move(time.Second)
	}
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) put(name, text string) {
	d.t.Helper()
	put(d.t, d.dir, name, text)
}

// wantDone checks that a file was published and put away.
func (d *desk) wantDone(name string) {
	d.t.Helper()
	if exists(d.path(name)) || !exists(d.path("published/"+name)) || exists(d.path(name+".error.txt")) {
		d.t.Fatalf("%s is not done; %s; log: %s", name, d.names(), d.log)
	}
}

// wantRefused checks that a file stays, with a note that holds all words.
func (d *desk) wantRefused(name string, words ...string) {
	d.t.Helper()
	if !exists(d.path(name)) || !exists(d.path(name+".error.txt")) {
		d.t.Fatalf("%s is not refused; %s; log: %s", name, d.names(), d.log)
	}
	note := readText(d.t, d.path(name+".error.txt"))
	for _, w := range words {
		if !strings.Contains(note, w) {
			d.t.Errorf("the note beside %s lacks %q:\n%s", name, w, note)
		}
	}
}

func (d *desk) names() string {
	var names []string
	_ = filepath.WalkDir(d.dir, func(path string, _ os.DirEntry, _ error) error {
		names = append(names, strings.TrimPrefix(path, d.dir))
		return nil
	})
	return fmt.Sprint(names)
}

func TestWatcher_Look(t *testing.T) {
	t.Parallel()
	t.Run("a file is published once two looks have found it the same, and put away", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", markdown("Round table", "Held today."))
		d.w.Look(t.Context())
		d.wantEvents(0)
		d.w.Look(t.Context())
		d.wantEvents(1)
		d.wantDone("a.md")
		e := d.all()[0]
		if e.Release.Origin != "watch:a.md" || e.Backfill || e.Release.Title != "Round table" {
			t.Errorf("published %q from %q, backfill %v", e.Release.Title, e.Release.Origin, e.Backfill)
		}
		if !strings.Contains(d.log.String(), `"release_id":"`+e.Release.ID+`"`) {
			t.Errorf("the log does not name the release: %s", d.log)
		}
		if by := d.by(e.Release.ID); by != "watch" {
			t.Errorf("the trail says that %q published it", by)
		}
		d.look()
		if d.published() != 1 {
			t.Errorf("published %d times", d.published())
		}
	})
	t.Run("saved again under its name it is a revision, the same again is nothing", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		for _, text := range []string{"One.", "Two.", "Two."} {
			d.put("a.md", markdown("Round table", text))
			d.look()
			d.wantDone("a.md")
		}
		all := d.all()
		if len(all) != 2 || all[1].Kind != news.KindRevised || all[1].Release.ID != all[0].Release.ID || all[1].Release.Text != "Two." {
			t.Errorf("%+v", all)
		}
		if got := readText(t, d.path("published/a.md")); !strings.Contains(got, "Two.") {
			t.Errorf("the archive keeps %q", got)
		}
	})
	t.Run("the origin and the address that a document names come first", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", "---\ntitle: A\ndate: 2026-11-20\nurl: https://example.org/1\n---\nText.\n")
		d.put("b.json", `{"title":"B","date":"2026-11-20","origin":"cms-7","body":"Text."}`)
		d.look()
		var origins []string
		for _, e := range d.all() {
			origins = append(origins, e.Release.Origin)
		}
		slices.Sort(origins)
		if !slices.Equal(origins, []string{"cms-7", "https://example.org/1"}) {
			t.Errorf("the origins are %v", origins)
		}
	})
	t.Run("a file that grows waits", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		text := markdown("Round table", "Held today.")
		for n := 20; n <= len(text); n += 20 {
			if err := os.WriteFile(d.path("a.md"), []byte(text[:n]), 0o600); err != nil {
				t.Fatal(err)
			}
			d.w.Look(t.Context())
		}
		d.wantEvents(0)
		if err := os.WriteFile(d.path("a.md"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d.look()
		d.wantEvents(1)
	})
	t.Run("a file of the same size whose time changes waits", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", markdown("Round table", "Held today."))
		for n := range 5 {
			if err := os.Chtimes(d.path("a.md"), time.Time{}, start().Add(time.Duration(n)*time.Second)); err != nil {
				t.Fatal(err)
			}
			d.w.Look(t.Context())
		}
		d.wantEvents(0)
	})
	t.Run("names of files in the making, folders and the archive are left alone", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		left := []string{".hidden.md", "a.md~", "a.tmp", "a.md.part", "a.swp", "A.TMP", "a.md.error.txt", "sub/a.md", "x.md/a.md"}
		for _, name := range left {
			if err := os.MkdirAll(filepath.Dir(d.path(name)), 0o700); err != nil {
				t.Fatal(err)
			}
			d.put(name, markdown("Round table", "Held today."))
		}
		d.look()
		d.look()
		d.wantEvents(0)
		for _, name := range left {
			if !exists(d.path(name)) {
				t.Errorf("%s is gone", name)
			}
		}
		if entries, _ := os.ReadDir(d.dir); len(entries) != len(left) {
			t.Errorf("something was added: %s", d.names())
		}
	})
	t.Run("the oldest file is published first", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		for i, name := range []string{"c.md", "a.md", "b.md"} {
			d.put(name, markdown("Release "+name, "Text."))
			if err := os.Chtimes(d.path(name), time.Time{}, start().Add(time.Duration(i)*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		d.look()
		var titles []string
		for _, e := range d.all() {
			titles = append(titles, strings.TrimPrefix(e.Release.Title, "Release "))
		}
		if !slices.Equal(titles, []string{"c.md", "a.md", "b.md"}) {
			t.Errorf("published %v", titles)
		}
	})
}

func TestWatcher_Look_refuses(t *testing.T) {
	t.Parallel()
	t.Run("with every problem in a note, until the file changes", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", "---\ntitle: A\ndate: 2026-11-20\nfields: [Policng]\ncountries: [Atlantis]\n---\nText.\n")
		d.look()
		d.wantRefused("a.md", "a.md was not published, for 2 reasons:", "Policng", "Atlantis", "save it again")
		d.look()
		if d.log.count("file refused") != 1 || d.published() != 0 {
			t.Errorf("tried again without a change: %s", d.log)
		}
		d.put("a.md", markdown("A", "Text."))
		d.look()
		d.wantDone("a.md")
	})
	t.Run("not again after a restart, but when its note is deleted", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", "---\ntitle: A\n---\n")
		d.look()
		d.wantRefused("a.md")
		d.restart()
		d.look()
		d.look()
		if n := d.log.count("file refused"); n != 1 {
			t.Fatalf("refused %d times", n)
		}
		if err := os.Remove(d.path("a.md.error.txt")); err != nil {
			t.Fatal(err)
		}
		d.look()
		d.wantRefused("a.md")
		if n := d.log.count("file refused"); n != 2 {
			t.Errorf("refused %d times", n)
		}
	})
	t.Run("and removes the note with the file", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", "---\ntitle: A\n---\n")
		d.look()
		d.wantRefused("a.md")
		if err := os.Remove(d.path("a.md")); err != nil {
			t.Fatal(err)
		}
		d.look()
		if exists(d.path("a.md.error.txt")) {
			t.Error("the note is still there")
		}
	})
	shared := newNewsroom(t)
	for _, tt := range []struct{ name, doc, words string }{
		{"a draft", "---\ntitle: A\ndate: 2026-11-20\nstatus: draft\n---\nText.\n", `it says "status: draft"`},
		{"an embargo", "---\ntitle: A\ndate: 2026-11-20\nembargo: 2026-12-01T09:00\n---\nText.\n", "through the API"},
		{"a draft in JSON", `{"title":"A","date":"2026-11-20","status":"draft","body":"Text."}`, "status: draft"},
		{"a notice in the text", markdown("A", "EMBARGOED UNTIL 10:00\n\nText."), "EMBARGOED UNTIL 10:00"},
		{"a notice in the body of JSON", `{"title":"A","date":"2026-11-20","body":"UNDER EMBARGO\n\nText."}`, "UNDER EMBARGO"},
		{"a notice in Russian", markdown("A", "ЭМБАРГО ДО 12 мая\n\nText."), "ЭМБАРГО ДО 12 мая"},
		{"a notice beside the article of an HTML page", "<!doctype html><html><head><title>A</title><meta name=date content=2026-11-20></head><body><p>Sperrfrist: 12. Mai, 10 Uhr</p><article><h1>A</h1><p>" + strings.Repeat("A sentence of some length. ", 30) + "</p></article></body></html>", "Sperrfrist: 12. Mai"},
		{"a feed with several releases", `<rss version="2.0"><channel><title>F</title><item><title>A</title><description>x</description></item><item><title>B</title><description>y</description></item></channel></rss>`, "dateline import"},
		{"invalid UTF-8", "---\ntitle: A\n---\nžluť \xff\xfe\xc5", "not UTF-8"},
		{"a PDF", "%PDF-1.7\n", "a PDF"},
		{"nothing", "", "empty"},
		{"3 MiB", markdown("A", strings.Repeat("word ", 3<<20/5)), "at most 2048 kB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDeskOf(t, shared.again(t))
			d.put("a.md", tt.doc)
			d.look()
			d.wantRefused("a.md", tt.words)
			d.wantEvents(0)
			if d.published() != 0 {
				t.Error("the publisher was asked")
			}
		})
	}
	t.Run("a symbolic link, and does not follow it", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		outside := filepath.Join(t.TempDir(), "secret.md")
		if err := os.WriteFile(outside, []byte(markdown("Secret", "Secret.")), 0o600); err != nil {
			t.Fatal(err)
		}
		d.put("real.txt~", markdown("Inside", "Inside."))
		for name, to := range map[string]string{"a.md": outside, "b.md": "/etc/passwd", "c.md": "real.txt~", "d.md": "nowhere"} {
			if err := os.Symlink(to, d.path(name)); err != nil {
				t.Fatal(err)
			}
		}
		d.look()
		for _, name := range []string{"a.md", "b.md", "c.md", "d.md"} {
			d.wantRefused(name, "symbolic link")
		}
		d.wantEvents(0)
	})
	t.Run("another release under the name of one before, unless it says that it is the same", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		for i, text := range []string{
			markdown("Round table", "One."),
			markdown("Round table in Tirana", "Another title."),
			"---\ntitle: Round table in Tirana\ndate: 2026-11-21\n---\nAnother date.\n",
		} {
			d.put("release.md", text)
			d.look()
			d.wantDone("release.md")
			d.wantEvents(uint64(i) + 1)
		}
		other := "---\ntitle: Course for border police\ndate: 2026-11-23\n---\nOther things.\n"
		d.put("release.md", other)
		d.look()
		d.wantRefused("release.md", "Round table in Tirana", "2026-11-21", `origin: "watch:release.md"`)
		d.wantEvents(3)
		d.put("release.md", strings.Replace(other, "title:", "origin: watch:release.md\ntitle:", 1))
		d.look()
		d.wantDone("release.md")
		if all := d.all(); len(all) != 4 || all[3].Release.ID != all[0].Release.ID {
			t.Errorf("%+v", all)
		}
	})
	t.Run("a pipe, without waiting for a writer", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		if err := syscall.Mkfifo(d.path("a.md"), 0o600); err != nil {
			t.Fatal(err)
		}
		d.look()
		d.wantRefused("a.md", "pipe")
	})
	t.Run("a name that is none", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a\nb.md", markdown("A", "Text."))
		d.look()
		d.wantRefused("a\nb.md", "a b.md was not published", "plain name")
	})
	t.Run("what the log refuses, such as a release that was withdrawn", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		gone := news.Problemf(news.Conflict, "release x was withdrawn; republish it")
		d.setAway(gone)
		d.put("a.md", markdown("A", "Text."))
		d.look()
		d.wantRefused("a.md", "was withdrawn")
	})
	t.Run("an error that is nobody's fault at the file is told without its words, and tried again", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.setAway(errors.New("a secret of the house"))
		d.put("a.md", markdown("A", "Text."))
		d.look()
		d.wantRefused("a.md", "server's log")
		if strings.Contains(readText(t, d.path("a.md.error.txt")), "secret") {
			t.Error("the note holds the error")
		}
		d.setAway(nil)
		d.look()
		d.wantEvents(0)
		d.restart()
		d.look()
		d.wantDone("a.md")
	})
}

func TestWatcher_Look_waits(t *testing.T) {
	t.Parallel()
	for _, code := range []news.Code{news.Unavailable, news.DiskFull} {
		t.Run("while the log answers "+string(code)+", with growing pauses and no note", func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.setAway(news.Problemf(code, "the log is away"))
			d.put("a.md", markdown("A", "Text."))
			d.put("b.md", markdown("B", "Text."))
			for range 120 { // two minutes
				d.w.Look(t.Context())
				d.clock.move(time.Second)
			}
			if n := d.published(); n < 4 || n > 8 {
				t.Errorf("the log was asked %d times in two minutes", n)
			}
			if exists(d.path("a.md.error.txt")) || d.log.count("the log takes nothing; the watched folder waits") != 1 {
				t.Errorf("%s: %s", d.names(), d.log)
			}
			d.setAway(nil)
			d.clock.move(time.Minute)
			d.look()
			d.wantDone("a.md")
			d.wantDone("b.md")
			d.wantEvents(2)
		})
	}
	t.Run("for a real log that was closed, until the next start", func(t *testing.T) {
		t.Parallel()
		data := t.TempDir()
		w, err := wire.Open(t.Context(), wire.Config{DataDir: data, Queues: 2, Desk: true})
		if err != nil {
			t.Fatal(err)
		}
		d := &desk{newsroom: newNewsroomOn(t, w), dir: t.TempDir()}
		d.restart()
		d.put("a.md", markdown("A", "Text."))
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.look()
		if !exists(d.path("a.md")) || exists(d.path("a.md.error.txt")) {
			t.Fatalf("%s: %s", d.names(), d.log)
		}
		d.newsroom = newNewsroomOn(t, wiretest.Open(t, wire.Config{DataDir: data, Queues: 2, Desk: true}))
		d.restart()
		d.look()
		d.wantDone("a.md")
		d.wantEvents(1)
	})
	t.Run("for a folder that is away, and comes back", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.dir = filepath.Join(d.dir, "mount")
		d.restart()
		d.look()
		d.look()
		if d.log.count("the watched folder cannot be read; files are taken again when it can") != 1 {
			t.Errorf("log: %s", d.log)
		}
		if err := os.Mkdir(d.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		d.put("a.md", markdown("A", "Text."))
		d.clock.move(time.Minute)
		d.look()
		d.wantDone("a.md")
	})
	t.Run("with the move, when the archive cannot be made", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", markdown("A", "Text."))
		d.put("published", "no folder, and no release")
		d.look()
		d.look()
		d.wantEvents(1)
		if !exists(d.path("a.md")) || d.published() != 1 {
			t.Errorf("asked %d times; %s", d.published(), d.names())
		}
		if err := os.Remove(d.path("published")); err != nil {
			t.Fatal(err)
		}
		d.clock.move(time.Minute)
		d.look()
		d.wantDone("a.md")
		d.wantEvents(1)
	})
}

func TestWatcher_Look_loses(t *testing.T) {
	t.Parallel()
	t.Run("nothing in a crash between publishing and moving", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		text := markdown("A", "Text.")
		d.put("a.md", text)
		d.look()
		d.wantDone("a.md")
		if err := os.Rename(d.path("published/a.md"), d.path("a.md")); err != nil { // as if it had not been moved
			t.Fatal(err)
		}
		d.restart()
		d.look()
		d.wantDone("a.md")
		d.wantEvents(1)
	})
	t.Run("no change that came since, when a file cannot be put away", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("published", "a file where the folder should be")
		d.put("a.md", markdown("A", "One."))
		d.look()
		d.wantEvents(1)
		r := d.all()[0].Release
		r.Text, r.HTML = "Two.", "<p>Two.</p>"
		if _, _, err := d.pub.Correct(t.Context(), r.ID, r, publisher.Change{Minor: true}); err != nil {
			t.Fatal(err)
		}
		d.clock.move(24 * time.Hour)
		d.look()
		d.wantEvents(2)
		if err := os.Remove(d.path("published")); err != nil {
			t.Fatal(err)
		}
		d.clock.move(24 * time.Hour)
		d.look()
		d.wantDone("a.md")
		d.wantEvents(2)
	})
	t.Run("no version that comes while the one before is published", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", markdown("A", "One."))
		once := false
		d.after = func() {
			if !once {
				once = true
				d.put("a.md", markdown("A", "Two."))
			}
		}
		d.look()
		if !exists(d.path("a.md")) {
			t.Fatal("the second version was put away unpublished")
		}
		d.look()
		d.wantDone("a.md")
		if all := d.all(); len(all) != 2 || all[1].Release.Text != "Two." {
			t.Errorf("%+v", all)
		}
	})
	t.Run("no version of the same size and time that comes meanwhile", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		drop := func(text string) {
			d.put("a.md", markdown("A", text))
			if err := os.Chtimes(d.path("a.md"), time.Time{}, start()); err != nil {
				t.Error(err)
			}
		}
		drop("One.")
		once := false
		d.after = func() {
			if !once {
				once = true
				drop("Two.")
			}
		}
		d.look()
		d.look()
		d.wantDone("a.md")
		if all := d.all(); len(all) != 2 || all[1].Release.Text != "Two." {
			t.Errorf("%+v", all)
		}
	})
	t.Run("nothing when two processes look at one folder", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		other := intake.NewWatcher(d.config())
		for n := range 20 {
			d.put(fmt.Sprintf("%d.md", n), markdown(fmt.Sprintf("Release %d", n), "Text."))
		}
		for range 3 {
			done := make(chan struct{})
			go func() { other.Look(t.Context()); close(done) }()
			d.w.Look(t.Context())
			<-done
		}
		d.wantEvents(20)
		for n := range 20 {
			d.wantDone(fmt.Sprintf("%d.md", n))
		}
	})
	t.Run("nothing when it is told to stop", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.put("a.md", markdown("A", "Text."))
		d.w.Look(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		d.setAway(context.Canceled)
		cancel()
		d.w.Look(ctx)
		if exists(d.path("a.md.error.txt")) || !exists(d.path("a.md")) {
			t.Errorf("%s", d.names())
		}
	})
	t.Run("nothing outside, when the archive leads there", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		outside := t.TempDir()
		if err := os.Symlink(outside, d.path("published")); err != nil {
			t.Fatal(err)
		}
		d.put("a.md", markdown("A", "Text."))
		d.look()
		if entries, _ := os.ReadDir(outside); len(entries) != 0 || !exists(d.path("a.md")) {
			t.Errorf("%v moved outside", entries)
		}
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, stop := context.WithCancel(t.Context())
	d.after = stop
	d.put("a.md", markdown("A", "Text."))
	cfg := d.config()
	cfg.Period = time.Millisecond
	if err := intake.Watch(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	d.wantEvents(1)
	d.wantDone("a.md")
}

var _ intake.Publisher = (*publisher.Publisher)(nil)
