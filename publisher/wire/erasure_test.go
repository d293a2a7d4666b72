package wire_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/rs/zerolog"
)

// A child process erases the release told in the data folder that eraserFolder
// names, and kills itself at the step that eraserStep counts.
const (
	eraserFolder = "DATELINE_TEST_ERASE_IN"
	eraserStep   = "DATELINE_TEST_ERASE_STEP"
)

func eraseUntilKilled(dir string) error {
	step, err := strconv.Atoi(os.Getenv(eraserStep))
	if err != nil {
		return err
	}
	ctx := context.Background()
	w, err := wire.Open(ctx, publishing(dir))
	if err != nil {
		return err
	}
	between := func() {
		if step--; step < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	w.OnErase(between)
	id := news.NewID("told")
	last, err := w.Last(ctx, id)
	if err != nil {
		return err
	}
	if _, err := w.Append(ctx, erased(last.Event), last.Seq); err != nil {
		return err
	}
	between()
	return w.Erase(ctx, id)
}

// A process is killed at each step of an erasure: the next start completes it.
func TestWire_KilledWhileErasing(t *testing.T) {
	t.Parallel()
	before := t.TempDir()
	w := wiretest.Open(t, publishing(before))
	e, _ := told(t, w)
	shut(t, w)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	for complete := false; !complete; steps++ {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
		cmd.Env = append(os.Environ(), eraserFolder+"="+dir, eraserStep+"="+strconv.Itoa(steps))
		out, err := cmd.CombinedOutput()
		var killed *exec.ExitError
		if errors.As(err, &killed) && killed.ExitCode() > 0 {
			t.Fatalf("step %d: %s", steps, out)
		}
		complete = err == nil
		cfg := publishing(dir)
		cfg.Log = zerolog.Nop() // it warns of what was broken off
		w, err := wire.Open(t.Context(), cfg)
		if err != nil {
			t.Fatalf("step %d: %v", steps, err)
		}
		if files := holding(t, dir); len(files) > 0 {
			t.Errorf("step %d: the words still stand in %v", steps, files)
		}
		again := w.ToErase()
		if want := []string{e.Release.ID}; complete && len(again) != 0 || !complete && !slices.Equal(again, want) {
			t.Errorf("step %d: to be erased again: %v", steps, again)
		}
		for _, id := range again {
			if err := w.Erase(t.Context(), id); err != nil {
				t.Fatalf("step %d: %v", steps, err)
			}
		}
		shut(t, w)
		if w, err = wire.Open(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		isErased(t, w, e.Release.ID)
		shut(t, w)
	}
	if steps < 15 {
		t.Errorf("the erasure has %d steps only", steps)
	}
}

// The process ends after it has noted that it will erase and before the
// tombstone is there: nothing is erased.
func TestOpen_ErasureNeverBegun(t *testing.T) {
	dir := t.TempDir()
	w := wiretest.Open(t, publishing(dir))
	e, last := told(t, w)
	if _, err := w.Append(t.Context(), erased(e), last-1); !errors.Is(err, wire.ErrConflict) {
		t.Fatalf("a stale tombstone: %v", err)
	}
	for range 2 {
		shut(t, w)
		w = wiretest.Open(t, publishing(dir))
		if history, err := w.History(t.Context(), e.Release.ID, 0); err != nil || len(history) != 2 || len(w.ToErase()) != 0 {
			t.Errorf("%d events, to be erased %v, %v", len(history), w.ToErase(), err)
		}
	}
	add(t, w, erased(e), last)
	if err := w.Erase(t.Context(), e.Release.ID); err != nil {
		t.Fatal(err)
	}
	isErased(t, w, e.Release.ID)
}

// A backup made before an erasure brings the release back; the list in the data
// folder knows better.
func TestOpen_RestoreBringsBackWhatWasErased(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), t.TempDir()
	w := wiretest.Open(t, publishing(dir))
	e, last := told(t, w)
	id := e.Release.ID
	shut(t, w)
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	w = wiretest.Open(t, publishing(dir))
	add(t, w, erased(e), last)
	if err := w.Erase(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	shut(t, w)
	list := filepath.Join(dir, "erasures")
	lines, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	// A crash has left half a line; another release is not in the backup at all.
	lines = append(lines, fmt.Sprintf("{\"id\":%q,\"time\":\"2026-01-02T03:04:05Z\"}\n{\"id\":\"", news.NewID("younger"))...)
	if err := os.WriteFile(filepath.Join(backup, "erasures"), lines, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := publishing(backup)
	var says strings.Builder
	cfg.Log = zerolog.New(zerolog.SyncWriter(&says)).Level(zerolog.WarnLevel)
	for range 2 {
		if w, err = wire.Open(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		if again := w.ToErase(); !slices.Equal(again, []string{id}) || !strings.Contains(says.String(), id) {
			t.Errorf("to be erased again: %v; the log says %s", again, says.String())
		}
		shut(t, w)
	}
	if w, err = wire.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	other := saying("other")
	seq := add(t, w, other, 0)
	for _, tomb := range []struct {
		e     news.Event
		after uint64
	}{{erased(e), last}, {erased(other), seq}} {
		add(t, w, tomb.e, tomb.after)
		if err := w.Erase(t.Context(), tomb.e.Release.ID); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, w)
	if files := holding(t, backup); len(files) > 0 {
		t.Errorf("the words still stand in %v", files)
	}
	if err := os.Remove(filepath.Join(backup, "erasures")); err != nil { // the store knows them as well
		t.Fatal(err)
	}
	w = wiretest.Open(t, publishing(backup))
	if list, err := w.Erasures(t.Context()); err != nil || len(list) != 2 || len(w.ToErase()) != 0 {
		t.Errorf("%v, to be erased %v, %v", list, w.ToErase(), err)
	}
	if b, err := os.ReadFile(filepath.Join(backup, "erasures")); err != nil || strings.Count(string(b), "\n") != 2 {
		t.Errorf("the list is %s, %v", b, err)
	}
}

// Three servers keep three copies, and none keeps the words in its streams. Their
// journals, below $SYS, are the servers' own; they are compacted in time.
func TestWire_EraseOnACluster(t *testing.T) {
	t.Parallel()
	nodes, addresses := cluster(t)
	var w *wire.Wire
	insist(t, func() (err error) {
		w, err = wire.Open(t.Context(), wire.Config{URL: addresses, DataDir: t.TempDir(), Queues: 1, Replicas: 3, Desk: true})
		return err
	})
	t.Cleanup(func() { _ = w.Close(context.WithoutCancel(t.Context())) })
	e, last := told(t, w)
	insist(t, func() error { _, err := w.Append(t.Context(), erased(e), last); return err })
	insist(t, func() error { return w.Erase(t.Context(), e.Release.ID) })
	isErased(t, w, e.Release.ID)
	shut(t, w)
	var stores []string
	for _, srv := range nodes {
		stores = append(stores, srv.JetStreamConfig().StoreDir)
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	for _, store := range stores {
		if files := holding(t, filepath.Join(store, "$G", "streams")); len(files) > 0 {
			t.Errorf("the words still stand in %v", files)
		}
	}
}
