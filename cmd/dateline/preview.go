package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dateline/publisher"

	"github.com/spf13/cobra"
)

func (p *program) previewCommand() *cobra.Command {
	var origin, revises, correct, withdraw, atDesk, note, reason string
	var accept, asJSON bool
	var wait later
	cmd := &cobra.Command{
		Use:   "preview [FILE]",
		Short: "Say what publishing would set off, and change nothing",
		Long: `Say what publishing FILE would set off, and change nothing: the topics, the feeds
that would be made anew, the partners, how many people would be told on each
channel, and what an editor should look at first. With --correct, --withdraw or
--desk it says the same of a correction, a withdrawal, or what waits at the desk.`,
		Example: `  dateline preview release.md
  dateline preview release.md --embargo 2026-12-01T09:00 --zone Europe/Vienna
  dateline preview release.md --correct 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --note "The meeting was on 4 May, not 5 May."
  dateline preview --desk 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b
  dateline preview --withdraw 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --reason "Sent by mistake."`,
		Args: func(cmd *cobra.Command, args []string) error {
			if (withdraw != "" || atDesk != "") && len(args) > 0 {
				return usagef("--withdraw and --desk take no FILE")
			}
			if withdraw != "" || atDesk != "" {
				return nil
			}
			return exactly("FILE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			q, path := url.Values{"dry_run": {"true"}}, "/api/v1/releases"
			switch {
			case correct != "" && withdraw+atDesk != "" || withdraw != "" && atDesk != "":
				return usagef("--correct, --withdraw and --desk exclude each other")
			case atDesk != "":
				path = deskPath + "/" + url.PathEscape(atDesk) + "/release"
			case correct != "":
				path += "/" + url.PathEscape(correct) + "/correct"
				q.Set("note", note)
				if note == "" {
					q.Set("minor", "true")
				}
			case withdraw != "":
				path += "/" + url.PathEscape(withdraw) + "/withdraw"
				q.Set("reason", reason)
			default:
				setIf(q, "origin", origin)
				setIf(q, "revises", revises)
			}
			if accept {
				q.Set("accept_proposals", "true")
			}
			if err := wait.put(q); err != nil {
				return err
			}
			return p.preview(cmd, path, args, q, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&origin, "origin", "", "`ORIGIN` of a release that names none")
	f.StringVar(&revises, "revises", "", "`ID` of the release of which this is a new version")
	f.StringVar(&correct, "correct", "", "`ID` of the release that FILE would correct; without --note it is a minor correction")
	f.StringVar(&withdraw, "withdraw", "", "`ID` of the release that would be withdrawn")
	f.StringVar(&atDesk, "desk", "", "`ID` of the release of which a version waits at the desk")
	f.StringVar(&note, "note", "", "`TEXT` of the correction's note")
	f.StringVar(&reason, "reason", "", "`TEXT` of the withdrawal's reason")
	f.BoolVar(&accept, "accept-proposals", false, "file a release without fields under the proposed ones")
	wait.flags(cmd)
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) preview(cmd *cobra.Command, path string, args []string, q url.Values, asJSON bool) error {
	c, err := p.client(cmd)
	if err != nil {
		return err
	}
	var d document
	header := http.Header{}
	if len(args) > 0 {
		if d, err = p.readDocument(args[0]); err != nil {
			return err
		}
		header = d.header()
	}
	var view publisher.Preview
	if _, err := c.call(cmd.Context(), http.MethodPost, path+"?"+q.Encode(), header, d.body, &view); err != nil {
		return err
	}
	if asJSON {
		return printJSON(p.io.out, view)
	}
	p.showPreview(&view)
	return nil
}

func (p *program) showPreview(v *publisher.Preview) {
	s := paintFor(p.io.out, p.env)
	fmt.Fprintf(p.io.out, "%s\n", s.bold(visible(v.Title)))
	line := func(name, text string) { fmt.Fprintf(p.io.out, "  %-12s  %s\n", name, text) }
	would := fmt.Sprintf("%s, revision %d, of %s", v.Outcome, v.Revision, v.Date)
	if v.Outcome == publisher.Unchanged {
		would = "unchanged: nothing would happen"
	}
	if !v.Until.IsZero() {
		would += ", when the embargo is over: " + untilText(v.Until, v.Zone)
	}
	line("would be", would)
	line("release", v.ID)
	var topics []string
	for _, t := range v.Topics {
		name := t.Name
		if t.Role != "" {
			name += " (" + string(t.Role) + ")"
		}
		topics = append(topics, name)
	}
	line("topics", visible(strings.Join(topics, ", ")))
	line("documents", fmt.Sprintf("%d feeds as %s, and their pages", len(v.Documents), strings.Join(v.Formats, ", ")))
	switch {
	case slices.Contains(v.Unknown, "partners"):
		line("partners", "told by another process")
	case len(v.Partners) == 0:
		line("partners", "none")
	default:
		line("partners", visible(strings.Join(v.Partners, ", ")))
	}
	if slices.Contains(v.Unknown, "subscribers") {
		line("subscribers", "told by another process")
	} else {
		line("subscribers", fmt.Sprintf("%d by mail, %d by webhook", v.Subscribers["mail"], v.Subscribers["webhook"]))
	}
	if !v.AlertsAt.IsZero() {
		line("alerts leave", "at "+v.AlertsAt.Local().Format("2006-01-02 15:04:05")+"; withdraw before, and nobody is alerted")
	}
	for _, w := range v.Warnings {
		fmt.Fprintf(p.io.out, "  %s %s\n", s.warn("look at this:"), visible(w))
	}
}
