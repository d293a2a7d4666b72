package subscribers_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"

	"github.com/rs/zerolog"
)

// logbook keeps log lines.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// logLine is what the tests look at.
type logLine struct{ Level, Message, Recipient, Answer, Component string }

// of are the lines whose message begins so.
func (l *logbook) of(t *testing.T, message string) (out []logLine) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range strings.Lines(l.b.String()) {
		var line logLine
		if err := json.Unmarshal([]byte(s), &line); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line.Message, message) {
			out = append(out, line)
		}
	}
	return out
}

// shown is a subscription as the API shows it.
func (w *world) shown(id string) (s subscribers.Subscription) {
	w.t.Helper()
	rec := w.call("GET", "/api/v1/subscriptions/"+id, nil)
	if err := json.Unmarshal(rec.Body.Bytes(), &s); err != nil {
		w.t.Fatalf("%d %s: %v", rec.Code, rec.Body, err)
	}
	return s
}

func TestSubscribers_Handler_failing(t *testing.T) {
	log, hook := &logbook{}, newReceiver(t)
	hook.behave(func(_ call, n int) (int, http.Header) {
		if n <= 2 {
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, nil
	})
	w := newWorld(t, func(c *subscribers.Config) {
		c.Log = zerolog.New(log)
		c.Backoff = []time.Duration{time.Millisecond, time.Hour}
	})
	sub := w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	if sub.Failing != "" || sub.Recipient == "" || strings.Contains(sub.Recipient, "127.0.0.1") {
		t.Errorf("a new subscription: %+v", sub)
	}
	began := time.Now()
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	// The second failure waits for an hour.
	w.eventually("failing", func() bool { return w.shown(sub.ID).NextTry.After(began.Add(30 * time.Minute)) })

	t.Run("the answer, its time and the next try are shown", func(t *testing.T) {
		got := w.shown(sub.ID)
		if got.State != subscribers.Active || !strings.Contains(got.Failing, "503") || got.FailedAt.Before(began) || got.FailedAt.After(time.Now()) {
			t.Errorf("got %+v", got)
		}
		if st := w.subs.Stats(); st.Failed[subscribers.Webhook] != 2 || st.Failed[subscribers.Mail] != 0 {
			t.Errorf("stats %+v", st)
		}
	})
	t.Run("only the first failure in a row warns", func(t *testing.T) {
		w.eventually("two lines", func() bool { return len(log.of(t, "alert failed")) == 2 })
		lines := log.of(t, "alert failed")
		if lines[0].Level != "warn" || lines[1].Level != "info" || lines[0].Recipient != sub.Recipient || !strings.Contains(lines[0].Answer, "503") {
			t.Errorf("got %+v", lines)
		}
	})
	t.Run("the component is named by whoever passes the logger", func(t *testing.T) {
		for _, l := range log.of(t, "") {
			if l.Component == "subscribers" {
				t.Errorf("got %+v", l)
			}
		}
	})
	t.Run("after a restart it waits, and nobody knows why", func(t *testing.T) {
		w.halt()
		w.resume()
		w.eventually("waiting", func() bool { return w.subs.Stats().Waiting == 1 })
		if got := w.shown(sub.ID); got.Failing != "waiting for a retry" || !got.FailedAt.IsZero() || !got.NextTry.IsZero() {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a success ends it", func(t *testing.T) {
		w.halt()
		w.cfg.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		w.resume()
		if err := w.wire.WakeAt(t.Context(), sub.Recipient, time.Now()); err != nil {
			t.Fatal(err)
		}
		w.quiet()
		if got := w.shown(sub.ID); got.Failing != "" || !got.FailedAt.IsZero() || !got.NextTry.IsZero() {
			t.Errorf("got %+v", got)
		}
	})
}

func TestSubscribers_Handler_failingForGood(t *testing.T) {
	log, hook := &logbook{}, newReceiver(t)
	hook.behave(func(call, int) (int, http.Header) { return http.StatusForbidden, nil })
	w := newWorld(t, func(c *subscribers.Config) {
		c.Log = zerolog.New(log)
		c.Backoff = []time.Duration{}
	})
	sub := w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	w.quiet()
	if got := w.shown(sub.ID); !strings.Contains(got.Failing, "403") || got.FailedAt.IsZero() || !got.NextTry.IsZero() {
		t.Errorf("got %+v", got)
	}
	if lines := log.of(t, "alert given up"); len(lines) != 1 || lines[0].Level != "warn" {
		t.Errorf("got %+v", lines)
	}
	if st := w.subs.Stats(); st.GivenUp[subscribers.Webhook] != 1 || st.GivenUp[subscribers.Mail] != 0 {
		t.Errorf("stats %+v", st)
	}
	// Who comes again begins anew.
	if rec := w.call("DELETE", "/api/v1/subscriptions/"+sub.ID, nil); rec.Code != http.StatusNoContent {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if again := w.subscribe(subscribers.Webhook, hook.URL, fields("policing")); again.Failing != "" || again.Recipient != sub.Recipient {
		t.Errorf("got %+v", again)
	}
}
