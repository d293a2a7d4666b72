package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

func TestWire_FollowStoredThenLive(t *testing.T) {
	w := wiretest.New(t)
	const stored, all = 30, 80
	fill(t, w, stored)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan uint64, all)
	ended := make(chan error, 1)
	go func() {
		ended <- w.Follow(ctx, 5, func(seq uint64, e news.Event) error {
			if want := news.NewID(strconv.FormatUint(seq, 10)); e.Release.ID != want {
				t.Errorf("event %d is %s", seq, e.ID())
			}
			got <- seq
			return nil
		})
	}()
	if seq := <-got; seq != 5 {
		t.Errorf("began at %d", seq)
	}
	for i := stored; i < all; i++ {
		add(t, w, first(strconv.Itoa(i+1)), 0)
	}
	for want := uint64(6); want <= all; want++ {
		if seq := <-got; seq != want {
			t.Fatalf("event %d, want %d", seq, want)
		}
	}
	cancel()
	if err := within(t, 5*time.Second, func() error { return <-ended }); err != nil {
		t.Errorf("a context that is over is no error: %v", err)
	}
}

func TestWire_FollowEnds(t *testing.T) {
	w := wiretest.New(t)
	fill(t, w, 3)
	t.Run("with the error of its function", func(t *testing.T) {
		enough := errors.New("enough")
		n := 0
		err := w.Follow(t.Context(), 0, func(uint64, news.Event) error {
			if n++; n == 2 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || n != 2 {
			t.Errorf("%d events, %v", n, err)
		}
	})
	t.Run("with an unavailable log of its function, which is not its own", func(t *testing.T) {
		mine := news.Problemf(news.Unavailable, "mine")
		if err := w.Follow(t.Context(), 1, func(uint64, news.Event) error { return mine }); !errors.Is(err, mine) {
			t.Error(err)
		}
		if err := w.Follow(t.Context(), 1, func(uint64, news.Event) error { return nats.ErrTimeout }); !errors.Is(err, nats.ErrTimeout) {
			t.Error(err)
		}
	})
	t.Run("from the next event on it waits", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan uint64, 1)
		ended := make(chan error, 1)
		go func() {
			ended <- w.Follow(ctx, 4, func(seq uint64, _ news.Event) error { got <- seq; return nil })
		}()
		add(t, w, first("4"), 0)
		if seq := <-got; seq != 4 {
			t.Errorf("event %d", seq)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Run("from beyond the end", func(t *testing.T) {
		err := w.Follow(t.Context(), 99, func(uint64, news.Event) error { return nil })
		if !errors.Is(err, wire.ErrLost) || news.CodeOf(err) != news.NotFound || !strings.Contains(err.Error(), "the log ends at event 4") {
			t.Error(err)
		}
	})
}

// chained publishes raw bytes into the log as a well-chained event.
func chained(t *testing.T, js jetstream.JetStream, prev, id string, data []byte) {
	t.Helper()
	msg := &nats.Msg{Subject: "wire.rel." + id, Data: data, Header: nats.Header{}}
	if prev != "" {
		msg.Header.Set("Dateline-Prev", prev)
	}
	if _, err := js.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

// prevOf appends an event and returns the hash that the next one must carry:
// SHA-256 over the predecessor's hash, the sequence, the subject, a zero byte
// and the data, written here a second time.
func prevOf(t *testing.T, w *wire.Wire, js jetstream.JetStream) string {
	t.Helper()
	seq := add(t, w, first(nats.NewInbox()), 0)
	s, err := js.Stream(t.Context(), "WIRE")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetMsg(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	before, err := hex.DecodeString(m.Header.Get("Dateline-Prev"))
	if err != nil || len(before) != 32 {
		t.Fatal("the event carries no hash", err)
	}
	sum := sha256.Sum256(slices.Concat(before, binary.BigEndian.AppendUint64(nil, seq), []byte(m.Subject), []byte{0}, m.Data))
	return hex.EncodeToString(sum[:])
}

func TestWire_FollowParksWhatCannotBeRead(t *testing.T) {
	w, js := opened(t, t.TempDir())
	bad := news.NewID("bad")
	prev := prevOf(t, w, js)
	chained(t, js, prev, bad, []byte("{broken\n"))
	add(t, w, first("after"), 0) // by a publisher who finds the bad one at the tail
	for range 2 {
		got := follow(t, w, 1, 2)
		if got.err != nil || got.ids[1] != idOf("after") {
			t.Fatal(got.ids, got.err)
		}
	}
	dead, err := js.Stream(t.Context(), "DEAD")
	if err != nil {
		t.Fatal(err)
	}
	info, err := dead.Info(t.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil || info.State.Msgs != 1 {
		t.Fatalf("parked %d times, %v, %v", info.State.Msgs, info.State.Subjects, err)
	}
	m, err := dead.GetMsg(t.Context(), 1)
	if err != nil || !bytes.Equal(m.Data, []byte("{broken\n")) || !strings.Contains(m.Header.Get("Dateline-Reason"), "decode event") || !strings.Contains(m.Subject, bad) {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := w.Last(t.Context(), bad); err == nil {
		t.Error("the broken event was read")
	}
}

func TestWire_FollowStopsAtANewerVersion(t *testing.T) {
	w, js := opened(t, t.TempDir())
	prev := prevOf(t, w, js)
	chained(t, js, prev, news.NewID("new"), []byte(`{"v":2,"kind":["celebrated"]}`))
	got := follow(t, w, 1, 2)
	if !errors.Is(got.err, news.ErrNewer) || !strings.Contains(got.err.Error(), "event 2") || len(got.ids) != 1 {
		t.Error(got)
	}
}

// saysWhatToDo checks that an error of a damaged log says once how to go on.
func saysWhatToDo(t *testing.T, err error, dir string) {
	t.Helper()
	for _, says := range []string{"restore the data folder " + dir + " from a backup", "--accept-loss"} {
		if err == nil || strings.Count(err.Error(), says) != 1 {
			t.Errorf("%q must stand once in: %v", says, err)
		}
	}
}

func TestWire_FollowFindsABreak(t *testing.T) {
	e, err := news.Encode(first("forged"))
	if err != nil {
		t.Fatal(err)
	}
	for name, prev := range map[string]string{
		"no hash": "", "a wrong hash": strings.Repeat("ab", 32), "half a hash": "abab", "no hexadecimal": strings.Repeat("zz", 32),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w, js := opened(t, dir)
			fill(t, w, 2)
			chained(t, js, prev, first("forged").Release.ID, e)
			got := follow(t, w, 1, 3)
			if !errors.Is(got.err, wire.ErrBroken) || len(got.ids) != 2 || !strings.Contains(got.err.Error(), "event 3") {
				t.Error(got)
			}
			saysWhatToDo(t, got.err, dir)
			js.Conn().Close()
			shut(t, w)
			open := func(acceptLoss bool) (*wire.Wire, error) {
				return wire.Open(t.Context(), wire.Config{DataDir: dir, Queues: 2, AcceptLoss: acceptLoss, Log: zerolog.Nop()})
			}
			_, err := open(false)
			if !errors.Is(err, wire.ErrBroken) || !strings.Contains(err.Error(), "event 3") {
				t.Error(err)
			}
			saysWhatToDo(t, err, dir)
			if w, err = open(true); err != nil { // it passes the event
				t.Fatal(err)
			}
			add(t, w, first("after"), 0)
			if got := follow(t, w, 1, 4); got.err != nil || got.ids[3] != idOf("after") {
				t.Error(got)
			}
			shut(t, w)
		})
	}
	t.Run("an event is deleted", func(t *testing.T) {
		w, js := opened(t, t.TempDir())
		fill(t, w, 4)
		s, err := js.Stream(t.Context(), "WIRE")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteMsg(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		got := follow(t, w, 1, 4)
		if !errors.Is(got.err, wire.ErrLost) || !slices.Equal(got.ids, []string{idOf("1")}) || !strings.Contains(got.err.Error(), "event 1 is followed by event 3") {
			t.Error(got)
		}
	})
	t.Run("the log cannot be purged", func(t *testing.T) {
		_, js := opened(t, t.TempDir())
		s, err := js.Stream(t.Context(), "WIRE")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Purge(t.Context()); err == nil {
			t.Error("it was purged")
		}
	})
}

func TestWire_FollowManyLargeEvents(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	const n = 8
	for i := range n {
		e := first(strconv.Itoa(i))
		e.Release.HTML = strings.Repeat("x", 3<<20)
		add(t, w, e, 0)
	}
	if got := follow(t, w, 1, n); got.err != nil || len(got.ids) != n {
		t.Error(len(got.ids), got.err)
	}
}

// A reader that takes its time is no reason for the client to drop anything.
func TestWire_FollowSlowly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w, err := wire.Open(t.Context(), wire.Config{DataDir: t.TempDir(), Queues: 1, Log: zerolog.New(zerolog.SyncWriter(&log)).Level(zerolog.WarnLevel)})
	if err != nil {
		t.Fatal(err)
	}
	const n = 2000
	fill(t, w, n)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	behind, err := w.Inside() // what it asks is answered after what was sent to the reader
	if err != nil {
		t.Fatal(err)
	}
	defer behind.Close()
	got := uint64(0)
	if err := w.Follow(ctx, 1, func(seq uint64, _ news.Event) error {
		if got++; seq != got {
			t.Errorf("event %d, want %d", seq, got)
		}
		if _, err := behind.Request("$JS.API.STREAM.INFO.WIRE", nil, 5*time.Second); err != nil {
			return err
		}
		if got == n {
			cancel()
		}
		return nil
	}); err != nil || got != n {
		t.Error(got, err)
	}
	shut(t, w)
	if log.Len() > 0 {
		t.Error(log.String())
	}
}
