package publisher

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// desk is what waits, in memory: the list that editors see, and what the timer
// looks at. Decisions are made on what the stream says.
type desk struct {
	mu     sync.RWMutex
	waits  map[string]wire.Waits
	loaded chan struct{} // closed when everything that was there is in
	once   sync.Once
}

func newDesk() *desk { return &desk{waits: map[string]wire.Waits{}, loaded: make(chan struct{})} }

func (d *desk) take(id string, at wire.Waits, gone bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case id == "":
		d.once.Do(func() { close(d.loaded) })
	case gone:
		delete(d.waits, id)
	default:
		d.waits[id] = at
	}
	return nil
}

// all lists what waits, what is due first, drafts behind by their last change.
func (d *desk) all() []news.Pending {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]news.Pending, 0, len(d.waits))
	for _, w := range d.waits {
		out = append(out, w.Pending)
	}
	slices.SortFunc(out, func(a, b news.Pending) int {
		return cmp.Or(cmp.Compare(b.State, a.State), a.Until.Compare(b.Until), b.Changed.Compare(a.Changed), strings.Compare(a.Release.ID, b.Release.ID))
	})
	return out
}

// Hold says that a version is to wait at the desk: under embargo until a time,
// or as a draft.
type Hold struct {
	Until time.Time // zero for a draft
	Zone  string    // in which the editor said it; may be empty
	Match string    // ETag of the version at the desk that the caller has seen, "*" for any
}

func (h Hold) state() news.Status {
	if h.Until.IsZero() {
		return news.Draft
	}
	return news.Embargoed
}

// Save puts a document at the desk: as the first version of a new release or as
// the next of one that is public. What waits there for the same release is
// replaced when h.Match names it.
func (p *Publisher) Save(ctx context.Context, r news.Release, in Intent, h Hold) (news.Pending, Outcome, error) {
	prev, origin, err := p.place(ctx, &r, in)
	if err != nil {
		return news.Pending{}, "", err
	}
	r.Origin = origin
	return p.save(ctx, prev, r, h, news.FollowOn(publicOf(prev), true))
}

// SaveFor is Save for a correction of a release, or for the return of one that
// was withdrawn: c.Note, c.Minor and c.Match are as for [Publisher.Correct].
func (p *Publisher) SaveFor(ctx context.Context, id string, r news.Release, c Change, h Hold) (news.Pending, Outcome, error) {
	prev, err := p.current(ctx, id, c.Match)
	if err != nil {
		return news.Pending{}, "", err
	}
	kind := news.FollowOn(publicOf(prev), c.Minor)
	if kind != news.KindRepublished {
		if err := explained(&r, c.Note, c.Minor); err != nil {
			return news.Pending{}, "", err
		}
	}
	if err := p.linkOriginal(ctx, id, &r); err != nil {
		return news.Pending{}, "", err
	}
	r.ID, r.Origin, r.URL = id, originOf(&r, ""), cmp.Or(r.URL, prev.Event.Release.URL)
	return p.save(ctx, prev, r, h, kind)
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
	next := news.Pending{State: h.state(), Kind: kind, Base: prev.Event.Release.Revision, Until: h.Until, Zone: h.Zone, Release: r}
	if p := w.pending(); p != nil {
		if p.State == next.State && p.Until.Equal(next.Until) && p.Kind == kind && p.Base == next.Base && p.Release.Note == r.Note && p.Release.Origin == r.Origin && news.SameContent(&p.Release, &r) {
			return *p, Unchanged, nil
		}
		if err := matches(p, h.Match); err != nil {
			return news.Pending{}, "", err
		}
	}
	next, err = p.put(ctx, prev, w, next, move)
	return next, Outcome(next.State), err
}

// Edit replaces the content of what waits; an embargo stays.
func (p *Publisher) Edit(ctx context.Context, id string, r news.Release, c Change, match string) (news.Pending, Outcome, error) {
	prev, w, err := p.both(ctx, id, match)
	if err != nil {
		return news.Pending{}, "", err
	}
	if err := news.MayMove(publicOf(prev), w.pending(), news.MoveSave); err != nil {
		return news.Pending{}, "", err
	}
	next := w.Pending
	r.ID, r.Note = id, strings.TrimSpace(news.Clean(c.Note))
	if next.Kind == news.KindCorrected || next.Kind == news.KindRevised {
		r.Note = cmp.Or(r.Note, next.Release.Note)
		if err := explained(&r, r.Note, c.Minor || next.Kind == news.KindRevised); err != nil {
			return news.Pending{}, "", err
		}
	}
	if err := p.linkOriginal(ctx, id, &r); err != nil {
		return news.Pending{}, "", err
	}
	r.URL = cmp.Or(r.URL, next.Release.URL)
	r.Origin = next.Release.Origin
	if news.SameContent(&next.Release, &r) && next.Release.Note == r.Note {
		return next, Unchanged, nil
	}
	// What waits is from now on based on the newest public revision: its editor
	// has seen that one, or is told of it by the page it edits.
	next.Release, next.Base, next.Stalled = r, prev.Event.Release.Revision, ""
	next.Kind = rebased(publicOf(prev), next.Kind)
	next, err = p.put(ctx, prev, w, next, news.MoveSave)
	return next, Outcome(next.State), err
}

// rebased is the kind that a version becomes when the public state has moved
// under it: a first publication that came another way makes it a revision.
func rebased(public *news.Release, kind news.Kind) news.Kind {
	switch {
	case public == nil, public.Status == news.Withdrawn:
		return news.FollowOn(public, false)
	case kind == news.KindCorrected:
		return kind
	}
	return news.KindRevised
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
	next.State, next.Until, next.Zone, next.Stalled = news.Embargoed, h.Until, h.Zone, ""
	next, err = p.put(ctx, prev, w, next, news.MoveEmbargo)
	return next, Outcome(next.State), err
}

// Lift takes an embargo off; what was under it is a draft and is not published
// by itself.
func (p *Publisher) Lift(ctx context.Context, id, match string) (news.Pending, Outcome, error) {
	prev, w, err := p.both(ctx, id, match)
	if err != nil {
		return news.Pending{}, "", err
	}
	if err := news.MayMove(publicOf(prev), w.pending(), news.MoveLift); err != nil {
		return news.Pending{}, "", err
	}
	next := w.Pending
	next.State, next.Until, next.Zone = news.Draft, time.Time{}, ""
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
	return nil
}

// ReleaseNow publishes what waits at once, embargo or not.
func (p *Publisher) ReleaseNow(ctx context.Context, id, match string) (news.Event, Outcome, error) {
	_, w, err := p.both(ctx, id, match)
	if err != nil {
		return news.Event{}, "", err
	}
	if err := news.MayMove(nil, w.pending(), news.MoveRelease); err != nil {
		return news.Event{}, "", err
	}
	e, err := p.bringOut(ctx, w)
	if err == nil {
		p.notDue(ctx, id)
	}
	outcome := Outcome(e.Kind)
	if e.Kind == news.KindPublished {
		outcome = Created
	}
	return e, outcome, err
}

// Waiting returns what waits at the desk for a release, to callers who may see it.
func (p *Publisher) Waiting(ctx context.Context, id string) (news.Pending, error) {
	w, err := p.waiting(ctx, id)
	if err == nil && (w.Seq == 0 || !maySee(ctx, &w.Pending)) {
		err = nothingThere(id)
	}
	return w.Pending, err
}

// AllWaiting lists what waits at the desk and the caller may see.
func (p *Publisher) AllWaiting(ctx context.Context) ([]news.Pending, error) {
	select {
	case <-p.desk.loaded:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(loadTime):
		return nil, news.Problemf(news.Unavailable, "the desk is still being read; try again in a moment")
	}
	return slices.DeleteFunc(p.desk.all(), func(w news.Pending) bool { return !maySee(ctx, &w) }), nil
}

// loadTime is how long a request waits for what is being read at the start.
const loadTime = 5 * time.Second

// maySee: drafts are for those who write them, what is under embargo only for
// those with that right.
func maySee(ctx context.Context, w *news.Pending) bool {
	caller := access.From(ctx)
	if w.State == news.Embargoed {
		return caller.May(access.ReadEmbargoed)
	}
	return caller.May(access.Draft)
}

func nothingThere(id string) error {
	return news.Problemf(news.NotFound, "nothing waits at the desk for release %s; dateline desk lists what does", id)
}

// both reads the public state and what waits, and checks that the caller has
// seen the latter.
func (p *Publisher) both(ctx context.Context, id, match string) (wire.Record, waits, error) {
	if !news.ValidID(id) {
		return wire.Record{}, waits{}, nothingThere(id)
	}
	w, err := p.waiting(ctx, id)
	if err == nil && w.Seq == 0 {
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

// waits is what waits for a release; its zero value is nothing.
type waits struct{ wire.Waits }

func (w *waits) pending() *news.Pending {
	if w.Seq == 0 {
		return nil
	}
	return &w.Pending
}

func (p *Publisher) waiting(ctx context.Context, id string) (waits, error) {
	w, err := p.cfg.Wire.PendingOf(ctx, id)
	if errors.Is(err, wire.ErrNotFound) {
		return waits{}, nil
	}
	return waits{w}, err
}

// nothingWaits refuses a public change past what waits at the desk.
func (p *Publisher) nothingWaits(ctx context.Context, id string, kind news.Kind) error {
	w, err := p.waiting(ctx, id)
	if err != nil {
		return err
	}
	return news.MayChange(w.pending(), kind)
}

func matches(w *news.Pending, match string) error {
	switch match {
	case "*", w.ETag():
		return nil
	case "":
		return news.Problemf(news.NeedsMatch, "something waits at the desk for release %s already; to change it, send If-Match with its ETag, or *", w.Release.ID)
	}
	return news.Problemf(news.Stale, "what waits for release %s was changed since you read it; read it again and repeat the change", w.Release.ID)
}

// put stores a version at the desk. The schedule comes first: one that fires for
// nothing does no harm, an embargo without one would wait for the next look.
func (p *Publisher) put(ctx context.Context, prev wire.Record, w waits, next news.Pending, m news.Move) (news.Pending, error) {
	next.Version, next.Changed, next.By = 1, p.cfg.Now().UTC().Truncate(time.Millisecond), access.From(ctx).Name
	if was := w.pending(); was != nil {
		next.Version = was.Version + 1
	}
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

func (p *Publisher) notDue(ctx context.Context, id string) {
	if err := p.cfg.Wire.NotDue(ctx, id); err != nil { // it fires for nothing
		p.cfg.Log.Warn().Err(err).Str("release_id", id).Msg("the schedule of an embargo stays")
	}
}

// bringOut publishes what waits. It can be repeated: what is out already is
// recognised by its content.
func (p *Publisher) bringOut(ctx context.Context, w waits) (news.Event, error) {
	id := w.Pending.Release.ID
	rec, err := p.cfg.Wire.Last(ctx, id)
	if err != nil && !errors.Is(err, wire.ErrNotFound) {
		return news.Event{}, err
	}
	e, out, err := p.alreadyOut(ctx, rec, &w.Pending)
	if err == nil && !out {
		e, err = p.bringOutNow(ctx, rec, &w.Pending)
	}
	if err != nil {
		return e, err
	}
	return e, deskConflict(id, p.cfg.Wire.DropPending(ctx, id, w.Seq))
}

func (p *Publisher) bringOutNow(ctx context.Context, rec wire.Record, w *news.Pending) (news.Event, error) {
	r := w.Release
	switch {
	case rec.Event.Release.Revision != w.Base:
		return news.Event{}, moved(&rec.Event.Release, w)
	case rec.Seq == 0:
		return p.append(ctx, rec, nil, r, news.KindPublished, false)
	}
	return p.change(ctx, rec, r, r.Origin, w.Kind)
}

// alreadyOut reports whether the revision that a version at the desk was to
// become is in the log with its content: the process ended before it could
// clear the desk.
func (p *Publisher) alreadyOut(ctx context.Context, rec wire.Record, w *news.Pending) (news.Event, bool, error) {
	if rec.Event.Release.Revision <= w.Base {
		return news.Event{}, false, nil
	}
	history, err := p.cfg.Wire.History(ctx, w.Release.ID, rec.Seq)
	if err != nil {
		return news.Event{}, false, err
	}
	for _, h := range history {
		if e := h.Event; e.Release.Revision == w.Base+1 && e.Kind == w.Kind && news.SameContent(&e.Release, &w.Release) {
			return e, true, nil
		}
	}
	return news.Event{}, false, nil
}

// holdBack makes a draft of what waits under embargo for a release that has been
// withdrawn: it must not come back by itself.
func (p *Publisher) holdBack(ctx context.Context, id string) {
	w, err := p.waiting(ctx, id)
	if err == nil && w.Seq > 0 && w.Pending.State == news.Embargoed {
		err = p.stall(ctx, w, "the release was withdrawn meanwhile")
	}
	if err != nil { // the end of the embargo finds it based on an older revision and does not publish it
		p.cfg.Log.Warn().Err(err).Str("release_id", id).Msg("what waits for a withdrawn release is still under embargo")
	}
}

// stall makes a draft of what could not be published when its embargo was over.
func (p *Publisher) stall(ctx context.Context, w waits, why string) error {
	next := w.Pending
	next.State, next.Until, next.Zone, next.Stalled = news.Draft, time.Time{}, "", why
	next.Version, next.Changed, next.By = next.Version+1, p.cfg.Now().UTC().Truncate(time.Millisecond), access.From(ctx).Name
	note, err := p.noteMove(ctx, w.pending(), &next, news.MoveLift, why)
	if err != nil {
		return err
	}
	if _, err := p.cfg.Wire.KeepPending(ctx, next, w.Seq); err != nil {
		p.noteRefused(ctx, note, err)
		return err
	}
	p.cfg.Log.Error().Str("release_id", next.Release.ID).Str("why", why).Msg("an embargoed release was not published and waits as a draft")
	return nil
}
