package subscribers

import (
	"context"
	"maps"
	"math"

	"dateline/publisher/news"
)

// Audience is how many recipients of each channel would be sent a message if
// next were appended to the log now and everything went well. prev is the
// release as it is, nil for a first publication, which is counted without
// looking at the log. Nothing is changed by asking. What is on its way to a
// recipient at this moment may count or not. An error is a [news.Problem] of
// code [news.Unavailable] while the subscriptions or the log do not answer.
func (s *Subscribers) Audience(ctx context.Context, prev *news.Release, next news.Event) (map[Channel]int, error) {
	out := map[Channel]int{Mail: 0, Webhook: 0}
	if !next.Alerts() || s.tooOld(&next) {
		return out, nil
	}
	if err := s.caughtUp(ctx); err != nil {
		return nil, err
	}
	matching := map[string]*recipient{}
	s.register.matching(&next.Release, math.MaxUint64, matching)
	told := matching
	if prev != nil {
		var err error
		if told, err = s.changeReaches(ctx, &next.Release, matching); err != nil {
			return nil, err
		}
	}
	for _, to := range told {
		out[to.Channel]++
	}
	return out, nil
}

// changeReaches are the recipients to whom the delivery would send a release in
// a further state, which those in matching follow.
func (s *Subscribers) changeReaches(ctx context.Context, r *news.Release, matching map[string]*recipient) (map[string]*recipient, error) {
	history, err := s.cfg.Wire.History(ctx, r.ID, 0)
	if err != nil {
		return nil, err
	}
	records, err := s.cfg.Wire.LastRecords(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	to := maps.Clone(matching)
	s.register.matchingEarlier(history, to)
	if r.Erased {
		s.register.active(maps.Keys(records), to)
	}
	maps.DeleteFunc(to, func(id string, to *recipient) bool {
		last, err := readAttempt(records[id])
		assumed := false
		if err != nil { // none, or one that cannot be read
			last, assumed = attempt{}, s.assumed(to, r, history) != ""
		}
		return !decide(r, last, matching[id] != nil, assumed)
	})
	return to, nil
}

// Following is how many subscriptions name a topic.
func (s *Subscribers) Following(ctx context.Context, k news.TopicKind, slug string) (int, error) {
	if err := s.caughtUp(ctx); err != nil {
		return 0, err
	}
	return s.register.following(k, slug), nil
}
