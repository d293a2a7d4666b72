package publisher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"golang.org/x/sync/errgroup"
)

const (
	// dueInFlight is how many releases whose embargo is over are published at a time.
	dueInFlight = 8
	// overdueEvery is how often the desk is looked through for an embargo that is
	// over: its schedule is missing, or the process that took it has ended.
	overdueEvery = time.Second
	// overdueBy is how late an embargo may be before that look publishes it.
	overdueBy = time.Second
	// dueRetry is the pause before something that failed for the moment is tried again.
	dueRetry = time.Second
)

// scheduler is the name in the trail of what happens by itself.
const scheduler = "schedule"

// Run follows the log and the desk until ctx ends, which gives nil, and
// publishes what was under embargo when its time has come. Of several processes
// on one log any may do that; a release comes out once.
func (p *Publisher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.keep(ctx, "list of releases", p.followLog) })
	g.Go(func() error {
		return p.keep(ctx, "desk", func(ctx context.Context) error { return p.cfg.Wire.FollowDesk(ctx, p.desk.take) })
	})
	g.Go(func() error { return p.keep(ctx, "embargoes", p.dues) })
	g.Go(func() error { return p.overdue(ctx) })
	return g.Wait()
}

// keep runs fn again whenever it fails for a reason that may pass.
func (p *Publisher) keep(ctx context.Context, what string, fn func(context.Context) error) error {
	for {
		err := fn(ctx)
		switch {
		case ctx.Err() != nil, err == nil:
			return nil
		case errors.Is(err, wire.ErrLost), errors.Is(err, wire.ErrBroken), errors.Is(err, news.ErrNewer):
			return fmt.Errorf("%s: %w", what, err)
		}
		p.cfg.Log.Warn().Err(err).Str("part", what).Msg("interrupted, starting again")
		if !pause(ctx, dueRetry) {
			return nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *Publisher) followLog(ctx context.Context) error {
	target, err := p.lastReadable(ctx)
	if err != nil {
		return err
	}
	p.list.Expect(target)
	return p.cfg.Wire.Follow(ctx, p.list.Applied()+1, func(seq uint64, e news.Event) error {
		p.list.Apply(seq, &e)
		return nil
	})
}

// lastReadable is the sequence of the last event that following the log hands
// out: it passes over those that cannot be read.
func (p *Publisher) lastReadable(ctx context.Context) (uint64, error) {
	seq, err := p.cfg.Wire.LastSeq(ctx)
	for ; err == nil && seq > 0; seq-- {
		_, look := p.cfg.Wire.At(ctx, seq)
		switch {
		case look == nil, errors.Is(look, news.ErrNewer):
			return seq, nil
		case news.CodeOf(look) == news.Unavailable:
			return 0, look
		}
	}
	return seq, err
}

// dues takes the embargoes that are over from their stream. Each is worked on
// beside the others, so that one that fails holds up none.
func (p *Publisher) dues(ctx context.Context) error {
	g, work := errgroup.WithContext(As(ctx, scheduler))
	err := p.cfg.Wire.Dues(ctx, dueInFlight, func(j *wire.Job) {
		g.Go(func() error {
			if p.comeOut(work, j.Recipient) {
				if err := j.Done(work); err != nil {
					p.cfg.Log.Warn().Err(err).Str("release_id", j.Recipient).Msg("the end of an embargo comes again")
				}
			}
			return nil
		})
	})
	return errors.Join(err, g.Wait())
}

// comeOut publishes what waits for a release if its embargo is over, and
// insists until it is done or ctx ends, which gives false.
func (p *Publisher) comeOut(ctx context.Context, id string) bool {
	for {
		err := p.comeOutOnce(ctx, id)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		p.cfg.Log.Warn().Err(err).Str("release_id", id).Msg("an embargo is over, but the release could not be published yet")
		if !pause(ctx, dueRetry) {
			return false
		}
	}
}

func (p *Publisher) comeOutOnce(ctx context.Context, id string) error {
	if !news.ValidID(id) {
		return nil
	}
	w, err := p.waiting(ctx, id)
	if errors.Is(err, news.ErrNewer) {
		return nil // that version publishes it
	}
	if err != nil || w.Seq == 0 || w.Pending.State != news.Embargoed && w.Pending.Leaving.IsZero() {
		return err
	}
	if early := w.Pending.Until.Sub(p.cfg.Now()); early > 0 && w.Pending.Leaving.IsZero() {
		return p.early(ctx, id, w.Pending.Until, early)
	}
	if _, err = p.bringOut(ctx, &w); err == nil || passing(err) || w.Seq == 0 {
		return transient(err)
	}
	return p.stall(ctx, w, err.Error())
}

// early waits for an embargo that is not over yet: its schedule is one that was
// replaced, or the store's clock is ahead of ours.
func (p *Publisher) early(ctx context.Context, id string, until time.Time, by time.Duration) error {
	if !pause(ctx, min(by, dueRetry)) {
		return ctx.Err()
	}
	if by <= dueRetry {
		return p.comeOutOnce(ctx, id)
	}
	return p.cfg.Wire.DueAt(ctx, id, until)
}

// transient is err if it may be over in a moment.
func transient(err error) error {
	if passing(err) {
		return err
	}
	return nil
}

// passing reports whether err may be over in a moment.
func passing(err error) bool {
	if err == nil {
		return false
	}
	switch news.CodeOf(err) {
	case news.Unavailable, news.DiskFull:
		return true
	case "":
		return true // not a refusal but something that failed
	}
	return false
}

// overdue looks after embargoes whose schedule is missing: it makes the missing
// ones at the start, and publishes what is overdue, also what was to be published
// at once by a process that has ended.
func (p *Publisher) overdue(ctx context.Context) error {
	ctx = As(ctx, scheduler)
	select {
	case <-p.desk.loaded:
	case <-ctx.Done():
		return nil
	}
	for _, w := range p.desk.all() {
		if w.State == news.Embargoed {
			if err := p.cfg.Wire.DueAt(ctx, w.Release.ID, w.Until); err != nil {
				p.cfg.Log.Warn().Err(err).Str("release_id", w.Release.ID).Msg("an embargo is not scheduled yet")
			}
		}
	}
	tick := time.NewTicker(overdueEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.lookForOverdue(ctx)
		}
	}
}

func (p *Publisher) lookForOverdue(ctx context.Context) {
	for _, id := range p.desk.overdue(p.cfg.Now().Add(-overdueBy)) {
		if err := p.comeOutOnce(ctx, id); err != nil && ctx.Err() == nil {
			p.cfg.Log.Warn().Err(err).Str("release_id", id).Msg("an overdue release could not be published yet")
		}
	}
}

// Ready is nil once the log and the desk, as they stood at the start, are read.
func (p *Publisher) Ready(context.Context) error {
	select {
	case <-p.desk.loaded:
	default:
		return errors.New("the desk is still being read")
	}
	if !p.list.CaughtUp() {
		return fmt.Errorf("the list of releases has read %d events of the log and is not at its end", p.list.Applied())
	}
	return nil
}
