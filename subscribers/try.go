package subscribers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/subscribers/alert"

	"github.com/rs/zerolog"
)

// maxAfter bounds how long an endpoint may ask us to wait.
const maxAfter = 24 * time.Hour

// try makes one try of a task: it reads the release and the last record,
// decides, and sends. The time it returns is when to try again; zero means that
// the task is at its end. An error means that the process ends.
func (d *delivery) try(t task) (again time.Time, err error) {
	cur, err := d.release(t)
	if err != nil {
		return time.Time{}, d.unreadable(t, err)
	}
	if d.s.strange(&cur.Event.Release) {
		return d.s.cfg.Now().Add(time.Second), nil
	}
	to, matching, err := d.recipient(t, &cur.Event.Release)
	switch {
	case err != nil:
		return time.Time{}, err
	case to == nil: // unsubscribed
		d.s.counts.skipped.add(t.Channel)
		return time.Time{}, nil
	case to.Disabled != "":
		return time.Time{}, d.giveUp(t, to.Disabled)
	}
	if back, err := d.heldBack(t, cur); err != nil || back {
		if back {
			d.s.counts.skipped.add(t.Channel)
		}
		return time.Time{}, err
	}
	last, found, err := d.last(t)
	if err != nil {
		return time.Time{}, err
	}
	if t.Next.IsZero() && last.rests(&cur.Event.Release, d.s.cfg.Now()) {
		return last.Next, nil
	}
	assumed := ""
	if !found && cur.Event.Release.Revision > 1 {
		if assumed, err = d.assume(to, cur); err != nil {
			return time.Time{}, err
		}
	}
	if !decide(&cur.Event.Release, last, len(matching) > 0, assumed != "") {
		d.s.counts.skipped.add(t.Channel)
		return time.Time{}, nil
	}
	if assumed != "" {
		last.Told = []string{assumed}
	}
	if t.Late {
		return time.Time{}, d.tooLate(t, last, &cur.Event)
	}
	e, err := d.announced(cur)
	if err != nil {
		return time.Time{}, err
	}
	return d.send(t, to, &e, last, matching)
}

// announced is the event that people are told of: the release as it is now,
// under the kind of its newest event that surfaced.
func (d *delivery) announced(cur wire.Record) (news.Event, error) {
	newest, err := d.surfaced(cur)
	e := cur.Event
	e.Kind = newest.Event.Kind
	return e, err
}

// surfaced is the newest event of a release that surfaced: cur unless that is a
// minor revision.
func (d *delivery) surfaced(cur wire.Record) (wire.Record, error) {
	if cur.Event.Kind != news.KindRevised {
		return cur, nil
	}
	history, err := d.history(cur)
	for _, h := range history {
		if h.Event.Release.Revision == cur.Event.Release.SurfacedRevision {
			return h, nil
		}
	}
	return cur, err
}

func (d *delivery) history(cur wire.Record) (history []wire.Record, err error) {
	err = d.insist(func(ctx context.Context) error {
		history, err = d.s.cfg.Wire.History(ctx, cur.Event.Release.ID, cur.Seq)
		return err
	})
	return history, err
}

// recipient returns the task's recipient and those of its selections, in words,
// that the release is in. Another process may have fanned the task out for a
// subscription that is not in memory here yet, so finding nothing is checked.
func (d *delivery) recipient(t task, r *news.Release) (to *recipient, matching []string, err error) {
	for range 2 {
		if to = d.s.register.of(t.To); to != nil {
			matching = to.titles(d.s.cfg.Taxonomy, func(f *follows) bool {
				return f.After < t.Seq && f.Selection.Match(d.s.cfg.Taxonomy, r)
			})
		}
		if len(matching) > 0 {
			break
		}
		if err := d.insist(d.s.current); err != nil {
			return nil, nil, err
		}
	}
	return to, matching, nil
}

// errBehind: a replica of the log lags; asking again mends it.
var errBehind = errors.New("the log answers with an older state of a release than was announced")

// errCut: the log was cut off before the event, which an operator accepted.
var errCut = errors.New("the log ends before the event")

// release reads the release as it is now: not older than the task's event,
// which a replica that lags behind might answer with.
func (d *delivery) release(t task) (cur wire.Record, err error) {
	var final error
	err = d.insist(func(ctx context.Context) error {
		cur, final = d.latest.of(ctx, t.Release)
		if final == nil && cur.Seq < t.Seq {
			final = d.behind(ctx, t.Seq)
		}
		if passing(final) || errors.Is(final, errBehind) {
			return final
		}
		return nil
	})
	if err != nil {
		return cur, err
	}
	return cur, final
}

// behind says why the log does not know of an event.
func (d *delivery) behind(ctx context.Context, seq uint64) error {
	last, err := d.s.cfg.Wire.LastSeq(ctx)
	if err != nil {
		return err
	}
	lost, err := d.s.cfg.Wire.Lost(ctx, seq)
	switch {
	case err != nil:
		return err
	case lost, seq > last:
		return errCut
	}
	return errBehind
}

// unreadable parks a task whose release cannot be read, and passes on that the
// process ends.
func (d *delivery) unreadable(t task, err error) error {
	if d.work.Err() != nil {
		return d.work.Err()
	}
	d.s.cfg.Log.Error().Err(err).Str("release_id", t.Release).Msg("an alert's release cannot be read")
	if errors.Is(err, errCut) || errors.Is(err, errBehind) {
		return d.giveUp(t, "the log does not hold the event any more")
	}
	return d.giveUp(t, "the release cannot be read")
}

// last reads the newest record of the recipient and the release.
func (d *delivery) last(t task) (a attempt, found bool, err error) {
	var b []byte
	err = d.insist(func(ctx context.Context) error {
		var err error
		b, err = d.s.cfg.Wire.LastRecord(ctx, t.To, t.Release)
		if errors.Is(err, wire.ErrNotFound) {
			b, err = nil, nil
		}
		return err
	})
	if err != nil || b == nil {
		return a, false, err
	}
	if a, err = readAttempt(b); err != nil {
		d.s.cfg.Log.Error().Err(err).Str("recipient", t.To).Str("release_id", t.Release).Msg("a record of attempts cannot be read")
		return attempt{}, false, nil
	}
	return a, true, nil
}

// assume answers for the time before the records begin: the id of the newest
// event, older than records are kept, that the recipient was told of if it had
// a matching subscription then; empty when there is none.
func (d *delivery) assume(to *recipient, cur wire.Record) (string, error) {
	history, err := d.history(cur)
	if err != nil {
		return "", err
	}
	return d.s.assumed(to, &cur.Event.Release, history), nil
}

// assumed is assume with the release's history at hand. That of an erased release
// may be gone or not at this moment, so only the records count for it.
func (s *Subscribers) assumed(to *recipient, r *news.Release, history []wire.Record) (told string) {
	if r.Erased {
		return ""
	}
	oldest := s.cfg.Now().Add(-wire.AttemptsKept)
	for i := range history {
		h := &history[i]
		if !h.Event.Alerts() && !revisedWithin(&h.Event, s.cfg.Hold) || h.Event.Release.SurfacedRevision >= r.SurfacedRevision || h.Event.Time.After(oldest) {
			continue
		}
		if slices.ContainsFunc(to.Wishes, func(f follows) bool {
			return f.After < h.Seq && f.Selection.Match(s.cfg.Taxonomy, &h.Event.Release)
		}) {
			told = alertID(&h.Event.Release)
		}
	}
	return told
}

func (d *delivery) tooLate(t task, last attempt, e *news.Event) error {
	d.s.counts.late.add(t.Channel)
	return d.record(t, attempt{
		Event: alertID(&e.Release), Surfaced: e.Release.SurfacedRevision, At: d.s.cfg.Now(), Outcome: late,
		Answer: "the event was too old to alert anyone", Sent: last.Sent, Told: last.Told,
	})
}

func (d *delivery) send(t task, to *recipient, e *news.Event, last attempt, matching []string) (again time.Time, err error) {
	now := d.s.cfg.Now()
	a := last.begin(e, now)
	if err := d.record(t, a); err != nil {
		return time.Time{}, err
	}
	err = d.senders[to.Channel].Send(d.work, alert.Message{
		ID: alertID(&e.Release), Recipient: t.To, Address: to.Address, Secret: to.Secret, Event: *e,
		Matching: matching, Following: to.titles(d.s.cfg.Taxonomy, func(*follows) bool { return true }),
		Earlier: last.earlier(e.Release.SurfacedRevision), Attempt: a.Try, Now: now,
	})
	if d.work.Err() != nil && err != nil {
		return time.Time{}, d.work.Err() // broken off: the outcome is unknown, and the record says so
	}
	a.At, a.Millis = d.s.cfg.Now(), d.s.cfg.Now().Sub(now).Milliseconds()
	if err == nil {
		a.Outcome, a.Sent = accepted, a.Surfaced
		d.troubles.clear(t.To)
		d.waiting.well(t.To)
		d.s.counts.accepted.add(to.Channel)
		d.s.cfg.Log.Debug().Str("event_id", a.Event).Str("recipient", t.To).Str("channel", string(to.Channel)).Int("attempt", a.Try).Msg("alert accepted")
		return time.Time{}, d.record(t, a)
	}
	return d.afterFailure(t, to, a, last, err)
}

// afterFailure records a failed try and says when the next one is.
func (d *delivery) afterFailure(t task, to *recipient, a, last attempt, failure error) (next time.Time, err error) {
	a.Answer = alert.Reason(failure)
	passing, temporary := errors.AsType[*alert.Temporary](failure)
	if !temporary || !passing.Unknown {
		a.Told = last.Told // it certainly did not arrive
	}
	again, spread := temporary && d.worthAnother(t, a), d.s.cfg.Rand()
	if temporary && passing.Whole {
		d.waiting.missed(t.To, func(misses int) time.Time { return d.next(a.At, misses, passing.After, spread) })
	}
	if again {
		a.Outcome, a.Next = failed, d.next(a.At, a.Try, passing.After, spread)
		d.s.counts.failed.add(to.Channel)
		level := zerolog.InfoLevel
		if d.troubles.set(t.To, trouble{a.Answer, a.At, a.Next}) {
			level = zerolog.WarnLevel
		}
		d.tell(level, t, to, a).Time("next", a.Next).Msg("alert failed, to be tried again")
		return a.Next, d.record(t, a)
	}
	d.troubles.set(t.To, trouble{Answer: a.Answer, At: a.At})
	d.tell(zerolog.WarnLevel, t, to, a).Msg("alert given up")
	if err := d.giveUp(t, a.Answer); err != nil {
		return time.Time{}, err
	}
	if final, ok := errors.AsType[*alert.Permanent](failure); ok && final.Gone {
		if err := d.insist(func(ctx context.Context) error { return d.s.disable(ctx, t.To, a.Answer) }); err != nil {
			return time.Time{}, err
		}
		if err := d.insist(d.s.current); err != nil {
			return time.Time{}, err
		}
		d.troubles.clear(t.To) // it is disabled with this reason instead
	}
	// The record comes last: with it the task counts as ended.
	a.Outcome = givenUp
	return time.Time{}, d.record(t, a)
}

// tell begins the log line of a failed try.
func (d *delivery) tell(level zerolog.Level, t task, to *recipient, a attempt) *zerolog.Event {
	return d.s.cfg.Log.WithLevel(level).Str("event_id", a.Event).Str("recipient", t.To).Str("channel", string(to.Channel)).Int("attempt", a.Try).Str("answer", a.Answer)
}

// worthAnother: there is a pause left in the table, and the task has not been
// waiting for longer than the whole table behind others.
func (d *delivery) worthAnother(t task, a attempt) bool {
	return a.Try <= len(d.s.cfg.Backoff) && (t.Since.IsZero() || d.s.cfg.Now().Sub(t.Since) < d.patience)
}

// next is the time of the next try after the one at the time at, the nth that
// failed: the table's pause, varied by up to a tenth, or later when the endpoint
// asks for it.
func (d *delivery) next(at time.Time, nth int, after time.Duration, spread float64) time.Time {
	if len(d.s.cfg.Backoff) == 0 {
		return at
	}
	b := d.s.cfg.Backoff[min(nth, len(d.s.cfg.Backoff))-1]
	b += time.Duration((spread*2 - 1) * float64(b) / 10)
	return at.Add(max(b, min(after, maxAfter)))
}

func (d *delivery) record(t task, a attempt) error {
	a.Channel = t.Channel
	b, err := json.Marshal(a)
	if err != nil { // only times outside years 0-9999 fail
		return fmt.Errorf("encode an attempt for event %s: %w", a.Event, err)
	}
	return d.insist(func(ctx context.Context) error { return d.s.cfg.Wire.Record(ctx, t.To, t.Release, b) })
}
