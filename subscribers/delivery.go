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
	waiting  asides
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
	d.waiting.forget()
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
		if !validRecipient(id) {
			d.s.cfg.Log.Error().Str("recipient", headOf(id)).Msg("something was put aside for a recipient that cannot be one; it is left alone")
			continue
		}
		d.waiting.found(id)
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
	// Channel is that of the queue the task came from; Urgent, that it came from
	// the one for withdrawals and corrections.
	Channel Channel `json:"channel,omitempty"`
	Urgent  bool    `json:"urgent,omitempty"`
	// Since is when the task was first put aside, Next when its release may be
	// tried again; zero before.
	Since time.Time `json:"since,omitzero"`
	Next  time.Time `json:"next,omitzero"`
	// Until is the time before which nothing is to be sent to the recipient, and
	// Misses how often it failed as a whole, as known when the task was put aside.
	Until  time.Time `json:"until,omitzero"`
	Misses int       `json:"misses,omitempty"`
}

// key names the task among those put aside for its recipient. One that came too
// late does not take the place of the same task that came in time.
func (t *task) key() string {
	key := t.Release + "-" + strconv.FormatUint(t.Seq, 10)
	if t.Late {
		key += "-late"
	}
	return key
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
		t := task{To: id, Release: p.Release, Seq: p.Seq, Late: p.Late, Channel: c, Urgent: urgent}
		if !d.pools[c].add(id, urgent, false, func() { ended(d.handle(t)) }) {
			d.pools[c].add("aside "+id, urgent, true, func() { ended(d.survive(t, d.putAside(t))) })
		}
	}
}

// handle sees a task from a queue to its end. An error means that the process
// ends and the task must come again.
func (d *delivery) handle(t task) error {
	if !validRecipient(t.To) {
		return d.giveUp(t, "the task is for a recipient that cannot be one")
	}
	if d.waiting.closed(t.To, d.s.cfg.Now()) {
		return d.survive(t, d.putAside(t))
	}
	next, err := d.try(t)
	if err == nil && !next.IsZero() {
		t.Next = next
		err = d.putAside(t)
	}
	d.waiting.drop(t.To)
	return d.survive(t, err)
}

// survive parks a task that the log's refusal, which does not pass, keeps from
// its end. What it returns means that the process ends.
func (d *delivery) survive(t task, err error) error {
	if err == nil || d.work.Err() != nil {
		return err
	}
	d.s.cfg.Log.Error().Err(err).Str("release_id", t.Release).Str("recipient", t.To).Msg("an alert cannot be seen to its end and is parked")
	return d.giveUp(t, "the log refuses what is to be kept of it")
}

func (d *delivery) takeWake(ctx context.Context, j *wire.Job) {
	c := Webhook
	if r := d.s.register.of(j.Recipient); r != nil {
		c = r.Channel
	}
	d.pools[c].add(j.Recipient, false, true, func() {
		err := d.wake(ctx, c, j.Recipient)
		if err != nil && (ctx.Err() != nil || d.work.Err() != nil) {
			return
		}
		if err != nil {
			d.s.cfg.Log.Error().Err(err).Str("recipient", headOf(j.Recipient)).Msg("what was put aside cannot be seen to")
		}
		d.done(j)
	})
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

// doubtfulTries is how often an operation is tried whose failure may not pass.
const doubtfulTries = 5

// insist repeats an operation on the log until it succeeds. Its error means that
// the process ends, or that the log refuses the operation and goes on doing so.
func (d *delivery) insist(op func(context.Context) error) error {
	for n := 1; ; n++ {
		err := op(d.work)
		switch {
		case err == nil:
			return nil
		case d.work.Err() != nil:
			return d.work.Err()
		case n == doubtfulTries && !passing(err):
			return err
		}
		if n == 1 {
			d.s.cfg.Log.Warn().Err(err).Msg("the delivery waits for the log")
			defer d.s.stalls.begin(d.s.cfg.Now())()
		}
		if !pause(d.work) {
			return d.work.Err()
		}
	}
}

// passing reports whether an error of the log goes away without anyone's doing
// anything about what was asked: the log is away or full.
func passing(err error) bool {
	code := news.CodeOf(err)
	return code == news.Unavailable || code == news.DiskFull || errors.Is(err, context.DeadlineExceeded)
}

// giveUp parks a task with the reason.
func (d *delivery) giveUp(t task, reason string) error {
	b, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode a task of release %s: %w", t.Release, err)
	}
	return d.park(t.Channel, t.To, reason, b)
}

// park keeps what was given up with the reason. Its error means that the
// process ends; what the log refuses to keep is lost, and the log of the process says so.
func (d *delivery) park(c Channel, name, reason string, b []byte) error {
	if !validRecipient(name) {
		name = "unknown"
	}
	d.s.counts.givenUp.add(c)
	err := d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.Park(ctx, "alert", name, reason, b) })
	if err != nil && d.work.Err() == nil {
		d.s.cfg.Log.Error().Err(err).Str("recipient", name).Str("reason", reason).Msg("what was given up cannot be parked")
		return nil
	}
	return err
}
