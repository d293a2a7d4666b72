package wire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// unmistakable stands in everything that an erasure must remove.
const unmistakable = "zq-unmistakable-zq"

// saying is the first event of a release with the unmistakable words.
func saying(origin string) news.Event {
	e := first(origin)
	e.Release.Title += " " + unmistakable
	return e
}

// erased is the tombstone after e.
func erased(e news.Event) news.Event {
	next := e.Release
	next.Reason, next.Erased = "a court has ordered it", true
	out, err := news.Next(&e.Release, next, news.KindWithdrawn, noon.Add(2*time.Hour), false)
	if err != nil {
		panic(err)
	}
	return out
}

// publishing is a data folder whose log a publisher opens.
func publishing(dir string) wire.Config { return wire.Config{DataDir: dir, Queues: 1, Desk: true} }

// told fills a log with a release in two revisions between others, everything
// that comes of it, and returns its newest event.
func told(t *testing.T, w *wire.Wire) (e news.Event, last uint64) {
	t.Helper()
	ctx := t.Context()
	one := saying("told")
	id := one.Release.ID
	add(t, w, first("before"), 0)
	seq := add(t, w, one, 0)
	add(t, w, first("between"), 0)
	e = revised(one, "another title "+unmistakable)
	last = add(t, w, e, seq)
	add(t, w, first("behind"), 0)

	draft := news.Pending{State: news.Draft, Version: 1, Kind: news.KindCorrected, Base: 2, Changed: noon, By: "an editor", Release: e.Release}
	at, err := w.KeepPending(ctx, draft, 0)
	if err != nil {
		t.Fatal(err)
	}
	draft.Version = 2
	if _, err = w.KeepPending(ctx, draft, at); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kept, err := w.Bucket(ctx, "IDEMPOTENCY", "", 0)
	must(err)
	_, err = kept.PutString(ctx, "request", `{"id":"`+id+`:1","title":"`+unmistakable+`"}`)
	must(err)
	_, err = kept.PutString(ctx, "other", "an answer about another release")
	must(err)
	must(w.DueAt(ctx, id, noon.AddDate(100, 0, 0)))
	must(w.Note(ctx, id, []byte(`{"what":"published"}`)))
	must(w.Record(ctx, "reader", id, []byte(`{"event":"`+id+`:1","outcome":"failed","answer":"550 `+unmistakable+`","told":["`+id+`:1"]}`)))
	must(w.Record(ctx, "reader", id, []byte(`{"event":"`+id+`:2","outcome":"failed","answer":"551 `+unmistakable+`","told":["`+id+`:1"]}`)))
	must(w.Record(ctx, "hook", id, []byte(`{"event":"`+id+`:1","outcome":"failed","answer":"`+unmistakable+`"}`)))
	must(w.Record(ctx, "hook", id, []byte(`{"event":"`+id+`:1","outcome":"accepted"}`)))
	must(w.Record(ctx, "reader", news.NewID("between"), []byte(`{"answer":"of another release"}`)))
	must(w.Park(ctx, "log", id+"-2", "it says "+unmistakable, []byte(unmistakable)))
	must(w.Park(ctx, "alert", "reader", "550 "+unmistakable, []byte(`{"release":"`+id+`"}`)))
	must(w.Park(ctx, "alert", "reader", "another one", []byte(`{"release":"`+news.NewID("between")+`"}`)))
	return e, last
}

// holding lists the files below a folder in which the unmistakable words stand.
func holding(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(unmistakable)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// isErased checks that nothing but the tombstone is left of the release told,
// that the log is whole for readers, and what must stay is there.
func isErased(t *testing.T, w *wire.Wire, id string) {
	t.Helper()
	ctx := t.Context()
	history, err := w.History(ctx, id, 0)
	if err != nil || len(history) != 1 || !history[0].Event.Release.Erased {
		t.Errorf("the history is %+v, %v", history, err)
	}
	for _, seq := range []uint64{2, 4} {
		if _, err := w.At(ctx, seq); !errors.Is(err, wire.ErrNotFound) {
			t.Errorf("event %d: %v", seq, err)
		}
		if lost, err := w.Lost(ctx, seq); lost || err != nil {
			t.Errorf("event %d is lost: %v, %v", seq, lost, err)
		}
	}
	want := []string{idOf("before"), idOf("between"), idOf("behind"), id + ":3"}
	for from := uint64(1); from <= 6; from++ {
		left := want[min([]int{0, 0, 1, 1, 2, 2, 3}[from], 3):]
		if got := follow(t, w, from, len(left)); got.err != nil || !slices.Equal(got.ids, left) {
			t.Errorf("from %d: %v, %v; want %v", from, got.ids, got.err, left)
		}
	}
	if _, err := w.PendingOf(ctx, id); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("at the desk: %v", err)
	}
	if notes, err := w.Notes(ctx, id); err != nil || len(notes) != 1 {
		t.Errorf("the trail is %q, %v", notes, err)
	}
	for recipient, says := range map[string]string{"reader": `"told":["` + id + `:1"]`, "hook": `"accepted"`} {
		if b, err := w.LastRecord(ctx, recipient, id); err != nil || !strings.Contains(string(b), says) || strings.Contains(string(b), "answer") {
			t.Errorf("the record for %s is %s, %v", recipient, b, err)
		}
	}
	if b, err := w.LastRecord(ctx, "reader", news.NewID("between")); err != nil || !strings.Contains(string(b), "of another release") {
		t.Errorf("the record of another release is %s, %v", b, err)
	}
	kept, err := w.Bucket(ctx, "IDEMPOTENCY", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := kept.Keys(ctx); err != nil || !slices.Equal(keys, []string{"other"}) {
		t.Errorf("the answers kept are %v, %v", keys, err)
	}
	if st, err := w.Stats(ctx); err != nil || st.Dead != 1 {
		t.Errorf("%d dead letters, %v", st.Dead, err)
	}
	list, err := w.Erasures(ctx)
	if err != nil || len(list) != 1 || list[0].ID != id || list[0].Seq != 6 || list[0].Time.IsZero() {
		t.Errorf("the erasures are %+v, %v", list, err)
	}
	if again := w.ToErase(); len(again) != 0 {
		t.Errorf("to be erased again: %v", again)
	}
}

func TestWire_Erase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := wiretest.Open(t, publishing(dir))
	e, last := told(t, w)
	id := e.Release.ID
	for _, stream := range []string{"WIRE", "DESK", "ATTEMPTS", "DEAD", "IDEMPOTENCY"} {
		if !strings.Contains(strings.Join(holding(t, dir), " "), stream) {
			t.Fatalf("%s does not hold the words before, so the test would find nothing", stream)
		}
	}
	if err := w.Erase(t.Context(), id); news.CodeOf(err) != news.Conflict {
		t.Errorf("without a tombstone: %v", err)
	}
	if err := w.Erase(t.Context(), news.NewID("nothing")); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("an unknown release: %v", err)
	}
	add(t, w, erased(e), last)
	if list, err := w.Erasures(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("erased too early: %v, %v", list, err)
	}
	for range 2 { // the second time there is nothing left to do
		if err := w.Erase(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		isErased(t, w, id)
	}
	if files := holding(t, dir); len(files) > 0 {
		t.Errorf("the words still stand in %v", files)
	}
	if _, err := w.Append(t.Context(), saying("told"), 0); !errors.Is(err, wire.ErrConflict) {
		t.Errorf("a late repetition of the first event: %v", err)
	}
	for range 2 {
		shut(t, w)
		if files := holding(t, dir); len(files) > 0 {
			t.Errorf("the words stand in %v after the end", files)
		}
		w = wiretest.Open(t, publishing(dir))
		isErased(t, w, id)
	}
	info, err := os.Stat(filepath.Join(dir, "erasures"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "erasures"))
	var line wire.Erasure
	if err != nil || bytes.Count(b, []byte("\n")) != 1 || json.Unmarshal(b, &line) != nil || line.ID != id || line.Time.IsZero() {
		t.Errorf("the file says %s, %v", b, err)
	}
}

func TestWire_EraseNeedsTheDesk(t *testing.T) {
	w := wiretest.Open(t, wire.Config{DataDir: t.TempDir(), Queues: 1})
	e := first("1")
	seq := add(t, w, e, 0)
	if _, err := w.Append(t.Context(), erased(e), seq); err == nil {
		t.Error("a process that does not publish appends a tombstone")
	}
	if err := w.Erase(t.Context(), e.Release.ID); err == nil {
		t.Error("a process that does not publish erases")
	}
}

// Readers in the middle of the log, and one that may only read, pass what is
// erased under their eyes.
func TestWire_EraseWhileOthersRead(t *testing.T) {
	t.Parallel()
	srv := outside(t, server.Options{})
	w := wiretest.Open(t, wire.Config{URL: srv.ClientURL(), DataDir: t.TempDir(), Queues: 1, Desk: true})
	reader := wiretest.Open(t, wire.Config{URL: srv.ClientURL(), Queues: 1})
	const n = 60
	var ends []news.Event
	for i := range n {
		e := saying(strconv.Itoa(i))
		seq := add(t, w, e, 0)
		ends = append(ends, erased(e))
		add(t, w, ends[i], seq)
	}
	for _, r := range []*wire.Wire{w, reader} {
		seen := make(chan uint64)
		done := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			done <- r.Follow(ctx, 1, func(seq uint64, _ news.Event) error { seen <- seq; return nil })
		}()
		tombs := 0
		for i := 0; tombs < n; {
			if seq := <-seen; seq%2 == 0 {
				tombs++
			}
			if r == w && i < n { // erase from the end, while it comes nearer
				if err := w.Erase(t.Context(), ends[n-1-i].Release.ID); err != nil {
					t.Fatal(err)
				}
				i++
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	again := wiretest.Open(t, wire.Config{URL: srv.ClientURL(), Queues: 1})
	if got := follow(t, again, 1, n); got.err != nil {
		t.Error(got.err)
	}
}

// A hole that no erasure has left is a loss, also beside one.
func TestOpen_ErasedAndLost(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string][]uint64{
		"before": {1}, "between": {3}, "behind": {5}, "all around": {1, 3, 5},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := wiretest.Open(t, publishing(dir))
			e, last := told(t, w)
			add(t, w, erased(e), last)
			if err := w.Erase(t.Context(), e.Release.ID); err != nil {
				t.Fatal(err)
			}
			shut(t, w)
			wiretest.Tamper(t, dir, func(js jetstream.JetStream) {
				s, err := js.Stream(t.Context(), "WIRE")
				if err != nil {
					t.Fatal(err)
				}
				for _, seq := range gone {
					if err := s.DeleteMsg(t.Context(), seq); err != nil {
						t.Fatal(err)
					}
				}
			})
			cfg := publishing(dir)
			cfg.Log = zerolog.Nop()
			if _, err := wire.Open(t.Context(), cfg); !errors.Is(err, wire.ErrLost) {
				t.Fatalf("it starts: %v", err)
			}
			for i, accept := range []bool{true, false, false} {
				cfg.AcceptLoss = accept
				w, err := wire.Open(t.Context(), cfg)
				if err != nil {
					t.Fatalf("start %d: %v", i, err)
				}
				add(t, w, first("more "+strconv.Itoa(i)), 0)
				for from := range uint64(8) {
					want := i + 1
					for _, seq := range []uint64{1, 3, 5, 6} {
						if seq >= from && !slices.Contains(gone, seq) {
							want++
						}
					}
					if got := follow(t, w, from, want); got.err != nil || len(got.ids) != want {
						t.Errorf("start %d, from %d: %d events of %d, %v", i, from, len(got.ids), want, got.err)
					}
				}
				for seq := range uint64(7) {
					if lost, err := w.Lost(t.Context(), seq); err != nil || lost != slices.Contains(gone, seq) {
						t.Errorf("start %d: event %d is lost: %v, %v", i, seq, lost, err)
					}
				}
				shut(t, w)
			}
		})
	}
}

// An event behind which there is an accepted loss can be erased too.
func TestWire_EraseBehindAnAcceptedLoss(t *testing.T) {
	dir := t.TempDir()
	w := wiretest.Open(t, publishing(dir))
	e, last := told(t, w)
	shut(t, w)
	wiretest.Tamper(t, dir, func(js jetstream.JetStream) {
		s, err := js.Stream(t.Context(), "WIRE")
		if err == nil {
			err = errors.Join(s.DeleteMsg(t.Context(), 1), s.DeleteMsg(t.Context(), 3))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	cfg := publishing(dir)
	cfg.Log, cfg.AcceptLoss = zerolog.Nop(), true
	for range 3 {
		w, err := wire.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.AcceptLoss {
			add(t, w, erased(e), last)
			if err := w.Erase(t.Context(), e.Release.ID); err != nil {
				t.Fatal(err)
			}
		}
		cfg.AcceptLoss = false
		for from := range uint64(7) {
			want := 2 - int(max(from, 5)-5)
			if got := follow(t, w, from, want); got.err != nil || len(got.ids) != want {
				t.Errorf("from %d: %d events, %v", from, len(got.ids), got.err)
			}
		}
		shut(t, w)
	}
}
