package subscribers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// aside is what this process knows of a recipient with something put aside.
type aside struct {
	known  bool      // false: an earlier run put it aside, and it was not looked at since
	wake   time.Time // when it wakes; zero while no wake-up is under way
	until  time.Time // the recipient as a whole is left alone until then
	misses int       // how often in a row it failed as a whole
}

// asides are the recipients with something put aside.
type asides struct {
	mu sync.Mutex
	of map[string]*aside
}

func (a *asides) at(id string) *aside {
	if a.of == nil {
		a.of = map[string]*aside{}
	}
	if a.of[id] == nil {
		a.of[id] = &aside{known: true}
	}
	return a.of[id]
}

// forget begins anew: another process may have done what this one knew of.
func (a *asides) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.of)
}

// found notes what an earlier run put aside.
func (a *asides) found(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at(id).known = false
}

// closed reports whether nothing may be sent to the recipient now, or nobody
// knows before its next wake-up.
func (a *asides) closed(id string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.of[id]
	return e != nil && (!e.known || e.until.After(now))
}

// state is until when the recipient is left alone, and how often it failed.
func (a *asides) state(id string) (until time.Time, misses int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.of[id]; e != nil {
		return e.until, e.misses
	}
	return time.Time{}, 0
}

// missed notes a failure of the recipient as a whole. pause gives the time of
// its end for the number of failures in a row.
func (a *asides) missed(id string, pause func(misses int) time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.at(id)
	e.misses++
	e.until = pause(e.misses)
}

// well notes that the recipient took something.
func (a *asides) well(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.of[id]; e != nil {
		e.until, e.misses = time.Time{}, 0
	}
}

// wakeBy says whether the recipient wakes at that time or before, and if not,
// when it is to be woken: when nobody knows what waits already, at once.
func (a *asides) wakeBy(id string, at, now time.Time) (wake time.Time, enough bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.at(id)
	if !e.wake.IsZero() && !e.wake.After(at) {
		return e.wake, true
	}
	if !e.known && e.wake.IsZero() {
		at = now
	}
	e.wake = at
	return at, false
}

// scheduled is when the recipient wakes; zero when no wake-up is under way.
func (a *asides) scheduled(id string) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.of[id]; e != nil {
		return e.wake
	}
	return time.Time{}
}

// woken begins a wake-up: from here on whoever puts something aside asks for another.
func (a *asides) woken(id string) (scheduled time.Time, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.at(id)
	scheduled, known = e.wake, e.known
	e.wake, e.known = time.Time{}, true
	return scheduled, known
}

// learn takes over what an earlier run knew of the recipient.
func (a *asides) learn(id string, until time.Time, misses int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.at(id); until.After(e.until) {
		e.until, e.misses = until, misses
	}
}

// drop forgets a recipient unless it is to wake.
func (a *asides) drop(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.of[id]; e != nil && e.known && e.wake.IsZero() {
		delete(a.of, id)
	}
}

func (a *asides) has(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.of[id] != nil
}

func (a *asides) len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.of)
}

// hold puts a task aside, together with what is known of its recipient; the
// same task again takes its own place.
func (d *delivery) hold(t task) error {
	if t.Since.IsZero() {
		t.Since = d.s.cfg.Now()
	}
	t.Until, t.Misses = d.waiting.state(t.To)
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode a task of release %s: %w", t.Release, err)
	}
	return d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.Hold(ctx, t.To, t.key(), b) })
}

// putAside holds a task and makes sure that its recipient wakes for it: at its
// next time, or when the recipient is not left alone any more.
func (d *delivery) putAside(t task) error {
	if err := d.hold(t); err != nil {
		return err
	}
	until, _ := d.waiting.state(t.To)
	return d.wakeBy(t.To, later(d.s.cfg.Now(), later(t.Next, until)))
}

// wakeBy makes sure that a recipient wakes at that time or before. Of two that
// ask at the same time, the one whose schedule is stored last sees to it that it
// is the earlier one.
func (d *delivery) wakeBy(id string, at time.Time) error {
	wake, enough := d.waiting.wakeBy(id, at, d.s.cfg.Now())
	for !enough {
		if err := d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.WakeAt(ctx, id, wake) }); err != nil {
			return err
		}
		now := d.waiting.scheduled(id)
		enough = now.IsZero() || now.Equal(wake) // zero: it woke in between, and saw what was put aside before
		wake = now
	}
	return nil
}

// wake goes through what was put aside for a recipient and is due, each release
// by itself: what was never tried first, withdrawals and corrections before the
// rest. Once the recipient fails as a whole, the rest waits with it. It stops
// between two tries when ctx ends.
func (d *delivery) wake(ctx context.Context, c Channel, id string) error {
	scheduled, known := d.waiting.woken(id)
	due := later(d.s.cfg.Now(), scheduled) // the server's clock may be ahead of ours
	rest, err := d.kept(c, id)
	if err != nil {
		return err
	}
	if !known {
		for _, k := range rest {
			d.waiting.learn(id, k.Until, k.Misses)
		}
	}
	var next time.Time
	for _, k := range rest {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		again, err := d.tryKept(k, due)
		if err != nil {
			return err
		}
		if !again.IsZero() && (next.IsZero() || again.Before(next)) {
			next = again
		}
	}
	if next.IsZero() {
		d.waiting.drop(id)
		return nil
	}
	return d.wakeBy(id, next)
}

// kept is the newest task of a release that was put aside for a recipient, with
// everything that was put aside for the two.
type kept struct {
	task
	held []wire.Held
}

// kept lists what was put aside for a recipient in the order in which it is
// tried. What cannot be read is parked.
func (d *delivery) kept(c Channel, id string) ([]*kept, error) {
	held, err := d.held(id)
	if err != nil {
		return nil, err
	}
	var out []*kept
	of := map[string]*kept{}
	for _, h := range held {
		t := task{Channel: c}
		if err := json.Unmarshal(h.Payload, &t); err != nil || t.To != h.Recipient || !news.ValidID(t.Release) {
			if err := d.park(c, h.Recipient, "the task cannot be read", h.Payload); err != nil {
				return nil, err
			}
			if err := d.letGo(h); err != nil {
				return nil, err
			}
			continue
		}
		k := of[t.Release]
		if k == nil {
			k = &kept{task: t}
			of[t.Release], out = k, append(out, k)
		}
		if t.Seq > k.Seq || t.Seq == k.Seq && k.Late {
			k.task = t
		}
		k.held = append(k.held, h)
	}
	slices.SortStableFunc(out, func(a, b *kept) int {
		return cmp.Or(first(a.Next.IsZero(), b.Next.IsZero()), first(a.Urgent, b.Urgent), a.Next.Compare(b.Next))
	})
	return out, nil
}

// first orders what is true before what is not.
func first(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}

func (d *delivery) held(id string) (held []wire.Held, err error) {
	err = d.insist(func(ctx context.Context) error {
		held, err = d.s.cfg.Wire.HeldFor(ctx, id)
		return err
	})
	return held, err
}

// tryKept tries what is kept for a release if it is due, and says when it is
// due again; zero means that it is at its end and let go.
func (d *delivery) tryKept(k *kept, due time.Time) (again time.Time, err error) {
	until, _ := d.waiting.state(k.To)
	if again = later(k.Next, until); again.After(due) {
		if !until.After(due) || d.s.cfg.Now().Sub(k.Since) < d.patience {
			return again, nil
		}
		again, err = time.Time{}, d.giveUp(k.task, "the recipient could not be reached for as long as a message waits")
	} else {
		again, err = d.try(k.task)
	}
	if err = d.survive(k.task, err); err != nil {
		return time.Time{}, err
	}
	done := k.held
	if !again.IsZero() {
		k.Next = again
		if err := d.hold(k.task); err != nil {
			return time.Time{}, err
		}
		done = slices.DeleteFunc(k.held, func(h wire.Held) bool { return h.Key == k.key() })
	}
	for _, h := range done {
		if err := d.letGo(h); err != nil {
			return time.Time{}, err
		}
	}
	return again, nil
}

func (d *delivery) letGo(h wire.Held) error {
	return d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.Unhold(ctx, h) })
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
