package publisher

import (
	"context"
	"errors"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// bringOut publishes what waits. It can be repeated, by several processes at
// once: what is out already is recognised by its content. A refusal is looked at
// twice, because another may have been quicker. w is then what still waits of
// the version, nothing when it is gone or another.
func (p *Publisher) bringOut(ctx context.Context, w *waits) (e news.Event, err error) {
	for range 2 {
		if e, err = p.bringOutOnce(ctx, w); err == nil || passing(err) {
			return e, err
		}
		now, look := p.waiting(ctx, w.Pending.Release.ID)
		if look != nil {
			return e, look
		}
		if now.Seq == 0 || now.Pending.Version != w.Pending.Version {
			*w = waits{}
			return e, err
		}
		*w = now
	}
	return e, err
}

func (p *Publisher) bringOutOnce(ctx context.Context, w *waits) (news.Event, error) {
	id := w.Pending.Release.ID
	rec, err := p.cfg.Wire.Last(ctx, id)
	if err != nil && !errors.Is(err, wire.ErrNotFound) {
		return news.Event{}, err
	}
	e, out, err := p.alreadyOut(ctx, rec, &w.Pending)
	if err == nil && !out {
		if err = p.leave(ctx, rec, w); err == nil {
			e, err = p.bringOutNow(ctx, rec, &w.Pending)
		}
	}
	if err != nil {
		return e, err
	}
	return e, p.clear(ctx, *w)
}

// clear takes from the desk what is out. Another process may have marked or
// unmarked the same version meanwhile; one that is another version stays.
func (p *Publisher) clear(ctx context.Context, w waits) error {
	id, version := w.Pending.Release.ID, w.Pending.Version
	for {
		err := p.cfg.Wire.DropPending(ctx, id, w.Seq)
		if !errors.Is(err, wire.ErrConflict) {
			return err
		}
		if w, err = p.waiting(ctx, id); err != nil || w.Seq == 0 || w.Pending.Version != version {
			return err
		}
	}
}

// leave checks that a version can be published, and marks it: from then on
// nothing can be done with it at the desk, so that whoever was told that an
// embargo is lifted or a version discarded does not see it come out.
func (p *Publisher) leave(ctx context.Context, rec wire.Record, w *waits) error {
	next := w.Pending
	if rec.Event.Release.Revision != next.Base {
		return moved(&rec.Event.Release, &next)
	}
	if _, err := p.draft(publicOf(rec), next.Release, next.Kind, false); err != nil {
		return err
	}
	if !next.Leaving.IsZero() {
		return nil
	}
	next.Leaving = p.cfg.Now().UTC().Truncate(time.Millisecond)
	seq, err := p.cfg.Wire.KeepPending(ctx, next, w.Seq)
	if err == nil {
		w.Seq, w.Pending = seq, next
	}
	return deskConflict(next.Release.ID, err)
}

// stay takes the mark off what could not be published.
func (p *Publisher) stay(ctx context.Context, w waits) {
	if w.Seq == 0 || w.Pending.Leaving.IsZero() || p.isOut(ctx, w) {
		return
	}
	w.Pending.Leaving = time.Time{}
	if _, err := p.cfg.Wire.KeepPending(ctx, w.Pending, w.Seq); err != nil && !errors.Is(err, wire.ErrConflict) {
		p.cfg.Log.Warn().Err(err).Str("release_id", w.Pending.Release.ID).Msg("what was not published is tried once more by itself")
	}
}

// isOut clears the desk of what another process has brought out meanwhile, and
// reports whether it has.
func (p *Publisher) isOut(ctx context.Context, w waits) bool {
	rec, err := p.cfg.Wire.Last(ctx, w.Pending.Release.ID)
	if err != nil {
		return false
	}
	_, out, err := p.alreadyOut(ctx, rec, &w.Pending)
	if err != nil || !out {
		return false
	}
	if err := p.clear(ctx, w); err != nil {
		p.cfg.Log.Warn().Err(err).Str("release_id", w.Pending.Release.ID).Msg("what is published waits at the desk still")
	}
	return true
}

func (p *Publisher) bringOutNow(ctx context.Context, rec wire.Record, w *news.Pending) (news.Event, error) {
	if rec.Seq == 0 {
		return p.append(ctx, rec, nil, w.Release, news.KindPublished, false)
	}
	return p.change(ctx, rec, w.Release, w.Release.Origin, w.Kind)
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
	if p.isOut(ctx, w) {
		return nil
	}
	next := w.Pending
	next.State, next.Until, next.Zone, next.Stalled, next.Leaving = news.Draft, time.Time{}, "", why, time.Time{}
	next.Version, next.Changed, next.By = next.Version+1, p.cfg.Now().UTC().Truncate(time.Millisecond), access.From(ctx).Name
	note, err := p.noteMove(ctx, w.pending(), &next, news.MoveLift, why)
	if err != nil {
		return err
	}
	if _, err := p.cfg.Wire.KeepPending(ctx, next, w.Seq); err != nil {
		err = deskConflict(next.Release.ID, err)
		p.noteRefused(ctx, note, err)
		return err
	}
	p.cfg.Log.Error().Str("release_id", next.Release.ID).Str("why", why).Msg("an embargoed release was not published and waits as a draft")
	return nil
}
