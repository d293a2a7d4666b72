package wire_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// A child is killed in the middle of its appends, several times over: every
// acknowledged event is there after the restart.
func TestWire_KilledWhileAppending(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 5 {
		last := killed(t, dir, 100)
		w, err := reopen(t, dir, false)
		if err != nil {
			t.Fatal(err)
		}
		n, err := w.LastSeq(t.Context())
		if err != nil || n < last || n > last+1 {
			t.Fatalf("round %d: %d events are stored, %d were acknowledged, %v", round, n, last, err)
		}
		if got := follow(t, w, 1, int(n)); got.err != nil {
			t.Fatalf("round %d: %v", round, got.err)
		}
		shut(t, w)
	}
}

// One byte flips in the store. The store itself then loses that event, or, when
// the process was killed, everything behind it, without a word; we never do:
// either the start is refused, or reading ends with an error, or nothing is
// lost. And --accept-loss goes on with what is left.
func TestWire_DamageIsNeverSilent(t *testing.T) {
	const acknowledged = 60
	crashed, stopped := t.TempDir(), t.TempDir()
	last := killed(t, crashed, acknowledged)
	killed(t, stopped, acknowledged)
	w, err := reopen(t, stopped, false)
	if err != nil {
		t.Fatal(err)
	}
	shut(t, w)
	flip := func(r *rand.Rand, b []byte) []byte { b[r.IntN(len(b))] ^= 1 << r.IntN(8); return b }
	cut := func(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b))] }
	for name, tc := range map[string]struct {
		dir    string
		times  int
		damage func(*rand.Rand, []byte) []byte
	}{
		"a flip after kill -9": {crashed, 20, flip}, "a flip after a stop in order": {stopped, 10, flip},
		"cut off after kill -9": {crashed, 5, cut}, "cut off after a stop in order": {stopped, 5, cut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(2025, 3))
			seen := map[string]int{}
			for range tc.times {
				seen[outcome(t, tc.dir, int(last), func(b []byte) []byte { return tc.damage(random, b) })]++
			}
			t.Logf("outcomes: %v", seen)
			if seen["refused"]+seen["found by the reader"] == 0 {
				t.Error("nothing was found: did the damage hit anything?")
			}
		})
	}
}

// outcome damages a copy of the folder and says how that was met.
func outcome(t *testing.T, dir string, acknowledged int, damage func([]byte) []byte) string {
	t.Helper()
	dup := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(dup, "store", "jetstream", "*", "streams", "WIRE", "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatal("the store's files are elsewhere", blocks, err)
	}
	rewrite(t, blocks[0], damage)
	w, err := reopen(t, dup, false)
	if errors.Is(err, wire.ErrLost) || errors.Is(err, wire.ErrBroken) {
		if !strings.Contains(err.Error(), "restore the data folder") {
			t.Errorf("the refusal does not say what to do: %v", err)
		}
		goOn(t, dup)
		return "refused"
	}
	if err != nil {
		t.Errorf("refused without a reason: %v", err)
		return "failed"
	}
	got := follow(t, w, 1, acknowledged)
	shut(t, w)
	switch {
	case errors.Is(got.err, wire.ErrLost) || errors.Is(got.err, wire.ErrBroken):
		goOn(t, dup)
		return "found by the reader"
	case got.err == nil && len(got.ids) == acknowledged:
		return "harmless"
	}
	t.Errorf("only %d of %d events came: %v", len(got.ids), acknowledged, got.err)
	return "silent"
}

// goOn starts a damaged log with --accept-loss, and then without.
func goOn(t *testing.T, dir string) {
	t.Helper()
	for i, acceptLoss := range []bool{true, false} {
		w, err := reopen(t, dir, acceptLoss)
		if err != nil {
			t.Errorf("start %d: %v", i, err)
			return
		}
		seq := add(t, w, first(fmt.Sprint("more ", i)), 0)
		enough := errors.New("enough")
		if err := w.Follow(t.Context(), 1, func(at uint64, _ news.Event) error {
			if at == seq {
				return enough
			}
			return nil
		}); !errors.Is(err, enough) {
			t.Errorf("start %d: %v", i, err)
		}
		shut(t, w)
	}
}
