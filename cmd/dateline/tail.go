package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) tailCommand() *cobra.Command {
	var after string
	var once, all, asJSON bool
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow events as they are published",
		Long: `Print each event as it comes, until Ctrl-C: when, what happened, which release.
With --json each line is a CloudEvent, the same that partners and webhooks get.`,
		Example: `  dateline tail
  dateline tail --all --once
  dateline tail --json | jq .data.title`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client(cmd)
			if err != nil {
				return err
			}
			if all {
				after = "0"
			}
			if once && after == "" {
				return usagef("--once needs --all or --after, because it does not wait for new events")
			}
			return p.tail(cmd.Context(), c, after, once, asJSON)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "begin with the first event there is")
	cmd.Flags().StringVar(&after, "after", "", "begin behind the event with this `NUMBER` in the log")
	cmd.Flags().BoolVar(&once, "once", false, "end when all events there are have been printed")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

// tail asks for events again and again, each time behind the last one it got.
// A server that is away for a moment is asked again.
func (p *program) tail(ctx context.Context, c *client, after string, once, asJSON bool) error {
	wait := "25s"
	if once {
		wait = "0s"
	}
	for reached := false; ; {
		q := url.Values{"wait": {wait}}
		setIf(q, "after", after)
		var page struct {
			Events []json.RawMessage `json:"events"`
			Next   string            `json:"next"`
		}
		_, err := c.call(ctx, http.MethodGet, "/api/v1/events?"+q.Encode(), nil, nil, &page)
		var refused *apiError
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && (!reached || once || errors.As(err, &refused) && refused.Status < 500):
			return err
		case err != nil:
			fmt.Fprintf(p.io.err, "%s; trying again\n", err)
			if !pause(ctx, 2*time.Second) {
				return nil
			}
			continue
		}
		reached, after = true, page.Next
		for _, raw := range page.Events {
			if err := p.printEvent(raw, asJSON); err != nil {
				return err
			}
		}
		if once && len(page.Events) == 0 {
			return nil
		}
	}
}

// pause waits, and reports whether the time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (p *program) printEvent(raw json.RawMessage, asJSON bool) error {
	if asJSON {
		_, err := fmt.Fprintf(p.io.out, "%s\n", raw)
		return err
	}
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	when := e.Time
	if t, err := time.Parse(time.RFC3339, e.Time); err == nil {
		when = t.Local().Format("2006-01-02 15:04:05")
	}
	_, err := fmt.Fprintf(p.io.out, "%s  %-11s  %s  %s  [%s]\n", when, visible(e.kind()), visible(e.ID), short(visible(e.Data.Title), 70), visible(e.topics()))
	return err
}
