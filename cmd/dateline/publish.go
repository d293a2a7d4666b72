package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"dateline/publisher"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// document is a file to be sent, with the media type that says how to read it.
type document struct {
	name string
	body []byte
	kind string
}

// readDocument reads a file, or standard input when the name is "-". What is
// larger than the API takes is refused here, before it is sent.
func (p *program) readDocument(name string) (document, error) {
	r := p.io.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return document{}, err
		}
		defer f.Close() //nolint:errcheck // only read
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, publisher.MaxBody+1))
	if err != nil {
		return document{}, err // it names the file
	}
	if len(b) > publisher.MaxBody {
		return document{}, fmt.Errorf("%s is larger than %d MiB; a release is a text of some kilobytes", name, publisher.MaxBody>>20)
	}
	return document{name, b, mediaType(b)}, nil
}

// naming puts the file's name before an error that does not name it.
func naming(name string, err error) error {
	if strings.Contains(err.Error(), name) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// mediaType tells release JSON from text by its first character.
func mediaType(b []byte) string {
	if t := bytes.TrimSpace(b); len(t) > 0 && t[0] == '{' {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

func (d document) header() http.Header { return http.Header{"Content-Type": {d.kind}} }

// published is what the commands that change a release print with --json.
type published struct {
	File     string `json:"file,omitempty"`
	Outcome  string `json:"outcome"`
	ID       string `json:"id"`
	Revision int    `json:"revision"`
	Status   string `json:"status"`
	Title    string `json:"title"`
	URL      string `json:"url,omitempty"`
	// Version and Until are those of a version that waits at the desk.
	Version int       `json:"version,omitempty"`
	Becomes string    `json:"becomes,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Zone    string    `json:"zone,omitempty"`
	// Warnings are what an editor should look at.
	Warnings []string `json:"warnings,omitempty"`
	Error    string   `json:"error,omitempty"`
}

func (p *program) publishCommand() *cobra.Command {
	var origin, revises string
	var backfill, accept, asJSON bool
	var wait later
	cmd := &cobra.Command{
		Use:   "publish FILE...",
		Short: "Publish releases",
		Long: `Publish releases: pages in text form, Markdown with front matter, or release
JSON; "-" reads standard input. Publishing the same origin again with the same
content does nothing; with other content it makes the next revision. A --draft, or
what is under --embargo, waits at the desk; see it with dateline desk.`,
		Example: `  dateline publish release.txt
  dateline publish release.md --origin https://www.example.org/news/4711
  dateline publish archive/*.md --backfill
  dateline publish moved.md --revises 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b
  dateline publish release.md --draft
  dateline publish release.md --embargo 2026-12-01T09:00 --zone Europe/Vienna`,
		Args: atLeastOne("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (origin != "" || revises != "") && len(args) > 1 {
				return usagef("--origin and --revises are for one FILE, there are %d", len(args))
			}
			q := url.Values{}
			if err := wait.put(q); err != nil {
				return err
			}
			c, err := p.client(cmd)
			if err != nil {
				return err
			}
			setIf(q, "origin", origin)
			setIf(q, "revises", revises)
			if backfill {
				q.Set("backfill", "true")
			}
			if accept {
				q.Set("accept_proposals", "true")
			}
			return p.publishAll(cmd.Context(), c, args, q, wait.waits(), asJSON)
		},
	}
	cmd.Flags().StringVar(&origin, "origin", "", "`ORIGIN` of a release that names none: a stable address or number")
	cmd.Flags().StringVar(&revises, "revises", "", "`ID` of the release of which this is a new version, when its URL has moved")
	cmd.Flags().BoolVar(&accept, "accept-proposals", false, "file releases without fields under the proposed ones")
	wait.flags(cmd)
	cmd.Flags().BoolVar(&backfill, "backfill", false, "old releases: ordered by their own dates, and nobody is alerted")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func setIf(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

func jsonFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "json", false, "JSON for programs")
}

// publishAll sends every file, goes on after a refusal, and fails at the end
// when there was one.
func (p *program) publishAll(ctx context.Context, c *client, files []string, q url.Values, waits, asJSON bool) error {
	var results []published
	var failed []error
	bar := p.progress(len(files), "publishing")
	for _, name := range files {
		res, err := p.publishOne(ctx, c, name, q, waits)
		_ = bar.Add(1) // a terminal that went away is no reason to stop
		if err != nil {
			failed = append(failed, naming(name, err))
			res = published{File: name, Outcome: "refused", Error: err.Error()}
		}
		results = append(results, res)
	}
	_ = bar.Finish()
	if err := p.report(results, asJSON); err != nil {
		return err
	}
	switch {
	case len(failed) == 0:
		return nil
	case len(files) == 1:
		return failed[0]
	}
	return fmt.Errorf("%d of %d files were refused:\n%w", len(failed), len(files), errors.Join(failed...))
}

func (p *program) publishOne(ctx context.Context, c *client, name string, q url.Values, waits bool) (published, error) {
	d, err := p.readDocument(name)
	if err != nil {
		return published{}, err
	}
	if waits {
		var at publisher.Desk
		h, err := c.call(ctx, http.MethodPost, "/api/v1/releases?"+q.Encode(), d.header(), d.body, &at)
		if err != nil {
			return published{}, err
		}
		return asWaiting(name, h, &at), nil
	}
	var e event
	h, err := c.call(ctx, http.MethodPost, "/api/v1/releases?"+q.Encode(), d.header(), d.body, &e)
	if err != nil {
		return published{}, err
	}
	return asPublished(name, h, &e), nil
}

func asPublished(file string, h http.Header, e *event) published {
	p := published{File: file, Outcome: h.Get(publisher.HeaderOutcome), ID: e.Subject, Revision: e.Revision, Status: e.Status, Title: e.Data.Title, URL: e.page()}
	if json.Unmarshal([]byte(h.Get(publisher.HeaderWarnings)), &p.Warnings) != nil {
		p.Warnings = nil // most answers have none
	}
	return p
}

// report prints what was done: two lines a release for people, JSON for programs.
func (p *program) report(results []published, asJSON bool) error {
	if asJSON {
		return printJSON(p.io.out, results)
	}
	s := paintFor(p.io.out, p.env)
	for _, r := range results {
		if r.Error == "" {
			which, more := fmt.Sprintf("revision %d", r.Revision), r.URL
			if r.Version > 0 {
				which, more = fmt.Sprintf("version %d at the desk, to be %s", r.Version, r.Becomes), "not public; see it with: dateline desk show "+r.ID
			}
			if !r.Until.IsZero() {
				more = "will be published at " + untilText(r.Until, r.Zone)
			}
			fmt.Fprintf(p.io.out, "%-11s  %s  %s  %s\n             %s\n", r.Outcome, r.ID, which, s.bold(short(r.Title, 70)), s.faint(more))
			for _, w := range r.Warnings {
				fmt.Fprintf(p.io.err, "note         %s\n", w)
			}
		}
	}
	return nil
}

// progress is a bar on a terminal and nothing elsewhere, or for a single step;
// -1 steps means that nobody knows how many there will be.
func (p *program) progress(steps int, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(p.io.err), progressbar.OptionSetVisibility(steps != 1 && isTerminal(p.io.err)),
		progressbar.OptionSetDescription(what), progressbar.OptionShowCount(), progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true))
}

func (p *program) correctCommand() *cobra.Command {
	var note, revision string
	var minor, asJSON bool
	var wait later
	cmd := &cobra.Command{
		Use:   "correct ID FILE",
		Short: "Replace the content of a release and say what was wrong",
		Long: `Replace the content of a release by the one in FILE ("-" reads standard input).
Everyone who was alerted to the release is told of the correction, unless it is
--minor: a slip that changes nothing for a reader.`,
		Example: `  dateline correct 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b release.md --note "The meeting was on 4 May, not 5 May."
  dateline correct 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b release.md --minor
  dateline correct 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b release.md --note "The figures are final." --embargo 2026-12-01T09:00 --zone Europe/Vienna`,
		Args: exactly("ID", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{}
			setIf(q, "note", note)
			if minor {
				q.Set("minor", "true")
			}
			if err := wait.put(q); err != nil {
				return err
			}
			return p.change(cmd, args, revision, q, wait.waits(), asJSON)
		},
	}
	wait.flags(cmd)
	cmd.Flags().StringVar(&note, "note", "", "`TEXT` for the public: what was wrong")
	cmd.Flags().BoolVar(&minor, "minor", false, "alert nobody and leave the release where it is in the feeds; needs no --note")
	changeFlags(cmd, &revision, &asJSON)
	return cmd
}

func (p *program) withdrawCommand() *cobra.Command {
	var reason, replacedBy, revision string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "withdraw ID",
		Short: "Take a release back and say why",
		Long: `Take a release back: its text goes from every feed, page and answer, its title
and the reason stay, and everyone who was alerted to it is told. To remove it from
the log itself, erase it.`,
		Example: `  dateline withdraw 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --reason "Published before the agreed time."
  dateline withdraw 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --reason "Sent twice." --replaced-by 5b7e9a55-0f4f-5c2d-8b3b-0d4a5a3e6f0c`,
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{}
			setIf(q, "reason", reason)
			setIf(q, "replaced_by", replacedBy)
			return p.change(cmd, args, revision, q, false, asJSON)
		},
	}
	cmd.Flags().StringVar(&replacedBy, "replaced-by", "", "`ID` of the release that readers are sent to in its place")
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` for the public: why")
	changeFlags(cmd, &revision, &asJSON)
	return cmd
}

func (p *program) republishCommand() *cobra.Command {
	var revision string
	var asJSON bool
	var wait later
	cmd := &cobra.Command{
		Use:   "republish ID FILE",
		Short: "Make a withdrawn release public again",
		Long: `Make a withdrawn release public again, with the content in FILE ("-" reads
standard input). Everyone who was told of the withdrawal is told.`,
		Example: `  dateline republish 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b release.md`,
		Args:    exactly("ID", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{}
			if err := wait.put(q); err != nil {
				return err
			}
			return p.change(cmd, args, revision, q, wait.waits(), asJSON)
		},
	}
	wait.flags(cmd)
	changeFlags(cmd, &revision, &asJSON)
	return cmd
}

func changeFlags(cmd *cobra.Command, revision *string, asJSON *bool) {
	cmd.Flags().StringVar(revision, "revision", "", "`NUMBER` of the revision the change is based on (default the newest)")
	jsonFlag(cmd, asJSON)
	clientFlags(cmd)
}

// change does to a release what the command is called: args are the release's
// id and, for all but a withdrawal, the file with its new content. It is based
// on the revision named or on the newest one.
func (p *program) change(cmd *cobra.Command, args []string, revision string, q url.Values, waits, asJSON bool) error {
	ctx := cmd.Context()
	c, err := p.client(cmd)
	if err != nil {
		return err
	}
	var d document
	if len(args) > 1 {
		if d, err = p.readDocument(args[1]); err != nil {
			return err
		}
	}
	path := "/api/v1/releases/" + url.PathEscape(args[0])
	match := strconv.Quote(revision)
	if revision == "" {
		h, err := c.call(ctx, http.MethodGet, path, nil, nil, nil)
		if err != nil {
			return err
		}
		match = h.Get("ETag")
	}
	header := http.Header{"If-Match": {match}}
	if d.kind != "" {
		header.Set("Content-Type", d.kind)
	}
	if waits {
		var at publisher.Desk
		h, err := c.call(ctx, http.MethodPost, path+"/"+cmd.Name()+"?"+q.Encode(), header, d.body, &at)
		if err != nil {
			return err
		}
		return p.report([]published{asWaiting(d.name, h, &at)}, asJSON)
	}
	var e event
	h, err := c.call(ctx, http.MethodPost, path+"/"+cmd.Name()+"?"+q.Encode(), header, d.body, &e)
	if err != nil {
		return err
	}
	return p.report([]published{asPublished(d.name, h, &e)}, asJSON)
}
