package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"dateline/publisher"
	"dateline/publisher/guard"

	"github.com/spf13/cobra"
)

// importOptions say what an import does.
type importOptions struct {
	alert, dryRun, accept, asJSON bool
	networks                      []string
}

func (p *program) importCommand() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import PATH|URL...",
		Short: "Bring in releases from files, archives and addresses",
		Long: `Bring in releases from files, folders, archives (zip, tar, gzip) and addresses:
pages and listings in text form, HTML, Markdown, release JSON, ninjs, RSS, Atom,
JSON Feed and WordPress exports. The format is told by the content.

Imported releases are ordered by their own dates and alert nobody, unless
--alert. What is there already is left alone, so after a break the same command
goes on. What is refused is named at the end with the reason; the rest comes in.`,
		Example: `  dateline import archive/ --dry-run
  dateline import archive/ export.xml news-2019.zip
  dateline import https://www.example.org/news/feed.rss --accept-proposals`,
		Args: atLeastOne("PATH or URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var networks []netip.Prefix
			for _, n := range o.networks {
				prefix, err := netip.ParsePrefix(n)
				if err != nil {
					return usagef("--allow-network %q is not a network like 10.1.0.0/16", n)
				}
				networks = append(networks, prefix)
			}
			c, err := p.client(cmd)
			if err != nil {
				return err
			}
			c.http.Timeout = 0 // a large document takes its time, line by line
			g := guard.New(guard.Config{Allow: networks})
			defer g.Close()
			return p.importAll(cmd.Context(), c, g, args, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would come of it and change nothing")
	f.BoolVar(&o.alert, "alert", false, "alert subscribers, as for new releases")
	f.BoolVar(&o.accept, "accept-proposals", false, "file releases without fields under the proposed ones")
	f.StringSliceVar(&o.networks, "allow-network", nil, "`CIDR` of a private network that addresses may lie in")
	jsonFlag(cmd, &o.asJSON)
	clientFlags(cmd)
	return cmd
}

// tally counts what an import did and keeps the first refusals.
type tally struct {
	outcomes map[publisher.Outcome]int
	partial  int
	refused  []string
}

// maxRefused is how many refusals are told one by one; all are counted.
const maxRefused = 50

func (t *tally) refuse(where string, why ...string) {
	t.outcomes[publisher.Refused]++
	if len(t.refused) < maxRefused {
		t.refused = append(t.refused, where+": "+strings.Join(why, "; "))
	}
}

// importAll sends every document, goes on after a refusal, and ends with a report.
func (p *program) importAll(ctx context.Context, c *client, g *guard.Client, args []string, o importOptions) error {
	t := &tally{outcomes: map[publisher.Outcome]int{}}
	bar := p.progress(-1, "importing")
	err := gather(ctx, g, args, func(d found) error {
		if d.err != nil {
			t.refuse(d.name, d.err.Error())
			return p.printImported(o, d.name, publisher.Imported{Outcome: publisher.Refused, Errors: []string{d.err.Error()}})
		}
		return p.importOne(ctx, c, d, o, t, func() { _ = bar.Add(1) })
	})
	_ = bar.Finish()
	if err != nil {
		return err
	}
	if n := t.outcomes[publisher.Refused]; n > 0 {
		p.printTally(t, o)
		return fmt.Errorf("%d releases or files were refused", n)
	}
	p.printTally(t, o)
	return nil
}

// importOne sends one document and reads the answer line by line.
func (p *program) importOne(ctx context.Context, c *client, d found, o importOptions, t *tally, step func()) error {
	q := url.Values{"alert": {strconv.FormatBool(o.alert)}, "dry_run": {strconv.FormatBool(o.dryRun)}, "accept_proposals": {strconv.FormatBool(o.accept)}}
	res, err := c.send(ctx, http.MethodPost, "/api/v1/import?"+q.Encode(), http.Header{"Content-Type": {"application/octet-stream"}}, d.body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one publisher.Imported
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return fmt.Errorf("the answer of %s is not what a dateline server says: %w", c.base, err)
		}
		step()
		if one.Outcome == publisher.Refused {
			where := d.name
			if one.Title != "" {
				where += " (" + short(one.Title, 50) + ")"
			}
			t.refuse(where, one.Errors...)
		} else {
			t.outcomes[one.Outcome]++
		}
		if one.Partial {
			t.partial++
		}
		if err := p.printImported(o, d.name, one); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: the answer broke off: %w; run the same command again, what came in is left alone", d.name, err)
	}
	return nil
}

// printImported prints a line for programs; people get the report at the end.
func (p *program) printImported(o importOptions, file string, one publisher.Imported) error {
	if !o.asJSON {
		return nil
	}
	b, err := json.Marshal(struct {
		File string `json:"file"`
		publisher.Imported
	}{file, one})
	if err == nil {
		_, err = fmt.Fprintf(p.io.out, "%s\n", b)
	}
	return err
}

func (p *program) printTally(t *tally, o importOptions) {
	if o.asJSON {
		return
	}
	var rows [][]string
	for _, outcome := range []publisher.Outcome{publisher.Created, publisher.Revised, publisher.Unchanged, publisher.Refused} {
		rows = append(rows, []string{string(outcome), strconv.Itoa(t.outcomes[outcome])})
	}
	if t.partial > 0 {
		rows = append(rows, []string{"with a summary only", strconv.Itoa(t.partial)})
	}
	head := "import"
	if o.dryRun {
		head = "dry run, nothing was changed"
	}
	printTable(p.io.out, []string{head, "releases"}, rows)
	for _, r := range t.refused {
		fmt.Fprintf(p.io.err, "refused  %s\n", r)
	}
	if n := t.outcomes[publisher.Refused] - len(t.refused); n > 0 {
		fmt.Fprintf(p.io.err, "… and %d more; --json names all\n", n)
	}
}
