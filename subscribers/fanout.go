package subscribers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync/atomic"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"golang.org/x/sync/errgroup"
)

// page is what a delivery queue holds: a few recipients that are to be told of
// the same event. They share a page because taking it off its queue costs a
// flush of the disk; what each of them got stands in its own records, so a page
// that comes again repeats nothing.
type page struct {
	To      []string `json:"to"`      // recipient ids, in order
	Release string   `json:"release"` // release id
	Seq     uint64   `json:"seq"`     // of the event
	Late    bool     `json:"late,omitempty"`
}

// pageSize is the number of recipients on a page.
const pageSize = 16

// maxLag is how many events without alerts may pass before the cursors follow:
// to see them again after a restart costs nothing but the reading.
const maxLag = 512

// fanout is one follower of the log for all queues. Each queue has a cursor of
// its own, which is stored together with the tasks, so each event is fanned
// out into each queue exactly once, whatever ends in between.
type fanout struct {
	s     *Subscribers
	lanes []lane
	known uint64        // a sequence the log is known to have reached
	begun uint64        // up to here an earlier run has told people: its windows are over
	at    atomic.Uint64 // the newest event it is done with
	held  atomic.Pointer[held]
	ahead ahead
}

// lane is the way into one queue.
type lane struct {
	cursor  wire.Cursor
	pending []*pending           // not stored yet, in order
	open    map[Channel]*pending // with room for more recipients of the event at hand
	last    string               // the newest recipient on a page
}

type pending struct {
	page
	channel, priority string
}

func newFanout(s *Subscribers) *fanout {
	f := &fanout{s: s, lanes: make([]lane, s.cfg.Wire.Queues())}
	f.ahead.f = f
	return f
}

// run follows from the place of the queue that is furthest behind. When alerts
// are held, a second follower goes ahead with the withdrawals.
func (f *fanout) run(ctx context.Context) error {
	if err := f.s.current(ctx); err != nil {
		return err
	}
	from := uint64(0)
	f.begun = 0
	for q := range f.lanes {
		c, err := f.cursor(ctx, q)
		if err != nil {
			return err
		}
		f.lanes[q] = lane{cursor: c, open: map[Channel]*pending{}}
		if q == 0 || c.Next() < from {
			from = c.Next()
		}
		f.begun = max(f.begun, c.Seq)
	}
	f.s.counts.fannedOut.Store(from - 1)
	f.at.Store(from - 1)
	g, gctx := errgroup.WithContext(ctx)
	if f.s.cfg.Hold > 0 {
		f.ahead.begin(f.lanes)
		g.Go(func() error { return f.ahead.follow(gctx, from) })
	}
	g.Go(func() error { return f.follow(gctx, from) })
	return g.Wait()
}

// cursor reads where a queue stands. After the operator accepted that the log
// lost its end, it may stand behind the end of what is left: it is set back to
// where the log ended when the process began, so that the events since then
// alert. A cursor that cannot be read is for the operator
// to mend: no place would be right.
func (f *fanout) cursor(ctx context.Context, q int) (wire.Cursor, error) {
	c, err := f.s.cfg.Wire.Cursor(ctx, q)
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, kind := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case err != nil && !syntax && !kind:
		return c, err
	case err != nil:
		return c, fatal{fmt.Errorf("%w; remove it (nats stream purge DELIVER_%d --subject fan.%d --force) and start again: "+
			"the fan-out then goes through the whole log, and what was sent within the last %d days is not sent twice",
			err, q, q, int(wire.AttemptsKept.Hours()/24))}
	}
	last, err := f.s.cfg.Wire.LastSeq(ctx)
	if err != nil || c.Next() <= last+1 {
		return c, err
	}
	last = f.s.register.before.end
	f.s.cfg.Log.Warn().Int("queue", q).Uint64("seq", c.Seq).Uint64("last_seq", last).Msg("the fan-out stands behind the end of the log and is set back to it")
	return f.s.cfg.Wire.Enqueue(ctx, q, c, wire.Cursor{Seq: last, Done: true}, nil)
}

func (f *fanout) event(ctx context.Context, seq uint64, e *news.Event) error {
	if err := f.s.known(ctx, e); err != nil {
		return err
	}
	if seq > f.begun && f.s.windowEnd(e).After(f.s.cfg.Now()) {
		return f.hold(ctx, seq, e)
	}
	tell, err := f.tell(ctx, seq, e)
	if err != nil {
		return err
	}
	if tell != nil {
		to, err := f.recipients(ctx, seq, e)
		if err != nil {
			return err
		}
		if tell.Revision > e.Release.Revision {
			f.s.register.matching(tell, seq, to)
		}
		for _, id := range slices.Sorted(maps.Keys(to)) {
			if err := f.put(ctx, seq, e, to[id]); err != nil {
				return err
			}
		}
	}
	return f.finished(ctx, seq)
}

// tell is what people are to be told of because of the event; nil when there is
// nothing for this follower to do.
func (f *fanout) tell(ctx context.Context, seq uint64, e *news.Event) (*news.Release, error) {
	switch {
	case !e.Alerts(), e.Kind == news.KindWithdrawn && f.ahead.done(seq):
		return nil, nil
	case f.s.cfg.Hold == 0, e.Kind == news.KindWithdrawn:
		return &e.Release, nil
	}
	return f.afterHold(ctx, seq, e)
}

// recipients are those the event concerns: who follows what the release is
// filed under with it, and who followed what it was filed under when people
// were told of it before. Of an erased release the earlier revisions are
// gone; who was told of it stands in the records.
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
	f.s.register.matchingEarlier(history, to)
	if e.Release.Erased {
		records, err := f.s.cfg.Wire.LastRecords(ctx, e.Release.ID)
		if err != nil {
			return nil, err
		}
		f.s.register.active(maps.Keys(records), to)
	}
	return to, nil
}

// put adds a recipient to a page, and stores the pages when no more fit into a batch.
func (f *fanout) put(ctx context.Context, seq uint64, e *news.Event, to *recipient) error {
	q := queueOf(to.id, len(f.lanes))
	l := &f.lanes[q]
	if covers(l.cursor, seq, to.id) {
		return nil
	}
	if l.room(seq, to.Channel) == nil && len(l.pending) == wire.MaxTasks {
		if err := f.store(ctx, q, l.upTo(seq)); err != nil {
			return err
		}
	}
	l.add(f.s.pageOf(seq, e), priorityOf(e), to)
	return nil
}

// pageOf is an empty page for an event.
func (s *Subscribers) pageOf(seq uint64, e *news.Event) page {
	return page{Release: e.Release.ID, Seq: seq, Late: s.tooOld(e)}
}

// room is the page of an event that takes one more recipient of a channel.
func (l *lane) room(seq uint64, c Channel) *pending {
	if p := l.open[c]; p != nil && p.Seq == seq && len(p.To) < pageSize {
		return p
	}
	return nil
}

// add puts a recipient on a page, on a new one like empty when there is no room.
func (l *lane) add(empty page, priority string, to *recipient) {
	p := l.room(empty.Seq, to.Channel)
	if p == nil {
		p = &pending{page: empty, channel: string(to.Channel), priority: priority}
		l.open[to.Channel] = p
		l.pending = append(l.pending, p)
	}
	p.To = append(p.To, to.id)
	l.last = to.id
}

// upTo is the place of what is pending while event seq is at hand.
func (l *lane) upTo(seq uint64) wire.Cursor {
	if newest := l.pending[len(l.pending)-1].Seq; newest < seq {
		return wire.Cursor{Seq: seq - 1, Done: true}
	}
	return wire.Cursor{Seq: seq, After: l.last}
}

func priorityOf(e *news.Event) string {
	if e.Kind == news.KindCorrected || e.Kind == news.KindWithdrawn {
		return "urgent"
	}
	return "normal"
}

// tooOld: nobody is to be told of the event any more. The hold does not count
// as age, also not for a withdrawal, which may stand behind what is held.
func (s *Subscribers) tooOld(e *news.Event) bool {
	return s.cfg.Now().Sub(e.Time) > s.cfg.MaxAge+s.cfg.Hold
}

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
	if err := f.storeAll(ctx, seq, func(l *lane) bool { return atEnd && len(l.pending) > 0 || seq >= l.cursor.Seq+maxLag }); err != nil {
		return err
	}
	f.at.Store(seq)
	if atEnd {
		f.s.counts.fannedOut.Store(seq)
	}
	return nil
}

// storeAll stores the lanes that which chooses, with event seq behind them.
func (f *fanout) storeAll(ctx context.Context, seq uint64, which func(*lane) bool) error {
	g, ctx := errgroup.WithContext(ctx)
	for q := range f.lanes {
		if which(&f.lanes[q]) {
			g.Go(func() error { return f.store(ctx, q, wire.Cursor{Seq: seq, Done: true}) })
		}
	}
	return g.Wait()
}

// store writes what is pending and the cursor. When it is unclear whether a
// write took place, or another process was quicker, the stored cursor tells. A
// refusal that does not pass ends the fan-out, because to go on would lose alerts.
func (f *fanout) store(ctx context.Context, q int, to wire.Cursor) error {
	l := &f.lanes[q]
	clear(l.open)
	for n := 1; ; n++ {
		tasks, recipients, err := l.tasks()
		if err != nil {
			return err
		}
		next, err := f.s.cfg.Wire.Enqueue(ctx, q, l.cursor, to, tasks)
		if err == nil {
			f.s.counts.queued.Add(uint64(recipients))
			l.cursor, l.pending = next, nil
			return nil
		}
		if errors.Is(err, wire.ErrStale) {
			err = ctx.Err()
		} else {
			err = f.refused(ctx, q, n, err)
		}
		if err != nil {
			return err
		}
		if l.cursor, err = f.s.cfg.Wire.Cursor(ctx, q); err != nil {
			return err
		}
		l.forgetCovered()
		if l.cursor.Next() > to.Seq || !to.Done && covers(l.cursor, to.Seq, to.After) {
			return nil
		}
	}
}

// refused says what ends the fan-out after the nth refusal of a queue, or waits
// so that it can be asked again.
func (f *fanout) refused(ctx context.Context, q, n int, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if n >= doubtfulTries && !passing(err) {
		return fatal{fmt.Errorf("%w; the log refuses alerts, see to its streams and start again", err)}
	}
	f.s.cfg.Log.Warn().Err(err).Int("queue", q).Msg("alerts could not be queued, trying again")
	if !pause(ctx) {
		return ctx.Err()
	}
	return nil
}

func (l *lane) tasks() (tasks []wire.Task, recipients int, err error) {
	for _, p := range l.pending {
		b, err := json.Marshal(p.page)
		if err != nil {
			return nil, 0, fmt.Errorf("encode a task of release %s: %w", p.Release, err)
		}
		tasks = append(tasks, wire.Task{Channel: p.channel, Priority: p.priority, Payload: b})
		recipients += len(p.To)
	}
	return tasks, recipients, nil
}

// forgetCovered drops what the cursor has passed.
func (l *lane) forgetCovered() {
	for _, p := range l.pending {
		p.To = slices.DeleteFunc(p.To, func(id string) bool { return covers(l.cursor, p.Seq, id) })
	}
	l.pending = slices.DeleteFunc(l.pending, func(p *pending) bool { return len(p.To) == 0 })
}
