package subscribers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"golang.org/x/sync/errgroup"
)

// task is what a delivery queue holds: who is to be told of which release.
type task struct {
	To      string `json:"to"`      // recipient id
	Release string `json:"release"` // release id
	Seq     uint64 `json:"seq"`     // of the event
	Late    bool   `json:"late,omitempty"`
	// Since is when the task was first put aside; zero in the queue.
	Since time.Time `json:"since,omitzero"`
}

// maxLag is how many events without alerts may pass before the cursors follow:
// to see them again after a restart costs nothing but the reading.
const maxLag = 512

// fanout is one follower of the log for all queues. Each queue has a cursor of
// its own, which is stored together with the tasks, so each event is fanned
// out into each queue exactly once, whatever ends in between.
type fanout struct {
	s     *Subscribers
	lanes []lane
	known uint64 // a sequence the log is known to have reached
}

// lane is the way into one queue.
type lane struct {
	cursor  wire.Cursor
	pending []pending // not stored yet, in order
}

type pending struct {
	seq  uint64
	to   string
	task wire.Task
}

func newFanout(s *Subscribers) *fanout {
	return &fanout{s: s, lanes: make([]lane, s.cfg.Wire.Queues())}
}

// run follows from the place of the queue that is furthest behind.
func (f *fanout) run(ctx context.Context) error {
	from := uint64(0)
	for q := range f.lanes {
		c, err := f.s.cfg.Wire.Cursor(ctx, q)
		if err != nil {
			return err
		}
		f.lanes[q] = lane{cursor: c}
		if q == 0 || c.Next() < from {
			from = c.Next()
		}
	}
	f.s.counts.fannedOut.Store(from - 1)
	return f.s.cfg.Wire.Follow(ctx, from, func(seq uint64, e news.Event) error { return f.event(ctx, seq, &e) })
}

func (f *fanout) event(ctx context.Context, seq uint64, e *news.Event) error {
	if e.Alerts() {
		to, err := f.recipients(ctx, seq, e)
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(to)) {
			if err := f.put(ctx, seq, e, to[id]); err != nil {
				return err
			}
		}
	}
	return f.finished(ctx, seq)
}

// recipients are those the event concerns: who follows what the release is
// filed under now, and who followed what an earlier revision was filed under
// when people were told of it.
func (f *fanout) recipients(ctx context.Context, seq uint64, e *news.Event) (map[string]*recipient, error) {
	if err := f.s.current(ctx); err != nil {
		return nil, err
	}
	to := map[string]*recipient{}
	f.s.register.matching(&e.Release, seq, to)
	if e.Release.Revision == 1 {
		return to, nil
	}
	history, err := f.s.cfg.Wire.History(ctx, e.Release.ID, seq-1)
	if err != nil {
		return nil, err
	}
	for _, h := range history {
		if h.Event.Alerts() {
			f.s.register.matching(&h.Event.Release, h.Seq, to)
		}
	}
	return to, nil
}

// put adds a recipient's task, and stores a page when it is full.
func (f *fanout) put(ctx context.Context, seq uint64, e *news.Event, to *recipient) error {
	q := queueOf(to.id, len(f.lanes))
	l := &f.lanes[q]
	if covers(l.cursor, seq, to.id) {
		return nil
	}
	payload, err := json.Marshal(task{To: to.id, Release: e.Release.ID, Seq: seq, Late: f.s.tooOld(e)})
	if err != nil {
		return fmt.Errorf("encode a task of event %s: %w", e.ID(), err)
	}
	priority := "normal"
	if e.Kind == news.KindCorrected || e.Kind == news.KindWithdrawn {
		priority = "urgent"
	}
	l.pending = append(l.pending, pending{seq, to.id, wire.Task{Channel: string(to.Channel), Priority: priority, Payload: payload}})
	if len(l.pending) < wire.MaxTasks {
		return nil
	}
	return f.store(ctx, q, wire.Cursor{Seq: seq, After: to.id})
}

func (s *Subscribers) tooOld(e *news.Event) bool { return s.cfg.Now().Sub(e.Time) > s.cfg.MaxAge }

// queueOf spreads recipients over the queues, always in the same way.
func queueOf(id string, queues int) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % uint32(queues))
}

// covers reports whether the cursor has passed a recipient of an event.
func covers(c wire.Cursor, seq uint64, id string) bool {
	return seq < c.Seq || seq == c.Seq && (c.Done || id <= c.After)
}

// finished ends an event. While more events are waiting, tasks are gathered,
// so that a batch holds those of many; at the end of the log they are stored.
func (f *fanout) finished(ctx context.Context, seq uint64) error {
	atEnd := false
	if seq >= f.known {
		last, err := f.s.cfg.Wire.LastSeq(ctx)
		if err != nil {
			return err
		}
		f.known = last
		atEnd = seq >= last
	}
	g, gctx := errgroup.WithContext(ctx)
	for q := range f.lanes {
		l := &f.lanes[q]
		if atEnd && len(l.pending) > 0 || seq >= l.cursor.Seq+maxLag {
			g.Go(func() error { return f.store(gctx, q, wire.Cursor{Seq: seq, Done: true}) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if atEnd {
		f.s.counts.fannedOut.Store(seq)
	}
	return nil
}

// store writes what is pending and the cursor. When it is unclear whether a
// write took place, or another process was quicker, the stored cursor tells.
func (f *fanout) store(ctx context.Context, q int, to wire.Cursor) error {
	l := &f.lanes[q]
	for {
		tasks := make([]wire.Task, len(l.pending))
		for i, p := range l.pending {
			tasks[i] = p.task
		}
		next, err := f.s.cfg.Wire.Enqueue(ctx, q, l.cursor, to, tasks)
		if err == nil {
			f.s.counts.queued.Add(uint64(len(tasks)))
			l.cursor, l.pending = next, l.pending[:0]
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, wire.ErrStale) {
			f.s.cfg.Log.Warn().Err(err).Int("queue", q).Msg("alerts could not be queued, trying again")
			if !pause(ctx, time.Second) {
				return ctx.Err()
			}
		}
		if l.cursor, err = f.s.cfg.Wire.Cursor(ctx, q); err != nil {
			return err
		}
		l.pending = slices.DeleteFunc(l.pending, func(p pending) bool { return covers(l.cursor, p.seq, p.to) })
		if l.cursor.Next() > to.Seq || !to.Done && covers(l.cursor, to.Seq, to.After) {
			return nil
		}
	}
}
