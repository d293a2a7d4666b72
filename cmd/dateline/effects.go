package main

import (
	"context"
	"time"

	"dateline/publisher"
	"dateline/publisher/news"
)

// effects says whom an event would reach, as far as this process knows.
func (p *parts) effects(ctx context.Context, prev *news.Release, e news.Event, hold time.Duration) (publisher.Effects, error) {
	out := publisher.Effects{Partners: []string{}, Subscribers: map[string]int{}}
	if p.subs == nil {
		out.Unknown = []string{"subscribers"}
		return out, nil
	}
	if hold > 0 && e.Alerts() && e.Kind != news.KindWithdrawn {
		out.AlertsAt = e.Time.Add(hold)
	}
	audience, err := p.subs.Audience(ctx, prev, e)
	for channel, n := range audience {
		out.Subscribers[string(channel)] = n
	}
	return out, err
}
