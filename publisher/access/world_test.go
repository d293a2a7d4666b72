package access_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/rs/zerolog"
)

// clock is a time that moves when a test says so.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a log with one process's keys on it.
type world struct {
	t     *testing.T
	wire  *wire.Wire
	clock *clock
	keys  *access.Keys
	api   http.Handler // of the keys, behind Require
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := openWorld(t, wiretest.New(t), newClock(), access.Config{})
	w.run()
	return w
}

// openWorld opens the keys on a log; they are not loaded before run.
func openWorld(t *testing.T, log *wire.Wire, c *clock, cfg access.Config) *world {
	t.Helper()
	keys, err := access.New(good)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Wire, cfg.Now, cfg.Log = log, c.now, zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.ErrorLevel)
	if err := keys.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, wire: log, clock: c, keys: keys, api: keys.Require(keys.Handler())}
}

// run loads the keys and keeps them until the test ends, or end is called.
func (w *world) run() (end func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.keys.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(end)
	w.await("the keys are loaded", func() bool { return w.keys.Ready(ctx) == nil })
	return end
}

// await asks until ok: for what another goroutine does there is no event.
func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.After(20 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatalf("in vain: %s", what)
		}
	}
}

// do sends a request to h; header is pairs of name and value.
func do(t *testing.T, h http.Handler, method, path, key, body string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

func bodyOf(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// shown is a key as the API shows it.
type shown struct {
	Name      string         `json:"name"`
	Scopes    []access.Scope `json:"scopes"`
	State     access.State   `json:"state"`
	Created   time.Time      `json:"created"`
	CreatedBy string         `json:"created_by"`
	Expires   time.Time      `json:"expires"`
	Revoked   time.Time      `json:"revoked"`
	RevokedBy string         `json:"revoked_by"`
	LastUsed  time.Time      `json:"last_used"`
	Text      string         `json:"key"`
}

// post asks for a key.
func (w *world) post(key, body string) *http.Response {
	w.t.Helper()
	return do(w.t, w.api, http.MethodPost, "/api/v1/keys", key, body, "Content-Type", "application/json")
}

// add makes a key and returns its text.
func (w *world) add(name, expires string, scopes ...access.Scope) string {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"name": name, "scopes": scopes, "expires": expires})
	if err != nil {
		w.t.Fatal(err)
	}
	res := w.post(good, string(body))
	if res.StatusCode != http.StatusCreated {
		w.t.Fatalf("%s: %d %s", name, res.StatusCode, bodyOf(w.t, res))
	}
	var made shown
	if err := json.Unmarshal([]byte(bodyOf(w.t, res)), &made); err != nil {
		w.t.Fatal(err)
	}
	return made.Text
}

func (w *world) revoke(key, name string) *http.Response {
	w.t.Helper()
	return do(w.t, w.api, http.MethodDelete, "/api/v1/keys/"+name, key, "")
}

// list returns the keys by name, and their names in order.
func (w *world) list() (byName map[string]shown, names []string) {
	w.t.Helper()
	res := do(w.t, w.api, http.MethodGet, "/api/v1/keys", good, "")
	var list struct{ Keys []shown }
	if err := json.Unmarshal([]byte(bodyOf(w.t, res)), &list); err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatal(res.StatusCode, err)
	}
	byName = map[string]shown{}
	for _, k := range list.Keys {
		byName[k.Name], names = k, append(names, k.Name)
	}
	return byName, names
}

// status is how a request with a key is answered that needs no scope.
func (w *world) status(key string) int {
	w.t.Helper()
	return do(w.t, w.keys.Require(http.HandlerFunc(noContent)), http.MethodGet, "/api/v1/releases", key, "").StatusCode
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
