package publisher_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher"
	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/rs/zerolog"
)

// clock is the time by which the tests publish; each reading is a second later.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Second)
	return c.t
}

func newPublisher(t testing.TB) (*publisher.Publisher, *wire.Wire) {
	t.Helper()
	w := wiretest.New(t)
	c := &clock{t: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	p, err := publisher.New(t.Context(), publisher.Config{
		Wire: w, Taxonomy: news.DefaultTaxonomy(), BaseURL: "https://news.example.org", Now: c.now,
		Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, w
}

// release is a release about Albania with one text.
func release(origin, text string) news.Release {
	return news.Release{
		Title: "Round table in Tirana", Origin: origin, Language: "en", Type: "news",
		PublishedAt: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), DayOnly: true,
		HTML: "<p>" + text + "</p>", Text: text, Summary: text,
		Countries: []news.CountryTag{{Slug: "albania", Role: news.About, Evidence: news.Evidence{Rule: "title", Words: "Tirana", Confidence: 0.85}}},
	}
}

// publish publishes and checks the outcome.
func publish(t testing.TB, p *publisher.Publisher, r news.Release, in publisher.Intent, want publisher.Outcome) news.Event {
	t.Helper()
	e, outcome, err := p.Publish(t.Context(), r, in)
	if err != nil {
		t.Fatal(err)
	}
	if outcome != want {
		t.Fatalf("the outcome is %s, want %s", outcome, want)
	}
	return e
}

func wantCode(t testing.TB, err error, want news.Code) {
	t.Helper()
	if news.CodeOf(err) != want {
		t.Fatalf("the error is %q %v, want %q", news.CodeOf(err), err, want)
	}
}

func events(t testing.TB, w *wire.Wire) uint64 {
	t.Helper()
	n, err := w.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPublisher_Publish(t *testing.T) {
	t.Parallel()
	t.Run("a new origin makes a release with the origin's id", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		e := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
		if e.Release.ID != news.NewID("cms-1") || e.Release.Revision != 1 || e.Kind != news.KindPublished || e.Release.Status != news.Published {
			t.Errorf("published %s revision %d, %s, %s", e.Release.ID, e.Release.Revision, e.Kind, e.Release.Status)
		}
		got, err := p.Release(t.Context(), e.Release.ID)
		if err != nil || got.Release.Text != "One." {
			t.Errorf("read back %q, %v", got.Release.Text, err)
		}
	})
	t.Run("the first origin is the origin, else the URL, else the sender's, else the text", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		r := release("", "One.")
		byText := publish(t, p, r, publisher.Intent{}, publisher.Created)
		bySender := publish(t, p, r, publisher.Intent{Origin: "sent-1"}, publisher.Created)
		r.URL = "https://example.org/1"
		byURL := publish(t, p, r, publisher.Intent{Origin: "sent-2"}, publisher.Created)
		r.Origin = "cms-1"
		byOrigin := publish(t, p, r, publisher.Intent{Origin: "sent-2"}, publisher.Created)
		if !strings.HasPrefix(byText.Release.Origin, "sha256:") || byText.Release.ID != news.NewID(byText.Release.Origin) {
			t.Errorf("by text: origin %q, id %s", byText.Release.Origin, byText.Release.ID)
		}
		for want, e := range map[string]news.Event{"sent-1": bySender, "https://example.org/1": byURL, "cms-1": byOrigin} {
			if e.Release.Origin != want || e.Release.ID != news.NewID(want) {
				t.Errorf("the origin is %q and the id %s, want %q and %s", e.Release.Origin, e.Release.ID, want, news.NewID(want))
			}
		}
	})
	t.Run("the same content again does nothing", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
		again := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Unchanged)
		if again.ID() != first.ID() || events(t, w) != 1 {
			t.Errorf("the event is %s and the log has %d, want %s and 1", again.ID(), events(t, w), first.ID())
		}
	})
	t.Run("other evidence is the same content", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		r := release("cms-1", "One.")
		publish(t, p, r, publisher.Intent{}, publisher.Created)
		r.Countries = []news.CountryTag{{Slug: "albania", Role: news.About, Evidence: news.Evidence{Rule: "editor", Confidence: 1}}}
		publish(t, p, r, publisher.Intent{}, publisher.Unchanged)
	})
	t.Run("other content makes the next revision, also back to an earlier one", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
		second := publish(t, p, release("cms-1", "Two."), publisher.Intent{}, publisher.Revised)
		third := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Revised)
		if second.Release.Revision != 2 || second.Kind != news.KindRevised || third.Release.Revision != 3 || third.Release.Text != "One." {
			t.Errorf("revisions %d (%s) and %d %q", second.Release.Revision, second.Kind, third.Release.Revision, third.Release.Text)
		}
		if n := events(t, w); n != 3 {
			t.Errorf("the log has %d events, want 3", n)
		}
	})
	t.Run("of two simultaneous first publishes one wins", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		const writers = 8
		errs := make([]error, writers)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range writers {
			wg.Go(func() {
				<-start
				_, _, errs[i] = p.Publish(t.Context(), release("cms-1", strings.Repeat("x", i+1)), publisher.Intent{})
			})
		}
		close(start)
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			wantCode(t, err, news.Conflict)
		}
		if won == 0 || uint64(won) != events(t, w) {
			t.Errorf("%d were told they won, the log has %d events", won, events(t, w))
		}
	})
	t.Run("a back-fill takes its own date", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		r := release("cms-1", "One.")
		e := publish(t, p, r, publisher.Intent{Backfill: true}, publisher.Created)
		if !e.Backfill || !e.Release.SurfacedAt.Equal(r.PublishedAt) {
			t.Errorf("backfill %v, surfaced %v", e.Backfill, e.Release.SurfacedAt)
		}
	})
	t.Run("a date after tomorrow is refused and nothing is stored", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		r := release("cms-1", "One.")
		r.PublishedAt = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
		_, _, err := p.Publish(t.Context(), r, publisher.Intent{})
		wantCode(t, err, news.Unacceptable)
		if n := events(t, w); n != 0 {
			t.Errorf("the log has %d events", n)
		}
	})
}

func TestPublisher_Publish_revises(t *testing.T) {
	t.Parallel()
	moved := func(url, text string) news.Release {
		r := release("", text)
		r.URL = url
		return r
	}
	t.Run("a moved URL keeps the id, from then on without being told", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		first := publish(t, p, moved("https://example.org/old", "One."), publisher.Intent{}, publisher.Created)
		second := publish(t, p, moved("https://example.org/new", "One."), publisher.Intent{Revises: first.Release.ID}, publisher.Revised)
		publish(t, p, moved("https://example.org/new", "One."), publisher.Intent{}, publisher.Unchanged)
		third := publish(t, p, moved("https://example.org/new", "Two."), publisher.Intent{}, publisher.Revised)
		if second.Release.ID != first.Release.ID || third.Release.ID != first.Release.ID || third.Release.Revision != 3 {
			t.Errorf("the ids are %s, %s, %s", first.Release.ID, second.Release.ID, third.Release.ID)
		}
		if r := third.Release; r.Origin != "https://example.org/old" || strings.Join(r.OtherOrigins, " ") != "https://example.org/new" {
			t.Errorf("the origins are %q and %q", r.Origin, r.OtherOrigins)
		}
	})
	t.Run("a document without URL keeps the release's", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		first := publish(t, p, moved("https://example.org/old", "One."), publisher.Intent{}, publisher.Created)
		second := publish(t, p, release("", "Two."), publisher.Intent{Revises: first.Release.ID}, publisher.Revised)
		if second.Release.URL != "https://example.org/old" {
			t.Errorf("the URL is %q", second.Release.URL)
		}
	})
	t.Run("an unknown id is not found", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		_, _, err := p.Publish(t.Context(), release("cms-1", "One."), publisher.Intent{Revises: news.NewID("nothing")})
		wantCode(t, err, news.NotFound)
	})
	t.Run("what is no id is a bad request", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		_, _, err := p.Publish(t.Context(), release("cms-1", "One."), publisher.Intent{Revises: "cms-1"})
		wantCode(t, err, news.BadRequest)
	})
	t.Run("another release's origin is not taken over", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		a := publish(t, p, release("cms-a", "A."), publisher.Intent{}, publisher.Created)
		b := publish(t, p, release("cms-b", "B."), publisher.Intent{}, publisher.Created)
		_, _, err := p.Publish(t.Context(), release("cms-b", "A new."), publisher.Intent{Revises: a.Release.ID})
		wantCode(t, err, news.Conflict)
		publish(t, p, release("cms-b2", "B."), publisher.Intent{Revises: b.Release.ID}, publisher.Revised)
		_, _, err = p.Publish(t.Context(), release("cms-b2", "A new."), publisher.Intent{Revises: a.Release.ID})
		wantCode(t, err, news.Conflict)
		if n := events(t, w); n != 3 {
			t.Errorf("the log has %d events, want 3", n)
		}
	})
	t.Run("a refused revision leaves its origin free", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		a := publish(t, p, release("cms-a", "A."), publisher.Intent{}, publisher.Created)
		_, _, err := p.Publish(t.Context(), release("cms-c", ""), publisher.Intent{Revises: a.Release.ID})
		wantCode(t, err, news.Unacceptable)
		c := publish(t, p, release("cms-c", "C."), publisher.Intent{}, publisher.Created)
		if c.Release.ID != news.NewID("cms-c") {
			t.Errorf("the id is %s", c.Release.ID)
		}
	})
}

func TestPublisher_Correct(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		note  string
		minor bool
		match int
		text  string
		want  news.Code
		kind  news.Kind
	}{
		{"with a note", " The day\x07 was wrong. ", false, 1, "Two.", "", news.KindCorrected},
		{"whatever the revision", "The day was wrong.", false, 0, "Two.", "", news.KindCorrected},
		{"a minor one needs no note", "", true, 1, "Two.", "", news.KindRevised},
		{"a minor one may have a note", "The day was wrong.", true, 1, "Two.", "", news.KindRevised},
		{"the note alone", "The map belongs to another release.", false, 1, "One.", "", news.KindCorrected},
		{"without a note", " \n", false, 1, "Two.", news.Unacceptable, ""},
		{"of an old revision", "The day was wrong.", false, 7, "Two.", news.Stale, ""},
		{"without a text", "The day was wrong.", false, 1, "", news.Unacceptable, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, w := newPublisher(t)
			first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
			e, _, err := p.Correct(t.Context(), first.Release.ID, release("cms-1", tc.text), publisher.Change{Note: tc.note, Minor: tc.minor, Match: tc.match})
			wantCode(t, err, tc.want)
			if tc.want != "" {
				if n := events(t, w); n != 1 {
					t.Errorf("the log has %d events, want 1", n)
				}
				return
			}
			note := strings.TrimSpace(news.Clean(tc.note))
			if e.Kind != tc.kind || e.Release.Revision != 2 || e.Release.Text != tc.text || e.Release.Note != note || e.Release.ID != first.Release.ID {
				t.Errorf("got %s of %s, revision %d, text %q, note %q", e.Kind, e.Release.ID, e.Release.Revision, e.Release.Text, e.Release.Note)
			}
			if surfaced := e.Release.SurfacedRevision == 2; surfaced == tc.minor {
				t.Errorf("surfaced by revision %d", e.Release.SurfacedRevision)
			}
		})
	}
	t.Run("a minor one that changes nothing does nothing", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
		e, _, err := p.Correct(t.Context(), first.Release.ID, release("cms-1", "One."), publisher.Change{Note: "", Minor: true, Match: 1})
		if err != nil || e.Release.Revision != 1 || events(t, w) != 1 {
			t.Errorf("revision %d, %d events, %v", e.Release.Revision, events(t, w), err)
		}
	})
	t.Run("a new origin leads to the release", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		first := publish(t, p, release("", "One."), publisher.Intent{}, publisher.Created)
		if _, _, err := p.Correct(t.Context(), first.Release.ID, release("", "Two."), publisher.Change{Note: "The day was wrong.", Minor: false, Match: 1}); err != nil {
			t.Fatal(err)
		}
		e := publish(t, p, release("", "Two."), publisher.Intent{}, publisher.Unchanged)
		if e.Release.ID != first.Release.ID {
			t.Errorf("the corrected text leads to %s, want %s", e.Release.ID, first.Release.ID)
		}
	})
	t.Run("of what is not there", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		for _, id := range []string{news.NewID("nothing"), "x", "a.b", "*"} {
			_, _, err := p.Correct(t.Context(), id, release("cms-1", "One."), publisher.Change{Note: "Note.", Minor: false, Match: 0})
			wantCode(t, err, news.NotFound)
		}
	})
	t.Run("of several at once one wins", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
		const writers = 6
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				_, _, errs[i] = p.Correct(t.Context(), first.Release.ID, release("cms-1", strings.Repeat("y", i+1)), publisher.Change{Note: "Note.", Minor: false, Match: 1})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if code := news.CodeOf(err); code != news.Conflict && code != news.Stale {
				t.Errorf("the loser is told %v", err)
			}
		}
		if won != 1 || events(t, w) != 2 {
			t.Errorf("%d won, the log has %d events", won, events(t, w))
		}
	})
}

func TestPublisher_Withdraw(t *testing.T) {
	t.Parallel()
	t.Run("the text is gone and the reason is there", func(t *testing.T) {
		t.Parallel()
		p, _ := newPublisher(t)
		first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
		if _, _, err := p.Withdraw(t.Context(), first.Release.ID, publisher.Withdrawal{Reason: " Sent by\x00 mistake. ", Match: 1}); err != nil {
			t.Fatal(err)
		}
		e, err := p.Release(t.Context(), first.Release.ID)
		if err != nil {
			t.Fatal(err)
		}
		r := e.Release
		if r.Status != news.Withdrawn || r.Reason != "Sent by mistake." || r.Text+r.HTML+r.Summary != "" || r.Title == "" {
			t.Errorf("it is %s because of %q; text %q", r.Status, r.Reason, r.Text+r.HTML+r.Summary)
		}
	})
	t.Run("it needs a reason and the newest revision", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
		_, _, err := p.Withdraw(t.Context(), first.Release.ID, publisher.Withdrawal{Reason: "\t", Match: 1})
		wantCode(t, err, news.Unacceptable)
		_, _, err = p.Withdraw(t.Context(), first.Release.ID, publisher.Withdrawal{Reason: "Reason.", Match: 2})
		wantCode(t, err, news.Stale)
		_, _, err = p.Withdraw(t.Context(), news.NewID("nothing"), publisher.Withdrawal{Reason: "Reason.", Match: 0})
		wantCode(t, err, news.NotFound)
		if n := events(t, w); n != 1 {
			t.Errorf("the log has %d events, want 1", n)
		}
	})
	t.Run("nothing follows it", func(t *testing.T) {
		t.Parallel()
		p, w := newPublisher(t)
		first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
		if _, _, err := p.Withdraw(t.Context(), first.Release.ID, publisher.Withdrawal{Reason: "Reason.", Match: 0}); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"One.", "Two."} {
			_, _, err := p.Publish(t.Context(), release("cms-1", text), publisher.Intent{})
			wantCode(t, err, news.Conflict)
		}
		_, _, err := p.Correct(t.Context(), first.Release.ID, release("cms-1", "Two."), publisher.Change{Note: "Note.", Minor: false, Match: 0})
		wantCode(t, err, news.Conflict)
		_, _, err = p.Withdraw(t.Context(), first.Release.ID, publisher.Withdrawal{Reason: "Again.", Match: 0})
		wantCode(t, err, news.Conflict)
		if n := events(t, w); n != 2 {
			t.Errorf("the log has %d events, want 2", n)
		}
	})
}

func TestPublisher_logAway(t *testing.T) {
	t.Parallel()
	p, w := newPublisher(t)
	first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) error{
		"publish": func(ctx context.Context) error {
			_, _, err := p.Publish(ctx, release("cms-2", "Two."), publisher.Intent{})
			return err
		},
		"revise": func(ctx context.Context) error {
			_, _, err := p.Publish(ctx, release("cms-2", "Two."), publisher.Intent{Revises: first.Release.ID})
			return err
		},
		"withdraw": func(ctx context.Context) error {
			_, _, err := p.Withdraw(ctx, first.Release.ID, publisher.Withdrawal{Reason: "Reason.", Match: 0})
			return err
		},
		"read": func(ctx context.Context) error {
			_, err := p.Release(ctx, first.Release.ID)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, call(t.Context()), news.Unavailable) })
	}
}

// A correction that is sent twice must not alert twice, and an old file that is
// sent once more must not undo it.
func TestPublisher_correctedStaysCorrected(t *testing.T) {
	t.Parallel()
	p, w := newPublisher(t)
	first := publish(t, p, release("cms-1", "Nine."), publisher.Intent{}, publisher.Created)
	id := first.Release.ID
	for i, want := range []publisher.Outcome{publisher.Outcome(news.KindCorrected), publisher.Unchanged} {
		e, outcome, err := p.Correct(t.Context(), id, release("cms-1", "Ninety."), publisher.Change{Note: "Ninety, not nine.", Minor: false, Match: 0})
		if err != nil || outcome != want || e.Release.Revision != 2 {
			t.Fatalf("time %d: %s, revision %d, %v", i+1, outcome, e.Release.Revision, err)
		}
	}
	_, _, err := p.Publish(t.Context(), release("cms-1", "Nine."), publisher.Intent{})
	wantCode(t, err, news.Conflict)
	e := publish(t, p, release("cms-1", "Ninety, as we said."), publisher.Intent{}, publisher.Revised)
	if e.Release.Note != "Ninety, not nine." {
		t.Errorf("the note is %q: a revision has taken it away", e.Release.Note)
	}
	if n := events(t, w); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

func TestPublisher_Republish(t *testing.T) {
	t.Parallel()
	p, _ := newPublisher(t)
	first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
	id := first.Release.ID
	_, _, err := p.Republish(t.Context(), id, release("cms-1", "Two."), publisher.Change{Match: 0})
	wantCode(t, err, news.Conflict) // it is not withdrawn
	if _, _, err := p.Withdraw(t.Context(), id, publisher.Withdrawal{Reason: "A mistake.", Match: 0}); err != nil {
		t.Fatal(err)
	}
	e, _, err := p.Republish(t.Context(), id, release("cms-1", "Two."), publisher.Change{Match: 2})
	if err != nil || e.Kind != news.KindRepublished || e.Release.Status != news.Published || e.Release.Text != "Two." || e.Release.Reason != "" {
		t.Errorf("republished: %+v, %v", e, err)
	}
}

// An origin that a release has must lead to it, however many sent it at once
// and whatever was refused in between.
func TestPublisher_originsUnderConcurrency(t *testing.T) {
	t.Parallel()
	p, _ := newPublisher(t)
	first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
	id := first.Release.ID
	for round := range 20 {
		origin := fmt.Sprint("moved-", round)
		var wg sync.WaitGroup
		var taken atomic.Bool
		for n := range 3 {
			wg.Go(func() {
				e, _, err := p.Publish(t.Context(), release(origin, fmt.Sprint("Round ", round, n)), publisher.Intent{Revises: id})
				if err == nil && e.Release.ID == id {
					taken.Store(true)
				}
			})
		}
		wg.Wait()
		if !taken.Load() {
			t.Fatalf("round %d: nobody came through", round)
		}
		e, _, err := p.Publish(t.Context(), release(origin, "After round "+fmt.Sprint(round)), publisher.Intent{})
		if err != nil || e.Release.ID != id {
			t.Fatalf("round %d: the origin leads to %s, %v; want %s", round, e.Release.ID, err, id)
		}
	}
}

// A change that broke off may leave an origin behind that no event names. It
// must not keep the origin from anybody for ever.
func TestPublisher_originOfARefusedChange(t *testing.T) {
	t.Parallel()
	p, _ := newPublisher(t)
	first := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
	bad := release("moved", "Two.")
	bad.Title = strings.Repeat("x", news.MaxTitle+1)
	_, _, err := p.Publish(t.Context(), bad, publisher.Intent{Revises: first.Release.ID})
	wantCode(t, err, news.Unacceptable)
	e := publish(t, p, release("moved", "Another release."), publisher.Intent{}, publisher.Created)
	if e.Release.ID == first.Release.ID {
		t.Error("the origin leads to a release that never got it")
	}
}

// A clock that goes back must not make events that seem older than what feeds
// have shown.
func TestPublisher_clockGoesBack(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	at := time.Date(2027, 5, 1, 12, 0, 0, 0, time.UTC)
	open := func() *publisher.Publisher {
		p, err := publisher.New(t.Context(), publisher.Config{Wire: w, Taxonomy: news.DefaultTaxonomy(), BaseURL: "https://news.example.org", Now: func() time.Time { return at }, Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open()
	first := publish(t, p, release("a", "One."), publisher.Intent{}, publisher.Created)
	at = at.Add(-time.Minute)
	second := publish(t, p, release("b", "Two."), publisher.Intent{}, publisher.Created)
	third := publish(t, open(), release("c", "Three."), publisher.Intent{}, publisher.Created)
	if second.Time.Before(first.Time) || third.Time.Before(second.Time) {
		t.Errorf("the times are %s, %s, %s", first.Time, second.Time, third.Time)
	}
}

// A translation names the origin of its original; the log names its id.
func TestPublisher_translationOf(t *testing.T) {
	t.Parallel()
	p, _ := newPublisher(t)
	r := release("cms-1-ru", "Один.")
	r.TranslationOf = "cms-1"
	translated := publish(t, p, r, publisher.Intent{}, publisher.Created)
	original := publish(t, p, release("cms-1", "One."), publisher.Intent{}, publisher.Created)
	if translated.Release.TranslationOf != original.Release.ID {
		t.Errorf("it is a translation of %q, want %s", translated.Release.TranslationOf, original.Release.ID)
	}
	publish(t, p, r, publisher.Intent{}, publisher.Unchanged)
	r = release("cms-2", "Two.")
	r.TranslationOf = "cms-2"
	_, _, err := p.Publish(t.Context(), r, publisher.Intent{})
	wantCode(t, err, news.Unacceptable)
}
