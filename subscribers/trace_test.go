package subscribers_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"
)

func (w *world) deliveries(e news.Event) subscribers.Deliveries {
	w.t.Helper()
	got, err := w.subs.Deliveries(w.t.Context(), e.Release.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// outcomes are those of an alert's attempts.
func outcomes(d subscribers.Delivery) (out []string) {
	for _, a := range d.Attempts {
		out = append(out, a.Outcome)
	}
	return out
}

func TestSubscribers_Deliveries(t *testing.T) {
	police := []string{"policing"}

	t.Run("who got it, by which subscriptions, and with how many tries", func(t *testing.T) {
		w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{time.Millisecond} }), newReceiver(t)
		hook.behave(func(_ call, n int) (int, http.Header) {
			if n == 1 {
				return http.StatusBadGateway, nil
			}
			return http.StatusOK, nil
		})
		one := w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		two := w.subscribe(subscribers.Webhook, hook.URL, countries("austria"))
		w.subscribe(subscribers.Webhook, hook.URL, fields("elections"))
		first := w.publish("a", tagged("A", police, "austria"), news.KindPublished)
		w.publish("other", tagged("Other", []string{"gender-equality"}), news.KindPublished)
		w.quiet()
		mail := w.subscribe(subscribers.Mail, "reader@example.net", fields("policing"))
		second := w.correct("a", "Better", "policing")
		w.quiet()

		got := w.deliveries(first)
		if len(got.Alerts) != 3 || got.Held != nil || len(got.Waiting) > 0 || got.More {
			t.Fatalf("got %+v", got)
		}
		d := got.Alerts[0]
		ids := []string{one.ID, two.ID}
		if d.Alert != first.ID() || d.Recipient != one.Recipient || d.Channel != subscribers.Webhook || !slices.Equal(d.Subscriptions, ids) {
			t.Errorf("first %+v", d)
		}
		if !slices.Equal(outcomes(d), []string{"failed", "accepted"}) || d.Attempts[0].Answer != "the endpoint answered 502" || !d.Attempts[0].NextTry.After(d.Attempts[0].At) {
			t.Errorf("tries %+v", d.Attempts)
		}
		for _, d := range got.Alerts[1:] {
			want := one
			if d.Channel == subscribers.Mail {
				want = mail
			}
			if d.Alert != second.ID() || d.Recipient != want.Recipient || !slices.Equal(d.Subscriptions, []string{want.ID}) || !slices.Equal(outcomes(d), []string{"accepted"}) {
				t.Errorf("second %+v", d)
			}
		}
		b, err := json.Marshal(got)
		if err != nil || strings.Contains(string(b), "reader@") || strings.Contains(string(b), hook.URL) {
			t.Errorf("an address is told: %s, %v", b, err)
		}
	})
	t.Run("what is held, and what waits for a retry", func(t *testing.T) {
		c, hook := newClock(), newReceiver(t)
		w := newWorld(t, func(cfg *subscribers.Config) { c.holds(cfg); hours(cfg) })
		hook.behave(func(call, int) (int, http.Header) { return http.StatusServiceUnavailable, nil })
		sub := w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		e := w.publish("a", tagged("A", police), news.KindPublished)
		w.publish("a", tagged("A, tidied", police), news.KindRevised)
		c.until(t, e)
		if got := w.deliveries(e); got.Held == nil || got.Held.Alert != e.ID() || !got.Held.Until.Equal(e.Time.Add(window)) || len(got.Alerts) > 0 {
			t.Errorf("got %+v", got)
		}
		c.forward(window)
		hook.next(t)
		w.eventually("it waits", func() bool { return len(w.deliveries(e).Waiting) == 1 })
		got := w.deliveries(e)
		if got.Held != nil || len(got.Alerts) != 1 || !slices.Equal(outcomes(got.Alerts[0]), []string{"failed"}) {
			t.Errorf("got %+v", got)
		}
		waits, next := got.Waiting[0], got.Alerts[0].Attempts[0].NextTry
		if waits.Recipient != sub.Recipient || waits.Channel != subscribers.Webhook || waits.Event != e.ID() || !waits.Since.Equal(c.Now()) || waits.NextTry.Before(next) {
			t.Errorf("waiting %+v, next try %s", waits, next)
		}
		w.withdraw("a")
		if got := w.deliveries(e); got.Held != nil {
			t.Errorf("a withdrawal is held: %+v", got)
		}
	})
	t.Run("what was cut off, given up or too late", func(t *testing.T) {
		w, hook := newWorld(t, func(c *subscribers.Config) { c.Grace = 20 * time.Millisecond }), newReceiver(t)
		came := hook.hang()
		hook.behave(func(call, int) (int, http.Header) { return http.StatusGone, nil })
		sub := w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		old := w.publishAt("old", tagged("Old", police), news.KindPublished, time.Now().Add(-49*time.Hour), false)
		w.quiet()
		e := w.publish("a", tagged("A", police), news.KindPublished)
		<-came
		if got := outcomes(w.deliveries(e).Alerts[0]); !slices.Equal(got, []string{"trying"}) {
			t.Errorf("got %v", got)
		}
		w.restart()
		w.quiet()
		if got := outcomes(w.deliveries(e).Alerts[0]); !slices.Equal(got, []string{"trying", "given-up"}) {
			t.Errorf("got %v", got)
		}
		if got := outcomes(w.deliveries(old).Alerts[0]); !slices.Equal(got, []string{"late"}) {
			t.Errorf("got %v", got)
		}
		if rec := w.call("DELETE", "/api/v1/subscriptions/"+sub.ID, nil); rec.Code != http.StatusNoContent {
			t.Fatal(rec.Code)
		}
		if d := w.deliveries(e).Alerts[0]; d.Channel != subscribers.Webhook || len(d.Subscriptions) > 0 {
			t.Errorf("of one who has gone: %+v", d)
		}
	})
	t.Run("a release that does not exist", func(t *testing.T) {
		w := newWorld(t, nil)
		for _, id := range []string{"", "*", "nonsense", news.NewID("nobody")} {
			if _, err := w.subs.Deliveries(t.Context(), id); news.CodeOf(err) != news.NotFound {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}
