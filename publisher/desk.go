package publisher

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// Hold says that a version is to wait at the desk: under embargo until a time,
// or as a draft.
type Hold struct {
	Until time.Time // zero for a draft
	Zone  string    // in which the editor said it; may be empty
	Match string    // ETag of the version at the desk that the caller has seen, "*" for any
	// Notice is the document's own line that it is under embargo.
	Notice string
}

func (h Hold) state() news.Status {
	if h.Until.IsZero() {
		return news.Draft
	}
	return news.Embargoed
}

// when is the time at which a version that is held would be published.
func (h *Hold) when(now time.Time) time.Time {
	if h == nil || h.Until.IsZero() {
		return now
	}
	return h.Until
}

// Save puts a document at the desk: as the first version of a new release or as
// the next of one that is public. What waits there for the same release is
// replaced when h.Match names it. Like [Publisher.Publish] it refuses a release
// that was withdrawn, and a text that a correction has replaced.
func (p *Publisher) Save(ctx context.Context, r news.Release, in Intent, h Hold) (news.Pending, Outcome, error) {
	prev, origin, err := p.place(ctx, &r, in)
	if err != nil {
		return news.Pending{}, "", err
	}
	r.Origin = origin
	kind := news.KindPublished
	if prev.Seq > 0 {
		kind = news.KindRevised
		if err = mayFollow(prev, r, kind); err == nil {
			err = p.notTheCorrected(ctx, prev, &r)
		}
		if err != nil {
			return news.Pending{}, "", err
		}
	}
	return p.save(ctx, prev, r, h, kind)
}

// SaveFor is Save for a correction of a release: c.Note, c.Minor and c.Match are
// as for [Publisher.Correct]. What waits there already is edited, not replaced.
func (p *Publisher) SaveFor(ctx context.Context, id string, r news.Release, c Change, h Hold) (news.Pending, Outcome, error) {
	if err := explained(&r, c.Note, c.Minor); err != nil {
		return news.Pending{}, "", err
	}
	kind := news.KindCorrected
	if c.Minor {
		kind = news.KindRevised
	}
	return p.saveFor(ctx, id, r, c, h, kind)
}

// SaveReturn is Save for the return of a release that was withdrawn, as
// [Publisher.Republish] makes it.
func (p *Publisher) SaveReturn(ctx context.Context, id string, r news.Release, c Change, h Hold) (news.Pending, Outcome, error) {
	return p.saveFor(ctx, id, r, c, h, news.KindRepublished)
}

func (p *Publisher) saveFor(ctx context.Context, id string, r news.Release, c Change, h Hold, kind news.Kind) (news.Pending, Outcome, error) {
	prev, err := p.current(ctx, id, c.Match)
	if err == nil {
		err = mayFollow(prev, r, kind)
	}
	if err == nil {
		err = p.linkOriginal(ctx, id, &r)
	}
	if err != nil {
		return news.Pending{}, "", err
	}
	r.ID, r.Origin, r.URL = id, originOf(&r, ""), cmp.Or(r.URL, prev.Event.Release.URL)
	h.Match = noMatch
	return p.save(ctx, prev, r, h, kind)
}

// mayFollow refuses a version of a kind that the public state does not allow.
func mayFollow(prev wire.Record, r news.Release, kind news.Kind) error {
	_, err := news.Next(publicOf(prev), r, kind, prev.Event.Time, false)
	return err
}

func publicOf(rec wire.Record) *news.Release {
	if rec.Seq == 0 {
		return nil
	}
	return &rec.Event.Release
}

func (p *Publisher) save(ctx context.Context, prev wire.Record, r news.Release, h Hold, kind news.Kind) (news.Pending, Outcome, error) {
	w, err := p.waiting(ctx, r.ID)
	if err != nil {
		return news.Pending{}, "", err
	}
	move := news.MoveSave
	if h.state() == news.Embargoed {
		move = news.MoveEmbargo
	}
	if err := news.MayMove(publicOf(prev), w.pending(), move); err != nil {
		return news.Pending{}, "", err
	}
	next := news.Pending{State: h.state(), Kind: kind, Base: prev.Event.Release.Revision, Until: h.Until, Zone: h.Zone, Notice: h.Notice, Release: r}
	next.Sealed = next.State == news.Embargoed
	if err := p.mayBelong(ctx, prev, r.Origin); err != nil {
		return news.Pending{}, "", err
	}
	if prev.Seq == 0 {
		if err := news.NotRetired(p.cfg.Taxonomy, &r); err != nil {
			return news.Pending{}, "", err
		}
	}
	if p := w.pending(); p != nil {
		if !maySee(ctx, p) {
			return news.Pending{}, "", notWithThisKey(p)
		}
		next.Sealed = next.Sealed || p.Sealed
		if p.State == next.State && p.Until.Equal(next.Until) && p.Kind == kind && p.Base == next.Base && p.Release.Note == r.Note && p.Release.Origin == r.Origin && news.SameContent(&p.Release, &r) {
			return *p, Unchanged, nil
		}
		if err := mayTakeOver(ctx, p, h); err != nil {
			return news.Pending{}, "", err
		}
	}
	next, err = p.put(ctx, prev, w, next, move)
	return next, Outcome(next.State), err
}

// noMatch is for whoever cannot name what waits.
const noMatch = "-"

func mayTakeOver(ctx context.Context, w *news.Pending, h Hold) error {
	switch {
	case guarded(w) && !access.From(ctx).May(access.Publish):
		return news.Problemf(news.Forbidden, "what waits at the desk for release %s is no draft, so it takes the scope publish to replace it", w.Release.ID)
	case h.Match == noMatch:
		return news.Problemf(news.Conflict, "a version of release %s waits at the desk already; edit that one, or discard it first", w.Release.ID)
	}
	return matches(w, h.Match)
}

// Edit replaces the content of what waits; an embargo stays. A correction becomes
// a minor one when c.Minor is set.
func (p *Publisher) Edit(ctx context.Context, id string, r news.Release, c Change, match string) (news.Pending, Outcome, error) {
	prev, w, err := p.both(ctx, id, match)
	if err != nil {
		return news.Pending{}, "", err
	}
	if err := news.MayMove(publicOf(prev), w.pending(), news.MoveSave); err != nil {
		return news.Pending{}, "", err
	}
	next := w.Pending
	// What waits is from now on based on the newest public revision: its editor
	// has seen that one, or is told of it by the page it edits.
	next.Base, next.Stalled, next.Kind = prev.Event.Release.Revision, "", rebased(publicOf(prev), next.Kind, c.Minor)
	r.ID, r.Note = id, strings.TrimSpace(news.Clean(c.Note))
	if next.Kind == news.KindCorrected || next.Kind == news.KindRevised {
		if err := explained(&r, cmp.Or(r.Note, next.Release.Note), next.Kind == news.KindRevised); err != nil {
			return news.Pending{}, "", err
		}
	}
	if err := p.linkOriginal(ctx, id, &r); err != nil {
		return news.Pending{}, "", err
	}
	r.URL = cmp.Or(r.URL, next.Release.URL)
	r.Origin = next.Release.Origin
	if news.SameContent(&next.Release, &r) && next.Release.Note == r.Note && next.Base == w.Pending.Base && next.Kind == w.Pending.Kind {
		return w.Pending, Unchanged, nil
	}
	next.Release, next.Notice = r, c.Notice
	next, err = p.put(ctx, prev, w, next, news.MoveSave)
	return next, Outcome(next.State), err
}

// rebased is the kind that a version becomes when the public state has moved
// under it: a first publication that came another way makes it a revision.
func rebased(public *news.Release, kind news.Kind, minor bool) news.Kind {
	return news.FollowOn(public, minor || kind != news.KindCorrected)
}

// Embargo sets the time at which what waits is published.
func (p *Publisher) Embargo(ctx context.Context, id string, h Hold) (news.Pending, Outcome, error) {
	prev, w, err := p.both(ctx, id, h.Match)
	if err != nil {
		return news.Pending{}, "", err
	}
	if err := news.MayMove(publicOf(prev), w.pending(), news.MoveEmbargo); err != nil {
		return news.Pending{}, "", err
	}
	next := w.Pending
	if next.State == news.Embargoed && next.Until.Equal(h.Until) {
		return next, Unchanged, nil
	}
	if next.Base != prev.Event.Release.Revision {
		return news.Pending{}, "", moved(&prev.Event.Release, &next)
	}
	next.State, next.Until, next.Zone, next.Stalled, next.Sealed = news.Embargoed, h.Until, h.Zone, "", true
	next, err = p.put(ctx, prev, w, next, news.MoveEmbargo)
	return next, Outcome(next.State), err
}

// Lift takes an embargo off; what was under it is a draft and is not published
// by itself. It stays for those who may see what is under embargo, unless open
// is set, which also opens a draft that was under embargo before.
func (p *Publisher) Lift(ctx context.Context, id string, open bool, match string) (news.Pending, Outcome, error) {
	prev, w, err := p.both(ctx, id, match)
	if err != nil {
		return news.Pending{}, "", err
	}
	next := w.Pending
	if !open || !next.Sealed {
		err = news.MayMove(publicOf(prev), w.pending(), news.MoveLift)
	}
	if err != nil {
		return news.Pending{}, "", err
	}
	next.State, next.Until, next.Zone, next.Sealed = news.Draft, time.Time{}, "", next.Sealed && !open
	if open {
		next.Stalled = ""
	}
	next, err = p.put(ctx, prev, w, next, news.MoveLift)
	if err == nil {
		p.notDue(ctx, id)
	}
	return next, Outcome(next.State), err
}

// Discard takes what waits from the desk for good.
func (p *Publisher) Discard(ctx context.Context, id, match string) error {
	prev, w, err := p.both(ctx, id, match)
	if err != nil {
		return err
	}
	if err := news.MayMove(publicOf(prev), w.pending(), news.MoveDiscard); err != nil {
		return err
	}
	note, err := p.noteMove(ctx, w.pending(), nil, news.MoveDiscard, "")
	if err != nil {
		return err
	}
	if err := p.cfg.Wire.DropPending(ctx, id, w.Seq); err != nil {
		err = deskConflict(id, err)
		p.noteRefused(ctx, note, err)
		return err
	}
	p.notDue(ctx, id)
	p.forgetAnswers(ctx, id)
	return nil
}

// Now says how what waits is published before its time, or without one.
type Now struct {
	Match  string // ETag of the version that the caller has seen, "*" for any
	Anyway bool   // although the document says of itself that it is under embargo
	DryRun bool   // change nothing: say what would come of it
}

// ReleaseNow publishes what waits at once, embargo or not. When the log goes away
// meanwhile, it is published as soon as that is back.
func (p *Publisher) ReleaseNow(ctx context.Context, id string, how Now) (news.Event, Outcome, error) {
	prev, w, err := p.both(ctx, id, how.Match)
	if err == nil {
		err = news.MayMove(publicOf(prev), w.pending(), news.MoveRelease)
	}
	if err == nil && w.Pending.Notice != "" && !how.Anyway && !how.DryRun {
		err = saysEmbargo(w.Pending.Notice)
	}
	if err != nil {
		return news.Event{}, "", err
	}
	if how.DryRun {
		if prev.Event.Release.Revision != w.Pending.Base {
			return news.Event{}, "", moved(&prev.Event.Release, &w.Pending)
		}
		at := Hold{Until: w.Pending.Until}
		e, err := p.draftAt(at.when(p.now()), publicOf(prev), w.Pending.Release, w.Pending.Kind, false)
		return e, released(e.Kind), err
	}
	e, err := p.bringOut(ctx, &w)
	switch {
	case err == nil:
		p.notDue(ctx, id)
	case !passing(err):
		p.stay(ctx, w)
	}
	return e, released(e.Kind), err
}

// released is the outcome of an event that came from the desk.
func released(kind news.Kind) Outcome {
	if kind == news.KindPublished {
		return Created
	}
	return Outcome(kind)
}

// both reads the public state and what waits, and checks that the caller has
// seen the latter.
func (p *Publisher) both(ctx context.Context, id, match string) (wire.Record, waits, error) {
	if !news.ValidID(id) {
		return wire.Record{}, waits{}, nothingThere(id)
	}
	w, err := p.waiting(ctx, id)
	if err == nil && (w.Seq == 0 || !mayHandle(ctx, &w.Pending)) {
		err = nothingThere(id)
	}
	if err == nil {
		err = matches(w.pending(), match)
	}
	if err != nil {
		return wire.Record{}, waits{}, err
	}
	prev, err := p.cfg.Wire.Last(ctx, id)
	if errors.Is(err, wire.ErrNotFound) {
		return wire.Record{}, w, nil
	}
	return prev, w, err
}

// mayBelong refuses an origin that is another release's: what waits could not be
// published with it.
func (p *Publisher) mayBelong(ctx context.Context, prev wire.Record, origin string) error {
	if prev.Seq == 0 || knowsOrigin(&prev.Event.Release, origin) {
		return nil
	}
	return p.notAnothers(ctx, origin, prev.Event.Release.ID)
}

// put stores a version at the desk. The schedule comes first: one that fires for
// nothing does no harm, an embargo without one would wait for the next look.
func (p *Publisher) put(ctx context.Context, prev wire.Record, w waits, next news.Pending, m news.Move) (news.Pending, error) {
	next.Version, next.Changed, next.By = w.Pending.Version+1, p.cfg.Now().UTC().Truncate(time.Millisecond), access.From(ctx).Name
	if err := p.wouldGo(publicOf(prev), next); err != nil {
		return next, err
	}
	note, err := p.noteMove(ctx, w.pending(), &next, m, "")
	if err != nil {
		return next, err
	}
	if next.State == news.Embargoed {
		if err := p.cfg.Wire.DueAt(ctx, next.Release.ID, next.Until); err != nil {
			p.noteRefused(ctx, note, err)
			return next, err
		}
	}
	if _, err := p.cfg.Wire.KeepPending(ctx, next, w.Seq); err != nil {
		err = deskConflict(next.Release.ID, err)
		p.noteRefused(ctx, note, err)
		p.notDue(ctx, next.Release.ID) // what else waits there keeps its time
		return next, err
	}
	p.cfg.Log.Info().Str("release_id", next.Release.ID).Int("version", next.Version).Str("move", string(m)).Msg("desk")
	return next, nil
}

// wouldGo checks that what is under embargo can be published when it is over;
// nobody may be there then to mend it. A draft needs a title only.
func (p *Publisher) wouldGo(public *news.Release, next news.Pending) error {
	if next.State == news.Draft {
		if strings.TrimSpace(next.Release.Title) == "" {
			return news.Problemf(news.Unacceptable, "the draft has no title")
		}
		return nil
	}
	_, err := p.draftAt(next.Until, public, next.Release, next.Kind, false)
	return err
}

func deskConflict(id string, err error) error {
	if errors.Is(err, wire.ErrConflict) {
		return news.Problemf(news.Conflict, "what waits for release %s was changed by someone else at the same moment; read it again and repeat the change", id)
	}
	return err
}

func moved(public *news.Release, w *news.Pending) error {
	return news.Problemf(news.Conflict, "release %s is at revision %d, but what waits at the desk is based on revision %d; look at what changed, then edit or discard what waits", public.ID, public.Revision, w.Base)
}

// notDue takes a schedule back, unless something is under embargo meanwhile.
func (p *Publisher) notDue(ctx context.Context, id string) {
	err := p.cfg.Wire.NotDue(ctx, id)
	if w, look := p.waiting(ctx, id); err == nil && look == nil && w.Seq > 0 && w.Pending.State == news.Embargoed {
		err = p.cfg.Wire.DueAt(ctx, id, w.Pending.Until)
	}
	if err != nil { // it fires for nothing, or the next look finds what is due
		p.cfg.Log.Warn().Err(err).Str("release_id", id).Msg("the schedule of an embargo is not as it should be")
	}
}
