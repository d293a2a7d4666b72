package wire_test

import (
	"context"
	"maps"
	"strconv"
	"testing"
	"time"

	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"
)

func hold(t *testing.T, w *wire.Wire, recipient, key, payload string) {
	t.Helper()
	if err := w.Hold(t.Context(), recipient, key, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func held(t *testing.T, w *wire.Wire, recipient string) []wire.Held {
	t.Helper()
	h, err := w.HeldFor(t.Context(), recipient)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func wakeAt(t *testing.T, w *wire.Wire, recipient string, at time.Time) {
	t.Helper()
	if err := w.WakeAt(t.Context(), recipient, at); err != nil {
		t.Fatal(err)
	}
}

func waiting(t *testing.T, w *wire.Wire, want map[string]bool) {
	t.Helper()
	got, err := w.Waiting(t.Context())
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("waiting are %v, want %v, %v", got, want, err)
	}
}

// wakes starts to take wake-ups; end stops it.
func wakes(t *testing.T, w *wire.Wire) (jobs chan *wire.Job, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	jobs = make(chan *wire.Job, 100)
	ended := make(chan error, 1)
	go func() { ended <- w.Wakes(ctx, 10, func(j *wire.Job) { jobs <- j }) }()
	return jobs, func() {
		t.Helper()
		cancel()
		if err := within(t, 10*time.Second, func() error { return <-ended }); err != nil {
			t.Error(err)
		}
	}
}

func nextWake(t *testing.T, jobs chan *wire.Job) *wire.Job {
	t.Helper()
	return within(t, 20*time.Second, func() *wire.Job { return <-jobs })
}

func TestWire_Hold(t *testing.T) {
	w := wiretest.New(t)
	hold(t, w, "anna", "a", "1")
	hold(t, w, "anna", "b", "2")
	hold(t, w, "bert", "a", "3")
	old := held(t, w, "anna")
	if len(old) != 2 || old[0].Key != "a" || string(old[0].Payload) != "1" || old[1].Key != "b" || old[0].Recipient != "anna" {
		t.Fatalf("%+v", old)
	}
	hold(t, w, "anna", "a", "1, newer")
	if h := held(t, w, "anna"); len(h) != 2 || h[0].Key != "b" || string(h[1].Payload) != "1, newer" {
		t.Errorf("%+v", h)
	}
	for range 2 { // the old one is gone; that is no error, and the newer stays
		if err := w.Unhold(t.Context(), old[0]); err != nil {
			t.Error(err)
		}
	}
	if h := held(t, w, "anna"); len(h) != 2 {
		t.Errorf("%+v", h)
	}
	for _, h := range held(t, w, "anna") {
		for range 2 {
			if err := w.Unhold(t.Context(), h); err != nil {
				t.Error(err)
			}
		}
	}
	if h := held(t, w, "anna"); h != nil {
		t.Errorf("%+v", h)
	}
	if h := held(t, w, "bert"); len(h) != 1 {
		t.Errorf("%+v", h)
	}
	waiting(t, w, map[string]bool{"bert": false})
	for _, bad := range []string{"", "a.b", "*", ">", "a b", "a\n", "ä"} {
		if w.Hold(t.Context(), bad, "k", nil) == nil || w.Hold(t.Context(), "r", bad, nil) == nil || w.WakeAt(t.Context(), bad, time.Now()) == nil {
			t.Errorf("%q is taken for a word of a subject", bad)
		}
	}
}

func TestWire_Wakes(t *testing.T) {
	w := wiretest.New(t)
	jobs, end := wakes(t, w)
	defer end()
	hold(t, w, "anna", "a", "1")
	at := time.Now().Add(150 * time.Millisecond)
	wakeAt(t, w, "anna", at)
	wakeAt(t, w, "far", time.Now().Add(time.Hour))
	waiting(t, w, map[string]bool{"anna": true})
	j := nextWake(t, jobs)
	if now := time.Now(); now.Before(at) {
		t.Errorf("it woke %s early", at.Sub(now))
	}
	if j.Recipient != "anna" {
		t.Errorf("it woke %q", j.Recipient)
	}
	waiting(t, w, map[string]bool{"anna": true}) // due, and not done
	if err := j.Done(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting(t, w, map[string]bool{"anna": false})

	t.Run("a time that is past is due at once", func(t *testing.T) {
		wakeAt(t, w, "past", time.Now().Add(-time.Hour))
		if j := nextWake(t, jobs); j.Recipient != "past" {
			t.Errorf("it woke %q", j.Recipient)
		} else if err := j.Done(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("a later call takes the place of an earlier one", func(t *testing.T) {
		wakeAt(t, w, "bert", time.Now().Add(time.Hour))
		wakeAt(t, w, "bert", time.Now())
		j := nextWake(t, jobs)
		if err := j.Done(t.Context()); err != nil || j.Recipient != "bert" {
			t.Error(j.Recipient, err)
		}
		hold(t, w, "bert", "k", "")
		waiting(t, w, map[string]bool{"anna": false, "bert": false})
	})
	t.Run("a wake-up asked for while one is handled comes too", func(t *testing.T) {
		wakeAt(t, w, "carl", time.Now())
		one := nextWake(t, jobs)
		wakeAt(t, w, "carl", time.Now())
		two := nextWake(t, jobs)
		if one.Recipient != "carl" || two.Recipient != "carl" {
			t.Errorf("woke %q and %q", one.Recipient, two.Recipient)
		}
		hold(t, w, "carl", "k", "")
		if err := one.Done(t.Context()); err != nil {
			t.Error(err)
		}
		waiting(t, w, map[string]bool{"anna": false, "bert": false, "carl": true}) // the second is still to be done
		if err := two.Done(t.Context()); err != nil {
			t.Error(err)
		}
		waiting(t, w, map[string]bool{"anna": false, "bert": false, "carl": false})
	})
	t.Run("many at one moment", func(t *testing.T) {
		const n = 50
		at := time.Now().Add(200 * time.Millisecond)
		for i := range n {
			wakeAt(t, w, "r"+strconv.Itoa(i), at)
		}
		seen := map[string]bool{}
		for range n {
			j := nextWake(t, jobs)
			if time.Now().Before(at) || seen[j.Recipient] {
				t.Errorf("%s woke early or twice", j.Recipient)
			}
			seen[j.Recipient] = true
			if err := j.Done(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWire_WakesOverRestarts(t *testing.T) {
	dir := t.TempDir()
	w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
	for _, r := range []string{"undone", "overdue", "future"} {
		hold(t, w, r, "k", "waits for "+r)
	}
	jobs, end := wakes(t, w)
	wakeAt(t, w, "undone", time.Now())
	if j := nextWake(t, jobs); j.Recipient != "undone" || j.Redelivered {
		t.Errorf("%+v", j)
	}
	end()
	at := time.Now().Add(100 * time.Millisecond)
	wakeAt(t, w, "overdue", at)
	wakeAt(t, w, "future", time.Now().Add(time.Hour))
	shut(t, w)
	<-time.After(time.Until(at)) // it falls due while nothing runs
	w = wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
	waiting(t, w, map[string]bool{"undone": true, "overdue": true, "future": true})
	jobs, end = wakes(t, w)
	defer end()
	again := map[string]bool{}
	for range 2 {
		j := nextWake(t, jobs)
		again[j.Recipient] = j.Redelivered
		if err := j.Done(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if !maps.Equal(again, map[string]bool{"undone": true, "overdue": false}) {
		t.Errorf("woke (and again) %v", again)
	}
	waiting(t, w, map[string]bool{"undone": false, "overdue": false, "future": true})
	if h := held(t, w, "future"); len(h) != 1 || string(h[0].Payload) != "waits for future" {
		t.Errorf("%+v", h)
	}
}
