package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"dateline/publisher"

	"github.com/spf13/cobra"
)

func (p *program) historyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history ID",
		Short: "Show what happened to a release: who, what, when, from where",
		Long: `Show every revision of a release with what it changed. A key with the scope admin
also sees who did it and from where, and what was done at the desk. In the place
of an ID, keys, subscriptions and taxonomy stand for what was done with those.`,
		Example: `  dateline history 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b
  dateline history keys
  dateline history 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --json`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/api/v1/releases/" + url.PathEscape(args[0]) + "/history"
			if slices.Contains([]string{"keys", "subscriptions", "taxonomy"}, args[0]) {
				path = "/api/v1/trail/" + args[0]
			}
			var past publisher.Past
			if err := p.get(cmd, path, &past); err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, past)
			}
			p.showHistory(&past)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

// showHistory prints the trail, which holds the events, or the events alone to
// those who may not see the trail.
func (p *program) showHistory(past *publisher.Past) {
	s := paintFor(p.io.out, p.env)
	head := func(when, what, by, from string) {
		line := when + "  " + s.bold(what)
		if by != "" {
			line += "  by " + visible(by)
		}
		if from != "" {
			line += " from " + from
		}
		fmt.Fprintln(p.io.out, line)
	}
	told := map[string]bool{}
	for _, e := range past.Trail {
		what := e.What
		if e.After != nil && e.Event != "" {
			what += fmt.Sprintf(", revision %d", e.After.Revision)
		} else if e.After != nil {
			what += fmt.Sprintf(" at the desk, version %d", e.After.Version)
		}
		head(e.Time.Local().Format("2006-01-02 15:04:05"), what, e.By, e.From)
		p.showChanges(e.Changes, e.Why, e.After != nil && e.Before == nil)
		told[e.Event] = true
	}
	for _, e := range past.Events {
		if told[e.ID] {
			continue
		}
		head(e.Time.Local().Format("2006-01-02 15:04:05"), fmt.Sprintf("%s, revision %d", e.Kind, e.Revision), e.By, e.From)
		p.showChanges(e.Changes, e.Note+e.Reason, false)
	}
	if w := past.Waiting; w != nil {
		fmt.Fprintf(p.io.out, "%s  %s, version %d, to be %s %s\n", s.warn("waits at the desk"), w.State, w.Version, w.Becomes, untilText(w.Until, w.Zone))
	}
}

// showChanges prints what differs; of a first version only its title, because
// everything is new.
func (p *program) showChanges(changes []publisher.Difference, why string, first bool) {
	if why != "" {
		fmt.Fprintf(p.io.out, "    %q\n", visible(why))
	}
	for _, d := range changes {
		switch {
		case first && d.Part != "title" || d.Part == "note" || d.Part == "reason":
		case d.Before == "":
			fmt.Fprintf(p.io.out, "    %s: %s\n", d.Part, short(visible(d.After), 100))
		default:
			fmt.Fprintf(p.io.out, "    %s: %s → %s\n", d.Part, short(visible(d.Before), 60), strings.TrimSpace(short(visible(d.After), 60)))
		}
	}
}
