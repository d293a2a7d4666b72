package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"dateline/publisher/news"
	"dateline/subscribers"
)

// demoSubscribers wait for alerts in the demo: single topics, a combination,
// two overlapping wishes of one person, a group of countries, a language, a
// routine series, and everything.
func demoSubscribers(hooks string) []demoSubscriber {
	fields := func(f ...string) news.Selection { return news.Selection{Fields: f} }
	return []demoSubscriber{
		{subscribers.Mail, "police.desk@example.org", []news.Selection{fields("policing"), {Countries: []string{"austria"}}}},
		{subscribers.Mail, "rights@example.org", []news.Selection{fields("human"), fields("human-rights")}},
		{subscribers.Mail, "central.asia@example.org", []news.Selection{{Countries: []string{"central-asia"}, Role: news.About}}},
		{subscribers.Mail, "russian@example.org", []news.Selection{{Languages: []string{"ru"}}}},
		{subscribers.Mail, "daily@example.org", []news.Selection{{Types: []string{"daily-report", "spot-report"}}}},
		{subscribers.Mail, "nobody@example.org", []news.Selection{{Fields: []string{"arms-control"}, Countries: []string{"andorra"}}}},
		{subscribers.Webhook, hooks + "/everything", []news.Selection{{Routine: true}}},
		{subscribers.Webhook, hooks + "/environment", []news.Selection{fields("economic-environmental")}},
		{subscribers.Webhook, hooks + "/media", []news.Selection{{Sources: []string{"rfom"}}, fields("media-freedom-and-development")}},
	}
}

func (d *demo) subscribe(ctx context.Context, s demoSubscriber) error {
	for _, wish := range s.wishes {
		body, err := json.Marshal(subscribers.Wish{Channel: s.channel, Address: s.recipient, Selection: wish})
		if err != nil {
			return err
		}
		var made subscribers.Subscription
		if _, err := d.client.call(ctx, http.MethodPost, subscriptionsPath, http.Header{"Content-Type": {"application/json"}}, body, &made); err != nil {
			return fmt.Errorf("the demo's subscription: %w", err)
		}
		if made.Secret != "" {
			u, err := url.Parse(s.recipient)
			if err != nil {
				return err
			}
			d.sinks.expectSecret(u.Path, made.Secret)
		}
	}
	return nil
}
