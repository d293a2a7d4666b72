package subscribers_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// outside is a NATS server of its own, on which everyone may do everything.
func outside(t *testing.T) (url string, js jetstream.JetStream) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not come up")
	}
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	return srv.ClientURL(), js
}

type injector = func(subject, data string)

// TestSubscribers_Run_garbage: what a foreign hand puts into the log's streams
// keeps nobody from being told.
func TestSubscribers_Run_garbage(t *testing.T) {
	someone := `{"channel":"%","address":"https://example.org/","wishes":[{"id":"x","selection":{},"created":"2026-01-01T00:00:00Z","after":0}]}`
	for name, put := range map[string]func(inject injector, release string){
		"something put aside for nobody": func(inject injector, _ string) { inject("held.a$b.x", "garbage") },
		"a wake-up for nobody":           func(inject injector, _ string) { inject("due.a$b", "") },
		"a task for nobody": func(inject injector, release string) {
			inject("dlv.0.webhook.normal", `{"to":["a b",""],"release":"`+release+`","seq":1}`)
		},
		"a recipient that is nothing": func(inject injector, _ string) { inject("$KV.SUBSCRIPTIONS.deadbeef", "null") },
		"a recipient under a foreign key": func(inject injector, _ string) {
			inject("$KV.SUBSCRIPTIONS.dead.beef", strings.Replace(someone, "%", "webhook", 1))
		},
		"a recipient without a channel": func(inject injector, _ string) {
			inject("$KV.SUBSCRIPTIONS."+strings.Repeat("ab", 16), strings.Replace(someone, "%", "", 1))
		},
		"a recipient on an unknown channel": func(inject injector, _ string) {
			inject("$KV.SUBSCRIPTIONS."+strings.Repeat("ab", 16), strings.Replace(someone, "%", "tele graph", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, js := outside(t)
			w, hook := newWorldOn(t, url, 2, nil), newReceiver(t)
			w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
			first := w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
			hook.next(t)
			put(func(subject, data string) {
				if _, err := js.Publish(t.Context(), subject, []byte(data)); err != nil {
					t.Fatal(err)
				}
			}, first.Release.ID)
			second := w.publish("b", tagged("B", []string{"policing"}), news.KindPublished)
			hook.next(t)
			w.restart()
			third := w.publish("c", tagged("C", []string{"policing"}), news.KindPublished)
			hook.next(t)
			w.eventually("the queues are empty", func() bool {
				st, err := w.wire.Stats(t.Context())
				return err == nil && st.Queued == 0
			})
			wantIDs(t, hook.ids(), first.ID(), second.ID(), third.ID())
			if err := w.subs.Ready(t.Context()); err != nil {
				t.Errorf("not ready: %v", err)
			}
		})
	}
}

// TestSubscribers_Run_cursorDamaged: no place in the log would be right, so the
// operator is told what to do.
func TestSubscribers_Run_cursorDamaged(t *testing.T) {
	url, js := outside(t)
	w, hook := newWorldOn(t, url, 1, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	first := w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	hook.next(t)
	w.quiet()
	w.halt()
	if _, err := js.Publish(t.Context(), "fan.0", []byte("garbage")); err != nil {
		t.Fatal(err)
	}
	broken, err := subscribers.New(t.Context(), w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := broken.Run(ctx); err == nil || !strings.Contains(err.Error(), "purge DELIVER_0 --subject fan.0") {
		t.Fatalf("got %v", err)
	}

	t.Run("what the error says mends it", func(t *testing.T) {
		st, err := js.Stream(t.Context(), "DELIVER_0")
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Purge(t.Context(), jetstream.WithPurgeSubject("fan.0")); err != nil {
			t.Fatal(err)
		}
		w.resume()
		second := w.publish("b", tagged("B", []string{"policing"}), news.KindPublished)
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), first.ID(), second.ID())
	})
}

// TestSubscribers_Ready_standingStill takes a stream away and lets time pass.
func TestSubscribers_Ready_standingStill(t *testing.T) {
	for stream, want := range map[string]string{"DELIVER_0": "fan-out", "ATTEMPTS": "delivery"} {
		t.Run("without "+stream, func(t *testing.T) {
			var ahead atomic.Int64
			url, js := outside(t)
			w := newWorldOn(t, url, 1, func(c *subscribers.Config) {
				c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
				c.Grace = 20 * time.Millisecond
			})
			hook := newReceiver(t)
			w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
			w.quiet()
			if err := js.DeleteStream(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
			w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
			w.eventually("unready", func() bool {
				ahead.Add(int64(time.Second))
				err := w.subs.Ready(t.Context())
				return err != nil && strings.Contains(err.Error(), want)
			})
		})
	}
}

// TestSubscribers_Run_refusedByTheLog: what the log will never take is parked,
// not tried for ever.
func TestSubscribers_Run_refusedByTheLog(t *testing.T) {
	url, js := outside(t)
	w, hook := newWorldOn(t, url, 1, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	st, err := js.Stream(t.Context(), "ATTEMPTS")
	if err != nil {
		t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	cfg.MaxMsgSize = 10
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	w.quiet()
	if n := w.givenUp(); n != 1 {
		t.Errorf("%d given up", n)
	}
}
