package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dateline/publisher"

	"github.com/spf13/cobra"
)

func (p *program) listCommand() *cobra.Command {
	values := map[string]*[]string{}
	var words, status, role, from, before string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List releases, the newest first",
		Example: `  dateline list
  dateline list --field policing --country albania,serbia --status withdrawn
  dateline list --words "mobile court" --from 2026-01-01 --limit 500 --json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{}
			for name, v := range values {
				setIf(q, name, strings.Join(*v, ","))
			}
			for name, v := range map[string]string{"q": words, "status": status, "role": role, "from": from, "before": before} {
				setIf(q, name, v)
			}
			return p.list(cmd, q, limit, asJSON)
		},
	}
	f := cmd.Flags()
	for name, help := range map[string]string{
		"field": "any of these `FIELDS` of work or dimensions", "country": "any of these `COUNTRIES` or groups",
		"source": "any of these `SOURCES`", "type": "any of these `TYPES`, like press-release", "language": "any of these `LANGUAGES`, like en",
	} {
		values[name] = f.StringSlice(name, nil, help)
	}
	f.StringVar(&role, "role", "", "narrow the countries to those a release is `ROLE`: about or place")
	f.StringVar(&status, "status", "", "`STATUS`: published or withdrawn (default both)")
	f.StringVar(&words, "words", "", "`WORDS`, or their beginnings, that are all in the title")
	f.StringVar(&from, "from", "", "dated on this `DAY` or later, like 2026-11-24")
	f.StringVar(&before, "before", "", "dated before this `DAY`")
	f.IntVar(&limit, "limit", 50, "at most so `MANY`")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

// pageSize is how many releases are asked for at a time.
const pageSize = 500

// list asks for page after page until there are enough.
func (p *program) list(cmd *cobra.Command, q url.Values, limit int, asJSON bool) error {
	if limit < 1 {
		return usagef("--limit %d is less than 1", limit)
	}
	c, err := p.client(cmd)
	if err != nil {
		return err
	}
	all, more := []publisher.Listed{}, true
	for more && len(all) < limit {
		q.Set("limit", strconv.Itoa(min(pageSize, limit-len(all))))
		var page struct {
			Releases []publisher.Listed `json:"releases"`
			Next     string             `json:"next"`
		}
		if _, err := c.call(cmd.Context(), http.MethodGet, "/api/v1/releases?"+q.Encode(), nil, nil, &page); err != nil {
			return err
		}
		all, more = append(all, page.Releases...), page.Next != ""
		q.Set("cursor", page.Next)
	}
	if asJSON {
		return printJSON(p.io.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(p.io.err, "There is none. What is not public yet is listed by: dateline desk")
		return nil
	}
	rows := make([][]string, len(all))
	for i, r := range all {
		rows[i] = []string{r.Surfaced.Local().Format("2006-01-02 15:04"), r.Published.Format("2006-01-02"), r.ID, strconv.Itoa(r.Revision), string(r.Status), r.Language, short(r.Title, 70)}
	}
	printTable(p.io.out, []string{"surfaced", "date", "id", "revision", "status", "language", "title"}, rows)
	if more {
		fmt.Fprintf(p.io.err, "There are more; see them with --limit.\n")
	}
	return nil
}
