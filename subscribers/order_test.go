package subscribers_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"
)

// titles are the titles of the calls so far, with the kinds of other events
// than publications.
func (r *receiver) titles() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []string{}
	for _, c := range r.calls {
		title := c.Event.Data.Title
		if c.Event.Status == "withdrawn" {
			title += " withdrawn"
		}
		out = append(out, title)
	}
	return out
}

// refuse answers status to one title and accepts the others.
func refuse(title string, status int) func(call, int) (int, http.Header) {
	return func(c call, _ int) (int, http.Header) {
		if c.Event.Data.Title == title {
			return status, nil
		}
		return http.StatusOK, nil
	}
}

func hours(c *subscribers.Config) {
	c.Backoff = []time.Duration{time.Hour, 2 * time.Hour, 4 * time.Hour}
}

func TestSubscribers_Run_refusedRelease(t *testing.T) {
	police := []string{"policing"}

	t.Run("what follows goes on", func(t *testing.T) {
		w, hook := newWorld(t, hours), newReceiver(t)
		hook.behave(refuse("Bad", http.StatusUnprocessableEntity))
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("good", tagged("Good", police), news.KindPublished)
		hook.next(t)
		w.publish("bad", tagged("Bad", police), news.KindPublished)
		hook.next(t)
		w.publish("other", tagged("Other", police), news.KindPublished)
		hook.next(t)
		w.withdraw("good")
		hook.next(t)
		w.eventually("one waits", func() bool { return w.subs.Stats().Waiting == 1 })
		wantIDs(t, hook.titles(), "Good", "Bad", "Other", "Good withdrawn")
	})
	t.Run("what follows goes on after a restart", func(t *testing.T) {
		w, hook := newWorld(t, hours), newReceiver(t)
		hook.behave(refuse("Bad", http.StatusUnprocessableEntity))
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("bad", tagged("Bad", police), news.KindPublished)
		hook.next(t)
		w.restart()
		w.publish("other", tagged("Other", police), news.KindPublished)
		hook.next(t)
		w.publish("more", tagged("More", police), news.KindPublished)
		hook.next(t)
		wantIDs(t, hook.titles(), "Bad", "Other", "More")
	})
	t.Run("its correction is tried at once and settles it", func(t *testing.T) {
		w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{time.Second} }), newReceiver(t)
		hook.behave(refuse("Bad", http.StatusUnprocessableEntity))
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("bad", tagged("Bad", police), news.KindPublished)
		hook.next(t)
		w.eventually("it waits", func() bool { return w.subs.Stats().Waiting == 1 })
		r := tagged("Mended", police)
		r.Note = "The title was wrong."
		w.publish("bad", r, news.KindCorrected)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.titles(), "Bad", "Mended")
	})
	t.Run("each waits for its own time", func(t *testing.T) {
		w, hook := newWorld(t, func(c *subscribers.Config) {
			c.Backoff = []time.Duration{100 * time.Millisecond, time.Hour}
		}), newReceiver(t)
		hook.behave(refuse("Bad", http.StatusUnprocessableEntity))
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("bad", tagged("Bad", police), news.KindPublished)
		hook.next(t)
		hook.next(t) // now it waits for an hour
		hook.behave(func(_ call, n int) (int, http.Header) {
			if n == 3 {
				return http.StatusBadRequest, nil
			}
			return http.StatusOK, nil
		})
		w.publish("other", tagged("Other", police), news.KindPublished)
		hook.next(t)
		hook.next(t)
		w.eventually("one waits", func() bool {
			st, err := w.wire.Stats(t.Context())
			return err == nil && st.Held == 2 && w.subs.Stats().Waiting == 1 // a task and its wake-up
		})
		wantIDs(t, hook.titles(), "Bad", "Bad", "Other", "Other")
	})
}

func TestSubscribers_Run_unwellEndpoint(t *testing.T) {
	police := []string{"policing"}

	t.Run("everything waits, a withdrawal goes first", func(t *testing.T) {
		w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = slices.Repeat([]time.Duration{400 * time.Millisecond}, 20) }), newReceiver(t)
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("good", tagged("Good", police), news.KindPublished)
		hook.next(t)
		unwell := true
		hook.behave(func(call, int) (int, http.Header) {
			if unwell {
				unwell = false
				return http.StatusServiceUnavailable, http.Header{"Retry-After": {"2"}}
			}
			return http.StatusOK, nil
		})
		w.publish("a", tagged("A", police), news.KindPublished)
		hook.next(t)
		w.publish("b", tagged("B", police), news.KindPublished)
		w.withdraw("good")
		w.eventually("both wait behind it", func() bool {
			st, err := w.wire.Stats(t.Context())
			return err == nil && st.Held == 4
		})
		w.quiet()
		wantIDs(t, hook.titles(), "Good", "A", "Good withdrawn", "B", "A")
	})
	t.Run("a release that breaks it each time does not keep the others", func(t *testing.T) {
		w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{100 * time.Millisecond, time.Hour} }), newReceiver(t)
		hook.behave(refuse("Bad", http.StatusServiceUnavailable))
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("bad", tagged("Bad", police), news.KindPublished)
		hook.next(t)
		w.publish("a", tagged("A", police), news.KindPublished)
		w.eventually("A comes", func() bool { return slices.Contains(hook.titles(), "A") })
	})
	t.Run("it is left alone after a restart too", func(t *testing.T) {
		w, hook := newWorld(t, hours), newReceiver(t)
		hook.behave(func(call, int) (int, http.Header) { return http.StatusServiceUnavailable, nil })
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("a", tagged("A", police), news.KindPublished)
		hook.next(t)
		w.eventually("it waits", func() bool { return w.subs.Stats().Waiting == 1 })
		w.restart()
		w.publish("b", tagged("B", police), news.KindPublished)
		w.eventually("both wait", func() bool {
			st, err := w.wire.Stats(t.Context())
			return err == nil && st.Held == 3 && st.Queued == 0
		})
		wantIDs(t, hook.titles(), "A")
	})
}
