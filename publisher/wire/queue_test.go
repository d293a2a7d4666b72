package wire_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/rs/zerolog"
)

func tasks(priority string, payloads ...string) []wire.Task {
	var out []wire.Task
	for _, p := range payloads {
		out = append(out, wire.Task{Channel: "mail", Priority: priority, Payload: []byte(p)})
	}
	return out
}

func enqueue(t *testing.T, w *wire.Wire, queue int, from, to wire.Cursor, ts []wire.Task) wire.Cursor {
	t.Helper()
	c, err := w.Enqueue(t.Context(), queue, from, to, ts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// drained takes n jobs and finishes them when done is set.
func drained(t *testing.T, w *wire.Wire, queue int, priority string, n int, done bool) (payloads []string, again int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	jobs := make(chan *wire.Job, n)
	ended := make(chan error, 1)
	go func() {
		ended <- w.Drain(ctx, queue, "mail", priority, max(n, 1), func(j *wire.Job) { jobs <- j })
	}()
	for range n {
		j := within(t, 20*time.Second, func() *wire.Job { return <-jobs })
		payloads = append(payloads, string(j.Payload))
		if j.Redelivered {
			again++
		}
		if done {
			if err := j.Done(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	cancel()
	if err := within(t, 10*time.Second, func() error { return <-ended }); err != nil {
		t.Error(err)
	}
	slices.Sort(payloads)
	return payloads, again
}

func queued(t *testing.T, w *wire.Wire) uint64 {
	t.Helper()
	st, err := w.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Queued
}

func TestCursor_Next(t *testing.T) {
	for c, want := range map[wire.Cursor]uint64{
		{}: 1, {Seq: 4}: 4, {Seq: 4, After: "x"}: 4, {Seq: 4, Done: true}: 5,
	} {
		if got := c.Next(); got != want {
			t.Errorf("%+v: next is %d, want %d", c, got, want)
		}
	}
}

func TestWire_Enqueue(t *testing.T) {
	w := wiretest.New(t)
	if w.Queues() != 2 {
		t.Errorf("%d queues", w.Queues())
	}
	zero, err := w.Cursor(t.Context(), 0)
	if err != nil || zero != (wire.Cursor{}) {
		t.Fatal(zero, err)
	}
	if n := queued(t, w); n != 0 {
		t.Errorf("%d are queued at first", n)
	}
	one := enqueue(t, w, 0, zero, wire.Cursor{Seq: 1, After: "b"}, tasks("normal", "a", "b"))
	two := enqueue(t, w, 0, one, wire.Cursor{Seq: 1, Done: true}, tasks("urgent", "c"))
	three := enqueue(t, w, 0, two, wire.Cursor{Seq: 2, Done: true}, nil)
	if three.Seq != 2 || !three.Done || three.Next() != 3 {
		t.Errorf("%+v", three)
	}
	read, err := w.Cursor(t.Context(), 0)
	if err != nil || read != three {
		t.Errorf("the stored cursor is %+v, want %+v, %v", read, three, err)
	}
	for name, stale := range map[string]wire.Cursor{"the zero cursor": zero, "an old one": one, "the last but one": two} {
		for _, ts := range [][]wire.Task{nil, tasks("normal", "x"), tasks("normal", "x", "y", "z")} {
			got, err := w.Enqueue(t.Context(), 0, stale, wire.Cursor{Seq: 9}, ts)
			if !errors.Is(err, wire.ErrStale) || got != stale {
				t.Errorf("%s with %d tasks: %+v, %v", name, len(ts), got, err)
			}
		}
	}
	if n := queued(t, w); n != 3 {
		t.Errorf("%d are queued, want 3", n)
	}
	if other, err := w.Cursor(t.Context(), 1); err != nil || other != (wire.Cursor{}) {
		t.Errorf("the other queue stands at %+v, %v", other, err)
	}
	if got, _ := drained(t, w, 0, "normal", 2, true); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	if got, _ := drained(t, w, 0, "urgent", 1, true); !slices.Equal(got, []string{"c"}) {
		t.Error(got)
	}
	if n := queued(t, w); n != 0 {
		t.Errorf("%d are queued after all are done", n)
	}
	if again, err := w.Cursor(t.Context(), 0); err != nil || again != three {
		t.Errorf("draining moved the cursor to %+v, %v", again, err)
	}
}

func TestWire_EnqueueBounds(t *testing.T) {
	w := wiretest.New(t)
	all := make([]wire.Task, wire.MaxTasks)
	for i := range all {
		all[i] = wire.Task{Channel: "webhook", Priority: "normal", Payload: []byte(strconv.Itoa(i))}
	}
	at := enqueue(t, w, 0, wire.Cursor{}, wire.Cursor{Seq: 1}, all)
	at = enqueue(t, w, 0, at, wire.Cursor{Seq: 2}, all)
	if n := queued(t, w); n != 2*wire.MaxTasks {
		t.Errorf("%d are queued", n)
	}
	if _, err := w.Enqueue(t.Context(), 0, at, wire.Cursor{Seq: 3}, append(all, all[0])); err == nil || !strings.Contains(err.Error(), "at most 999") {
		t.Error(err)
	}
	for _, bad := range []wire.Task{{Channel: "a.b", Priority: "x"}, {Channel: "a", Priority: "*"}, {Channel: "", Priority: "x"}, {Channel: "a", Priority: "x y"}} {
		if _, err := w.Enqueue(t.Context(), 0, at, wire.Cursor{Seq: 3}, []wire.Task{bad, bad}); err == nil || !strings.Contains(err.Error(), "no word") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if c, err := w.Cursor(t.Context(), 0); err != nil || c != at {
		t.Errorf("%+v, %v", c, err)
	}
}

// Several fan-outs race for one queue: each step is done by one of them, and
// every task is stored once.
func TestWire_EnqueueConcurrently(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	const steps = 30
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				at, err := w.Cursor(t.Context(), 0)
				if err != nil {
					t.Error(err)
					return
				}
				n := at.Next()
				if n > steps {
					return
				}
				name := strconv.FormatUint(n, 10)
				if _, err := w.Enqueue(t.Context(), 0, at, wire.Cursor{Seq: n, Done: true}, tasks("normal", name+"a", name+"b")); err != nil && !errors.Is(err, wire.ErrStale) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	got, _ := drained(t, w, 0, "normal", 2*steps, true)
	if len(slices.Compact(got)) != 2*steps || queued(t, w) != 0 {
		t.Errorf("%d different tasks, %d left: %v", len(slices.Compact(got)), queued(t, w), got)
	}
}

func TestWire_QueueOverRestarts(t *testing.T) {
	dir := t.TempDir()
	open := func() *wire.Wire { return wiretest.Open(t, wire.Config{DataDir: dir, Queues: 2}) }
	w := open()
	var names []string
	for i := range 6 {
		names = append(names, fmt.Sprint("task ", i))
	}
	at := enqueue(t, w, 1, wire.Cursor{}, wire.Cursor{Seq: 1, Done: true}, tasks("normal", names[:3]...))
	if got, again := drained(t, w, 1, "normal", 3, false); len(got) != 3 || again != 0 {
		t.Errorf("%v, %d of them again", got, again)
	}
	t.Run("in the same process, not done comes again", func(t *testing.T) {
		if got, again := drained(t, w, 1, "normal", 3, false); len(got) != 3 || again != 3 {
			t.Errorf("%v, %d of them again", got, again)
		}
	})
	shut(t, w)
	w = open()
	stored, err := w.Cursor(t.Context(), 1)
	if err != nil || stored != at {
		t.Fatalf("%+v, want %+v, %v", stored, at, err)
	}
	if _, err := w.Enqueue(t.Context(), 1, wire.Cursor{}, wire.Cursor{Seq: 1, Done: true}, tasks("normal", names[:3]...)); !errors.Is(err, wire.ErrStale) {
		t.Error(err)
	}
	enqueue(t, w, 1, stored, wire.Cursor{Seq: 2, Done: true}, tasks("normal", names[3:]...))
	t.Run("after a restart too, and says so", func(t *testing.T) {
		if got, again := drained(t, w, 1, "normal", 6, true); !slices.Equal(got, names) || again != 3 {
			t.Errorf("%v, %d of them again", got, again)
		}
	})
	shut(t, w)
	w = open()
	if n := queued(t, w); n != 0 {
		t.Errorf("%d done ones are back", n)
	}
}

func TestWire_DrainKeepsToItsLimit(t *testing.T) {
	w := wiretest.New(t)
	enqueue(t, w, 0, wire.Cursor{}, wire.Cursor{Seq: 1}, tasks("normal", "a", "b", "c", "d"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	jobs := make(chan *wire.Job, 4)
	ended := make(chan error, 1)
	go func() {
		ended <- w.Drain(ctx, 0, "mail", "normal", 2, func(j *wire.Job) { jobs <- j })
	}()
	one, two := <-jobs, <-jobs
	if len(jobs) != 0 {
		t.Error("a third job came before one of two was done")
	}
	if err := two.Done(t.Context()); err != nil {
		t.Error(err)
	}
	three := within(t, 10*time.Second, func() *wire.Job { return <-jobs })
	if string(three.Payload) != "c" {
		t.Errorf("job %q", three.Payload)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := one.Done(t.Context()); err != nil { // after the end of Drain, too
		t.Error(err)
	}
	if n := queued(t, w); n != 2 {
		t.Errorf("%d are left, want 2", n)
	}
}

func TestOpen_NumberOfQueues(t *testing.T) {
	dir := t.TempDir()
	shut(t, wiretest.Open(t, wire.Config{DataDir: dir, Queues: 3}))
	for _, n := range []int{1, 2, 4, 8} {
		_, err := wire.Open(t.Context(), wire.Config{DataDir: dir, Queues: n, Log: zerolog.Nop()})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("made with 3 delivery queues, not %d", n)) || !strings.Contains(err.Error(), "--queues 3") {
			t.Errorf("%d queues: %v", n, err)
		}
	}
	shut(t, wiretest.Open(t, wire.Config{DataDir: dir, Queues: 3}))
	for _, n := range []int{-1, 65} {
		if _, err := wire.Open(t.Context(), wire.Config{DataDir: t.TempDir(), Queues: n, Log: zerolog.Nop()}); err == nil || !strings.Contains(err.Error(), "choose 1 to 64") {
			t.Errorf("%d queues: %v", n, err)
		}
	}
	t.Run("a first start that broke off is healed", func(t *testing.T) {
		dir := t.TempDir()
		w, js := opened(t, dir)
		if err := js.DeleteStream(t.Context(), "DELIVER_1"); err != nil {
			t.Fatal(err)
		}
		js.Conn().Close()
		shut(t, w)
		w = wiretest.Open(t, wire.Config{DataDir: dir, Queues: 2})
		enqueue(t, w, 1, wire.Cursor{}, wire.Cursor{Seq: 1}, tasks("normal", "a"))
	})
}
