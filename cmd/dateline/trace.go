package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dateline/publisher"
	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/subscribers"

	"github.com/spf13/cobra"
)

// trace is what became of a release: from its events by the documents to the
// deliveries.
type trace struct {
	ID       string        `json:"id"`
	Events   []tracedEvent `json:"events"`
	Partners []string      `json:"partners"`
	subscribers.Deliveries
	// Unknown names what this process cannot tell, because another one does it.
	Unknown []string `json:"unknown,omitempty"`
}

// tracedEvent is an event with the documents it touched, and when they showed it.
type tracedEvent struct {
	publisher.PastEvent
	Visible time.Time `json:"visible,omitzero"` // zero: before the start of this process, or in another
}

// traceHandler answers with the trace of a release, to administrators.
func (a *app) traceHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/releases/{id}/trace", a.answer(func(r *http.Request) (any, error) { return a.trace(r) }))
	return access.Routes(mux)
}

// answer serves what h returns as JSON.
func (a *app) answer(h func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxWish)
		var out any
		_, err := access.Query(r)
		if err == nil {
			out, err = h(r)
		}
		if err != nil {
			if access.Refuse(w, err) >= http.StatusInternalServerError {
				a.log.Error().Err(err).Str("path", r.URL.Path).Msg("request failed")
			}
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		access.JSON(w, http.StatusOK, "application/json", out)
	}
}

func (a *app) trace(r *http.Request) (trace, error) {
	p := a.now()
	out := trace{ID: r.PathValue("id"), Events: []tracedEvent{}, Partners: []string{}}
	if err := access.Need(r.Context(), access.Admin); err != nil {
		return out, err
	}
	past, err := p.pub.History(r.Context(), out.ID)
	if err != nil {
		return out, err
	}
	for _, e := range past.Events {
		traced := tracedEvent{PastEvent: e}
		if p.feeds != nil {
			traced.Visible, _ = p.feeds.Shown(e.Seq)
			traced.Visible = traced.Visible.UTC()
		}
		if traced.Visible.Year() < 2000 {
			traced.Visible = time.Time{}
		}
		out.Events = append(out.Events, traced)
	}
	if p.feeds == nil {
		out.Unknown = append(out.Unknown, "documents")
	}
	if p.subs == nil {
		out.Unknown = append(out.Unknown, "deliveries")
		return out, nil
	}
	out.Deliveries, err = p.subs.Deliveries(r.Context(), out.ID)
	if news.CodeOf(err) == news.NotFound { // it waits at the desk and has no event yet
		err = nil
	}
	return out, err
}

func (p *program) traceCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show what became of a release: events, documents, partners, deliveries",
		Long: `Show what became of a release, with times: each event, the feeds it touched and
when they showed it, the partners, and every try to deliver an alert. Recipients
stand as ids; their addresses are not shown. It needs a key with the scope admin.`,
		Example: `  dateline trace 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b
  dateline trace 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --json`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var t trace
			if err := p.get(cmd, "/api/v1/releases/"+url.PathEscape(args[0])+"/trace", &t); err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, t)
			}
			p.showTrace(&t)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

const clockTime = "2006-01-02 15:04:05.000"

func (p *program) showTrace(t *trace) {
	s := paintFor(p.io.out, p.env)
	if len(t.Events) == 0 {
		fmt.Fprintln(p.io.err, "Nothing is published yet; see what waits with: dateline desk show "+t.ID)
	}
	for _, e := range t.Events {
		fmt.Fprintf(p.io.out, "%s  %s  %s\n", e.Time.Local().Format(clockTime), s.bold(string(e.Kind)), e.ID)
		shown := "shown before this server's start"
		if !e.Visible.IsZero() {
			shown = fmt.Sprintf("shown %s, %s later", e.Visible.Local().Format(clockTime), e.Visible.Sub(e.Time).Round(time.Millisecond))
		}
		fmt.Fprintf(p.io.out, "  %d feeds %s: %s\n", len(e.Documents), shown, strings.Join(e.Documents, " "))
		if t.Held != nil && t.Held.Alert == e.ID {
			fmt.Fprintf(p.io.out, "  alerts are held until %s\n", t.Held.Until.Local().Format(clockTime))
		}
		var rows [][]string
		for _, d := range t.Alerts {
			if d.Alert != e.ID {
				continue
			}
			for _, a := range d.Attempts {
				next := ""
				if !a.NextTry.IsZero() {
					next = a.NextTry.Local().Format(clockTime)
				}
				rows = append(rows, []string{"  " + a.At.Local().Format(clockTime), string(d.Channel), d.Recipient, a.Outcome, fmt.Sprintf("%d ms", a.Millis), a.Answer, next})
			}
		}
		if len(rows) > 0 {
			printTable(p.io.out, []string{"  tried", "channel", "recipient", "outcome", "took", "answer", "next try"}, rows)
		}
	}
	if len(t.Waiting) > 0 {
		fmt.Fprintf(p.io.out, "%d wait to be tried again\n", len(t.Waiting))
	}
	for _, part := range t.Unknown {
		fmt.Fprintf(p.io.err, "The %s are with another process.\n", part)
	}
}
