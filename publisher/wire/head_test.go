package wire_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/rs/zerolog"
)

// made is a data folder with a log of n events, closed in order.
func made(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
	fill(t, w, n)
	shut(t, w)
	return dir
}

func reopen(t *testing.T, dir string, acceptLoss bool) (*wire.Wire, error) {
	t.Helper()
	w, err := wire.Open(t.Context(), wire.Config{DataDir: dir, Queues: 1, AcceptLoss: acceptLoss, Log: zerolog.Nop()})
	if err == nil {
		t.Cleanup(func() { _ = w.Close(t.Context()) })
	}
	return w, err
}

// mustReopen opens a log that must open, checks that it holds n events in
// whole and takes one more, and closes it.
func mustReopen(t *testing.T, dir string, acceptLoss bool, n int) {
	t.Helper()
	w, err := reopen(t, dir, acceptLoss)
	if err != nil {
		t.Fatal(err)
	}
	before, err := w.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add(t, w, first("more than "+strconv.FormatUint(before, 10)), 0)
	if got := follow(t, w, 1, n+1); got.err != nil {
		t.Fatal(got.err)
	}
	shut(t, w)
}

// mustRefuse opens a log that must be refused, with a sentence that says what to do.
func mustRefuse(t *testing.T, dir string, want error) {
	t.Helper()
	_, err := reopen(t, dir, false)
	if !errors.Is(err, want) {
		t.Fatalf("%v, want %v", err, want)
	}
	for _, says := range []string{"nothing was started", "restore the data folder " + dir + " from a backup", "--accept-loss"} {
		if strings.Count(err.Error(), says) != 1 {
			t.Errorf("%q must stand once in: %v", says, err)
		}
	}
}

func rewrite(t *testing.T, path string, change func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_Head(t *testing.T) {
	t.Parallel()
	t.Run("in order", func(t *testing.T) {
		dir := made(t, 5)
		mustReopen(t, dir, false, 5)
		mustReopen(t, dir, false, 6)
		info, err := os.Stat(filepath.Join(dir, "head"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	})
	t.Run("one slot is torn", func(t *testing.T) {
		for slot := range 2 {
			dir := made(t, 5)
			rewrite(t, filepath.Join(dir, "head"), func(b []byte) []byte { b[slot*128+9] ^= 1; return b })
			mustReopen(t, dir, false, 5)
			mustReopen(t, dir, false, 6)
		}
	})
	t.Run("the second slot is cut off", func(t *testing.T) {
		dir := made(t, 5)
		rewrite(t, filepath.Join(dir, "head"), func(b []byte) []byte { return b[:200] })
		mustReopen(t, dir, false, 5)
	})
	t.Run("there is none beside events", func(t *testing.T) {
		dir := made(t, 3)
		if err := os.Remove(filepath.Join(dir, "head")); err != nil {
			t.Fatal(err)
		}
		mustRefuse(t, dir, wire.ErrBroken)
		mustRefuse(t, dir, wire.ErrBroken) // a refusal makes none
		mustReopen(t, dir, true, 3)
		mustReopen(t, dir, false, 4)
	})
	t.Run("there is none and no event", func(t *testing.T) {
		dir := made(t, 0)
		if err := os.Remove(filepath.Join(dir, "head")); err != nil {
			t.Fatal(err)
		}
		mustReopen(t, dir, false, 0)
		mustReopen(t, dir, false, 1)
	})
	for name, spoil := range map[string]func([]byte) []byte{
		"both slots are broken": func(b []byte) []byte { b[0] ^= 1; b[130] ^= 1; return b },
		"it is empty":           func([]byte) []byte { return nil },
		"it is full of zeros":   func(b []byte) []byte { return make([]byte, len(b)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := made(t, 4)
			rewrite(t, filepath.Join(dir, "head"), spoil)
			mustRefuse(t, dir, wire.ErrBroken)
			mustReopen(t, dir, true, 4)
			mustReopen(t, dir, false, 5)
		})
	}
}

// swap puts the store of one data folder into another.
func swap(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(to, "store")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(to, "store"), os.DirFS(filepath.Join(from, "store"))); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_LogBehindItsHead(t *testing.T) {
	t.Parallel()
	t.Run("an older copy of the store", func(t *testing.T) {
		dir := made(t, 3)
		old := t.TempDir()
		swap(t, dir, old)
		w, err := reopen(t, dir, false)
		if err != nil {
			t.Fatal(err)
		}
		add(t, w, first("4"), 0)
		add(t, w, first("5"), 0)
		shut(t, w)
		swap(t, old, dir)
		mustRefuse(t, dir, wire.ErrLost)
		mustRefuse(t, dir, wire.ErrLost) // and again: a refusal changes nothing
		_, err = reopen(t, dir, false)
		if !strings.Contains(err.Error(), "ends at event 3, but event 5 was acknowledged") {
			t.Error(err)
		}
		mustReopen(t, dir, true, 3)
		mustReopen(t, dir, false, 4) // once accepted it is the log
	})
	t.Run("no store at all", func(t *testing.T) {
		dir := made(t, 3)
		if err := os.RemoveAll(filepath.Join(dir, "store")); err != nil {
			t.Fatal(err)
		}
		mustRefuse(t, dir, wire.ErrLost)
		mustReopen(t, dir, true, 0)
		mustReopen(t, dir, false, 1)
	})
	t.Run("another log of the same length", func(t *testing.T) {
		dir, other := made(t, 3), t.TempDir()
		w := wiretest.Open(t, wire.Config{DataDir: other, Queues: 1})
		for _, origin := range []string{"1", "2", "other"} {
			add(t, w, first(origin), 0)
		}
		shut(t, w)
		swap(t, other, dir)
		mustRefuse(t, dir, wire.ErrBroken)
		mustReopen(t, dir, true, 3)
		mustReopen(t, dir, false, 4)
	})
	t.Run("another log that is longer", func(t *testing.T) {
		dir, other := made(t, 2), t.TempDir()
		w := wiretest.Open(t, wire.Config{DataDir: other, Queues: 1})
		for _, origin := range []string{"a", "b", "c", "d"} {
			add(t, w, first(origin), 0)
		}
		shut(t, w)
		swap(t, other, dir)
		mustRefuse(t, dir, wire.ErrBroken)
	})
}

func TestOpen_LogWithHoles(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string][]uint64{
		"the first is missing": {1}, "one in the middle is missing": {3}, "two gaps": {2, 4, 5}, "the last is missing": {6}, "all are missing": {1, 2, 3, 4, 5, 6},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w, js := opened(t, dir)
			fill(t, w, 6)
			s, err := js.Stream(t.Context(), "WIRE")
			if err != nil {
				t.Fatal(err)
			}
			for _, seq := range gone {
				if err := s.DeleteMsg(t.Context(), seq); err != nil {
					t.Fatal(err)
				}
			}
			js.Conn().Close()
			shut(t, w)
			again := func(acceptLoss bool) (*wire.Wire, error) {
				return wire.Open(t.Context(), wire.Config{DataDir: dir, Queues: 2, AcceptLoss: acceptLoss, Log: zerolog.Nop()})
			}
			if _, err := again(false); !errors.Is(err, wire.ErrLost) {
				t.Fatalf("it starts: %v", err)
			}
			for i, acceptLoss := range []bool{true, false, false} {
				w, err := again(acceptLoss)
				if err != nil {
					t.Fatalf("start %d: %v", i, err)
				}
				add(t, w, first("more "+strconv.Itoa(i)), 0)
				if got := follow(t, w, 1, 6-len(gone)+i+1); got.err != nil {
					t.Errorf("start %d: %v after %v", i, got.err, got.ids)
				}
				if got := follow(t, w, 7, i+1); got.err != nil {
					t.Errorf("start %d from the middle: %v", i, got.err)
				}
				shut(t, w)
			}
		})
	}
}

// Events that were stored but not noted when the process ended are taken over.
func TestOpen_HeadBehindTheLog(t *testing.T) {
	dir := made(t, 2)
	head := filepath.Join(dir, "head")
	old, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	mustReopen(t, dir, false, 2)
	if err := os.WriteFile(head, old, 0o600); err != nil {
		t.Fatal(err)
	}
	mustReopen(t, dir, false, 3)
	mustReopen(t, dir, false, 4)
}
