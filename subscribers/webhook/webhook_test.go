package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dateline/publisher/guard"
	"dateline/publisher/news"
	"dateline/subscribers/alert"
	"dateline/subscribers/webhook"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func sender(cfg guard.Config) *webhook.Sender {
	return webhook.New(guard.New(cfg), news.DefaultTaxonomy(), "https://news.example.org")
}

func open() guard.Config {
	return guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Whole: 2 * time.Second}
}

func to(address string) alert.Message {
	now := time.Now()
	e := news.Event{Kind: news.KindPublished, Time: now, Release: news.Release{ID: news.NewID("x"), Revision: 3, Title: "Title", Text: "Text", PublishedAt: now, UpdatedAt: now}}
	return alert.Message{ID: e.ID(), Recipient: "abc", Address: address, Secret: webhook.NewSecret(), Event: e, Attempt: 1, Now: now}
}

func TestSender_Send(t *testing.T) {
	var secret string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		wh, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Error(err)
			return
		}
		if err := wh.Verify(body, r.Header); err != nil {
			t.Error(err)
		}
		if wh.Verify(append(body, ' '), r.Header) == nil {
			t.Error("another body verifies too")
		}
		if r.Method != http.MethodPost || r.Header.Get("Webhook-Id") != news.NewID("x")+":3" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/cloudevents+json") {
			t.Errorf("%s %v", r.Method, r.Header)
		}
	}))
	defer srv.Close()
	m := to(srv.URL)
	secret = m.Secret
	if err := sender(open()).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestSender_Send_answers(t *testing.T) {
	soon := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	for _, tt := range []struct {
		name      string
		status    int
		after     string
		permanent bool
		from, to  time.Duration // bounds of After
	}{
		{"busy", 503, "", false, 0, 0},
		{"busy for some seconds", 429, "120", false, 120 * time.Second, 120 * time.Second},
		{"busy until a date", 503, soon, false, 80 * time.Second, 90 * time.Second},
		{"busy since long ago", 503, "Wed, 01 Jan 2020 00:00:00 GMT", false, 0, 0},
		{"busy in nonsense", 503, "soon", false, 0, 0},
		{"not found", 404, "", false, 0, 0},
		{"moved", 301, "", false, 0, 0},
		{"gone", 410, "", true, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				if tt.after != "" {
					w.Header().Set("Retry-After", tt.after)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, "internal words")
			}))
			defer srv.Close()
			err := sender(open()).Send(t.Context(), to(srv.URL))
			if p, ok := errors.AsType[*alert.Permanent](err); ok != tt.permanent || ok && !p.Gone {
				t.Errorf("got %T %v", err, err)
			}
			if e, ok := errors.AsType[*alert.Temporary](err); ok && (e.After < tt.from || e.After > tt.to || e.Unknown) {
				t.Errorf("got %+v", e)
			}
			if strings.Contains(err.Error(), "internal words") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the reason tells too much: %v", err)
			}
		})
	}
}

func TestSender_Send_deliveryHeader(t *testing.T) {
	for _, tt := range []struct {
		name, header             string
		status                   int
		success, permanent, gone bool
	}{
		{"disable with a failure", "disable", 500, false, true, true},
		{"disable with a success", "Disable ", 204, false, true, true},
		{"abort-message with a failure", "abort-message", 429, false, true, false},
		{"abort-message with a success", "abort-message", 200, true, false, false},
		{"another word", "maybe", 500, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Webhook-Delivery", tt.header)
				w.WriteHeader(tt.status)
			}))
			defer srv.Close()
			err := sender(open()).Send(t.Context(), to(srv.URL))
			p, permanent := errors.AsType[*alert.Permanent](err)
			if (err == nil) != tt.success || permanent != tt.permanent || permanent && p.Gone != tt.gone {
				t.Errorf("got %T %v", err, err)
			}
		})
	}
}

func TestSender_Send_troubles(t *testing.T) {
	serve := func(h http.HandlerFunc) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller left
			h(w, r)
		}))
		t.Cleanup(srv.Close)
		return srv.URL
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		for block := make([]byte, 4096); r.Context().Err() == nil; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	t.Run("an endless answer of success is a success", func(t *testing.T) {
		if err := sender(open()).Send(t.Context(), to(serve(endless))); err != nil {
			t.Error(err)
		}
	})
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, tt := range []struct {
		name, url string
		cfg       guard.Config
		want      string
		unknown   bool
	}{
		{"nobody listens", closed.URL, open(), "refused the connection", false},
		{"the network is closed", serve(func(http.ResponseWriter, *http.Request) {}), guard.Config{}, "--allow-network", false},
		{"no such name", "https://nothing.invalid/", guard.Config{}, "cannot be resolved", false},
		{"it hangs up", serve(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = c.Close()
			}
		}), open(), "closed the connection", true},
		{"it never answers", serve(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
			guard.Config{Allow: open().Allow, Whole: 50 * time.Millisecond}, "too long", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := sender(tt.cfg).Send(t.Context(), to(tt.url))
			e, ok := errors.AsType[*alert.Temporary](err)
			if !ok || !strings.Contains(e.Reason, tt.want) || e.Unknown != tt.unknown {
				t.Errorf("got %T %+v", err, err)
			}
		})
	}
	t.Run("a certificate of another", func(t *testing.T) {
		srv := httptest.NewTLSServer(nil)
		defer srv.Close()
		err := sender(open()).Send(t.Context(), to(srv.URL))
		if e, ok := errors.AsType[*alert.Temporary](err); !ok || !strings.Contains(e.Reason, "certificate") || e.Unknown {
			t.Errorf("got %T %+v", err, err)
		}
	})
	t.Run("a damaged key", func(t *testing.T) {
		m := to(closed.URL)
		m.Secret = "whsec_!"
		if _, ok := errors.AsType[*alert.Permanent](sender(open()).Send(t.Context(), m)); !ok {
			t.Error("not permanent")
		}
	})
	t.Run("broken off", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := sender(open()).Send(ctx, to(closed.URL)); err == nil || !strings.Contains(err.Error(), "server stops") {
			t.Errorf("got %v", err)
		}
	})
}
