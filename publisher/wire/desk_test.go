package wire_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats.go/jetstream"
)

// waitsFor is a version of the release with the given origin.
func waitsFor(origin string, version int) news.Pending {
	return news.Pending{
		State: news.Draft, Version: version, Kind: news.KindPublished, Changed: noon, By: "tester",
		Release: news.Release{ID: news.NewID(origin), Origin: origin, Title: fmt.Sprint("Version ", version)},
	}
}

func keep(t *testing.T, w *wire.Wire, p news.Pending, after uint64) uint64 {
	t.Helper()
	seq, err := w.KeepPending(t.Context(), p, after)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func wantVersion(t *testing.T, w *wire.Wire, origin string, want int) {
	t.Helper()
	at, err := w.PendingOf(t.Context(), news.NewID(origin))
	if want <= 0 {
		if last := -want; at.Seq != 0 || at.Pending.Version != last {
			t.Errorf("the last version that waited for %s was %d, want %d", origin, at.Pending.Version, last)
		}
		if !errors.Is(err, wire.ErrNotFound) {
			t.Errorf("version %d waits for %s, %v; want none", at.Pending.Version, origin, err)
		}
		return
	}
	if err != nil || at.Pending.Version != want {
		t.Errorf("version %d waits for %s, %v; want %d", at.Pending.Version, origin, err, want)
	}
}

func TestWire_KeepPending(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	wantVersion(t, w, "a", 0)
	first := keep(t, w, waitsFor("a", 1), 0)
	keep(t, w, waitsFor("b", 1), 0)
	second := keep(t, w, waitsFor("a", 2), first)
	for name, after := range map[string]uint64{"nothing": 0, "an older version": first, "a later one": second + 9} {
		if _, err := w.KeepPending(t.Context(), waitsFor("a", 3), after); !errors.Is(err, wire.ErrConflict) {
			t.Errorf("a version behind %s: %v", name, err)
		}
	}
	wantVersion(t, w, "a", 2)
	if err := w.DropPending(t.Context(), news.NewID("a"), first); !errors.Is(err, wire.ErrConflict) {
		t.Errorf("what is not there any more is taken away: %v", err)
	}
	if err := w.DropPending(t.Context(), news.NewID("a"), second); err != nil {
		t.Fatal(err)
	}
	wantVersion(t, w, "a", -2)
	if _, err := w.KeepPending(t.Context(), waitsFor("a", 3), second); !errors.Is(err, wire.ErrConflict) {
		t.Errorf("a version follows one that was taken away: %v", err)
	}
	keep(t, w, waitsFor("a", 3), 0)
	wantVersion(t, w, "a", 3)
	wantVersion(t, w, "b", 1)
	if n := logLen(t, w); n != 0 {
		t.Errorf("the public log has %d events", n)
	}
}

func logLen(t *testing.T, w *wire.Wire) uint64 {
	t.Helper()
	n, err := w.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// openedWithDesk is a log with its desk, and beside it a client that may do everything.
func openedWithDesk(t *testing.T) (*wire.Wire, jetstream.JetStream) {
	t.Helper()
	w := wiretest.New(t)
	nc, err := w.Inside()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return w, js
}

// Of several who do the very same at the same moment one has done it: the others
// are told, because they may have meant it for what another has made of it.
func TestWire_KeepPending_atOnce(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	atOnce := func(do func() error) (won int) {
		var n atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := do(); err == nil {
					n.Add(1)
				} else if !errors.Is(err, wire.ErrConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		return int(n.Load())
	}
	for round := range 10 {
		p := waitsFor(fmt.Sprint("x", round), 1)
		if n := atOnce(func() error { _, err := w.KeepPending(t.Context(), p, 0); return err }); n != 1 {
			t.Fatalf("%d have kept the same version", n)
		}
		at, err := w.PendingOf(t.Context(), p.Release.ID)
		if err != nil {
			t.Fatal(err)
		}
		if n := atOnce(func() error { return w.DropPending(t.Context(), p.Release.ID, at.Seq) }); n != 1 {
			t.Fatalf("%d have taken the same version away", n)
		}
	}
}

func TestWire_FollowDesk(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"what waits at the start, and what changes": true, "an empty desk": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wiretest.New(t)
			var a, b uint64
			if before {
				b = keep(t, w, waitsFor("b", 1), 0)
				a = keep(t, w, waitsFor("a", 1), 0)
				a = keep(t, w, waitsFor("a", 2), a)
			}
			told := make(chan string, 100)
			ctx, end := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			names := map[string]string{"": "all", news.NewID("a"): "a", news.NewID("b"): "b"}
			go func() {
				ended <- w.FollowDesk(ctx, func(id string, at wire.Waits, gone bool) error {
					switch {
					case id == "":
						told <- "all"
					case gone:
						told <- names[id] + " gone"
					default:
						told <- fmt.Sprint(names[id], " ", at.Pending.Version)
					}
					return nil
				})
			}()
			next := func(want ...string) {
				t.Helper()
				for _, s := range want {
					if got := within(t, 20*time.Second, func() string { return <-told }); got != s {
						t.Fatalf("it tells %q, want %q", got, s)
					}
				}
			}
			if before {
				next("b 1", "a 2")
			}
			next("all")
			if !before {
				b, a = keep(t, w, waitsFor("b", 1), 0), keep(t, w, waitsFor("a", 2), 0)
				next("b 1", "a 2")
			}
			a = keep(t, w, waitsFor("a", 3), a)
			if err := w.DropPending(t.Context(), news.NewID("b"), b); err != nil {
				t.Fatal(err)
			}
			if err := w.DropPending(t.Context(), news.NewID("a"), a); err != nil {
				t.Fatal(err)
			}
			next("a 3", "b gone", "a gone")
			end()
			if err := within(t, 20*time.Second, func() error { return <-ended }); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("what fn says ends it", func(t *testing.T) {
		t.Parallel()
		w := wiretest.New(t)
		keep(t, w, waitsFor("a", 1), 0)
		enough := errors.New("enough")
		if err := w.FollowDesk(t.Context(), func(string, wire.Waits, bool) error { return enough }); !errors.Is(err, enough) {
			t.Error(err)
		}
	})
	t.Run("a newer format ends it", func(t *testing.T) {
		t.Parallel()
		w, js := openedWithDesk(t)
		if _, err := js.Publish(t.Context(), "desk.rel."+news.NewID("a"), []byte(`{"v":9}`)); err != nil {
			t.Fatal(err)
		}
		if err := w.FollowDesk(t.Context(), func(string, wire.Waits, bool) error { return nil }); !errors.Is(err, news.ErrNewer) {
			t.Error(err)
		}
	})
	t.Run("what cannot be read is passed over", func(t *testing.T) {
		t.Parallel()
		w, js := openedWithDesk(t)
		keep(t, w, waitsFor("a", 1), 0)
		if _, err := js.Publish(t.Context(), "desk.rel."+news.NewID("b"), []byte(`nonsense`)); err != nil {
			t.Fatal(err)
		}
		enough := errors.New("enough")
		var ids []string
		err := w.FollowDesk(t.Context(), func(id string, _ wire.Waits, _ bool) error {
			if ids = append(ids, id); id == "" {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || len(ids) != 2 || ids[0] != news.NewID("a") {
			t.Errorf("%v, %v", ids, err)
		}
	})
}

func TestWire_Note(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	id, other := news.NewID("a"), news.NewID("b")
	for i, about := range []string{id, other, id, "keys"} {
		if err := w.Note(t.Context(), about, fmt.Appendf(nil, "entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for about, want := range map[string]string{id: "entry 0, entry 2", other: "entry 1", "keys": "entry 3", "none": ""} {
		got, err := w.Notes(t.Context(), about)
		var all []string
		for _, b := range got {
			all = append(all, string(b))
		}
		if err != nil || strings.Join(all, ", ") != want {
			t.Errorf("the trail of %s is %q, %v; want %q", about, all, err, want)
		}
	}
	for _, about := range []string{"", "*", ">", "a.b", "a b"} {
		if err := w.Note(t.Context(), about, []byte("x")); err == nil {
			t.Errorf("an entry about %q is taken", about)
		}
	}
}

// dues starts to take embargoes that are over; end stops it.
func dues(t *testing.T, w *wire.Wire) (jobs chan *wire.Job, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	jobs = make(chan *wire.Job, 100)
	ended := make(chan error, 1)
	go func() { ended <- w.Dues(ctx, 10, func(j *wire.Job) { jobs <- j }) }()
	return jobs, func() {
		t.Helper()
		cancel()
		if err := within(t, 10*time.Second, func() error { return <-ended }); err != nil {
			t.Error(err)
		}
	}
}

func dueAt(t *testing.T, w *wire.Wire, origin string, at time.Time) {
	t.Helper()
	if err := w.DueAt(t.Context(), news.NewID(origin), at); err != nil {
		t.Fatal(err)
	}
}

func TestWire_DueAt(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	jobs, end := dues(t, w)
	defer end()
	next := func(origin string, notBefore time.Time) {
		t.Helper()
		j := nextWake(t, jobs)
		if j.Recipient != news.NewID(origin) || len(j.Payload) != 0 || time.Now().Before(notBefore) {
			t.Errorf("%s is due with %q at %s; want %s, empty, not before %s", j.Recipient, j.Payload, time.Now(), news.NewID(origin), notBefore)
		}
		if err := j.Done(t.Context()); err != nil {
			t.Error(err)
		}
	}
	at := time.Now().Add(300 * time.Millisecond)
	dueAt(t, w, "later", at.Add(time.Hour)) // not in this test
	dueAt(t, w, "taken back", at)
	if err := w.NotDue(t.Context(), news.NewID("taken back")); err != nil {
		t.Fatal(err)
	}
	if err := w.NotDue(t.Context(), news.NewID("never scheduled")); err != nil {
		t.Fatal(err)
	}
	dueAt(t, w, "brought forward", at.Add(time.Hour))
	dueAt(t, w, "brought forward", at)
	next("brought forward", at)
	dueAt(t, w, "past", time.Now().Add(-time.Hour))
	next("past", time.Time{})
	again := time.Now().Add(100 * time.Millisecond)
	dueAt(t, w, "past", again) // one that has fired can be scheduled anew
	next("past", again)
	for _, id := range []string{"", "*", ">", "x", news.NewID("x") + ".x"} {
		if err := w.DueAt(t.Context(), id, at); err == nil {
			t.Errorf("an embargo of %q is scheduled", id)
		}
	}
}

// What was due while nothing ran, or was not finished, comes at the next start.
func TestWire_Dues_restart(t *testing.T) {
	t.Parallel()
	cfg := wire.Config{DataDir: t.TempDir(), Queues: 1, Desk: true}
	open := func() *wire.Wire {
		w, err := wire.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w := open()
	dueAt(t, w, "not done", time.Now())
	jobs, end := dues(t, w)
	nextWake(t, jobs)
	dueAt(t, w, "passes by", time.Now().Add(50*time.Millisecond))
	end()
	shut(t, w)
	w = open()
	defer shut(t, w)
	jobs, end = dues(t, w)
	defer end()
	came := map[string]bool{}
	for len(came) < 2 {
		j := nextWake(t, jobs)
		came[j.Recipient] = true
		if err := j.Done(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if !came[news.NewID("not done")] || !came[news.NewID("passes by")] {
		t.Errorf("%v came", came)
	}
}

// The stream of embargoes may be seen by more people than the desk: it holds no word.
func TestWire_DueAt_holdsTheIDAlone(t *testing.T) {
	t.Parallel()
	w, js := openedWithDesk(t)
	keep(t, w, waitsFor("a", 1), 0)
	dueAt(t, w, "a", time.Now().Add(time.Hour))
	st, err := js.Stream(t.Context(), "EMBARGO")
	if err != nil {
		t.Fatal(err)
	}
	m, err := st.GetLastMsgForSubject(t.Context(), "emb.at."+news.NewID("a"))
	if err != nil || len(m.Data) != 0 || strings.Contains(fmt.Sprint(m.Header), "Version") {
		t.Errorf("%q with %v, %v", m.Data, m.Header, err)
	}
	if st.CachedInfo().State.Msgs != 1 {
		t.Errorf("it holds %d messages", st.CachedInfo().State.Msgs)
	}
}

// A process that does not publish gets nothing of the desk.
func TestWire_withoutDesk(t *testing.T) {
	t.Parallel()
	w := wiretest.Open(t, wire.Config{DataDir: t.TempDir(), Queues: 1})
	ctx, id := t.Context(), news.NewID("a")
	for name, call := range map[string]func() error{
		"keep":    func() error { _, err := w.KeepPending(ctx, waitsFor("a", 1), 0); return err },
		"drop":    func() error { return w.DropPending(ctx, id, 1) },
		"read":    func() error { _, err := w.PendingOf(ctx, id); return err },
		"follow":  func() error { return w.FollowDesk(ctx, nil) },
		"note":    func() error { return w.Note(ctx, id, nil) },
		"trail":   func() error { _, err := w.Notes(ctx, id); return err },
		"rewrite": func() error { return w.Rewrite(ctx, id, nil) },
		"due":     func() error { return w.DueAt(ctx, id, time.Now()) },
		"not due": func() error { return w.NotDue(ctx, id) },
		"dues":    func() error { return w.Dues(ctx, 1, nil) },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "does not publish") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWire_KeepPending_tooLarge(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	p := waitsFor("a", 1)
	p.Release.Text = strings.Repeat("x", 9<<20)
	if _, err := w.KeepPending(t.Context(), p, 0); news.CodeOf(err) != news.TooLarge {
		t.Errorf("it answers %v", err)
	}
	wantVersion(t, w, "a", 0)
}
