package feeds_test

import (
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/feeds/render"
	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/rs/zerolog"
)

const base = "https://news.example.org/wire"

var taxonomy = news.DefaultTaxonomy()

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 20, 8, 30, 15, 250e6, time.UTC)} }

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newsroom is a log with feeds that follow it.
type newsroom struct {
	t     testing.TB
	wire  *wire.Wire
	clock *clock
	feeds *feeds.Feeds
	last  map[string]wire.Record
	kin   map[string][]render.Translation // what each tells of, as it should
}

func newNewsroom(t testing.TB) *newsroom {
	n := &newsroom{t: t, wire: wiretest.New(t), clock: newClock(), last: map[string]wire.Record{}, kin: map[string][]render.Translation{}}
	n.feeds = n.follow(feeds.Config{})
	return n
}

// follow starts feeds on the log; they end with the test.
func (n *newsroom) follow(cfg feeds.Config) *feeds.Feeds {
	n.t.Helper()
	if cfg.Taxonomy == nil {
		cfg.Taxonomy = taxonomy
	}
	cfg.Wire, cfg.BaseURL, cfg.Now = n.wire, base, n.clock.time
	cfg.Log = zerolog.New(zerolog.NewTestWriter(n.t)).Level(zerolog.ErrorLevel)
	f, err := feeds.New(cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(n.t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	n.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			n.t.Errorf("Run returned %v", err)
		}
	})
	deadline := time.After(30 * time.Second)
	for f.Ready(ctx) != nil { // nothing tells of it
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			n.t.Fatal(f.Ready(ctx))
		}
	}
	return f
}

func (n *newsroom) await(f *feeds.Feeds, seq uint64) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 30*time.Second)
	defer cancel()
	if err := f.Await(ctx, seq); err != nil {
		n.t.Fatal(err)
	}
}

// change appends the next event of a release and waits until it is visible.
func (n *newsroom) change(kind news.Kind, r news.Release) news.Release {
	n.t.Helper()
	return n.append(kind, r, false)
}

func (n *newsroom) append(kind news.Kind, r news.Release, backfill bool) news.Release {
	n.t.Helper()
	var prev *news.Release
	rec, known := n.last[r.ID]
	if known {
		prev = &rec.Event.Release
	}
	e, err := news.Next(prev, r, kind, n.clock.time(), backfill)
	if err != nil {
		n.t.Fatal(err)
	}
	seq, err := n.wire.Append(n.t.Context(), e, rec.Seq)
	if err != nil {
		n.t.Fatal(err)
	}
	n.tell(&e.Release)
	n.last[r.ID] = wire.Record{Seq: seq, Event: e}
	n.await(n.feeds, seq)
	return e.Release
}

// tell notes which versions in other languages a release tells of from now on.
func (n *newsroom) tell(r *news.Release) {
	root := cmp.Or(r.TranslationOf, r.ID)
	byLanguage := map[string]render.Translation{}
	for id, rec := range n.last {
		o := &rec.Event.Release
		if id == r.ID || o.Status == news.Withdrawn || o.Language == r.Language || id != root && o.TranslationOf != root {
			continue
		}
		if first, ok := byLanguage[o.Language]; !ok || id < first.ID {
			byLanguage[o.Language] = render.Translation{ID: id, Language: o.Language, Slug: news.Slugify(o.Title)}
		}
	}
	n.kin[r.ID] = nil
	for _, l := range slices.Sorted(maps.Keys(byLanguage)) {
		if r.Status != news.Withdrawn {
			n.kin[r.ID] = append(n.kin[r.ID], byLanguage[l])
		}
	}
	if r.Erased {
		for id := range n.kin {
			n.kin[id] = slices.DeleteFunc(n.kin[id], func(o render.Translation) bool { return o.ID == r.ID })
		}
	}
}

func (n *newsroom) publish(r news.Release) news.Release {
	n.t.Helper()
	return n.change(news.KindPublished, r)
}

// release is a release about policing, published in Austria.
func release(n int) news.Release {
	return news.Release{
		ID: news.NewID(fmt.Sprintf("https://example.org/%d", n)), Origin: fmt.Sprintf("https://example.org/%d", n), Language: "en", Type: "press-release",
		Title: fmt.Sprintf("Police course number %d opens", n), Summary: "Trainers meet.", Text: "Trainers met.\n\nThey agreed.", HTML: "<p>Trainers met.</p>\n<p>They agreed.</p>",
		PublishedAt: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), DayOnly: true,
		Fields: []news.Tag{{Slug: "policing"}}, Countries: []news.CountryTag{{Slug: "austria", Role: news.PlaceRole}}, Sources: []news.Tag{{Slug: "secretariat"}},
	}
}

// get asks feeds for a path. Headers come in pairs.
func get(t testing.TB, f *feeds.Feeds, path string, headers ...string) *http.Response {
	t.Helper()
	return ask(t, f, http.MethodGet, path, headers...)
}

func ask(t testing.TB, f *feeds.Feeds, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	return w.Result()
}

// read is the body of an answer, decoded.
func read(t testing.TB, r *http.Response) string {
	t.Helper()
	var body io.Reader = r.Body
	var err error
	switch c := r.Header.Get("Content-Encoding"); c {
	case "":
	case "gzip":
		body, err = gzip.NewReader(body)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(body); err == nil {
			defer z.Close()
			body = z
		}
	case "br":
		body = brotli.NewReader(body)
	default:
		t.Fatalf("the coding is %q", c)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// raw is the body of an answer as it came.
func raw(t testing.TB, r *http.Response) string {
	t.Helper()
	return read(t, &http.Response{Body: r.Body})
}

// page asks for a path that must be there and returns its body.
func (n *newsroom) page(path string) string {
	n.t.Helper()
	r := get(n.t, n.feeds, path)
	if r.StatusCode != http.StatusOK {
		n.t.Fatalf("%s answers %d: %s", path, r.StatusCode, read(n.t, r))
	}
	return read(n.t, r)
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func lacks(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if strings.Contains(text, want) {
			t.Errorf("%q should not be in\n%s", want, text)
		}
	}
}
