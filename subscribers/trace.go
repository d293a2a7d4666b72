package subscribers

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// Deliveries is what is known of the alerts of one release. It names recipients
// by their ids, never by their addresses. Attempts are known for 30 days.
type Deliveries struct {
	// Held is the alert that waits for the end of its window; nil when none does.
	Held *HeldAlert `json:"held,omitempty"`
	// Alerts are those that were tried, in the order of their first try.
	Alerts []Delivery `json:"alerts"`
	// Waiting are those put aside for a later try, by the time of that.
	Waiting []Waiting `json:"waiting,omitempty"`
	// More says that there were more attempts than are read for one answer; the
	// newest are missing then.
	More bool `json:"more,omitempty"`
}

// HeldAlert is an alert that nobody is told of before Until.
type HeldAlert struct {
	Alert string    `json:"alert"` // "<release id>:<revision that surfaced>"
	Until time.Time `json:"until"`
}

// Delivery is one alert for one recipient.
type Delivery struct {
	Alert     string  `json:"alert"` // webhook-id and Dateline-Event: "<release id>:<revision that surfaced>"
	Recipient string  `json:"recipient"`
	Channel   Channel `json:"channel,omitempty"` // empty when the recipient is gone and the record is an old one
	// Subscriptions are the ids of those of the recipient's present
	// subscriptions that the release was in, then or after a minor revision; none
	// when a change took it out of all, or when it was erased.
	Subscriptions []string  `json:"subscriptions,omitempty"`
	Attempts      []Attempt `json:"attempts"` // oldest first
}

// Attempt is one try.
type Attempt struct {
	At time.Time `json:"at"` // when it began
	// Outcome is "accepted", "failed" (to be tried again), "given-up", "late"
	// (too old to be sent), or "trying": under way, or cut off by a crash, so that
	// nobody knows.
	Outcome string    `json:"outcome"`
	Answer  string    `json:"answer,omitempty"` // why it failed, in a line
	Millis  int64     `json:"ms,omitempty"`
	NextTry time.Time `json:"next_try,omitzero"` // when it was to be tried again
}

// Waiting is what is put aside for a recipient.
type Waiting struct {
	Recipient string    `json:"recipient"`
	Channel   Channel   `json:"channel"`
	Event     string    `json:"event,omitempty"` // the event that put it into the queue
	Since     time.Time `json:"since"`
	NextTry   time.Time `json:"next_try,omitzero"` // of the alert, or when the recipient is left alone until later, that
}

// Deliveries tells what became of the alerts of a release. A release that does
// not exist is a [news.Problem] of code [news.NotFound].
func (s *Subscribers) Deliveries(ctx context.Context, releaseID string) (Deliveries, error) {
	out := Deliveries{Alerts: []Delivery{}}
	if !news.ValidID(releaseID) {
		return out, noRelease(releaseID)
	}
	if err := s.caughtUp(ctx); err != nil {
		return out, err
	}
	history, err := s.cfg.Wire.History(ctx, releaseID, 0)
	if err != nil {
		return out, err
	}
	if len(history) == 0 {
		return out, noRelease(releaseID)
	}
	records, more, err := s.cfg.Wire.Records(ctx, releaseID)
	if err != nil {
		return out, err
	}
	aside, err := s.cfg.Wire.HeldWith(ctx, releaseID+"-")
	if err != nil {
		return out, err
	}
	out.More, out.Held = more, s.heldOf(history)
	out.Alerts = append(out.Alerts, s.tried(records, history)...)
	out.Waiting = s.putAside(aside, history)
	return out, nil
}

func noRelease(id string) error {
	return news.Problemf(news.NotFound, "there is no release %q", headOf(id))
}

// heldOf is the alert of the newest event that surfaced, if its window is not over.
func (s *Subscribers) heldOf(history []wire.Record) *HeldAlert {
	for i := range slices.Backward(history) {
		e := &history[i].Event
		if e.Kind == news.KindRevised {
			continue
		}
		if until := s.windowEnd(e); until.After(s.cfg.Now()) {
			return &HeldAlert{e.ID(), until}
		}
		return nil
	}
	return nil
}

// tried gathers records to alerts. The record written before a try and the one
// behind it are one attempt.
func (s *Subscribers) tried(records []wire.Kept, history []wire.Record) []Delivery {
	var all []*Delivery
	of := map[[2]string]*Delivery{}
	for _, k := range records {
		a, err := readAttempt(k.Data)
		if err != nil {
			s.cfg.Log.Error().Err(err).Str("recipient", headOf(k.Recipient)).Msg("a record of attempts cannot be read")
			continue
		}
		d := of[[2]string{k.Recipient, a.Event}]
		if d == nil {
			d = &Delivery{Alert: a.Event, Recipient: k.Recipient, Channel: a.Channel}
			d.about(s, a.Surfaced, history)
			of[[2]string{k.Recipient, a.Event}], all = d, append(all, d)
		}
		d.add(&a)
	}
	out := make([]Delivery, len(all))
	for i, d := range all {
		out[i] = *d
	}
	return out
}

// about fills in what is known of the recipient now.
func (d *Delivery) about(s *Subscribers, revision int, history []wire.Record) {
	to := s.register.of(d.Recipient)
	if to == nil {
		return
	}
	d.Channel = to.Channel
	for i := range to.Wishes {
		f := &to.Wishes[i]
		if slices.ContainsFunc(history, func(h wire.Record) bool {
			return h.Event.Release.SurfacedRevision == revision && f.After < h.Seq && f.Selection.Match(s.cfg.Taxonomy, &h.Event.Release)
		}) {
			d.Subscriptions = append(d.Subscriptions, f.ID)
		}
	}
}

func (d *Delivery) add(a *attempt) {
	next := Attempt{At: a.At, Outcome: string(a.Outcome), Answer: a.Answer, Millis: a.Millis, NextTry: a.Next}
	if n := len(d.Attempts); n > 0 && d.Attempts[n-1].Outcome == string(trying) && a.Outcome != trying && a.Outcome != late {
		next.At = d.Attempts[n-1].At
		d.Attempts = d.Attempts[:n-1]
	}
	d.Attempts = append(d.Attempts, next)
}

func (s *Subscribers) putAside(aside []wire.Held, history []wire.Record) []Waiting {
	var out []Waiting
	for _, h := range aside {
		var t task
		if err := json.Unmarshal(h.Payload, &t); err != nil {
			continue // the delivery parks it
		}
		w := Waiting{Recipient: h.Recipient, Channel: t.Channel, Since: t.Since, NextTry: later(t.Next, t.Until)}
		for i := range history {
			if history[i].Seq == t.Seq {
				w.Event = history[i].Event.ID()
			}
		}
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b Waiting) int {
		return cmp.Or(a.NextTry.Compare(b.NextTry), strings.Compare(a.Recipient, b.Recipient), strings.Compare(a.Event, b.Event))
	})
	return out
}
