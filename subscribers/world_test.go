package subscribers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/subscribers"

	"github.com/rs/zerolog"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// patience bounds waits for things that must happen.
const patience = 30 * time.Second

const base = "https://news.example.org"

// world is a log with subscribers on it, and a desk that publishes.
type world struct {
	t    testing.TB
	dir  string
	wire *wire.Wire
	tax  *news.Taxonomy
	subs *subscribers.Subscribers
	api  http.Handler
	cfg  subscribers.Config

	queues   int
	url      string // of a NATS server outside; empty for the one inside
	loss     bool   // the next start accepts that the log lost events
	halt     func() // ends the subscribers, the log stays open
	releases map[string]wire.Record
}

func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// newWorld starts everything; edit may change the configuration.
func newWorld(t testing.TB, edit func(*subscribers.Config)) *world {
	t.Helper()
	return newWorldOf(t, 2, edit)
}

func newWorldOf(t testing.TB, queues int, edit func(*subscribers.Config)) *world {
	t.Helper()
	return newWorldOn(t, "", queues, edit)
}

// newWorldOn is a world on the NATS server with the URL, when there is one.
func newWorldOn(t testing.TB, url string, queues int, edit func(*subscribers.Config)) *world {
	t.Helper()
	w := &world{t: t, url: url, queues: queues, dir: t.TempDir(), tax: news.DefaultTaxonomy(), releases: map[string]wire.Record{}}
	w.cfg = subscribers.Config{
		Taxonomy: w.tax, BaseURL: base, Now: time.Now, AllowNetworks: loopback(), Outbox: t.TempDir(),
		Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel),
	}
	if edit != nil {
		edit(&w.cfg)
	}
	w.start()
	t.Cleanup(w.stop)
	return w
}

// start opens the log in the world's folder and runs the subscribers on it.
func (w *world) start() {
	w.t.Helper()
	cfg := wire.Config{DataDir: w.dir, Queues: w.queues, Log: w.cfg.Log, AcceptLoss: w.loss, Desk: true}
	if w.url != "" {
		cfg = wire.Config{URL: w.url, Queues: w.queues, Log: w.cfg.Log}
	}
	var err error
	if w.wire, err = wire.Open(w.t.Context(), cfg); err != nil {
		w.t.Fatal(err)
	}
	w.cfg.Wire, w.loss = w.wire, false
	w.resume()
}

// resume runs the subscribers on the open log.
func (w *world) resume() {
	w.t.Helper()
	var err error
	if w.subs, err = subscribers.New(w.t.Context(), w.cfg); err != nil {
		w.t.Fatal(err)
	}
	w.api = w.subs.Handler()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.subs.Run(ctx) }()
	w.halt = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
}

// stop ends the subscribers and closes the log; it may be called twice.
func (w *world) stop() {
	w.halt()
	if err := w.wire.Close(context.Background()); err != nil {
		w.t.Errorf("close: %v", err)
	}
}

// restart is a stop and a start on the same folder.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// call asks the API.
func (w *world) call(method, target string, body any) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.callAs("application/json", method, target, body)
}

func (w *world) callAs(contentType, method, target string, body any) *httptest.ResponseRecorder {
	w.t.Helper()
	var b []byte
	if s, ok := body.(string); ok {
		b = []byte(s)
	} else if body != nil {
		b, _ = json.Marshal(body)
	}
	r := httptest.NewRequest(method, target, bytes.NewReader(b))
	r.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	return rec
}

// subscribe makes a subscription that must be new.
func (w *world) subscribe(channel subscribers.Channel, address string, s news.Selection) subscribers.Subscription {
	w.t.Helper()
	rec := w.call("POST", "/api/v1/subscriptions", subscribers.Wish{Channel: channel, Address: address, Selection: s})
	if rec.Code != http.StatusCreated {
		w.t.Fatalf("subscribing gave %d: %s", rec.Code, rec.Body)
	}
	var out subscribers.Subscription
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// tagged is a release filed under fields and countries.
func tagged(title string, fields []string, countries ...string) news.Release {
	r := news.Release{
		Title: title, Text: "First paragraph.\n\nSecond paragraph.", HTML: "<p>First paragraph.</p>", Language: "en", Type: "press-release",
		PublishedAt: time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC),
	}
	for _, f := range fields {
		r.Fields = append(r.Fields, news.Tag{Slug: f})
	}
	for _, c := range countries {
		r.Countries = append(r.Countries, news.CountryTag{Slug: c, Role: news.About})
	}
	return r
}

// publish appends the next event of the release with the origin name.
func (w *world) publish(name string, r news.Release, kind news.Kind) news.Event {
	w.t.Helper()
	return w.publishAt(name, r, kind, w.cfg.Now(), false)
}

func (w *world) publishAt(name string, r news.Release, kind news.Kind, at time.Time, backfill bool) news.Event {
	w.t.Helper()
	_, e := w.next(name, r, kind, at, backfill)
	w.append(name, e)
	return e
}

// next makes the next event of the release with the origin name.
func (w *world) next(name string, r news.Release, kind news.Kind, at time.Time, backfill bool) (old *news.Release, e news.Event) {
	w.t.Helper()
	if prev, known := w.releases[name]; known {
		old = &prev.Event.Release
	} else {
		r.ID, r.Origin = news.NewID(name), name
	}
	e, err := news.Next(old, r, kind, at, backfill)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := news.Validate(w.tax, &e.Release); err != nil {
		w.t.Fatal(err)
	}
	return old, e
}

func (w *world) append(name string, e news.Event) {
	w.t.Helper()
	seq, err := w.wire.Append(w.t.Context(), e, w.releases[name].Seq)
	if err != nil {
		w.t.Fatal(err)
	}
	w.releases[name] = wire.Record{Seq: seq, Event: e}
}

// withdraw withdraws what was published last under the name.
func (w *world) withdraw(name string) news.Event {
	w.t.Helper()
	r := w.releases[name].Event.Release
	r.Reason = "It was sent too early."
	return w.publish(name, r, news.KindWithdrawn)
}

// eventually polls: there is no event to wait for when nothing must come.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-deadline:
			w.t.Fatalf("waited in vain: %s; %+v", what, w.subs.Stats())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// quiet waits until every event is fanned out and every task is done.
func (w *world) quiet() {
	w.t.Helper()
	w.eventually("quiet", func() bool {
		fannedOut := w.subs.Stats().FannedOut // before the look at what that has queued
		st, err := w.wire.Stats(w.t.Context())
		return err == nil && fannedOut == st.LastSeq && st.Queued == 0 && st.Held == 0 && w.subs.Stats().Waiting == 0
	})
}

// givenUp is the number of parked alerts.
func (w *world) givenUp() uint64 { return sum(w.subs.Stats().GivenUp) }

func sum(perChannel map[subscribers.Channel]uint64) (n uint64) {
	for _, k := range perChannel {
		n += k
	}
	return n
}

// call is what a webhook receiver saw.
type call struct {
	Path, ID, Type string
	Event          struct {
		ID     string `json:"id"`
		Type   string `json:"type"`
		Status string `json:"datelinestatus"`
		Data   struct {
			Title string `json:"title"`
		} `json:"data"`
	}
	Header http.Header
	Body   []byte
}

// receiver is a webhook endpoint whose answers a test decides.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	came   chan call
	answer func(c call, n int) (status int, header http.Header) // n: calls so far, this one included
	hold   func(*http.Request)                                  // set before the first call; runs before the answer
}

// ledger is what endpoints accepted.
type ledger struct {
	mu    sync.Mutex
	got   map[string][]int     // path and release to revisions
	first map[string]time.Time // when an id came first, accepted or not
}

// saw notes a call, whatever it is answered.
func (l *ledger) saw(c call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		l.first = map[string]time.Time{}
	}
	if l.first[c.ID].IsZero() {
		l.first[c.ID] = time.Now()
	}
}

func (l *ledger) add(c call) {
	release, revision, _ := strings.Cut(c.ID, ":")
	n, _ := strconv.Atoi(revision)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.got == nil {
		l.got = map[string][]int{}
	}
	l.got[c.Path+release] = append(l.got[c.Path+release], n)
}

func (l *ledger) of(path, release string) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.got[path+release])
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{came: make(chan call, 1000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		c := call{Path: req.URL.Path, ID: req.Header.Get("Webhook-Id"), Type: req.Header.Get("Content-Type"), Header: req.Header, Body: body}
		if err := json.Unmarshal(body, &c.Event); err != nil {
			t.Errorf("the body is no JSON: %v", err)
		}
		r.mu.Lock()
		r.calls = append(r.calls, c)
		n, answer := len(r.calls), r.answer
		r.mu.Unlock()
		if r.hold != nil {
			r.hold(req)
		}
		if answer != nil {
			status, header := answer(c, n)
			for k, v := range header {
				w.Header()[k] = v
			}
			w.WriteHeader(status)
		}
		select {
		case r.came <- c:
		default: // nobody counts calls in this test
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) behave(answer func(c call, n int) (int, http.Header)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// ids are the webhook ids that came so far.
func (r *receiver) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []string{}
	for _, c := range r.calls {
		out = append(out, c.ID)
	}
	return out
}

// next waits for a call.
func (r *receiver) next(t testing.TB) call {
	t.Helper()
	select {
	case c := <-r.came:
		return c
	case <-time.After(patience):
		t.Fatal("no webhook came")
		return call{}
	}
}

func verify(t testing.TB, secret string, c call) {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := wh.Verify(c.Body, c.Header); err != nil {
		t.Errorf("signature: %v", err)
	}
}

func wantIDs(t testing.TB, got []string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
