package subscribers_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/subscribers"
)

func fields(f ...string) news.Selection { return news.Selection{Fields: f} }

func countries(c ...string) news.Selection { return news.Selection{Countries: c} }

func TestSubscribers_Run_webhook(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	sub := w.subscribe(subscribers.Webhook, hook.URL+"/a", fields("policing"))
	w.subscribe(subscribers.Webhook, hook.URL+"/a", countries("austria"))
	w.subscribe(subscribers.Webhook, hook.URL+"/a", fields("elections"))

	t.Run("several matching subscriptions give one signed message", func(t *testing.T) {
		e := w.publish("one", tagged("One", []string{"policing"}, "austria"), news.KindPublished)
		c := hook.next(t)
		verify(t, sub.Secret, c)
		if c.ID != e.ID() || c.Event.ID != e.ID() || c.Event.Data.Title != "One" || !strings.HasPrefix(c.Type, "application/cloudevents+json") {
			t.Errorf("got %+v", c)
		}
		w.quiet()
		wantIDs(t, hook.ids(), e.ID())
	})
	t.Run("a release that nobody follows alerts nobody", func(t *testing.T) {
		before := len(hook.ids())
		w.publish("two", tagged("Two", []string{"gender-equality"}, "albania"), news.KindPublished)
		w.quiet()
		if n := len(hook.ids()); n != before {
			t.Errorf("%d messages came", n-before)
		}
	})
	t.Run("a minor revision and back-fill alert nobody", func(t *testing.T) {
		before := len(hook.ids())
		w.publish("one", tagged("One, typo gone", []string{"policing"}, "austria"), news.KindRevised)
		w.publishAt("old", tagged("Old", []string{"policing"}, "austria"), news.KindPublished, w.cfg.Now(), true)
		w.quiet()
		if n := len(hook.ids()); n != before {
			t.Errorf("%d messages came", n-before)
		}
	})
}

func TestSubscribers_Run_corrections(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL+"/police", fields("policing"))
	w.subscribe(subscribers.Webhook, hook.URL+"/vote", fields("elections"))

	w.publish("r", tagged("First", []string{"policing"}), news.KindPublished)
	if c := hook.next(t); c.Path != "/police" {
		t.Fatalf("first to %s", c.Path)
	}
	r := tagged("Second", []string{"elections"})
	r.Note = "It was about an election."
	w.publish("r", r, news.KindCorrected)
	got := map[string]string{}
	for range 2 {
		c := hook.next(t)
		got[c.Path] = c.Event.Type
	}
	if got["/police"] != "dateline.release.corrected.v1" || got["/vote"] != "dateline.release.corrected.v1" {
		t.Errorf("the correction went to %v", got)
	}
	// A minor retag, then the withdrawal: it reaches all who were told.
	w.publish("r", tagged("Second", []string{"gender-equality"}), news.KindRevised)
	w.withdraw("r")
	clear(got)
	for range 2 {
		c := hook.next(t)
		got[c.Path] = c.Event.Status
	}
	if got["/police"] != "withdrawn" || got["/vote"] != "withdrawn" {
		t.Errorf("the withdrawal went to %v", got)
	}
	w.quiet()
	if n := len(hook.ids()); n != 5 {
		t.Errorf("%d messages: %v", n, hook.ids())
	}
}

func TestSubscribers_Run_onlyLaterEvents(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	w.publish("before", tagged("Before", []string{"policing"}), news.KindPublished)
	w.publish("gone", tagged("Gone", []string{"policing"}), news.KindPublished)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	// Who was not told of a release is not told of its withdrawal, but is of
	// its correction, as news.
	w.withdraw("gone")
	r := tagged("Before, corrected", []string{"policing"})
	r.Note = "A number was wrong."
	e := w.publish("before", r, news.KindCorrected)
	if c := hook.next(t); c.ID != e.ID() {
		t.Errorf("got %s", c.ID)
	}
	w.quiet()
	wantIDs(t, hook.ids(), e.ID())
}

func TestSubscribers_Run_withdrawnBeforeSending(t *testing.T) {
	w, hook := newWorld(t, func(c *subscribers.Config) {
		c.Backoff = []time.Duration{300 * time.Millisecond, 300 * time.Millisecond, 300 * time.Millisecond}
	}), newReceiver(t)
	hook.behave(func(c call, _ int) (int, http.Header) {
		if c.Event.Data.Title == "Never" {
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, nil
	})
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	first := w.publish("r", tagged("Never", []string{"policing"}), news.KindPublished)
	hook.next(t)
	w.withdraw("r")
	w.quiet()
	for _, id := range hook.ids() {
		if id != first.ID() {
			t.Errorf("%s was sent", id)
		}
	}
}

func TestSubscribers_Run_correctionNeverOvertakes(t *testing.T) {
	w, hook := newWorld(t, func(c *subscribers.Config) {
		c.Backoff = []time.Duration{200 * time.Millisecond, 200 * time.Millisecond}
	}), newReceiver(t)
	hook.behave(func(_ call, n int) (int, http.Header) {
		if n <= 2 {
			return http.StatusInternalServerError, nil
		}
		return http.StatusOK, nil
	})
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	first := w.publish("r", tagged("First", []string{"policing"}), news.KindPublished)
	hook.next(t)
	other := w.publish("s", tagged("Other", []string{"policing"}), news.KindPublished)
	r := tagged("Second", []string{"policing"})
	r.Note = "The title was wrong."
	second := w.publish("r", r, news.KindCorrected)
	w.quiet()
	ids := hook.ids()
	// The original was never accepted, so after it failed only the correction
	// may be sent, and everything else waits behind it.
	seen := map[string]int{}
	for _, id := range ids {
		seen[id]++
		if id == first.ID() && seen[second.ID()] > 0 {
			t.Errorf("the original came after its correction: %v", ids)
		}
	}
	if seen[second.ID()] == 0 || seen[other.ID()] == 0 {
		t.Errorf("not everything came: %v", ids)
	}
}

func TestSubscribers_Run_restart(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	var want []string
	for _, name := range []string{"a", "b", "c"} {
		e := w.publish(name, tagged("Title "+name, []string{"policing"}), news.KindPublished)
		hook.next(t)
		want = append(want, e.ID())
	}
	w.quiet()
	w.restart()
	w.quiet()
	e := w.publish("d", tagged("Title d", []string{"policing"}), news.KindPublished)
	hook.next(t)
	w.quiet()
	wantIDs(t, hook.ids(), append(want, e.ID())...)
}

func TestSubscribers_Run_retryOverRestart(t *testing.T) {
	w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{700 * time.Millisecond} }), newReceiver(t)
	hook.behave(func(_ call, n int) (int, http.Header) {
		if n == 1 {
			return http.StatusBadGateway, nil
		}
		return http.StatusOK, nil
	})
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	e := w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	hook.next(t)
	w.eventually("put aside", func() bool { return w.subs.Stats().Waiting == 1 })
	w.restart()
	hook.next(t)
	w.quiet()
	wantIDs(t, hook.ids(), e.ID(), e.ID())
}

func TestSubscribers_Run_unsubscribed(t *testing.T) {
	w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{200 * time.Millisecond} }), newReceiver(t)
	hook.behave(func(call, int) (int, http.Header) { return http.StatusInternalServerError, nil })
	sub := w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	hook.next(t)
	if rec := w.call("DELETE", "/api/v1/subscriptions/"+sub.ID, nil); rec.Code != http.StatusNoContent {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	w.publish("b", tagged("B", []string{"policing"}), news.KindPublished)
	w.quiet() // what waited is let go
	if n := len(hook.ids()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestSubscribers_Run_gone(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	hook.behave(func(call, int) (int, http.Header) { return http.StatusGone, nil })
	sub := w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	hook.next(t)
	w.quiet()
	rec := w.call("GET", "/api/v1/subscriptions/"+sub.ID, nil)
	if body := rec.Body.String(); !strings.Contains(body, `"disabled"`) || !strings.Contains(body, "410") {
		t.Errorf("got %s", body)
	}
	w.publish("b", tagged("B", []string{"policing"}), news.KindPublished)
	w.quiet()
	if n := len(hook.ids()); n != 1 || w.givenUp() != 1 {
		t.Errorf("%d calls, %d given up", n, w.givenUp())
	}

	hook.behave(nil)
	rec = w.call("POST", "/api/v1/subscriptions", subscribers.Wish{Channel: subscribers.Webhook, Address: hook.URL, Selection: fields("policing")})
	if rec.Code != http.StatusOK || rec.Header().Get(subscribers.HeaderOutcome) != string(subscribers.Resumed) {
		t.Errorf("%d %s", rec.Code, rec.Header())
	}
	e := w.publish("c", tagged("C", []string{"policing"}), news.KindPublished)
	if c := hook.next(t); c.ID != e.ID() {
		t.Errorf("got %s", c.ID)
	}
}

func TestSubscribers_Run_retryAfter(t *testing.T) {
	w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{time.Millisecond} }), newReceiver(t)
	hook.behave(func(_ call, n int) (int, http.Header) {
		if n == 1 {
			return http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}
		}
		return http.StatusOK, nil
	})
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	hook.next(t)
	first := time.Now()
	hook.next(t)
	if d := time.Since(first); d < 700*time.Millisecond {
		t.Errorf("called again after %v", d)
	}
}

func TestSubscribers_Run_givenUp(t *testing.T) {
	for name, status := range map[string]int{"redirects": http.StatusFound, "failures": http.StatusInternalServerError, "refusals": http.StatusForbidden} {
		t.Run(name+" end after the last try", func(t *testing.T) {
			w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{time.Millisecond, time.Millisecond} }), newReceiver(t)
			hook.behave(func(call, int) (int, http.Header) { return status, http.Header{"Location": {"/elsewhere"}} })
			w.subscribe(subscribers.Webhook, hook.URL+"/hook", fields("policing"))
			e := w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
			for range 3 {
				if c := hook.next(t); c.Path != "/hook" {
					t.Errorf("%s was called", c.Path)
				}
			}
			w.quiet()
			wantIDs(t, hook.ids(), e.ID(), e.ID(), e.ID())
			if w.givenUp() != 1 {
				t.Errorf("%d given up", w.givenUp())
			}
		})
	}
}

func TestSubscribers_Run_tooOld(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	w.publishAt("old", tagged("Old", []string{"policing"}), news.KindPublished, time.Now().Add(-49*time.Hour), false)
	e := w.publishAt("young", tagged("Young", []string{"policing"}), news.KindPublished, time.Now().Add(-47*time.Hour), false)
	if c := hook.next(t); c.ID != e.ID() {
		t.Errorf("got %s", c.ID)
	}
	w.quiet()
	wantIDs(t, hook.ids(), e.ID())
	if n := w.subs.Stats().Late[subscribers.Webhook]; n != 1 {
		t.Errorf("%d recorded as late", n)
	}
}

func TestSubscribers_Run_routine(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL+"/plain", countries("austria"))
	w.subscribe(subscribers.Webhook, hook.URL+"/routine", news.Selection{Countries: []string{"austria"}, Routine: true})
	r := tagged("Daily", nil, "austria")
	r.Type = "daily-report"
	w.publish("daily", r, news.KindPublished)
	if c := hook.next(t); c.Path != "/routine" {
		t.Errorf("%s was called", c.Path)
	}
	w.quiet()
	if n := len(hook.ids()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestSubscribers_Run_manyRecipients(t *testing.T) {
	const n = 500
	w, hook := newWorld(t, nil), newReceiver(t)
	for i := range n {
		w.subscribe(subscribers.Webhook, hook.URL+"/"+strconv.Itoa(i), fields("policing"))
	}
	e := w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	paths := map[string]int{}
	for range n {
		c := hook.next(t)
		if c.ID != e.ID() {
			t.Fatalf("got %s", c.ID)
		}
		paths[c.Path]++
	}
	w.quiet()
	if len(paths) != n || len(hook.ids()) != n {
		t.Errorf("%d of %d endpoints were called, %d calls", len(paths), n, len(hook.ids()))
	}
}

// TestSubscribers_Run_backlog catches up with more events than there are tasks
// in one batch.
func TestSubscribers_Run_backlog(t *testing.T) {
	const n = wire.MaxTasks + 50
	w, hook := newWorldOf(t, 1, nil), newReceiver(t)
	topics := w.tax.Topics(news.KindCountry)[:40]
	for _, c := range topics {
		w.subscribe(subscribers.Webhook, hook.URL+"/"+c.Slug, countries(c.Slug))
	}
	w.halt()
	var want []string
	for i := range n {
		e := w.publish(strconv.Itoa(i), tagged("A", nil, topics[i%len(topics)].Slug), news.KindPublished)
		want = append(want, e.ID())
	}
	w.resume()
	w.quiet()
	got := hook.ids()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d messages came, want %d, each id once", len(got), len(want))
	}
}
