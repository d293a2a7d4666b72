package publisher_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher"
	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/rs/zerolog"
	"pgregory.net/rapid"
)

// hand is a clock that tests move.
type hand struct{ at atomic.Int64 }

func (h *hand) now() time.Time          { return time.UnixMilli(h.at.Load()).UTC() }
func (h *hand) advance(d time.Duration) { h.at.Add(d.Milliseconds()) }

func handAt(t time.Time) *hand {
	h := &hand{}
	h.at.Store(t.UnixMilli())
	return h
}

// byHand is a publisher whose clock the test moves. What it says of releases
// that it could not publish is expected here.
func byHand(t testing.TB) (*publisher.Publisher, *wire.Wire, *hand) {
	t.Helper()
	w, h := wiretest.New(t), handAt(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	p, err := publisher.New(t.Context(), publisher.Config{
		Wire: w, Taxonomy: news.DefaultTaxonomy(), BaseURL: "https://news.example.org", Now: h.now, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, w, h
}

// asEditor is a context in which an editor acts with every right.
func asEditor(ctx context.Context, name string) context.Context {
	return access.With(ctx, access.Caller{Name: name, Scopes: []access.Scope{access.Admin}})
}

// The model: what the public sees of a release is the last of its events, and at
// most one version waits.
type (
	said struct {
		kind               news.Kind
		text, note, reason string
		by                 string
	}
	kept struct {
		version    int
		state      news.Status
		until      time.Time
		kind       news.Kind
		base       int
		text, note string
	}
	modelled struct {
		id, origin string
		events     []said
		desk       *kept
		last       int // number of the last version
		trail      []string
	}
)

func (m *modelled) rev() int { return len(m.events) }

func (m *modelled) now() said {
	if len(m.events) == 0 {
		return said{}
	}
	return m.events[len(m.events)-1]
}

func (m *modelled) withdrawn() bool { return m.now().kind == news.KindWithdrawn }

func (m *modelled) etag() string { return fmt.Sprint("draft-", m.desk.version) }

func (m *modelled) add(e said) (news.Code, string) {
	if e.kind == news.KindRevised && e.note == "" {
		e.note = m.now().note
	}
	m.events = append(m.events, e)
	m.trail = append(m.trail, string(e.kind))
	if e.kind == news.KindRevised {
		return "", "revised"
	}
	return "", string(e.kind)
}

func (m *modelled) keep(k kept, move news.Move) (news.Code, string) {
	m.last++
	k.version = m.last
	m.desk = &k
	m.trail = append(m.trail, string(move))
	return "", string(k.state)
}

func (m *modelled) repeated(match int, kind news.Kind) bool {
	return match > 0 && match == m.rev()-1 && m.now().kind == kind
}

// undoes reports whether text is what a correction has replaced.
func (m *modelled) undoes(text string) bool {
	return m.now().note != "" && slices.ContainsFunc(m.events, func(e said) bool { return e.kind != news.KindWithdrawn && e.text == text })
}

func (m *modelled) publish(text string) (news.Code, string) {
	switch {
	case m.desk != nil:
		return news.Conflict, ""
	case m.rev() == 0:
		m.add(said{kind: news.KindPublished, text: text})
		return "", "created"
	case !m.withdrawn() && m.now().text == text:
		return "", "unchanged"
	case m.undoes(text), m.withdrawn():
		return news.Conflict, ""
	}
	return m.add(said{kind: news.KindRevised, text: text})
}

func kindOf(minor bool) news.Kind {
	if minor {
		return news.KindRevised
	}
	return news.KindCorrected
}

func (m *modelled) correct(match int, text, note string, minor bool) (news.Code, string) {
	heard := match == 0 || match == m.rev() || m.repeated(match, kindOf(minor))
	switch {
	case note == "" && !minor:
		return news.Unacceptable, ""
	case m.rev() == 0:
		return news.NotFound, ""
	case heard && (note == m.now().note || minor && note == "") && !m.withdrawn() && m.now().text == text:
		return "", "unchanged"
	case match > 0 && match != m.rev():
		return news.Stale, ""
	case m.desk != nil, m.withdrawn():
		return news.Conflict, ""
	}
	return m.add(said{kind: kindOf(minor), text: text, note: note})
}

func (m *modelled) withdraw(match int, reason, by string, other *modelled) (news.Code, string) {
	switch {
	case m.rev() == 0:
		return news.NotFound, ""
	case m.repeated(match, news.KindWithdrawn) && m.now().reason == reason && m.now().by == by:
		return "", "unchanged"
	case match > 0 && match != m.rev():
		return news.Stale, ""
	case by == m.id, by != "" && (other.rev() == 0 || other.withdrawn()):
		return news.Unacceptable, ""
	case m.withdrawn():
		return news.Conflict, ""
	}
	m.add(said{kind: news.KindWithdrawn, reason: reason, by: by})
	if m.desk != nil && m.desk.state == news.Embargoed {
		m.stall()
	}
	return "", "withdrawn"
}

func (m *modelled) stall() {
	k := *m.desk
	k.state, k.until = news.Draft, time.Time{}
	m.keep(k, news.MoveLift)
}

func (m *modelled) republish(match int, text string) (news.Code, string) {
	switch {
	case m.rev() == 0:
		return news.NotFound, ""
	case m.repeated(match, news.KindRepublished) && m.now().text == text:
		return "", "unchanged"
	case match > 0 && match != m.rev():
		return news.Stale, ""
	case m.desk != nil, !m.withdrawn():
		return news.Conflict, ""
	}
	return m.add(said{kind: news.KindRepublished, text: text})
}

// matches checks what a caller says it has seen at the desk.
func (m *modelled) matches(match string) news.Code {
	switch match {
	case "*", m.etag():
		return ""
	case "":
		return news.NeedsMatch
	}
	return news.Stale
}

func (m *modelled) put(k kept, match string) (news.Code, string) {
	move := news.MoveSave
	k.state, k.base = news.Draft, m.rev()
	if !k.until.IsZero() {
		k.state, move = news.Embargoed, news.MoveEmbargo
	}
	if m.desk != nil {
		if k.version = m.desk.version; k == *m.desk {
			return "", "unchanged"
		}
		if match == "public" {
			return news.Conflict, ""
		}
		if code := m.matches(match); code != "" {
			return code, ""
		}
	}
	return m.keep(k, move)
}

func (m *modelled) save(text string, until time.Time, match string) (news.Code, string) {
	kind := news.KindPublished
	if m.rev() > 0 {
		if kind = news.KindRevised; m.withdrawn() || m.undoes(text) {
			return news.Conflict, ""
		}
	}
	return m.put(kept{kind: kind, text: text, until: until}, match)
}

func (m *modelled) saveFor(kind news.Kind, match int, text, note string, until time.Time) (news.Code, string) {
	switch {
	case kind == news.KindCorrected && note == "":
		return news.Unacceptable, ""
	case m.rev() == 0:
		return news.NotFound, ""
	case match > 0 && match != m.rev():
		return news.Stale, ""
	case (kind == news.KindRepublished) != m.withdrawn():
		return news.Conflict, ""
	}
	return m.put(kept{kind: kind, text: text, note: note, until: until}, "public")
}

// waitsUnder is what waits, for someone who says to have seen it.
func (m *modelled) waitsUnder(match string) (kept, news.Code) {
	if m.desk == nil {
		return kept{}, news.NotFound
	}
	return *m.desk, m.matches(match)
}

func (m *modelled) edit(text, note string, minor bool, match string) (news.Code, string) {
	k, code := m.waitsUnder(match)
	if code != "" {
		return code, ""
	}
	switch {
	case m.rev() == 0:
		k.kind = news.KindPublished
	case m.withdrawn():
		k.kind = news.KindRepublished
	default:
		k.kind = kindOf(minor || k.kind != news.KindCorrected)
		if note == "" {
			note = m.desk.note
		}
		if k.kind == news.KindCorrected && note == "" {
			return news.Unacceptable, ""
		}
	}
	k.text, k.note, k.base = text, note, m.rev()
	if k == *m.desk {
		return "", "unchanged"
	}
	return m.keep(k, news.MoveSave)
}

func (m *modelled) embargo(until time.Time, match string) (news.Code, string) {
	k, code := m.waitsUnder(match)
	switch {
	case code != "":
		return code, ""
	case k.state == news.Embargoed && k.until.Equal(until):
		return "", "unchanged"
	case k.base != m.rev():
		return news.Conflict, ""
	}
	k.state, k.until = news.Embargoed, until
	return m.keep(k, news.MoveEmbargo)
}

func (m *modelled) lift(match string) (news.Code, string) {
	k, code := m.waitsUnder(match)
	switch {
	case code != "":
		return code, ""
	case k.state == news.Draft:
		return news.Conflict, ""
	}
	k.state, k.until = news.Draft, time.Time{}
	return m.keep(k, news.MoveLift)
}

func (m *modelled) discard(match string) (news.Code, string) {
	if _, code := m.waitsUnder(match); code != "" {
		return code, ""
	}
	m.desk, m.trail = nil, append(m.trail, string(news.MoveDiscard))
	return "", ""
}

func (m *modelled) release(match string) (news.Code, string) {
	k, code := m.waitsUnder(match)
	switch {
	case code != "":
		return code, ""
	case k.base != m.rev():
		return news.Conflict, ""
	}
	m.desk = nil
	note := k.note
	if k.kind == news.KindPublished {
		note = ""
	}
	if code, outcome := m.add(said{kind: k.kind, text: k.text, note: note}); k.kind != news.KindPublished {
		return code, outcome
	}
	return "", "created"
}

func (m *modelled) due(now time.Time) {
	if m.desk == nil || m.desk.state != news.Embargoed || m.desk.until.After(now) {
		return
	}
	if m.desk.base != m.rev() {
		m.stall()
		return
	}
	m.release("*")
}

// Several editors, each with what it has read last, which may be old by now.
// Whatever they do in whatever order, releases and desk are as the model says.
func TestPublisher_model(t *testing.T) {
	t.Parallel()
	p, _, h := byHand(t)
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		var both []*modelled
		for _, name := range []string{"a", "b"} {
			origin := fmt.Sprint(name, " of run ", runs)
			both = append(both, &modelled{id: news.NewID(origin), origin: origin})
		}
		type view struct {
			rev  int
			etag string
		}
		views := map[string]view{}
		draw := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, name) }
		step := func(do func(ctx context.Context, m, other *modelled, seen view) (news.Code, string, string, error)) {
			h.advance(time.Second)
			i := rapid.IntRange(0, 1).Draw(rt, "release")
			m, editor := both[i], draw("editor", "ann", "ben", "cem")
			seen := views[editor+m.id]
			code, outcome, got, err := do(asEditor(t.Context(), editor), m, both[1-i], seen)
			if news.CodeOf(err) != code || (err == nil) != (code == "") || err == nil && got != outcome {
				rt.Fatalf("it answers %q, %v; want %q, %q", got, err, outcome, code)
			}
			checkModel(rt, p, m)
		}
		text := func() string { return draw("text", "One.", "Two.", "Three.") }
		match := func(seen view) int {
			return rapid.SampledFrom([]int{0, seen.rev, seen.rev, seen.rev}).Draw(rt, "match")
		}
		etag := func(seen view) string { return draw("etag", "*", seen.etag, seen.etag, seen.etag, "") }
		until := func() (at time.Time) {
			if rapid.Bool().Draw(rt, "embargo") {
				at = h.now().Add(time.Duration(rapid.IntRange(1, 30).Draw(rt, "seconds")) * time.Second)
			}
			return at
		}
		rt.Repeat(map[string]func(*rapid.T){
			"read": func(*rapid.T) {
				m, editor := both[rapid.IntRange(0, 1).Draw(rt, "release")], draw("editor", "ann", "ben", "cem")
				v := view{rev: m.rev()}
				if m.desk != nil {
					v.etag = m.etag()
				}
				views[editor+m.id] = v
			},
			"publish": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, _ view) (news.Code, string, string, error) {
					s := text()
					code, outcome := m.publish(s)
					_, got, err := p.Publish(ctx, release(m.origin, s), publisher.Intent{})
					return code, outcome, string(got), err
				})
			},
			"correct": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					s, note, minor, at := text(), draw("note", "", "X.", "Y."), rapid.Bool().Draw(rt, "minor"), match(seen)
					code, outcome := m.correct(at, s, note, minor)
					_, got, err := p.Correct(ctx, m.id, release(m.origin, s), publisher.Change{Note: note, Minor: minor, Match: at})
					return code, outcome, string(got), err
				})
			},
			"withdraw": func(*rapid.T) {
				step(func(ctx context.Context, m, other *modelled, seen view) (news.Code, string, string, error) {
					reason, by, at := draw("reason", "P.", "Q."), draw("by", "", "", other.id, m.id), match(seen)
					code, outcome := m.withdraw(at, reason, by, other)
					_, got, err := p.Withdraw(ctx, m.id, publisher.Withdrawal{Reason: reason, ReplacedBy: by, Match: at})
					return code, outcome, string(got), err
				})
			},
			"republish": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					s, at := text(), match(seen)
					code, outcome := m.republish(at, s)
					_, got, err := p.Republish(ctx, m.id, release(m.origin, s), publisher.Change{Match: at})
					return code, outcome, string(got), err
				})
			},
			"save": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					s, at, tag := text(), until(), etag(seen)
					code, outcome := m.save(s, at, tag)
					_, got, err := p.Save(ctx, release(m.origin, s), publisher.Intent{}, publisher.Hold{Until: at, Match: tag})
					return code, outcome, string(got), err
				})
			},
			"save a correction or return": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					s, note, at, on := text(), draw("note", "", "X."), until(), match(seen)
					kind, save := kindOf(note == ""), p.SaveFor
					if rapid.Bool().Draw(rt, "return") {
						kind, note, save = news.KindRepublished, "", p.SaveReturn
					}
					code, outcome := m.saveFor(kind, on, s, note, at)
					_, got, err := save(ctx, m.id, release(m.origin, s), publisher.Change{Note: note, Minor: note == "", Match: on}, publisher.Hold{Until: at})
					return code, outcome, string(got), err
				})
			},
			"edit": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					s, note, minor, tag := text(), draw("note", "", "X.", "Y."), rapid.Bool().Draw(rt, "minor"), etag(seen)
					code, outcome := m.edit(s, note, minor, tag)
					_, got, err := p.Edit(ctx, m.id, release(m.origin, s), publisher.Change{Note: note, Minor: minor}, tag)
					return code, outcome, string(got), err
				})
			},
			"embargo": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					at, tag := h.now().Add(time.Duration(rapid.IntRange(1, 30).Draw(rt, "seconds"))*time.Second), etag(seen)
					code, outcome := m.embargo(at, tag)
					_, got, err := p.Embargo(ctx, m.id, publisher.Hold{Until: at, Match: tag})
					return code, outcome, string(got), err
				})
			},
			"lift": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					tag := etag(seen)
					code, outcome := m.lift(tag)
					_, got, err := p.Lift(ctx, m.id, false, tag)
					return code, outcome, string(got), err
				})
			},
			"discard": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					tag := etag(seen)
					code, outcome := m.discard(tag)
					return code, outcome, "", p.Discard(ctx, m.id, tag)
				})
			},
			"release": func(*rapid.T) {
				step(func(ctx context.Context, m, _ *modelled, seen view) (news.Code, string, string, error) {
					tag := etag(seen)
					code, outcome := m.release(tag)
					_, got, err := p.ReleaseNow(ctx, m.id, publisher.Now{Match: tag})
					return code, outcome, string(got), err
				})
			},
			"time goes by": func(*rapid.T) {
				h.advance(time.Duration(rapid.IntRange(1, 40).Draw(rt, "seconds")) * time.Second)
				for _, m := range both {
					if m.desk == nil || m.desk.until.After(h.now()) {
						continue // its schedule has not fired
					}
					m.due(h.now())
					if err := p.ComeOut(t.Context(), m.id); err != nil {
						rt.Fatal(err)
					}
					checkModel(rt, p, m)
				}
			},
		})
		for _, m := range both {
			checkTrail(rt, p, m)
		}
	})
}

// checkModel compares what is public and what waits.
func checkModel(rt *rapid.T, p *publisher.Publisher, m *modelled) {
	rt.Helper()
	ctx := asEditor(context.Background(), "auditor")
	e, err := p.Release(ctx, m.id)
	if m.rev() == 0 {
		if news.CodeOf(err) != news.NotFound {
			rt.Fatalf("it is public: %+v, %v", e, err)
		}
	} else if got := (said{e.Kind, e.Release.Text, e.Release.Note, e.Release.Reason, e.Release.ReplacedBy}); err != nil || e.Release.Revision != m.rev() || got != m.now() {
		rt.Fatalf("revision %d is %+v, %v; want %d, %+v", e.Release.Revision, got, err, m.rev(), m.now())
	}
	w, err := p.Waiting(ctx, m.id)
	if m.desk == nil {
		if news.CodeOf(err) != news.NotFound {
			rt.Fatalf("version %d waits, %v", w.Version, err)
		}
		return
	}
	if got := (kept{w.Version, w.State, w.Until, w.Kind, w.Base, w.Release.Text, w.Release.Note}); err != nil || got != *m.desk || !w.Leaving.IsZero() {
		rt.Fatalf("what waits is %+v, %v; want %+v", got, err, *m.desk)
	}
}

// checkTrail compares the history and the trail: exactly what was acknowledged.
func checkTrail(rt *rapid.T, p *publisher.Publisher, m *modelled) {
	rt.Helper()
	if len(m.trail) == 0 {
		return
	}
	past, err := p.History(asEditor(context.Background(), "auditor"), m.id)
	if err != nil {
		rt.Fatal(err)
	}
	var trail []string
	for _, e := range past.Trail {
		trail = append(trail, e.What)
	}
	if strings.Join(trail, " ") != strings.Join(m.trail, " ") {
		rt.Fatalf("the trail is %v, want %v", trail, m.trail)
	}
	for i, e := range past.Events {
		if e.Kind != m.events[i].kind || e.Revision != i+1 || e.By == "" {
			rt.Fatalf("event %d is %+v, want %+v", i+1, e, m.events[i])
		}
	}
	if len(past.Events) != m.rev() {
		rt.Fatalf("%d events, want %d", len(past.Events), m.rev())
	}
}

// acked is a change at the desk that was acknowledged: the version it was based
// on, as the editor said it, and the one that it made ("" when it took it away).
type acked struct{ match, made, text string }

// Editors who work on one release at the very same time: every acknowledged
// version is public, at the desk, or was replaced by someone who named it.
func TestPublisher_editorsAtOnce(t *testing.T) {
	t.Parallel()
	p, w, h := byHand(t)
	const rounds, editors, changes = 4, 6, 12
	for round := range rounds {
		origin := fmt.Sprint("contested ", round)
		id := news.NewID(origin)
		before := events(t, w)
		var mu sync.Mutex
		var done []acked
		out := map[string]bool{}
		var wg sync.WaitGroup
		for n := range editors {
			wg.Go(func() {
				ctx := asEditor(t.Context(), fmt.Sprint("editor ", n))
				for i := range changes {
					text := fmt.Sprint("Text ", n, " ", i, ".")
					match := "*"
					if seen, err := p.Waiting(ctx, id); err == nil && i%4 != 3 {
						match = seen.ETag()
					}
					h.advance(time.Second)
					one, published := acked{match: match}, ""
					var got news.Pending
					var err error
					switch (n + i) % 6 {
					case 0, 1:
						got, _, err = p.Save(ctx, release(origin, text), publisher.Intent{}, publisher.Hold{Match: match})
						one.made, one.text = got.ETag(), text
					case 2:
						got, _, err = p.Edit(ctx, id, release(origin, text), publisher.Change{}, match)
						one.made, one.text = got.ETag(), text
					case 3:
						got, _, err = p.Embargo(ctx, id, publisher.Hold{Until: h.now(), Match: match})
						one.made = got.ETag()
						if err == nil {
							h.advance(time.Second)
							if err := p.ComeOut(ctx, id); err != nil {
								t.Error(err)
							}
						}
					case 4:
						err = p.Discard(ctx, id, match)
					case 5:
						var e news.Event
						e, _, err = p.ReleaseNow(ctx, id, publisher.Now{Match: match})
						published = e.ID()
					}
					switch code := news.CodeOf(err); {
					case err == nil:
						mu.Lock()
						done = append(done, one)
						if published != "" {
							out[published] = true // two may have released the same version
						}
						mu.Unlock()
					case code != news.Conflict && code != news.Stale && code != news.NotFound:
						t.Errorf("it answers %v", err)
					}
				}
			})
		}
		wg.Wait()
		checkNothingLost(t, p, id, done)
		past, err := p.History(asEditor(t.Context(), "auditor"), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range past.Events {
			delete(out, e.ID)
		}
		if n := int(events(t, w) - before); n != len(past.Events) || len(out) > 0 {
			t.Errorf("%d events, %d in the history; not in it, but acknowledged: %v", n, len(past.Events), out)
		}
	}
}

func checkNothingLost(t *testing.T, p *publisher.Publisher, id string, done []acked) {
	t.Helper()
	ctx := asEditor(t.Context(), "auditor")
	past, err := p.History(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	public := map[string]bool{}
	for _, e := range past.Events {
		for _, d := range e.Changes {
			if d.Part == "summary" { // which is the text here
				public[d.After] = true
			}
		}
	}
	if first := past.Trail[0]; first.After == nil {
		t.Fatalf("the trail begins with %+v", first)
	}
	waits, _ := p.Waiting(ctx, id)
	made := map[string]bool{}
	for _, one := range done {
		if one.made == "" || one.made == "draft-0" {
			continue
		}
		if made[one.made] && one.text != "" {
			t.Errorf("the version %s was given to two editors", one.made)
		}
		made[one.made] = true
		named := slices.ContainsFunc(done, func(o acked) bool { return o.match == "*" || o.match == one.made })
		released := slices.ContainsFunc(past.Trail, func(e publisher.Entry) bool { return e.Event != "" && e.By == "schedule" })
		if !named && !released && !public[one.text] && waits.ETag() != one.made {
			t.Errorf("what was acknowledged as %s is lost: %q", one.made, one.text)
		}
	}
	// The versions in the trail follow each other without a gap.
	version := 0
	for _, e := range past.Trail {
		if e.Event != "" || e.After == nil {
			continue
		}
		if version++; e.After.Version != version {
			t.Errorf("version %d stands behind version %d", e.After.Version, version-1)
		}
	}
}
