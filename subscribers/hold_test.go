package subscribers_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"
)

const window = 10 * time.Minute

// clock stands still until a test moves it. It begins in the past, because the
// wake-ups of recipients go by the server's clock.
type clock struct {
	mu      sync.Mutex
	now     time.Time
	moved   chan struct{}
	waiting chan time.Time // gets the end of each wait that begins
}

func newClock() *clock {
	return &clock{now: time.Now().Add(-200 * time.Hour).Truncate(time.Millisecond), moved: make(chan struct{}), waiting: make(chan time.Time, 1000)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}

func (c *clock) wait(ctx context.Context, until time.Time) error {
	c.waiting <- until
	for {
		c.mu.Lock()
		over, moved := !c.now.Before(until), c.moved
		c.mu.Unlock()
		if over {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// holds is the world's configuration with a window and the clock.
func (c *clock) holds(cfg *subscribers.Config) {
	cfg.Now, cfg.Wait, cfg.Hold = c.Now, c.wait, window
	cfg.Grace = 50 * time.Millisecond
}

// until waits until the fan-out waits for the end of the event's window.
func (c *clock) until(t *testing.T, e news.Event) {
	t.Helper()
	select {
	case got := <-c.waiting:
		if want := e.Time.Add(window); !got.Equal(want) {
			t.Fatalf("the fan-out waits until %s, want %s", got, want)
		}
	case <-time.After(patience):
		t.Fatal("the fan-out does not wait")
	}
}

// correct corrects what was published under the name.
func (w *world) correct(name, title string, fields ...string) news.Event {
	w.t.Helper()
	r := tagged(title, fields)
	r.Note = "The title was wrong."
	return w.publish(name, r, news.KindCorrected)
}

// erase erases what was published under the name, from the log too.
func (w *world) erase(name string) news.Event {
	w.t.Helper()
	r := w.releases[name].Event.Release
	r.Reason, r.Erased = "A court said so.", true
	e := w.publish(name, r, news.KindWithdrawn)
	if err := w.wire.Erase(w.t.Context(), e.Release.ID); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// ahead waits until the withdrawals up to the end of the log are queued.
func (w *world) ahead(held int) {
	w.t.Helper()
	w.eventually("withdrawals are queued", func() bool { return w.subs.Stats().Held == uint64(held) })
}

func TestSubscribers_Run_hold(t *testing.T) {
	police := []string{"policing"}
	start := func(t *testing.T) (*world, *clock, *receiver) {
		c, hook := newClock(), newReceiver(t)
		w := newWorld(t, c.holds)
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		return w, c, hook
	}
	t.Run("an alert waits for the end of its window", func(t *testing.T) {
		w, c, hook := start(t)
		e := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, e)
		w.ahead(1)
		c.forward(window - time.Millisecond)
		if st := w.subs.Stats(); st.Held != 1 || !st.HeldSince.Equal(e.Time) || st.FannedOut != 0 || st.Queued != 0 {
			t.Errorf("stats %+v", st)
		}
		for range 2 { // it stands still for longer than what is healthy otherwise
			if err := w.subs.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		}
		wantIDs(t, hook.ids())
		c.forward(time.Millisecond)
		if got := hook.next(t); got.ID != e.ID() {
			t.Errorf("got %s", got.ID)
		}
		w.quiet()
		if st := w.subs.Stats(); st.Held != 0 || !st.HeldSince.IsZero() {
			t.Errorf("stats %+v", st)
		}
		wantIDs(t, hook.ids(), e.ID())
	})
	t.Run("each waits for its own", func(t *testing.T) {
		w, c, hook := start(t)
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(4 * time.Minute)
		b := w.publish("b", tagged("B", police), news.KindPublished)
		c.forward(6 * time.Minute)
		c.until(t, b)
		hook.next(t)
		wantIDs(t, hook.ids(), a.ID())
		c.forward(4 * time.Minute)
		hook.next(t)
		wantIDs(t, hook.ids(), a.ID(), b.ID())
	})
	t.Run("a release withdrawn inside its window alerts nobody", func(t *testing.T) {
		w, c, hook := start(t)
		c.until(t, w.publish("a", tagged("A", police), news.KindPublished))
		w.withdraw("a")
		w.ahead(2)
		c.forward(window)
		w.quiet()
		wantIDs(t, hook.ids())
	})
	t.Run("a release corrected inside its window alerts once, after the correction's", func(t *testing.T) {
		w, c, hook := start(t)
		w.subscribe(subscribers.Webhook, hook.URL+"/vote", fields("elections"))
		c.until(t, w.publish("a", tagged("A", police), news.KindPublished))
		c.forward(4 * time.Minute)
		e := w.correct("a", "Better", "elections")
		w.publish("a", tagged("Better, tidied", []string{"elections"}), news.KindRevised)
		c.forward(6 * time.Minute)
		c.until(t, e)
		wantIDs(t, hook.ids())
		c.forward(4 * time.Minute)
		got := hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), e.ID())
		if got.Path != "/vote" || got.Event.Data.Title != "Better, tidied" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a release corrected by back-fill inside its window alerts all the same", func(t *testing.T) {
		w, c, hook := start(t)
		c.until(t, w.publish("a", tagged("A", police), news.KindPublished))
		r := tagged("Imported", police)
		r.Note = "The import says it better."
		e := w.publishAt("a", r, news.KindCorrected, c.Now(), true)
		c.forward(window)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), e.ID())
	})
	t.Run("a minor revision inside the window decides whom it concerns", func(t *testing.T) {
		w, c, hook := start(t)
		w.subscribe(subscribers.Webhook, hook.URL+"/vote", fields("elections"))
		w.subscribe(subscribers.Webhook, hook.URL+"/gender", fields("gender-equality"))
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		w.publish("a", tagged("A, filed rightly", []string{"elections"}), news.KindRevised)
		c.forward(window)
		if got := hook.next(t); got.Path != "/vote" || got.ID != a.ID() || got.Event.Data.Title != "A, filed rightly" {
			t.Errorf("got %+v", got)
		}
		w.quiet()
		d, err := w.subs.Deliveries(t.Context(), a.Release.ID)
		if err != nil || len(d.Alerts) != 1 || len(d.Alerts[0].Subscriptions) != 1 {
			t.Errorf("%+v, %v", d, err)
		}
		e := w.correct("a", "A, about something else", "gender-equality")
		c.until(t, e)
		c.forward(window)
		paths := map[string]string{}
		for range 2 {
			got := hook.next(t)
			paths[got.Path] = got.ID
		}
		w.quiet()
		if paths["/vote"] != e.ID() || paths["/gender"] != e.ID() || len(hook.ids()) != 3 {
			t.Errorf("the correction went to %v of %v", paths, hook.ids())
		}
	})
	t.Run("a withdrawal passes what is held before it", func(t *testing.T) {
		w, c, hook := start(t)
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(window)
		hook.next(t)
		b := w.publish("b", tagged("B", police), news.KindPublished)
		c.until(t, b)
		gone := w.withdraw("a")
		hook.next(t)
		wantIDs(t, hook.ids(), a.ID(), gone.ID())
		c.forward(window)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), a.ID(), gone.ID(), b.ID())
	})
	t.Run("what is erased inside its window alerts nobody, what was told before does at once", func(t *testing.T) {
		w, c, hook := start(t)
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(window)
		hook.next(t)
		b := w.publish("b", tagged("B", police), news.KindPublished)
		c.until(t, b)
		later := w.publish("later", tagged("Later", police), news.KindPublished)
		w.erase("b") // the log does not hold any more what the fan-out waits before
		erased := w.erase("a")
		if got := hook.next(t); got.ID != erased.ID() || got.Event.Data.Title != news.ErasedTitle {
			t.Errorf("got %+v", got)
		}
		c.forward(window)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), a.ID(), erased.ID(), later.ID())
	})
	t.Run("a withdrawal that was undone inside the window is news of its own", func(t *testing.T) {
		w, c, hook := start(t)
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(window)
		hook.next(t)
		gone := w.withdraw("a")
		hook.next(t)
		back := w.publish("a", tagged("A again", police), news.KindRepublished)
		c.until(t, back)
		wantIDs(t, hook.ids(), a.ID(), gone.ID())
		c.forward(window)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), a.ID(), gone.ID(), back.ID())
	})
	t.Run("what waits for a retry does not tell of a held correction", func(t *testing.T) {
		w, c, hook := start(t)
		hook.behave(refuse("A", http.StatusUnprocessableEntity))
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(window)
		hook.next(t)
		w.eventually("it waits for a retry", func() bool { return w.subs.Stats().Waiting == 1 })
		e := w.correct("a", "Better", "policing")
		c.until(t, e)
		c.forward(window - time.Minute) // the retry is due
		w.eventually("the retry is dropped", func() bool { return sum(w.subs.Stats().Skipped) == 1 && w.subs.Stats().Waiting == 0 })
		wantIDs(t, hook.titles(), "A")
		c.forward(time.Minute)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.titles(), "A", "Better")
	})
	t.Run("its time is no age", func(t *testing.T) {
		c, hook := newClock(), newReceiver(t)
		w := newWorld(t, func(cfg *subscribers.Config) {
			c.holds(cfg)
			cfg.MaxAge = time.Minute
		})
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(window + time.Minute)
		hook.next(t)
		w.quiet()
		w.halt()
		w.publish("b", tagged("B", police), news.KindPublished)
		c.forward(window + time.Minute + time.Millisecond)
		w.resume()
		w.quiet()
		wantIDs(t, hook.ids(), a.ID())
		if n := w.subs.Stats().Late[subscribers.Webhook]; n != 1 {
			t.Errorf("%d recorded as late", n)
		}
	})
}

func TestSubscribers_Run_holdOverRestarts(t *testing.T) {
	police := []string{"policing"}
	start := func(t *testing.T, edit ...func(*subscribers.Config)) (*world, *clock, *receiver) {
		c, hook := newClock(), newReceiver(t)
		w := newWorld(t, func(cfg *subscribers.Config) {
			c.holds(cfg)
			for _, e := range edit {
				e(cfg)
			}
		})
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		return w, c, hook
	}
	t.Run("nothing is lost and nothing is early", func(t *testing.T) {
		w, c, hook := start(t)
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		w.restart()
		c.until(t, a)
		c.forward(window - time.Minute)
		b := w.publish("b", tagged("B", police), news.KindPublished)
		w.restart()
		c.until(t, a)
		wantIDs(t, hook.ids())
		w.stop()
		c.forward(time.Minute)
		w.start()
		hook.next(t)
		c.until(t, b)
		w.restart()
		c.until(t, b)
		wantIDs(t, hook.ids(), a.ID())
		c.forward(window)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), a.ID(), b.ID())
	})
	t.Run("a withdrawal queued ahead is met again and sent once", func(t *testing.T) {
		w, c, hook := start(t)
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(window)
		hook.next(t)
		b := w.publish("b", tagged("B", police), news.KindPublished)
		c.until(t, b)
		gone := w.withdraw("a")
		hook.next(t)
		never := w.publish("never", tagged("Never", police), news.KindPublished)
		w.withdraw("never")
		w.restart() // what was queued ahead is queued again
		c.until(t, b)
		w.ahead(4)
		w.stop() // and now the fan-out comes to it first
		c.forward(window)
		w.start()
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), a.ID(), gone.ID(), b.ID())
		if never.Release.ID == a.Release.ID {
			t.Error("one release instead of two")
		}
	})
	t.Run("a withdrawal made while nothing runs passes what is held", func(t *testing.T) {
		w, c, hook := start(t)
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(window)
		hook.next(t)
		w.quiet()
		w.halt()
		b := w.publish("b", tagged("B", police), news.KindPublished)
		gone := w.withdraw("a")
		w.resume()
		c.until(t, b)
		hook.next(t)
		wantIDs(t, hook.ids(), a.ID(), gone.ID())
	})
	t.Run("the hold may change with every start", func(t *testing.T) {
		w, c, hook := start(t)
		again := func(hold time.Duration) {
			w.stop()
			w.cfg.Hold = hold
			w.start()
		}
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		again(0)
		hook.next(t)
		gone := w.withdraw("a")
		hook.next(t)
		w.quiet()
		again(window)
		b := w.publish("b", tagged("B", police), news.KindPublished)
		c.until(t, b)
		c.forward(time.Minute)
		again(time.Minute)
		hook.next(t)
		w.quiet()
		again(subscribers.MaxHold)
		r := w.correct("b", "Better", "policing")
		w.eventually("it is held", func() bool { return w.subs.Stats().Held == 1 })
		<-c.waiting
		again(window)
		c.until(t, r)
		wantIDs(t, hook.ids(), a.ID(), gone.ID(), b.ID())
		c.forward(window)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), a.ID(), gone.ID(), b.ID(), r.ID())
	})
	t.Run("a withdrawal begun in time is not too late when it is met again", func(t *testing.T) {
		w, c, hook := start(t, hours)
		a := w.publish("a", tagged("A", police), news.KindPublished)
		c.until(t, a)
		c.forward(window)
		hook.next(t)
		b := w.publish("b", tagged("B", police), news.KindPublished)
		c.until(t, b)
		hook.behave(func(call, int) (int, http.Header) { return http.StatusServiceUnavailable, nil })
		gone := w.withdraw("a")
		hook.next(t)
		w.eventually("it waits for a retry", func() bool { return w.subs.Stats().Waiting == 1 })
		w.stop()
		hook.behave(nil)
		c.forward(50 * time.Hour)
		w.start()
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), a.ID(), gone.ID(), gone.ID())
	})
}

func TestNew_hold(t *testing.T) {
	w := newWorld(t, nil)
	for _, d := range []time.Duration{-time.Second, subscribers.MaxHold + time.Second} {
		cfg := w.cfg
		cfg.Hold = d
		if _, err := subscribers.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "choose between") {
			t.Errorf("%s: %v", d, err)
		}
	}
}
