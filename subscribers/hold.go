package subscribers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// MaxHold is the longest time for which alerts can be held.
const MaxHold = 24 * time.Hour

func checkHold(d time.Duration) error {
	if d < 0 || d > MaxHold {
		return fmt.Errorf("alerts are to be held for %s; choose between 0 and %s", d, MaxHold)
	}
	return nil
}

// windowEnd is the time before which the alerts of an event do not go out, so
// that a mistake can be undone; zero for what is never held.
func (s *Subscribers) windowEnd(e *news.Event) time.Time {
	if s.cfg.Hold == 0 || !e.Alerts() || e.Kind == news.KindWithdrawn {
		return time.Time{}
	}
	return e.Time.Add(s.cfg.Hold)
}

// revisedWithin reports whether the event is a minor revision of a release that
// surfaced no longer than d before.
func revisedWithin(e *news.Event, d time.Duration) bool {
	return e.Kind == news.KindRevised && e.Time.Sub(e.Release.SurfacedAt) < d
}

// held ends the reading of the log before an event whose window is not over.
type held struct {
	seq       uint64
	at, until time.Time
}

func (h held) Error() string { return fmt.Sprintf("event %d is held until %s", h.seq, h.until) }

// follow hands the log to the fan-out from a sequence on. When it comes to an
// event whose window is not over, it stops reading and waits: a reader that
// keeps still for minutes would be forgotten by the server.
func (f *fanout) follow(ctx context.Context, from uint64) error {
	for {
		err := f.s.cfg.Wire.Follow(ctx, from, func(seq uint64, e news.Event) error { return f.event(ctx, seq, &e) })
		h, ok := errors.AsType[held](err)
		if !ok {
			return err
		}
		f.held.Store(&h)
		err = f.s.cfg.Wait(ctx, h.until)
		f.held.Store(nil)
		if err != nil {
			return err
		}
		from = h.seq
	}
}

// hold stores what is pending and answers that the event is held.
func (f *fanout) hold(ctx context.Context, seq uint64, e *news.Event) error {
	if err := f.storeAll(ctx, seq-1, func(l *lane) bool { return len(l.pending) > 0 }); err != nil {
		return err
	}
	f.s.counts.fannedOut.Store(seq - 1)
	return held{seq, e.Time, f.s.windowEnd(e)}
}

// afterHold is what people are to be told of at the end of an event's window:
// the state that minor revisions have brought the release into meanwhile, or
// nothing (nil) when a newer event tells them. Whom this one concerns are among
// the recipients of that.
func (f *fanout) afterHold(ctx context.Context, seq uint64, e *news.Event) (*news.Release, error) {
	last, err := f.s.cfg.Wire.Last(ctx, e.Release.ID)
	switch {
	case passing(err):
		return nil, err
	case err != nil: // the delivery says what is wrong with it
		return &e.Release, nil
	case last.Event.Release.SurfacedRevision <= e.Release.Revision:
		return &last.Event.Release, nil
	case last.Event.Alerts():
		return nil, nil
	}
	history, err := f.s.cfg.Wire.History(ctx, e.Release.ID, 0) // a minor revision or back-fill is on top
	if err != nil {
		return nil, err
	}
	for _, h := range history {
		if h.Seq > seq && h.Event.Alerts() {
			return nil, nil
		}
	}
	return &last.Event.Release, nil
}

// holding says at which event the fan-out waits for the end of a window, if it does.
func (f *fanout) holding() (h held, ok bool) {
	if p := f.held.Load(); p != nil && p.until.After(f.s.cfg.Now()) {
		return *p, true
	}
	return h, false
}

// place is the newest event that is seen to, as far as a hold lets it be.
func (f *fanout) place() uint64 {
	if _, ok := f.holding(); ok {
		return f.ahead.at.Load()
	}
	return f.at.Load()
}

// heldBack reports whether people are to be told something newer of a release
// than the task's event as soon as its window is over. That event has tasks of its own.
func (d *delivery) heldBack(t task, cur wire.Record) (bool, error) {
	r := &cur.Event.Release
	if d.s.cfg.Hold == 0 || cur.Seq == t.Seq || r.Status == news.Withdrawn || !r.SurfacedAt.Add(d.s.cfg.Hold).After(d.s.cfg.Now()) {
		return false, nil
	}
	newest, err := d.surfaced(cur)
	return err == nil && newest.Seq > t.Seq && d.s.windowEnd(&newest.Event).After(d.s.cfg.Now()), err
}

// longestTimer bounds a timer, because the clock may be set, or stand still
// with the machine, while it runs.
const longestTimer = 15 * time.Second

// waitUntil waits until now is not before a time, or ctx ends.
func waitUntil(ctx context.Context, now func() time.Time, until time.Time) error {
	for {
		left := until.Sub(now())
		if left <= 0 {
			return nil
		}
		t := time.NewTimer(min(left, longestTimer))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}
