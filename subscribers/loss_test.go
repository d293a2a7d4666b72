package subscribers_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/subscribers"
)

// rewind lets the log, and nothing else, be as it was before what happens in
// between, and starts again as an operator does who accepts that.
func (w *world) rewind(between func()) {
	w.t.Helper()
	w.stop()
	log, saved := filepath.Join(w.dir, "store", "jetstream", "$G", "streams", "WIRE"), w.t.TempDir()
	if err := os.CopyFS(saved, os.DirFS(log)); err != nil {
		w.t.Fatal(err)
	}
	w.start()
	before := map[string]wire.Record{}
	for name, rec := range w.releases {
		before[name] = rec
	}
	between()
	w.stop()
	if err := os.RemoveAll(log); err != nil {
		w.t.Fatal(err)
	}
	if err := os.CopyFS(log, os.DirFS(saved)); err != nil {
		w.t.Fatal(err)
	}
	w.releases, w.loss = before, true
	w.start()
}

// publishMany publishes n releases, so that the sequences of the lost events
// are used again.
func (w *world) publishMany(prefix string, n int) (ids []string) {
	w.t.Helper()
	for i := range n {
		e := w.publish(prefix+strconv.Itoa(i), tagged("Title", []string{"policing"}), news.KindPublished)
		ids = append(ids, e.ID())
	}
	return ids
}

func TestSubscribers_Run_logCutOff(t *testing.T) {
	police := []string{"policing"}

	t.Run("events to come alert, of an old and of a new subscription", func(t *testing.T) {
		w, hook := newWorld(t, nil), newReceiver(t)
		w.subscribe(subscribers.Webhook, hook.URL+"/old", fields("policing"))
		w.publishMany("kept", 3)
		w.quiet()
		w.rewind(func() {
			w.publishMany("lost", 10)
			w.quiet()
			w.subscribe(subscribers.Webhook, hook.URL+"/new", fields("policing")) // after event 13
		})
		before := len(hook.ids())
		got := map[string]int{}
		w.publishMany("fresh", 4)
		w.eventually("eight alerts", func() bool { return len(hook.ids()) == before+8 })
		hook.mu.Lock()
		defer hook.mu.Unlock()
		for _, c := range hook.calls[before:] {
			got[c.Path]++
		}
		if got["/old"] != 4 || got["/new"] != 4 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("a retry about a lost event is parked, what follows goes on", func(t *testing.T) {
		w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{2 * time.Second} }), newReceiver(t)
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("a", tagged("A", police), news.KindPublished)
		hook.next(t)
		w.quiet()
		w.rewind(func() {
			hook.behave(func(call, int) (int, http.Header) { return http.StatusServiceUnavailable, nil })
			r := tagged("Mended", police)
			r.Note = "The title was wrong."
			w.publish("a", r, news.KindCorrected)
			hook.next(t)
			w.eventually("it waits", func() bool { return w.subs.Stats().Waiting == 1 })
			hook.behave(nil)
		})
		w.eventually("parked", func() bool { return w.givenUp() == 1 })
		e := w.publish("b", tagged("B", police), news.KindPublished)
		if c := hook.next(t); c.ID != e.ID() {
			t.Errorf("got %s", c.ID)
		}
		w.quiet()
	})
	t.Run("the same when another event has taken the place", func(t *testing.T) {
		w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{time.Second} }), newReceiver(t)
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		w.publish("a", tagged("A", police), news.KindPublished)
		hook.next(t)
		w.quiet()
		w.rewind(func() {
			hook.behave(refuse("Mended", http.StatusBadRequest))
			r := tagged("Mended", police)
			r.Note = "The title was wrong."
			w.publish("a", r, news.KindCorrected)
			hook.next(t)
			w.eventually("it waits", func() bool { return w.subs.Stats().Waiting == 1 })
		})
		w.publishMany("fresh", 3)
		for range 3 {
			hook.next(t)
		}
		w.quiet()
		if n := w.givenUp(); n != 1 {
			t.Errorf("%d given up", n)
		}
	})
}

// TestSubscribers_Run_aheadOfTheLog: the log is an older one than the one that
// the cursors and subscriptions were written for.
func TestSubscribers_Run_aheadOfTheLog(t *testing.T) {
	url, js := outside(t)
	w, hook := newWorldOn(t, url, 1, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	hook.next(t)
	w.quiet()
	w.halt()
	if _, err := js.Publish(t.Context(), "fan.0", []byte(`{"seq":99,"done":true}`)); err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(t.Context(), "SUBSCRIPTIONS")
	if err != nil {
		t.Fatal(err)
	}
	id := w.recipients()[0]
	e, err := kv.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(e.Value()), `"after":0`, `"after":99`, 1)
	if newer == string(e.Value()) {
		t.Fatalf("the record is another than expected: %s", newer)
	}
	if _, err := kv.PutString(t.Context(), id, newer); err != nil {
		t.Fatal(err)
	}
	w.resume()
	next := w.publish("b", tagged("B", []string{"policing"}), news.KindPublished)
	if c := hook.next(t); c.ID != next.ID() {
		t.Errorf("got %s", c.ID)
	}
	w.quiet()
}
