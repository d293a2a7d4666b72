package subscribers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"golang.org/x/sync/errgroup"
)

const (
	// inFlight is how many pages of one queue, channel and priority are taken
	// and not yet finished.
	inFlight = 256
	// rowDepth is how many tasks of one recipient wait in memory; more are put
	// aside, so that a slow endpoint does not hold up its queue.
	rowDepth = 16
)

// delivery takes pages from the queues and sees each recipient's task to its
// end: sent, put aside for later, parked, or found needless.
type delivery struct {
	s        *Subscribers
	senders  map[Channel]Sender
	pools    map[Channel]*pool
	waiting  marks // recipients with something put aside
	troubles troubles
	acks     sync.WaitGroup
	latest   *latest
	// work ends some time after the context of run, so that what is being sent
	// can be recorded.
	work context.Context //nolint:containedctx // set by run for the work it starts
	// patience is how long after it was put aside a task is still tried.
	patience time.Duration
}

func newDelivery(s *Subscribers, senders map[Channel]Sender) *delivery {
	d := &delivery{s: s, senders: senders, pools: map[Channel]*pool{}, latest: newLatest(s.cfg.Wire.Last), patience: time.Minute}
	for _, b := range s.cfg.Backoff {
		d.patience += b + b/10
	}
	return d
}

func (d *delivery) run(ctx context.Context) error {
	var end context.CancelFunc
	d.work, end = context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	d.pools[Mail], d.pools[Webhook] = newPool(mailWorkers, rowDepth), newPool(d.s.cfg.Workers, rowDepth)
	if !d.prepare(ctx) {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for q := range d.s.cfg.Wire.Queues() {
		for channel := range d.pools {
			for _, priority := range []string{"urgent", "normal"} {
				g.Go(func() error {
					return d.s.keep(ctx, "delivery", func(ctx context.Context) error {
						return d.s.cfg.Wire.Drain(ctx, q, string(channel), priority, inFlight, func(j *wire.Job) {
							d.take(channel, priority == "urgent", j)
						})
					})
				})
			}
		}
	}
	g.Go(func() error {
		return d.s.keep(ctx, "wake-ups", func(ctx context.Context) error {
			return d.s.cfg.Wire.Wakes(ctx, inFlight, func(j *wire.Job) { d.takeWake(ctx, j) })
		})
	})
	err := g.Wait()
	stop := time.AfterFunc(d.s.cfg.Grace, end)
	defer stop.Stop()
	for _, p := range d.pools {
		p.close()
	}
	d.acks.Wait()
	d.latest.wg.Wait()
	return err
}

// prepare repeats repair until it succeeds; false means that ctx ended first.
func (d *delivery) prepare(ctx context.Context) bool {
	for {
		err := d.repair(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		d.s.cfg.Log.Warn().Err(err).Msg("what waits cannot be looked at yet")
		if !pause(ctx) {
			return false
		}
	}
}

// repair gives a wake-up to every recipient that has something put aside and
// none, because the process ended between the two.
func (d *delivery) repair(ctx context.Context) error {
	if err := d.s.current(ctx); err != nil {
		return err
	}
	waiting, err := d.s.cfg.Wire.Waiting(ctx)
	if err != nil {
		return err
	}
	for id, wakes := range waiting {
		d.waiting.set(id)
		if wakes {
			continue
		}
		if err := d.s.cfg.Wire.WakeAt(ctx, id, d.s.cfg.Now()); err != nil {
			return err
		}
	}
	return nil
}

// task is one recipient of a page, and what is put aside for it.
type task struct {
	To      string `json:"to"`
	Release string `json:"release"`
	Seq     uint64 `json:"seq"`
	Late    bool   `json:"late,omitempty"`
	// Channel is that of the queue the task came from.
	Channel Channel `json:"channel,omitempty"`
	// Since is when the task was first put aside; zero before.
	Since time.Time `json:"since,omitzero"`
}

// take hands the recipients of a page to the pool, each to its other tasks. The
// page is done when all of them are.
func (d *delivery) take(c Channel, urgent bool, j *wire.Job) {
	var p page
	if err := json.Unmarshal(j.Payload, &p); err != nil || len(p.To) == 0 || !news.ValidID(p.Release) {
		d.pools[c].add("", urgent, true, func() {
			if d.park(c, "unknown", "the task cannot be read", j.Payload) == nil {
				d.done(j)
			}
		})
		return
	}
	var left atomic.Int64
	left.Store(int64(len(p.To)))
	ended := func(err error) {
		if err == nil && left.Add(-1) == 0 {
			d.done(j)
		}
	}
	for _, id := range p.To {
		t := task{To: id, Release: p.Release, Seq: p.Seq, Late: p.Late, Channel: c}
		if !d.pools[c].add(id, urgent, false, func() { ended(d.handle(t)) }) {
			d.pools[c].add("aside "+id, urgent, true, func() { ended(d.putAside(t, time.Time{})) })
		}
	}
}

// handle sees a task from a queue to its end. An error means that the process
// ends and the task must come again.
func (d *delivery) handle(t task) error {
	if d.waiting.has(t.To) {
		return d.hold(t)
	}
	next, err := d.try(t)
	if err != nil || next.IsZero() {
		return err
	}
	return d.putAside(t, next)
}

// hold puts a task behind what waits for its recipient; the same task again
// takes its own place.
func (d *delivery) hold(t task) error {
	if t.Since.IsZero() {
		t.Since = d.s.cfg.Now()
	}
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode a task of release %s: %w", t.Release, err)
	}
	key := t.Release + "-" + strconv.FormatUint(t.Seq, 10)
	return d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.Hold(ctx, t.To, key, b) })
}

// putAside holds a task and makes sure that its recipient wakes: at the time
// next, or, when that is zero, at once unless it wakes anyway.
func (d *delivery) putAside(t task, next time.Time) error {
	if err := d.hold(t); err != nil {
		return err
	}
	if before := d.waiting.set(t.To); next.IsZero() {
		if before {
			return nil
		}
		next = d.s.cfg.Now()
	}
	return d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.WakeAt(ctx, t.To, next) })
}

func (d *delivery) takeWake(ctx context.Context, j *wire.Job) {
	c := Webhook
	if r := d.s.register.of(j.Recipient); r != nil {
		c = r.Channel
	}
	d.pools[c].add(j.Recipient, false, true, func() {
		if d.wake(ctx, c, j.Recipient) == nil {
			d.done(j)
		}
	})
}

// wake tries what was put aside for a recipient, in order, until a try fails:
// that task and all behind it wait on. It stops between two tasks when ctx ends.
func (d *delivery) wake(ctx context.Context, c Channel, id string) error {
	for {
		held, err := d.held(id)
		if err != nil {
			return err
		}
		if len(held) == 0 {
			// Something may be put aside between the look and the mark's end, and
			// whoever does so relies on the mark: look once more without it.
			d.waiting.clear(id)
			if held, err = d.held(id); err != nil || len(held) == 0 {
				return err
			}
			d.waiting.set(id)
		}
		for _, h := range held {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			next, err := d.tryHeld(c, h)
			if err != nil {
				return err
			}
			if !next.IsZero() {
				return d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.WakeAt(ctx, id, next) })
			}
			if err := d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.Unhold(ctx, h) }); err != nil {
				return err
			}
		}
	}
}

func (d *delivery) held(id string) (held []wire.Held, err error) {
	err = d.insist(func(ctx context.Context) error {
		held, err = d.s.cfg.Wire.HeldFor(ctx, id)
		return err
	})
	return held, err
}

func (d *delivery) tryHeld(c Channel, h wire.Held) (time.Time, error) {
	t := task{Channel: c}
	if err := json.Unmarshal(h.Payload, &t); err != nil || t.To != h.Recipient {
		return time.Time{}, d.park(c, h.Recipient, "the task cannot be read", h.Payload)
	}
	return d.try(t)
}

// done takes a finished task off its queue, without holding up the recipient's
// next one.
func (d *delivery) done(j *wire.Job) {
	d.acks.Go(func() { d.ack(j) })
}

func (d *delivery) ack(j *wire.Job) {
	if err := j.Done(d.work); err != nil && d.work.Err() == nil {
		// It comes again, and the record says then that nothing is left to do.
		d.s.cfg.Log.Warn().Err(err).Msg("a finished task could not be taken off its queue")
	}
}

// insist repeats an operation on the log until it succeeds; its error means
// that the process ends.
func (d *delivery) insist(op func(context.Context) error) error {
	for n := 0; ; n++ {
		err := op(d.work)
		if err == nil {
			return nil
		}
		if d.work.Err() != nil {
			return d.work.Err()
		}
		if n == 0 {
			d.s.cfg.Log.Warn().Err(err).Msg("the delivery waits for the log")
		}
		if !pause(d.work) {
			return d.work.Err()
		}
	}
}

// giveUp parks a task with the reason.
func (d *delivery) giveUp(t task, reason string) error {
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode a task of release %s: %w", t.Release, err)
	}
	return d.park(t.Channel, t.To, reason, b)
}

func (d *delivery) park(c Channel, name, reason string, b []byte) error {
	d.s.counts.givenUp.add(c)
	return d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.Park(ctx, "alert", name, reason, b) })
}

// mendable reports whether reading a release may succeed later.
func mendable(err error) bool {
	return news.CodeOf(err) != "" || errors.Is(err, context.DeadlineExceeded)
}
