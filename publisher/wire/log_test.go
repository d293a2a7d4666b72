package wire_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestWire_AppendAndRead(t *testing.T) {
	w := wiretest.New(t)
	a, b := first("a"), first("b")
	a2 := revised(a, "second")
	if seq := add(t, w, a, 0); seq != 1 {
		t.Errorf("the first event has the sequence %d", seq)
	}
	add(t, w, b, 0)
	if seq := add(t, w, a2, 1); seq != 3 {
		t.Errorf("the third event has the sequence %d", seq)
	}
	t.Run("last", func(t *testing.T) {
		r, err := w.Last(t.Context(), a.Release.ID)
		if err != nil || r.Seq != 3 || r.Event.ID() != a2.ID() || r.Event.Release.Title != "second" {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := w.Last(t.Context(), news.NewID("none")); !errors.Is(err, wire.ErrNotFound) {
			t.Error(err)
		}
	})
	t.Run("at", func(t *testing.T) {
		e, err := w.At(t.Context(), 2)
		if err != nil || e.ID() != b.ID() {
			t.Errorf("%s, %v", e.ID(), err)
		}
		if _, err := w.At(t.Context(), 4); !errors.Is(err, wire.ErrNotFound) {
			t.Error(err)
		}
	})
	t.Run("history", func(t *testing.T) {
		for upTo, want := range map[uint64][]uint64{0: {1, 3}, 1: {1}, 2: {1}, 3: {1, 3}, 99: {1, 3}} {
			h, err := w.History(t.Context(), a.Release.ID, upTo)
			if err != nil {
				t.Fatal(err)
			}
			var got []uint64
			for _, r := range h {
				got = append(got, r.Seq)
			}
			if !slices.Equal(got, want) {
				t.Errorf("up to %d: %v, want %v", upTo, got, want)
			}
		}
		if h, err := w.History(t.Context(), news.NewID("none"), 0); err != nil || h != nil {
			t.Errorf("%v, %v", h, err)
		}
	})
	t.Run("last sequence and counts", func(t *testing.T) {
		n, err := w.LastSeq(t.Context())
		st, err2 := w.Stats(t.Context())
		if n != 3 || st.Events != 3 || st.LastSeq != 3 || err != nil || err2 != nil {
			t.Errorf("%d, %+v, %v, %v", n, st, err, err2)
		}
		if err := w.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWire_AppendAgain(t *testing.T) {
	w := wiretest.New(t)
	a := first("a")
	add(t, w, a, 0)
	add(t, w, first("b"), 0)
	a2 := revised(a, "mine")
	if one, two := add(t, w, a2, 1), add(t, w, a2, 1); one != 3 || two != 3 {
		t.Errorf("sequences %d and %d", one, two)
	}
	if seq := add(t, w, a, 0); seq != 1 {
		t.Errorf("an older event again: sequence %d", seq)
	}
	for name, tc := range map[string]struct {
		e     news.Event
		after uint64
	}{
		"another second revision":        {revised(a, "theirs"), 1},
		"a first event of a known one":   {func() news.Event { e := first("a"); e.Release.Title = "other"; return e }(), 0},
		"behind a sequence of another":   {revised(a2, "x"), 2},
		"behind a sequence that is none": {revised(a2, "x"), 77},
		"unknown release behind one":     {first("c"), 3},
	} {
		t.Run(name, func(t *testing.T) {
			if seq, err := w.Append(t.Context(), tc.e, tc.after); !errors.Is(err, wire.ErrConflict) {
				t.Errorf("sequence %d, %v", seq, err)
			}
		})
	}
	if got := follow(t, w, 1, 3); got.err != nil {
		t.Error(got.err)
	}
	if n, err := w.LastSeq(t.Context()); n != 3 || err != nil {
		t.Errorf("%d events are stored, %v", n, err)
	}
}

// The server forgets message ids after two minutes; a repeat after that must
// still find what it stored.
func TestWire_AppendAgainWithoutMessageIDs(t *testing.T) {
	dir := t.TempDir()
	w, js := opened(t, dir)
	a := first("a")
	add(t, w, a, 0)
	forgetMessageIDs(t, js)
	if seq := add(t, w, a, 0); seq != 1 {
		t.Errorf("sequence %d", seq)
	}
	a2 := revised(a, "second")
	add(t, w, a2, 1)
	forgetMessageIDs(t, js)
	if seq := add(t, w, a, 0); seq != 1 {
		t.Errorf("sequence %d", seq)
	}
	if seq := add(t, w, a2, 1); seq != 2 {
		t.Errorf("sequence %d", seq)
	}
	if _, err := w.Append(t.Context(), revised(a, "theirs"), 1); !errors.Is(err, wire.ErrConflict) {
		t.Error(err)
	}
}

// forgetMessageIDs makes the window of duplicates end, by making it a tenth of
// a second long and waiting until an id is taken twice by a stream of its kind.
func forgetMessageIDs(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	s, err := js.Stream(t.Context(), "WIRE")
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.Duplicates = 100_000_000
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	probe := jetstream.StreamConfig{Name: "PROBE", Subjects: []string{"probe"}, Duplicates: cfg.Duplicates, Storage: jetstream.MemoryStorage}
	if _, err := js.CreateOrUpdateStream(t.Context(), probe); err != nil {
		t.Fatal(err)
	}
	id := nats.NewInbox()
	for n := 0; ; n++ {
		ack, err := js.Publish(t.Context(), "probe", nil, jetstream.WithMsgID(id))
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 && !ack.Duplicate {
			return
		}
	}
}

func TestWire_AppendConcurrently(t *testing.T) {
	w := wiretest.New(t)
	a := first("a")
	add(t, w, a, 0)
	const writers = 20
	won, errs := make(chan uint64, writers), make(chan error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			seq, err := w.Append(t.Context(), revised(a, fmt.Sprint("writer ", i)), 1)
			if err == nil {
				won <- seq
			} else {
				errs <- err
			}
		})
		wg.Go(func() {
			if _, err := w.Append(t.Context(), first(fmt.Sprint("other ", i)), 0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 || len(errs) != writers-1 {
		t.Errorf("%d won and %d lost", len(won), len(errs))
	}
	close(errs)
	for err := range errs {
		if !errors.Is(err, wire.ErrConflict) {
			t.Error(err)
		}
	}
	if got := follow(t, w, 1, 2+writers); got.err != nil {
		t.Error(got.err)
	}
}

func TestWire_AppendRefuses(t *testing.T) {
	w := wiretest.New(t)
	t.Run("too large", func(t *testing.T) {
		e := first("large")
		e.Release.HTML = strings.Repeat("x", 9<<20)
		if _, err := w.Append(t.Context(), e, 0); news.CodeOf(err) != news.TooLarge || !strings.Contains(err.Error(), "8192 kB") {
			t.Error(err)
		}
	})
	t.Run("just small enough", func(t *testing.T) {
		e := first("large")
		e.Release.HTML = strings.Repeat("x", 8<<20-4096)
		add(t, w, e, 0)
	})
	t.Run("an id that is no word of a subject", func(t *testing.T) {
		e := first("x")
		e.Release.ID = "a.b"
		if _, err := w.Append(t.Context(), e, 0); err == nil {
			t.Error("it was stored")
		}
	})
	t.Run("a context that is over", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.Append(ctx, first("y"), 0); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		add(t, w, first("z"), 0) // and nothing is stuck
	})
}
