package publisher_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher"
	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

// childOf names the data folder or the NATS server of a child process that puts
// releases under embargo and tells what was acknowledged, until it is killed.
const childOf = "DATELINE_TEST_EMBARGOES_IN"

func TestMain(m *testing.M) {
	if where := os.Getenv(childOf); where != "" {
		fmt.Println("failed", embargoForEver(where))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func logIn(where string) wire.Config {
	cfg := wire.Config{Queues: 1, Desk: true, DataDir: where, Log: zerolog.Nop()}
	if strings.HasPrefix(where, "nats:") {
		cfg.DataDir, cfg.URL = "", where
	}
	return cfg
}

// publisherOn is a publisher by the real clock.
func publisherOn(ctx context.Context, w *wire.Wire) (*publisher.Publisher, error) {
	return publisher.New(ctx, publisher.Config{
		Wire: w, Taxonomy: news.DefaultTaxonomy(), BaseURL: "https://news.example.org", Now: time.Now, Log: zerolog.Nop(),
	})
}

// dated is a release of today, by the real clock.
func dated(origin string) news.Release {
	r := release(origin, "Text of "+origin+".")
	r.PublishedAt = time.Now().UTC().Truncate(24 * time.Hour)
	return r
}

// embargoForEver saves one release after the other for a moment in a while. Some
// get another time, some are lifted. It tells what it is about to do and what
// was acknowledged, with the end of the embargo in milliseconds.
func embargoForEver(where string) error {
	ctx := context.Background()
	w, err := wire.Open(ctx, logIn(where))
	if err != nil {
		return err
	}
	p, err := publisherOn(ctx, w)
	if err != nil {
		return err
	}
	go func() { fmt.Println("failed", p.Run(ctx)) }()
	for n := 0; ; n++ {
		origin := fmt.Sprintf("%d-%d", os.Getpid(), n)
		soon := func() time.Time {
			return time.Now().Add(time.Duration(20+rand.IntN(300)) * time.Millisecond).UTC().Truncate(time.Millisecond)
		}
		until := soon()
		if n%3 > 0 { // it gets another time, or none: not while it comes out
			until = until.Add(2 * time.Second)
		}
		kept, _, err := p.Save(ctx, dated(origin), publisher.Intent{}, publisher.Hold{Until: until})
		if err != nil {
			return err
		}
		fmt.Println("saved", origin, until.UnixMilli())
		switch n % 3 {
		case 1:
			until = soon()
			fmt.Println("changing", origin, until.UnixMilli())
			if _, _, err := p.Embargo(ctx, kept.Release.ID, publisher.Hold{Until: until, Match: kept.ETag()}); err != nil {
				return err
			}
			fmt.Println("changed", origin, until.UnixMilli())
		case 2:
			fmt.Println("lifting", origin, 0)
			if _, _, err := p.Lift(ctx, kept.Release.ID, false, kept.ETag()); err != nil {
				return err
			}
			fmt.Println("lifted", origin, 0)
		}
	}
}

// promised is what was told of a release: until which times it may be under
// embargo (several while a change was not acknowledged), and whether it may be,
// or is, lifted.
type promised struct {
	until        []int64
	lift, lifted bool
}

// killedChild runs a child and kills it (SIGKILL) some time after its first
// words. What it told is added to all.
func killedChild(t *testing.T, where string, after time.Duration, all map[string]*promised) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childOf+"="+where)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var once sync.Once
	for lines.Scan() {
		once.Do(func() { time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) })
		var what, origin string
		var until int64
		if n, _ := fmt.Sscan(lines.Text(), &what, &origin, &until); n != 3 {
			if what == "failed" {
				t.Errorf("the child says %q", lines.Text())
				_ = cmd.Process.Kill()
			}
			continue // cut off by its end
		}
		if all[origin] == nil {
			all[origin] = &promised{}
		}
		switch one := all[origin]; what {
		case "saved", "changed":
			one.until = []int64{until}
		case "changing":
			one.until = append(one.until, until)
		case "lifting":
			one.lift = true
		case "lifted":
			one.lifted = true
		}
	}
	_ = cmd.Wait() // it was killed
}

// awaitOut follows the log until done says that it has seen enough.
func awaitOut(t *testing.T, w *wire.Wire, done func(e *news.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	enough := errors.New("enough")
	err := w.Follow(ctx, 1, func(_ uint64, e news.Event) error {
		if done(&e) {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("not everything came out in time: %v", err)
	}
}

// A publisher is killed again and again while it saves, changes, lifts and
// publishes. Whatever was acknowledged holds: out once, never early, or not at all.
func TestPublisher_killedAroundEmbargoes(t *testing.T) {
	t.Parallel()
	dir, all := t.TempDir(), map[string]*promised{}
	random := rand.New(rand.NewPCG(2026, 11))
	for range 20 {
		killedChild(t, dir, time.Duration(20+random.IntN(500))*time.Millisecond, all)
	}
	w := wiretest.Open(t, logIn(dir))
	p, err := publisherOn(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	run(t, p)
	missing := map[string]bool{}
	for origin, one := range all {
		if !one.lift {
			missing[news.NewID(origin)] = true
		}
	}
	if len(missing) < 20 {
		t.Fatalf("only %d releases were put under embargo", len(missing))
	}
	t.Logf("%d releases under embargo, %d of them to come out", len(all), len(missing))
	awaitOut(t, w, func(e *news.Event) bool {
		delete(missing, e.Release.ID)
		return len(missing) == 0
	})
	for origin, one := range all {
		history, err := w.History(t.Context(), news.NewID(origin), 0)
		switch {
		case err != nil:
			t.Fatal(err)
		case len(history) > 1:
			t.Errorf("%s came out %d times", origin, len(history))
		case len(history) == 1 && one.lifted:
			t.Errorf("%s came out although its embargo was lifted", origin)
		case len(history) == 1:
			earliest := min(one.until[0], one.until[len(one.until)-1])
			if at := history[0].Event.Time; at.UnixMilli() < earliest {
				t.Errorf("%s came out %s early", origin, time.UnixMilli(earliest).Sub(at))
			}
			if left, err := p.Waiting(asEditor(t.Context(), "auditor"), news.NewID(origin)); err == nil && !stillLeaving(t, w, p, origin) {
				t.Errorf("%s is out, and still waits: %+v", origin, left)
			}
		}
	}
}

// stillLeaving lets the publisher finish what it is about to clear.
func stillLeaving(t *testing.T, w *wire.Wire, p *publisher.Publisher, origin string) bool {
	t.Helper()
	if err := p.ComeOut(t.Context(), news.NewID(origin)); err != nil {
		t.Error(err)
	}
	_, err := w.PendingOf(t.Context(), news.NewID(origin))
	return errors.Is(err, wire.ErrNotFound)
}

// outside is a NATS server of its own on a folder and port (-1 for any).
func outside(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir, SyncAlways: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not come up")
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv
}

// Two publishers share a log. One is killed before, at or after the time; what it
// put under embargo comes out once.
func TestPublisher_failover(t *testing.T) {
	t.Parallel()
	srv := outside(t, t.TempDir(), -1)
	w := wiretest.Open(t, logIn(srv.ClientURL()))
	p, err := publisherOn(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	run(t, p)
	all := map[string]*promised{}
	for round := range 4 {
		killedChild(t, srv.ClientURL(), time.Duration(50+100*round)*time.Millisecond, all)
	}
	missing := map[string]bool{}
	for origin, one := range all {
		if !one.lift {
			missing[news.NewID(origin)] = true
		}
	}
	if len(missing) < 4 {
		t.Fatalf("only %d releases were put under embargo", len(missing))
	}
	var late time.Duration
	awaitOut(t, w, func(e *news.Event) bool {
		delete(missing, e.Release.ID)
		return len(missing) == 0
	})
	for origin, one := range all {
		history, err := w.History(t.Context(), news.NewID(origin), 0)
		if err != nil || len(history) > 1 || len(history) == 1 && one.lifted {
			t.Errorf("%s came out %d times, lifted %v, %v", origin, len(history), one.lifted, err)
		}
		if len(history) == 1 {
			late = max(late, history[0].Event.Time.Sub(time.UnixMilli(one.until[len(one.until)-1])))
		}
	}
	t.Logf("the latest came out %s late", late)
}

// The log is away when the embargo is over: the release comes out when it is back.
func TestPublisher_embargoWhileTheLogIsAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := outside(t, dir, -1)
	port := srv.Addr().(*net.TCPAddr).Port
	w := wiretest.Open(t, logIn(srv.ClientURL()))
	p, err := publisherOn(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	run(t, p)
	until := time.Now().Add(300 * time.Millisecond)
	if _, _, err := p.Save(t.Context(), dated("away"), publisher.Intent{}, publisher.Hold{Until: until}); err != nil {
		t.Fatal(err)
	}
	srv.Shutdown()
	srv.WaitForShutdown()
	<-time.After(time.Until(until.Add(100 * time.Millisecond)))
	if _, _, err := p.ReleaseNow(t.Context(), news.NewID("away"), publisher.Now{Match: "*"}); news.CodeOf(err) != news.Unavailable {
		t.Errorf("a release without the log: %v", err)
	}
	outside(t, dir, port)
	awaitOut(t, w, func(e *news.Event) bool { return e.Release.ID == news.NewID("away") })
}

func TestPublisher_embargo(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*publisher.Publisher, *wire.Wire) {
		w := wiretest.New(t)
		p, err := publisherOn(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		run(t, p)
		return p, w
	}
	save := func(t *testing.T, p *publisher.Publisher, origin string, until time.Time) news.Pending {
		t.Helper()
		w, _, err := p.Save(t.Context(), dated(origin), publisher.Intent{}, publisher.Hold{Until: until})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	out := func(t *testing.T, w *wire.Wire, origin string) int {
		t.Helper()
		h, err := w.History(t.Context(), news.NewID(origin), 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(h)
	}
	await := func(t *testing.T, w *wire.Wire, origin string) (at news.Event) {
		t.Helper()
		awaitOut(t, w, func(e *news.Event) bool { at = *e; return e.Release.ID == news.NewID(origin) })
		return at
	}
	t.Run("it comes out at its time, not before", func(t *testing.T) {
		t.Parallel()
		p, w := start(t)
		until := time.Now().Add(400 * time.Millisecond)
		save(t, p, "a", until)
		if e := await(t, w, "a"); e.Time.Before(until.Truncate(time.Millisecond)) || e.Kind != news.KindPublished || e.Backfill {
			t.Errorf("%s at %s, the embargo was over at %s", e.Kind, e.Time, until)
		}
		past, err := p.History(asEditor(t.Context(), "auditor"), news.NewID("a"))
		if err != nil || len(past.Events) != 1 || past.Events[0].By != "schedule" {
			t.Errorf("the history is %+v, %v", past, err)
		}
	})
	t.Run("an older schedule that fires publishes nothing, and a missing one is made good", func(t *testing.T) {
		t.Parallel()
		p, w := start(t)
		changed := save(t, p, "changed", time.Now().Add(time.Hour))
		lifted := save(t, p, "lifted", time.Now().Add(time.Hour))
		if _, _, err := p.Lift(t.Context(), lifted.Release.ID, false, lifted.ETag()); err != nil {
			t.Fatal(err)
		}
		until := time.Now().Add(1500 * time.Millisecond)
		if _, _, err := p.Embargo(t.Context(), changed.Release.ID, publisher.Hold{Until: until, Match: changed.ETag()}); err != nil {
			t.Fatal(err)
		}
		lost := save(t, p, "lost", time.Now().Add(200*time.Millisecond))
		for _, id := range []string{changed.Release.ID, lifted.Release.ID} {
			if err := w.DueAt(t.Context(), id, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.NotDue(t.Context(), lost.Release.ID); err != nil {
			t.Fatal(err)
		}
		if e := await(t, w, "changed"); e.Time.Before(until.Truncate(time.Millisecond)) {
			t.Errorf("it came out at %s, the embargo was over at %s", e.Time, until)
		}
		await(t, w, "lost")
		if n := out(t, w, "lifted"); n != 0 {
			t.Errorf("it came out %d times although it was lifted", n)
		}
	})
	t.Run("one whose release has moved on waits as a draft and says why", func(t *testing.T) {
		t.Parallel()
		p, w := start(t)
		r := dated("moved")
		first := publish(t, p, r, publisher.Intent{}, publisher.Created)
		kept, _, err := p.SaveFor(t.Context(), first.Release.ID, dated("moved"), publisher.Change{Note: "The day was wrong.", Match: 1}, publisher.Hold{Until: time.Now().Add(500 * time.Millisecond)})
		if err != nil {
			t.Fatal(err)
		}
		// Another process was past its look at the desk already.
		next := first.Release
		next.Text = "Another text."
		e, err := news.Next(&first.Release, next, news.KindRevised, time.Now(), false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Append(t.Context(), e, 1); err != nil {
			t.Fatal(err)
		}
		stalled := awaitDesk(t, w, func(at wire.Waits) bool { return at.Pending.State == news.Draft })
		if !strings.Contains(stalled.Stalled, "revision 2") || !strings.Contains(stalled.Stalled, "revision 1") || stalled.Version != kept.Version+1 || !stalled.Until.IsZero() {
			t.Errorf("it waits as %+v", stalled)
		}
		if n := out(t, w, "moved"); n != 2 {
			t.Errorf("%d events", n)
		}
		// The editor sends the same text again, having seen what changed, and releases it.
		ctx := asEditor(t.Context(), "ann")
		if _, _, err := p.ReleaseNow(ctx, first.Release.ID, publisher.Now{Match: stalled.ETag()}); news.CodeOf(err) != news.Conflict {
			t.Errorf("a version that is based on an older revision: %v", err)
		}
		again, outcome, err := p.Edit(ctx, first.Release.ID, dated("moved"), publisher.Change{}, stalled.ETag())
		if err != nil || outcome == publisher.Unchanged || again.Base != 2 || again.Stalled != "" || again.Kind != news.KindCorrected {
			t.Fatalf("it is %s: %+v, %v", outcome, again, err)
		}
		if e, _, err := p.ReleaseNow(ctx, first.Release.ID, publisher.Now{Match: again.ETag()}); err != nil || e.Release.Revision != 3 || e.Release.Note != "The day was wrong." {
			t.Errorf("released: %+v, %v", e, err)
		}
	})
	t.Run("a withdrawal holds it back", func(t *testing.T) {
		t.Parallel()
		p, w := start(t)
		first := publish(t, p, dated("held"), publisher.Intent{}, publisher.Created)
		until := time.Now().Add(700 * time.Millisecond)
		if _, _, err := p.SaveFor(t.Context(), first.Release.ID, dated("held"), publisher.Change{Note: "The day was wrong."}, publisher.Hold{Until: until}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Withdraw(t.Context(), first.Release.ID, publisher.Withdrawal{Reason: "Sent by mistake."}); err != nil {
			t.Fatal(err)
		}
		save(t, p, "later", until.Add(100*time.Millisecond))
		await(t, w, "later")
		kept, err := p.Waiting(asEditor(t.Context(), "ann"), first.Release.ID)
		if n := out(t, w, "held"); n != 2 || err != nil || kept.State != news.Draft || !strings.Contains(kept.Stalled, "withdrawn") {
			t.Errorf("%d events, and %+v waits, %v", n, kept, err)
		}
	})
	t.Run("it may bear the date of the day on which it is over", func(t *testing.T) {
		t.Parallel()
		p, _ := start(t)
		r := dated("dated ahead")
		r.PublishedAt = r.PublishedAt.AddDate(0, 0, 20)
		if _, _, err := p.Save(t.Context(), r, publisher.Intent{}, publisher.Hold{Until: r.PublishedAt.Add(9 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		_, _, err := p.ReleaseNow(asEditor(t.Context(), "ann"), news.NewID("dated ahead"), publisher.Now{Match: "*"})
		wantCode(t, err, news.Unacceptable)
		kept, err := p.Waiting(asEditor(t.Context(), "ann"), news.NewID("dated ahead"))
		if err != nil || kept.State != news.Embargoed || !kept.Leaving.IsZero() {
			t.Errorf("it waits as %+v, %v", kept, err)
		}
	})
	t.Run("what could not be published is refused before", func(t *testing.T) {
		t.Parallel()
		p, _ := start(t)
		for name, spoil := range map[string]func(*news.Release){
			"no text":          func(r *news.Release) { r.Text = "" },
			"an unknown topic": func(r *news.Release) { r.Fields = []news.Tag{{Slug: "no-such-field"}} },
			"300 topics": func(r *news.Release) {
				for i := range 300 {
					r.Countries = append(r.Countries, news.CountryTag{Slug: fmt.Sprint("country-", i), Role: news.About})
				}
			},
			"a date behind it": func(r *news.Release) { r.PublishedAt = r.PublishedAt.AddDate(1, 0, 0) },
		} {
			r := dated("bad")
			spoil(&r)
			if _, _, err := p.Save(t.Context(), r, publisher.Intent{}, publisher.Hold{Until: time.Now().Add(time.Hour)}); news.CodeOf(err) != news.Unacceptable {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// awaitDesk follows the desk until a version is as it should be.
func awaitDesk(t *testing.T, w *wire.Wire, is func(wire.Waits) bool) (found news.Pending) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	enough := errors.New("enough")
	err := w.FollowDesk(ctx, func(id string, at wire.Waits, gone bool) error {
		if id != "" && !gone && is(at) {
			found = at.Pending
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("it does not come to the desk: %v", err)
	}
	return found
}

// The end of an embargo meets editors at the very same moment: whoever is told
// that it is off, postponed or discarded does not see it come out, and it comes
// out once, without leaving anything at the desk.
func TestPublisher_atTheLastMoment(t *testing.T) {
	t.Parallel()
	p, w, h := byHand(t)
	for round := range 60 {
		origin := fmt.Sprint("last moment ", round)
		id := news.NewID(origin)
		kept, _, err := p.Save(t.Context(), release(origin, "Text."), publisher.Intent{}, publisher.Hold{Until: h.now()})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 { // two processes, or a schedule and the look for what is overdue
			wg.Go(func() {
				if err := p.ComeOut(t.Context(), id); err != nil && news.CodeOf(err) != news.Conflict {
					t.Error(err)
				}
			})
		}
		var editor error
		what := []string{"discard", "lift", "postpone", "edit", "release"}[round%5]
		wg.Go(func() {
			ctx := asEditor(t.Context(), "ann")
			switch what {
			case "discard":
				editor = p.Discard(ctx, id, kept.ETag())
			case "lift":
				_, _, editor = p.Lift(ctx, id, false, kept.ETag())
			case "postpone":
				_, _, editor = p.Embargo(ctx, id, publisher.Hold{Until: h.now().Add(time.Hour), Match: kept.ETag()})
			case "edit":
				_, _, editor = p.Edit(ctx, id, release(origin, "Better."), publisher.Change{}, kept.ETag())
			case "release":
				_, _, editor = p.ReleaseNow(ctx, id, publisher.Now{Match: kept.ETag()})
			}
		})
		wg.Wait()
		if err := p.ComeOut(t.Context(), id); what != "postpone" && err != nil {
			t.Error(err)
		}
		history, err := w.History(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, waitErr := w.PendingOf(t.Context(), id)
		waits := !errors.Is(waitErr, wire.ErrNotFound)
		stays := editor == nil && what != "release"
		switch {
		case stays && what == "edit":
			if len(history) != 1 || history[0].Event.Release.Text != "Better." || waits {
				t.Errorf("round %d: the edit was acknowledged, but %d events are out, and something waits: %v", round, len(history), waits)
			}
		case stays:
			if len(history) != 0 || waits != (what != "discard") {
				t.Errorf("round %d: the %s was acknowledged, but %d events are out, and something waits: %v", round, what, len(history), waits)
			}
		default:
			if len(history) != 1 || waits {
				t.Errorf("round %d: %d events are out after the %s was answered %v, and something waits: %v", round, len(history), what, editor, waits)
			}
		}
	}
}
