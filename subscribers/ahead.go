package subscribers

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"

	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// ahead goes through the log ahead of the fan-out, which may wait for hours
// before a held event, and queues the withdrawals at once. It keeps no place of
// its own: after a restart it begins where the fan-out stands, and the fan-out
// comes to the same withdrawals when the events before them are over. Such a
// task comes twice then, which does no harm: who got the withdrawal has a record
// of it, and who was never told of the release is not told of its withdrawal.
type ahead struct {
	f       *fanout
	cursors []wire.Cursor // of the queues when it began
	at      atomic.Uint64 // the newest event it is done with
}

// begin notes where the queues stand.
func (a *ahead) begin(lanes []lane) {
	a.cursors = nil
	for i := range lanes {
		a.cursors = append(a.cursors, lanes[i].cursor)
	}
}

// done reports whether this process has queued a withdrawal.
func (a *ahead) done(seq uint64) bool { return seq <= a.at.Load() }

func (a *ahead) follow(ctx context.Context, from uint64) error {
	if at := a.at.Load(); from <= at { // the fan-out was begun anew
		from = at + 1
	}
	return a.f.s.cfg.Wire.Follow(ctx, from, func(seq uint64, e news.Event) error {
		if e.Kind == news.KindWithdrawn && e.Alerts() {
			if err := a.withdrawn(ctx, seq, &e); err != nil {
				return err
			}
		}
		a.at.Store(seq)
		return nil
	})
}

func (a *ahead) withdrawn(ctx context.Context, seq uint64, e *news.Event) error {
	to, err := a.f.recipients(ctx, seq, e)
	if err != nil {
		return err
	}
	lanes := make([]lane, len(a.cursors))
	for _, id := range slices.Sorted(maps.Keys(to)) {
		q := queueOf(id, len(lanes))
		if covers(a.cursors[q], seq, id) {
			continue
		}
		if lanes[q].open == nil {
			lanes[q].open = map[Channel]*pending{}
		}
		lanes[q].add(a.f.s.pageOf(seq, e), priorityOf(e), to[id])
	}
	for q := range lanes {
		if err := a.put(ctx, q, &lanes[q]); err != nil {
			return err
		}
	}
	return nil
}

// put stores what is pending for a queue, beside its cursor.
func (a *ahead) put(ctx context.Context, q int, l *lane) error {
	tasks, recipients, err := l.tasks()
	if err != nil {
		return err
	}
	for part := range slices.Chunk(tasks, wire.MaxTasks) {
		for n := 1; ; n++ {
			err := a.f.s.cfg.Wire.Put(ctx, q, part)
			if err == nil {
				break
			}
			if err := a.f.refused(ctx, q, n, err); err != nil {
				return err
			}
		}
	}
	a.f.s.counts.queued.Add(uint64(recipients))
	return nil
}
