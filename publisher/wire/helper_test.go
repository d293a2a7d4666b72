package wire_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats.go/jetstream"
)

// childFolder names the data folder of a child process that appends events and
// tells each acknowledgement, until it is killed.
const childFolder = "DATELINE_TEST_APPEND_TO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(eraserFolder); dir != "" {
		if err := eraseUntilKilled(dir); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(childFolder); dir != "" {
		if err := appendForEver(dir); err != nil {
			fmt.Println("failed", err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func appendForEver(dir string) error {
	w, err := wire.Open(context.Background(), wire.Config{DataDir: dir, Queues: 1})
	if err != nil {
		return err
	}
	last, err := w.LastSeq(context.Background())
	if err != nil {
		return err
	}
	for n := last + 1; ; n++ {
		seq, err := w.Append(context.Background(), first(strconv.FormatUint(n, 10)), 0)
		if err != nil {
			return err
		}
		fmt.Println("acknowledged", seq)
	}
}

// killed runs a child on dir and kills it (SIGKILL) once it has told of n
// acknowledgements. It returns the last one that was told.
func killed(t *testing.T, dir string, n int) (last uint64) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		seq, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
		if !ok {
			t.Errorf("the child says %q", lines.Text())
			break
		}
		if last, err = strconv.ParseUint(seq, 10, 64); err != nil {
			t.Error(err)
		}
		if told++; told == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if told < n {
		t.Fatalf("the child told of %d acknowledgements only", told)
	}
	return last
}

var noon = time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC)

// first is the first event of a release with the given origin.
func first(origin string) news.Event {
	e, err := news.Next(nil, news.Release{
		ID: news.NewID(origin), Origin: origin, Title: "Release " + origin, PublishedAt: noon,
		Text: strings.Repeat("Some words of release "+origin+". ", 40),
	}, news.KindPublished, noon, false)
	if err != nil {
		panic(err)
	}
	return e
}

// idOf is the id of the first event of a release.
func idOf(origin string) string {
	e := first(origin)
	return e.ID()
}

// revised is the event after e, with another title.
func revised(e news.Event, title string) news.Event {
	next := e.Release
	next.Title = title
	out, err := news.Next(&e.Release, next, news.KindRevised, noon.Add(time.Hour), false)
	if err != nil {
		panic(err)
	}
	return out
}

// withdrawn is the withdrawal after e.
func withdrawn(e news.Event) news.Event {
	next := e.Release
	next.Reason = "published by mistake"
	out, err := news.Next(&e.Release, next, news.KindWithdrawn, noon.Add(time.Hour), false)
	if err != nil {
		panic(err)
	}
	return out
}

func add(t testing.TB, w *wire.Wire, e news.Event, after uint64) uint64 {
	t.Helper()
	seq, err := w.Append(t.Context(), e, after)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// fill appends n first events, of releases 1 to n.
func fill(t testing.TB, w *wire.Wire, n int) {
	t.Helper()
	for i := range n {
		add(t, w, first(strconv.Itoa(i+1)), 0)
	}
}

func shut(t testing.TB, w *wire.Wire) {
	t.Helper()
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// following is what Follow handed out, and how it ended.
type following struct {
	ids []string
	err error
}

// follow reads from sequence from until n events came or Follow ended.
func follow(t testing.TB, w *wire.Wire, from uint64, n int) following {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out following
	want := max(from, 1)
	out.err = w.Follow(ctx, from, func(seq uint64, e news.Event) error {
		if seq < want {
			t.Errorf("event %d came, at least %d was due", seq, want)
		}
		want = seq + 1
		if out.ids = append(out.ids, e.ID()); len(out.ids) == n {
			cancel()
		}
		return nil
	})
	if out.err == nil && len(out.ids) < n {
		t.Errorf("%d of %d events came in time", len(out.ids), n)
	}
	return out
}

// opened opens a log, and beside it a client that may do everything.
func opened(t *testing.T, dir string) (*wire.Wire, jetstream.JetStream) {
	t.Helper()
	w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 2})
	nc, err := w.Inside()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return w, js
}

func operatorURL(t *testing.T, w *wire.Wire, dir string) string {
	t.Helper()
	pass, err := os.ReadFile(filepath.Join(dir, "nats-password"))
	if err != nil {
		t.Fatal(err)
	}
	return "nats://operator:" + string(pass) + "@" + w.ListenAddr()
}

// within fails the test when fn takes longer than d.
func within[T any](t *testing.T, d time.Duration, fn func() T) T {
	t.Helper()
	done := make(chan T, 1)
	go func() { done <- fn() }()
	select {
	case v := <-done:
		return v
	case <-time.After(d):
		t.Fatalf("it takes longer than %s", d)
		panic("unreachable")
	}
}
