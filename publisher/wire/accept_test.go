package wire_test

import (
	"os"
	"path/filepath"
	"testing"

	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"
)

// After an accepted loss no sequence is given twice, and whoever stood at a lost
// event goes on behind the gap.
func TestOpen_AcceptedLossReusesNoSequence(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]int{"some are left": 3, "none is left": 0} {
		t.Run(name, func(t *testing.T) {
			dir := made(t, left)
			log, old := filepath.Join(dir, "store", "jetstream", "$G", "streams", "WIRE"), t.TempDir()
			if err := os.CopyFS(old, os.DirFS(log)); err != nil {
				t.Fatal(err)
			}
			w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
			for _, origin := range []string{"4", "5", "6"} {
				add(t, w, first(origin), 0)
			}
			lost := uint64(left + 3)
			enqueue(t, w, 0, wire.Cursor{}, wire.Cursor{Seq: lost, After: "someone"}, tasks("normal", "a"))
			shut(t, w)
			if err := os.RemoveAll(log); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(log, os.DirFS(old)); err != nil {
				t.Fatal(err)
			}
			mustRefuse(t, dir, wire.ErrLost)
			for n, acceptLoss := range []bool{true, false, false} {
				w, err := reopen(t, dir, acceptLoss)
				if err != nil {
					t.Fatal(err)
				}
				if c, err := w.Cursor(t.Context(), 0); err != nil || c.Seq != lost || !c.Done || c.Next() != lost+1 {
					t.Errorf("start %d: cursor %+v, %v", n, c, err)
				}
				if seq := add(t, w, first("new "+string(rune('a'+n))), 0); seq != lost+uint64(n)+1 {
					t.Errorf("start %d: the new event has the sequence %d", n, seq)
				}
				for from := uint64(1); from <= lost+1; from++ {
					want := n + 1 + max(0, left+1-int(from))
					if got := follow(t, w, from, want); got.err != nil || len(got.ids) != want {
						t.Errorf("start %d, from %d: %d events, %v", n, from, len(got.ids), got.err)
					}
				}
				for seq := range lost + 3 {
					if is, err := w.Lost(t.Context(), seq); err != nil || is != (seq > uint64(left) && seq <= lost) {
						t.Errorf("start %d: event %d is lost: %v, %v", n, seq, is, err)
					}
				}
				shut(t, w)
			}
		})
	}
	t.Run("a cursor knows what the head does not", func(t *testing.T) {
		dir := made(t, 2)
		w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
		enqueue(t, w, 0, wire.Cursor{}, wire.Cursor{Seq: 9}, tasks("normal", "a"))
		shut(t, w)
		if err := os.Remove(filepath.Join(dir, "head")); err != nil {
			t.Fatal(err)
		}
		w, err := reopen(t, dir, true)
		if err != nil {
			t.Fatal(err)
		}
		if seq := add(t, w, first("new"), 0); seq != 10 {
			t.Errorf("the new event has the sequence %d", seq)
		}
	})
}
