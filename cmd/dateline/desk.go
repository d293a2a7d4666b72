package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dateline/publisher"

	"github.com/spf13/cobra"
)

const deskPath = "/api/v1/desk"

// later says that a version waits at the desk in place of going out at once.
type later struct {
	draft   bool
	embargo string
	zone    string
}

func (l *later) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&l.draft, "draft", false, "keep it at the desk; nobody else sees it")
	cmd.Flags().StringVar(&l.embargo, "embargo", "", "keep it until `TIME`, like 2026-12-01T09:00, and publish it then; none: publish what says of itself that it is under embargo")
	cmd.Flags().StringVar(&l.zone, "zone", "", "time `ZONE` of --embargo, like Europe/Vienna")
}

// put adds what was said to a request's query.
func (l *later) put(q url.Values) error {
	if l.draft && l.embargo != "" {
		return usagef("--draft and --embargo exclude each other: a draft has no time at which it is published")
	}
	if l.zone != "" && l.embargo == "" {
		return usagef("--zone needs --embargo")
	}
	if l.draft {
		q.Set("status", "draft")
	}
	setIf(q, "embargo", l.embargo)
	setIf(q, "zone", l.zone)
	return nil
}

// waits reports whether the answer speaks of a version at the desk.
func (l *later) waits() bool { return l.draft || l.embargo != "" && l.embargo != "none" }

func (p *program) deskCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "desk",
		Short: "List and change what waits: drafts, and versions under embargo",
		Long: `List what waits at the desk: drafts, and versions under embargo with the time at
which they are published by themselves. Only keys with the scope draft see
drafts, and only those with read-embargoed what is under embargo.`,
		Example: `  dateline desk
  dateline desk show 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b
  dateline desk embargo 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --until 2026-12-01T09:00 --zone Europe/Vienna
  dateline desk release 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.listDesk(cmd, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	cmd.AddCommand(p.deskShowCommand(), p.deskEditCommand(), p.deskEmbargoCommand(), p.deskLiftCommand(), p.deskReleaseCommand(), p.deskDiscardCommand())
	return cmd
}

func (p *program) listDesk(cmd *cobra.Command, asJSON bool) error {
	var list struct {
		Waiting []publisher.Desk `json:"waiting"`
	}
	if err := p.get(cmd, deskPath, &list); err != nil {
		return err
	}
	if asJSON {
		return printJSON(p.io.out, list.Waiting)
	}
	if len(list.Waiting) == 0 {
		fmt.Fprintln(p.io.err, "Nothing waits that this key may see. Keep a draft with: dateline publish FILE --draft")
		return nil
	}
	rows := make([][]string, len(list.Waiting))
	for i, d := range list.Waiting {
		rows[i] = []string{d.ID, string(d.State), strconv.Itoa(d.Version), untilText(d.Until, d.Zone), string(d.Becomes), d.By, short(d.Title, 40), short(d.Stalled, 40)}
	}
	printTable(p.io.out, []string{"id", "state", "version", "until", "becomes", "by", "title", "why it waits"}, rows)
	return nil
}

// untilText is the end of an embargo in the zone in which it was said.
func untilText(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		loc, zone = time.UTC, "UTC"
	}
	layout := "2006-01-02 15:04"
	if t.Second() != 0 {
		layout += ":05"
	}
	return t.In(loc).Format(layout) + " " + zone
}

func (p *program) deskShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a version that waits",
		Example: `  dateline desk show 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b
  dateline desk show 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --json`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var d publisher.Desk
			if err := p.get(cmd, deskPath+"/"+url.PathEscape(args[0]), &d); err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, d)
			}
			p.showWaiting(d)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) showWaiting(d publisher.Desk) {
	s := paintFor(p.io.out, p.env)
	fmt.Fprintf(p.io.out, "%s\n%s, version %d, to be %s", s.bold(visible(d.Title)), d.State, d.Version, d.Becomes)
	if !d.Until.IsZero() {
		fmt.Fprintf(p.io.out, " at %s", untilText(d.Until, d.Zone))
	}
	fmt.Fprintf(p.io.out, "\nlast changed %s by %s\n", d.Changed.Local().Format("2006-01-02 15:04:05"), visible(d.By))
	if d.Stalled != "" {
		fmt.Fprintf(p.io.out, "%s %s\n", s.warn("not published:"), visible(d.Stalled))
	}
	if d.Sealed {
		fmt.Fprintln(p.io.out, "sealed: only keys with the scope read-embargoed see it; open it with dateline desk lift --open")
	}
	if d.Notice != "" {
		fmt.Fprintf(p.io.out, "%s %q\n", s.warn("it says of itself that it is under embargo:"), visible(d.Notice))
	}
	if r := d.Release; r != nil {
		fmt.Fprintf(p.io.out, "of %s; type %s; fields %s; countries %s; sources %s\n", r.PublishedAt.Format(time.DateOnly), or(r.Type), or(r.FieldSlugs()...), or(r.CountrySlugs()...), or(r.SourceSlugs()...))
	}
	if d.Release != nil {
		if d.Release.Note != "" {
			fmt.Fprintf(p.io.out, "note: %s\n", visible(d.Release.Note))
		}
		fmt.Fprintln(p.io.out)
		for _, line := range strings.Split(d.Release.Text, "\n") {
			fmt.Fprintln(p.io.out, visible(line))
		}
	}
}

// or is values in a row, or the word that there are none.
func or(values ...string) string {
	if text := strings.Join(values, ", "); text != "" {
		return text
	}
	return "none"
}

// changeDesk makes one change of what waits, based on the version that is there
// now unless version names one.
func (p *program) changeDesk(cmd *cobra.Command, method, id, below, version string, q url.Values, doc *document, out any) (http.Header, error) {
	c, err := p.client(cmd)
	if err != nil {
		return nil, err
	}
	path := deskPath + "/" + url.PathEscape(id)
	match := strconv.Quote("draft-" + version)
	if version == "" {
		// Whoever may change but not see it says so: any version.
		match = "*"
		if h, err := c.call(cmd.Context(), http.MethodGet, path, nil, nil, nil); err == nil {
			match = h.Get("ETag")
		}
	}
	header, body := http.Header{"If-Match": {match}}, []byte(nil)
	if doc != nil {
		header.Set("Content-Type", doc.kind)
		body = doc.body
	}
	return c.call(cmd.Context(), method, path+below+"?"+q.Encode(), header, body, out)
}

func versionFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "version", "", "`NUMBER` of the version the change is based on (default the newest)")
}

// moveAtDesk makes a change after which something waits still, and prints it.
func (p *program) moveAtDesk(cmd *cobra.Command, method, id, below, version string, q url.Values, doc *document, asJSON bool) error {
	var d publisher.Desk
	h, err := p.changeDesk(cmd, method, id, below, version, q, doc, &d)
	if err != nil {
		return err
	}
	return p.report([]published{asWaiting("", h, &d)}, asJSON)
}

func asWaiting(file string, h http.Header, d *publisher.Desk) published {
	out := published{File: file, Outcome: h.Get(publisher.HeaderOutcome), ID: d.ID, Revision: d.Base, Version: d.Version, Status: string(d.State), Title: d.Title, Becomes: string(d.Becomes), Until: d.Until, Zone: d.Zone}
	if json.Unmarshal([]byte(h.Get(publisher.HeaderWarnings)), &out.Warnings) != nil {
		out.Warnings = nil
	}
	return out
}

func (p *program) deskEditCommand() *cobra.Command {
	var note, version string
	var minor, accept, asJSON bool
	cmd := &cobra.Command{
		Use:     "edit ID FILE",
		Short:   "Replace the content of what waits; an embargo stays",
		Example: `  dateline desk edit 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b release.md`,
		Args:    exactly("ID", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := p.readDocument(args[1])
			if err != nil {
				return err
			}
			q := url.Values{}
			setIf(q, "note", note)
			if minor {
				q.Set("minor", "true")
			}
			if accept {
				q.Set("accept_proposals", "true")
			}
			if err := p.moveAtDesk(cmd, http.MethodPut, args[0], "", version, q, &doc, asJSON); err != nil {
				return naming(args[1], err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "`TEXT` for the public, when it becomes a correction: what was wrong (default the one it has)")
	cmd.Flags().BoolVar(&minor, "minor", false, "a correction that nobody needs to hear of")
	cmd.Flags().BoolVar(&accept, "accept-proposals", false, "file a release without fields under the proposed ones")
	versionFlag(cmd, &version)
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) deskEmbargoCommand() *cobra.Command {
	var until, zone, version string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "embargo ID",
		Short: "Set or change the time at which what waits is published",
		Long: `Set or change the time at which what waits is published by itself. A local time
that a change of clocks skips or repeats is read as the later of the two moments
it can mean, so that nothing is out early; the answer says so.`,
		Example: `  dateline desk embargo 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --until 2026-12-01T09:00 --zone Europe/Vienna
  dateline desk embargo 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --until 2026-12-01T09:00:00+01:00`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if until == "" {
				return usagef("--until is missing: the time at which it is published, like 2026-12-01T09:00")
			}
			q := url.Values{"until": {until}}
			setIf(q, "zone", zone)
			return p.moveAtDesk(cmd, http.MethodPut, args[0], "/embargo", version, q, nil, asJSON)
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "`TIME`, like 2026-12-01T09:00")
	cmd.Flags().StringVar(&zone, "zone", "", "its time `ZONE`, like Europe/Vienna")
	versionFlag(cmd, &version)
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) deskLiftCommand() *cobra.Command {
	var version string
	var open, asJSON bool
	cmd := &cobra.Command{
		Use:   "lift ID",
		Short: "Take an embargo off: it waits as a draft and is not published by itself",
		Long: `Take an embargo off: what was under it waits as a draft and is not published by
itself. It stays sealed, for keys with the scope read-embargoed alone, unless
--open shows it to everybody who writes drafts.`,
		Example: `  dateline desk lift 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b
  dateline desk lift 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --open`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{}
			if open {
				q.Set("open", "true")
			}
			return p.moveAtDesk(cmd, http.MethodDelete, args[0], "/embargo", version, q, nil, asJSON)
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "show it to everybody who writes drafts")
	versionFlag(cmd, &version)
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) deskReleaseCommand() *cobra.Command {
	var version, embargo string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "release ID",
		Short: "Publish what waits now, embargo or not",
		Long: `Publish what waits now, embargo or not. See beforehand what that sets off with
dateline preview --desk ID. What says of itself that it is under embargo is
refused, unless --embargo none says that this is meant.`,
		Example: `  dateline desk release 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b`,
		Args:    exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{}
			setIf(q, "embargo", embargo)
			var e event
			h, err := p.changeDesk(cmd, http.MethodPost, args[0], "/release", version, q, nil, &e)
			if err != nil {
				return err
			}
			return p.report([]published{asPublished("", h, &e)}, asJSON)
		},
	}
	cmd.Flags().StringVar(&embargo, "embargo", "", "none: publish what says of itself that it is under embargo")
	versionFlag(cmd, &version)
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) deskDiscardCommand() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:     "discard ID",
		Short:   "Throw away what waits",
		Example: `  dateline desk discard 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b`,
		Args:    exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := p.changeDesk(cmd, http.MethodDelete, args[0], "", version, url.Values{}, nil, nil); err != nil {
				return err
			}
			_, err := fmt.Fprintf(p.io.out, "discarded  %s\n", args[0])
			return err
		},
	}
	versionFlag(cmd, &version)
	clientFlags(cmd)
	return cmd
}
