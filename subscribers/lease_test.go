package subscribers_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"
	"dateline/subscribers"
)

// TestSubscribers_Run_twoProcesses: one of them works, the other takes over.
func TestSubscribers_Run_twoProcesses(t *testing.T) {
	url, _ := outside(t)
	w, hook := newWorldOn(t, url, 2, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	w.publish("first", tagged("First", []string{"policing"}), news.KindPublished)
	hook.next(t)

	cfg := w.cfg
	cfg.Wire, cfg.Outbox = wiretest.Open(t, wire.Config{URL: url, Queues: 2}), t.TempDir()
	second, err := subscribers.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- second.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	w.eventually("the second is ready", func() bool { return second.Ready(t.Context()) == nil })

	for i := range 20 {
		w.publish(strconv.Itoa(i), tagged("Title", []string{"policing"}), news.KindPublished)
	}
	for range 20 {
		hook.next(t)
	}
	if n := second.Stats().Accepted[subscribers.Webhook]; n != 0 || second.Ready(t.Context()) != nil {
		t.Errorf("the second delivered %d messages beside the first; %v", n, second.Ready(t.Context()))
	}
	w.halt()
	w.publish("last", tagged("Last", []string{"policing"}), news.KindPublished)
	hook.next(t)
	w.eventually("the second has delivered", func() bool { return second.Stats().Accepted[subscribers.Webhook] == 1 })
}

// TestSubscribers_Run_leaseTaken: who has lost the lease stops and stands by.
func TestSubscribers_Run_leaseTaken(t *testing.T) {
	url, js := outside(t)
	w, hook := newWorldOn(t, url, 1, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	hook.next(t)
	kv, err := js.KeyValue(t.Context(), "LEASES")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(t.Context(), "delivery", "another"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w.eventually("nothing is delivered any more", func() bool {
		cons, err := js.Consumer(t.Context(), "DELIVER_0", "webhook-normal")
		return err == nil && cons.CachedInfo().NumWaiting == 0
	})
	w.publish("b", tagged("B", []string{"policing"}), news.KindPublished)
	if err := w.subs.Ready(t.Context()); err != nil {
		t.Errorf("standing by is not ready: %v", err)
	}
	hook.next(t) // once the other is silent for long enough
	if d := time.Since(began); d < 10*time.Second {
		t.Errorf("it delivered again after %v, beside the other", d)
	}
}
