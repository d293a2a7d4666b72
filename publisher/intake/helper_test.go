package intake_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher"
	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/read"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/rs/zerolog"
)

// start is when the tests begin, by their clock.
func start() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// lines is a log to look into.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// count is how many entries of the log have a message.
func (l *lines) count(message string) int {
	return strings.Count(l.String(), `"message":"`+message+`"`)
}

// reader is one for all tests: making it takes a while.
var reader = sync.OnceValue(func() *read.Reader { return read.New(news.DefaultTaxonomy(), start) })

// newsroom is a real publisher on a real log, which can be taken away, and what
// the intake needs beside it.
type newsroom struct {
	t      testing.TB
	clock  *clock
	log    *lines
	wire   *wire.Wire
	pub    *publisher.Publisher
	reader *read.Reader

	mu    sync.Mutex
	away  error // what Publish answers while it is set
	calls int
	stub  bool   // every release is new, and none goes into the log
	after func() // called once a release has been published
}

func newNewsroom(t testing.TB) *newsroom {
	t.Helper()
	return newNewsroomOn(t, wiretest.New(t))
}

func newNewsroomOn(t testing.TB, w *wire.Wire) *newsroom {
	t.Helper()
	n := &newsroom{t: t, clock: &clock{t: start()}, log: &lines{}, wire: w}
	var err error
	n.pub, err = publisher.New(t.Context(), publisher.Config{
		Wire: w, Taxonomy: news.DefaultTaxonomy(), BaseURL: "https://news.example.org", Now: n.clock.now, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	n.reader = reader()
	return n
}

// again is a newsroom with the same log, publisher and reader, and a clock and
// ears of its own: a server and a reader for each case of a table take long.
func (n *newsroom) again(t testing.TB) *newsroom {
	t.Helper()
	return &newsroom{t: t, clock: &clock{t: start()}, log: &lines{}, wire: n.wire, pub: n.pub, reader: n.reader}
}

func (n *newsroom) logger() zerolog.Logger { return zerolog.New(n.log) }

func (n *newsroom) Publish(ctx context.Context, r news.Release, in publisher.Intent) (news.Event, publisher.Outcome, error) {
	n.mu.Lock()
	away, after := n.away, n.after
	n.calls++
	stub := n.stub
	n.mu.Unlock()
	if stub {
		r.ID, r.Revision = news.NewID(r.Origin), 1
		return news.Event{Kind: news.KindPublished, Release: r}, publisher.Created, nil
	}
	if away != nil {
		return news.Event{}, "", away
	}
	e, outcome, err := n.pub.Publish(ctx, r, in)
	if after != nil {
		after()
	}
	return e, outcome, err
}

func (n *newsroom) published() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls
}

func (n *newsroom) setAway(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = err
}

// events is the number of events in the log.
func (n *newsroom) events() uint64 {
	n.t.Helper()
	seq, err := n.wire.LastSeq(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return seq
}

// all are the events of the log.
func (n *newsroom) all() []news.Event {
	n.t.Helper()
	var out []news.Event
	for seq := uint64(1); seq <= n.events(); seq++ {
		e, err := n.wire.At(n.t.Context(), seq)
		if err != nil {
			n.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// by is who published a release, as the trail tells.
func (n *newsroom) by(id string) string {
	n.t.Helper()
	ctx := access.With(n.t.Context(), access.Caller{Scopes: []access.Scope{access.Admin}})
	past, err := n.pub.History(ctx, id)
	if err != nil || len(past.Trail) == 0 {
		n.t.Fatalf("the trail is %+v, %v", past.Trail, err)
	}
	return past.Trail[0].By
}

func (n *newsroom) wantEvents(want uint64) {
	n.t.Helper()
	if got := n.events(); got != want {
		n.t.Fatalf("there are %d events, want %d; the log of the intake: %s", got, want, n.log)
	}
}

// markdown is a release with a title and text.
func markdown(title, text string) string {
	return "---\ntitle: " + title + "\ndate: 2026-11-20\ncountries: [Albania]\n---\n" + text + "\n"
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func readText(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// put brings a file into a folder by an atomic rename.
func put(t testing.TB, dir, name, text string) {
	t.Helper()
	temp := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
