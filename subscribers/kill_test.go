package subscribers_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/subscribers"

	"github.com/rs/zerolog"
)

// childFolder names the data folder of a child process that publishes, fans out
// and delivers until it is killed; childSeed is what it draws its lots from.
const (
	childFolder = "DATELINE_TEST_SUBSCRIBERS_IN"
	childSeed   = "DATELINE_TEST_SEED"
	childHold   = 150 * time.Millisecond
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		fmt.Println("failed", liveOn(context.Background(), dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func held(c *subscribers.Config) {
	c.Hold, c.Grace = childHold, 50*time.Millisecond
	c.Backoff = slices.Repeat([]time.Duration{20 * time.Millisecond}, 50)
}

// liveOn runs subscribers on a folder and changes releases at random. Of each
// change it tells the sequence and the time of the acknowledgement.
func liveOn(ctx context.Context, dir string) error {
	seed, err := strconv.ParseUint(os.Getenv(childSeed), 10, 64)
	if err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	w, err := wire.Open(ctx, wire.Config{DataDir: dir, Queues: 2, Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	cfg := subscribers.Config{
		Wire: w, Taxonomy: news.DefaultTaxonomy(), BaseURL: base, Now: time.Now, AllowNetworks: loopback(), Outbox: os.TempDir(), Log: zerolog.Nop(),
	}
	held(&cfg)
	subs, err := subscribers.New(ctx, cfg)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- subs.Run(ctx) }()
	for {
		seq, err := changeAny(ctx, w, rnd)
		if err != nil {
			return err
		}
		fmt.Println("acknowledged", seq, time.Now().UnixNano())
		if rnd.IntN(3) > 0 {
			continue
		}
		for subs.Stats().FannedOut < seq { // let windows end
			select {
			case err := <-ended:
				return err
			case <-time.After(time.Millisecond):
			}
		}
	}
}

// changeAny makes the next change of some release.
func changeAny(ctx context.Context, w *wire.Wire, rnd *rand.Rand) (uint64, error) {
	name := fmt.Sprint("r", rnd.IntN(12))
	r := tagged("Title "+name, []string{[]string{"policing", "elections"}[rnd.IntN(2)]})
	r.ID, r.Origin, r.Note, r.Reason = news.NewID(name), name, "It was filed wrongly.", "It was sent too early."
	last, err := w.Last(ctx, r.ID)
	kind, old := news.KindPublished, &last.Event.Release
	switch {
	case errors.Is(err, wire.ErrNotFound):
		old = nil
	case err != nil:
		return 0, err
	case old.Status == news.Withdrawn:
		kind = news.KindRepublished
	default:
		kind = []news.Kind{news.KindRevised, news.KindCorrected, news.KindWithdrawn}[rnd.IntN(3)]
	}
	e, err := news.Next(old, r, kind, time.Now(), false)
	if err != nil {
		return 0, err
	}
	return w.Append(ctx, e, last.Seq)
}

// killAfter runs a child on dir and kills it (SIGKILL) once it has told of n
// changes. It notes when each was acknowledged.
func killAfter(t *testing.T, dir string, seed uint64, n int, acknowledged map[uint64]time.Time) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childFolder+"="+dir, childSeed+"="+strconv.FormatUint(seed, 10))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var seq uint64
		var at int64
		if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d %d", &seq, &at); err != nil {
			t.Errorf("the child says %q", lines.Text())
			break
		}
		acknowledged[seq] = time.Unix(0, at)
		if told++; told == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if told < n {
		t.Fatalf("the child told of %d changes only", told)
	}
}

// TestSubscribers_Run_killed: processes that hold alerts are killed at any
// moment. Nothing is early, nothing is lost, and what is undone in its window
// reaches nobody.
func TestSubscribers_Run_killed(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	w, hook := newWorld(t, held), newReceiver(t)
	var rolls atomic.Uint64
	got := &ledger{}
	hook.behave(func(c call, _ int) (int, http.Header) {
		got.saw(c)
		if rolls.Add(1)%4 == 0 {
			return http.StatusInternalServerError, nil
		}
		got.add(c)
		return http.StatusOK, nil
	})
	topics := []string{"policing", "elections"}
	for _, topic := range topics {
		w.subscribe(subscribers.Webhook, hook.URL+"/"+topic, fields(topic))
	}
	acknowledged := map[uint64]time.Time{}
	for range 4 {
		w.stop()
		killAfter(t, w.dir, rnd.Uint64(), 10+rnd.IntN(20), acknowledged)
		w.start()
		if rnd.IntN(2) == 0 {
			w.quiet()
		}
	}
	w.quiet()
	undone := 0
	for i := range 12 {
		history, err := w.wire.History(t.Context(), news.NewID(fmt.Sprint("r", i)), 0)
		if err != nil {
			t.Fatal(err)
		}
		for n := range history {
			h := &history[n]
			e := &h.Event
			if e.Kind == news.KindWithdrawn || e.Kind == news.KindRevised {
				continue
			}
			end := e.Time.Add(childHold)
			if at, came := got.first[e.ID()]; came && at.Before(end) {
				t.Errorf("%s came %s before the end of its window", e.ID(), end.Sub(at))
			}
			if n+1 < len(history) && history[n+1].Event.Kind != news.KindRevised {
				next := history[n+1]
				if at, known := acknowledged[next.Seq]; known && at.Before(end) {
					undone++
					if _, came := got.first[e.ID()]; came {
						t.Errorf("%s came, which was %s inside its window", e.ID(), next.Event.Kind)
					}
				}
			}
		}
		for _, topic := range topics {
			checkEnd(t, got.of("/"+topic, news.NewID(fmt.Sprint("r", i))), topic, history)
		}
	}
	if undone == 0 || len(got.got) == 0 {
		t.Errorf("%d changes were undone in their window, %d releases came: the test shows nothing", undone, len(got.got))
	}
}

// checkEnd compares the revisions that came to one endpoint with a release's life.
func checkEnd(t *testing.T, came []int, topic string, history []wire.Record) {
	t.Helper()
	if len(history) == 0 {
		return
	}
	r := &history[len(history)-1].Event.Release
	if !slices.IsSorted(came) {
		t.Errorf("%s got %v of %s", topic, came, r.ID)
	}
	matches := r.Status == news.Published && slices.Contains(r.FieldSlugs(), topic) && r.Revision == r.SurfacedRevision
	if last := slices.Max(append(came, 0)); (last > 0 || matches) && last < r.SurfacedRevision {
		var life []string
		for _, h := range history {
			life = append(life, string(h.Event.Kind))
		}
		t.Errorf("%s got %v of %s, which is at %d: %s", topic, came, r.ID, r.SurfacedRevision, strings.Join(life, ", "))
	}
}
