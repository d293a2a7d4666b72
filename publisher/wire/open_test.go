package wire_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/rs/zerolog"
)

func TestOpen_Locked(t *testing.T) {
	dir := t.TempDir()
	w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
	add(t, w, first("1"), 0)
	err := within(t, 5*time.Second, func() error {
		_, err := wire.Open(t.Context(), wire.Config{DataDir: dir, Queues: 1, Log: zerolog.Nop()})
		return err
	})
	if !errors.Is(err, wire.ErrLocked) || !strings.Contains(err.Error(), "in use by another process: "+dir) || !strings.Contains(err.Error(), "--data") {
		t.Error(err)
	}
	add(t, w, first("2"), 0) // the refused one did no harm
	shut(t, w)
	w = wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
	add(t, w, first("3"), 0)
}

func TestOpen_Folder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(name string) string { // a data folder with a file in the place of a folder, or the other way round
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	jetStreamIsFile := t.TempDir()
	if err := os.Mkdir(filepath.Join(jetStreamIsFile, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(jetStreamIsFile, "store", "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	headIsFolder := t.TempDir()
	if err := os.Mkdir(filepath.Join(headIsFolder, "head"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ dir, says string }{
		"below a file":           {filepath.Join(file, "data"), "choose another with --data"},
		"it is a file":           {file, "choose another with --data"},
		"read-only":              {"/proc/self/data", "choose another with --data"},
		"the store is a file":    {with("store"), "choose another with --data"},
		"the head is a folder":   {headIsFolder, "open the log's head"},
		"JetStream cannot write": {jetStreamIsFile, "did not come up with its store"},
	} {
		t.Run(name, func(t *testing.T) {
			err := within(t, 10*time.Second, func() error {
				w, err := wire.Open(t.Context(), wire.Config{DataDir: tc.dir, Queues: 1, Log: zerolog.Nop()})
				if err == nil {
					_ = w.Close(t.Context())
				}
				return err
			})
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
	t.Run("what is made is private", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new", "data")
		wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
		for path, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "lock"): 0o600, filepath.Join(dir, "head"): 0o600, filepath.Join(dir, "store"): 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s has the mode %v, want %v, %v", path, info.Mode().Perm(), mode, err)
			}
		}
	})
}

func TestOpen_MaxStore(t *testing.T) {
	for limit, says := range map[int64]string{
		1 << 20: "it needs at least 64 MiB", 1 << 60: "are free for",
	} {
		_, err := wire.Open(t.Context(), wire.Config{DataDir: t.TempDir(), Queues: 1, MaxStore: limit, Log: zerolog.Nop()})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%d bytes: %v, want %q", limit, err, says)
		}
	}
}

// What is left of a store that is nearly full is kept for withdrawals and the
// queues, and the log says that it takes nothing new.
func TestWire_StoreIsFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1, MaxStore: 64 << 20})
	add(t, w, first("1"), 0)
	add(t, w, first("2"), 0)
	bulk := make([]byte, 7<<20)
	for range 7 { // all streams share the room
		if err := w.Park(t.Context(), "mail", "bulk", "a test", bulk); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready with room left: %v", err)
	}
	n, err := fillWithLarge(t, w, 2)
	if news.CodeOf(err) != news.DiskFull || !strings.Contains(err.Error(), "--max-store") || strings.Count(err.Error(), "the store is full") != 1 {
		t.Fatalf("after %d events: %v", n, err)
	}
	repeated := first("large 3")
	repeated.Release.HTML = strings.Repeat("x", 2<<20)
	if seq, err := w.Append(t.Context(), repeated, 0); seq != 3 || err != nil {
		t.Errorf("an event that is stored already: sequence %d, %v", seq, err)
	}
	st, err := w.Stats(t.Context())
	if err != nil || st.StoreLimit != 64<<20 || st.StoreBytes < 49<<20 || st.StoreBytes > 64<<20 {
		t.Errorf("%+v, %v", st, err)
	}
	// the reserve serves what must not wait
	add(t, w, withdrawn(first("1")), 1)
	n++
	at := enqueue(t, w, 0, wire.Cursor{}, wire.Cursor{Seq: 1}, tasks("normal", "a"))
	if err := w.Hold(t.Context(), "r", "x", []byte("later")); err != nil {
		t.Error(err)
	}
	if err := w.Record(t.Context(), "r", "x", []byte("tried")); err != nil {
		t.Error(err)
	}
	for err = nil; err == nil; {
		err = w.Park(t.Context(), "mail", "bulk", "a test", bulk)
	}
	if news.CodeOf(err) != news.DiskFull || strings.Count(err.Error(), "the store is full") != 1 {
		t.Errorf("park: %v", err)
	}
	if err := w.Ready(t.Context()); news.CodeOf(err) != news.DiskFull || strings.Count(err.Error(), "the store is full") != 1 || !strings.Contains(err.Error(), "--max-store") {
		t.Errorf("ready in a full store: %v", err)
	}
	if _, err := w.Append(t.Context(), withdrawn(first("2")), 2); news.CodeOf(err) != news.DiskFull {
		t.Errorf("a withdrawal without any room: %v", err)
	}
	if _, err := w.Enqueue(t.Context(), 0, at, wire.Cursor{Seq: 2}, tasks("normal", "b", "c")); news.CodeOf(err) != news.DiskFull {
		t.Errorf("enqueue without any room: %v", err)
	}
	if got := follow(t, w, 1, n); got.err != nil {
		t.Error(got.err)
	}
	if _, err := w.Last(t.Context(), news.NewID("1")); err != nil {
		t.Error(err)
	}
	shut(t, w)
	w = wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1, MaxStore: 256 << 20})
	if err := w.Ready(t.Context()); err != nil {
		t.Errorf("with more room: %v", err)
	}
	add(t, w, first("after"), 0) // with more room it goes on, and nothing is lost
	if got := follow(t, w, 1, n+1); got.err != nil {
		t.Error(got.err)
	}
}

// fillWithLarge appends events of 2 MiB to a log of n events until one is refused.
func fillWithLarge(t *testing.T, w *wire.Wire, n int) (int, error) {
	t.Helper()
	large := strings.Repeat("x", 2<<20)
	for {
		e := first("large " + strconv.Itoa(n+1))
		e.Release.HTML = large
		if _, err := w.Append(t.Context(), e, 0); err != nil || n > 40 {
			return n, err
		}
		n++
	}
}

// In the reserve the log is not ready, though every write of ours succeeded.
func TestWire_ReadyInTheReserve(t *testing.T) {
	t.Parallel()
	w := wiretest.Open(t, wire.Config{DataDir: t.TempDir(), Queues: 1, MaxStore: 64 << 20})
	for range 8 {
		if err := w.Park(t.Context(), "mail", "bulk", "a test", make([]byte, 7<<20)); err != nil {
			t.Fatal(err)
		}
	}
	within(t, 10*time.Second, func() bool { // what it knows is a second old at most
		for w.Ready(t.Context()) == nil {
			runtime.Gosched()
		}
		return true
	})
	if err := w.Ready(t.Context()); news.CodeOf(err) != news.DiskFull || !strings.Contains(err.Error(), "reserve") {
		t.Error(err)
	}
}

// ours counts the goroutines that run this package's code.
func ours() int {
	buf := make([]byte, 1<<20)
	stacks := string(buf[:runtime.Stack(buf, true)])
	n := 0
	for _, g := range strings.Split(stacks, "\n\n") {
		if strings.Contains(g, "dateline/publisher/wire.") {
			n++
		}
	}
	return n
}

func TestWire_CloseEndsEverything(t *testing.T) {
	w := wiretest.New(t)
	fill(t, w, 3)
	enqueue(t, w, 0, wire.Cursor{}, wire.Cursor{Seq: 1}, tasks("normal", "a", "b"))
	began, ended := make(chan bool, 10), make(chan error, 3)
	go func() {
		ended <- w.Follow(context.Background(), 1, func(uint64, news.Event) error { began <- true; return nil })
	}()
	go func() {
		ended <- w.Drain(context.Background(), 0, "mail", "normal", 1, func(*wire.Job) { began <- true })
	}()
	go func() { ended <- w.Wakes(context.Background(), 1, func(*wire.Job) {}) }()
	for range 4 {
		<-began
	}
	for range 3 {
		if err := within(t, 20*time.Second, func() error { return w.Close(t.Context()) }); err != nil {
			t.Error(err)
		}
	}
	for range 3 {
		if err := within(t, 5*time.Second, func() error { return <-ended }); news.CodeOf(err) != news.Unavailable {
			t.Error(err)
		}
	}
	for name, try := range map[string]func() error{
		"append": func() error { _, err := w.Append(t.Context(), first("x"), 0); return err },
		"last":   func() error { _, err := w.Last(t.Context(), news.NewID("1")); return err },
		"record": func() error { return w.Record(t.Context(), "r", "x", nil) },
		"follow": func() error { return w.Follow(t.Context(), 1, func(uint64, news.Event) error { return nil }) },
		"drain":  func() error { return w.Drain(t.Context(), 0, "mail", "normal", 1, func(*wire.Job) {}) },
	} {
		if err := within(t, 5*time.Second, try); news.CodeOf(err) != news.Unavailable {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if err := w.Ready(t.Context()); err == nil {
		t.Error("it is ready after Close")
	}
	deadline := time.Now().Add(10 * time.Second)
	for ours() > 0 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := ours(); n > 0 {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines are left:\n%s", n, buf[:runtime.Stack(buf, true)])
	}
}
