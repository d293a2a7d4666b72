package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"dateline/publisher/wire"

	"github.com/spf13/cobra"
)

func (p *program) eraseCommand() *cobra.Command {
	var reason, from string
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "erase [ID]",
		Short: "Remove a release from the log itself, for good",
		Long: `Remove a release for good: a tombstone with the reason takes its place, and
everything it ever said is overwritten, in the log, at the desk, and in what was
tried and given up. Its page answers 410, who was alerted to it is told, its id
stays taken. It cannot be undone, and needs a key with the scope admin. Copies
that others have, and backups, are not reached: after a restore, erase again what
is in the list that dateline erasures printed.`,
		Example: `  dateline erase 0d4a5a3e-6f0c-5b7e-9a55-0f4f6f1c2d3b --reason "Erased at the request of a person named in it." --yes
  dateline erase --from erasures.json --reason "Erased before; a restore had brought it back." --yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			if from != "" {
				return exactly()(cmd, args)
			}
			return exactly("ID")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return usagef("--reason is missing: readers see it in the place of the release")
			}
			if !yes {
				return usagef("an erasure cannot be undone; look at the release with dateline history, then add --yes")
			}
			if from == "" {
				return p.erase(cmd, args, reason, asJSON)
			}
			ids, err := p.readErasures(from)
			if err != nil {
				return naming(from, err)
			}
			return p.erase(cmd, ids, reason, asJSON)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` for the public; it must not repeat what is erased")
	cmd.Flags().StringVar(&from, "from", "", "erase every release in `FILE`, which dateline erasures --json printed")
	cmd.Flags().BoolVar(&yes, "yes", false, "I know that it cannot be undone")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) erase(cmd *cobra.Command, ids []string, reason string, asJSON bool) error {
	c, err := p.client(cmd)
	if err != nil {
		return err
	}
	var results []published
	for _, id := range ids {
		var e event
		h, err := c.call(cmd.Context(), http.MethodDelete, "/api/v1/releases/"+url.PathEscape(id)+"?"+url.Values{"reason": {reason}}.Encode(), nil, nil, &e)
		if err != nil {
			return naming(id, err)
		}
		results = append(results, asPublished("", h, &e))
	}
	return p.report(results, asJSON)
}

func (p *program) readErasures(name string) ([]string, error) {
	d, err := p.readDocument(name)
	if err != nil {
		return nil, err
	}
	var list []wire.Erasure
	if err := json.Unmarshal(d.body, &list); err != nil {
		return nil, fmt.Errorf("it is not what dateline erasures --json prints: %w", err)
	}
	var ids []string
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return ids, nil
}

func (p *program) erasuresCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "erasures",
		Short: "List what was erased, to erase it again after a restore",
		Example: `  dateline erasures
  dateline erasures --json > erasures.json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Erasures []wire.Erasure `json:"erasures"`
			}
			if err := p.get(cmd, "/api/v1/erasures", &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, list.Erasures)
			}
			if len(list.Erasures) == 0 {
				fmt.Fprintln(p.io.err, "Nothing was erased.")
				return nil
			}
			rows := make([][]string, len(list.Erasures))
			for i, e := range list.Erasures {
				rows[i] = []string{e.Time.Local().Format("2006-01-02 15:04:05"), e.ID}
			}
			printTable(p.io.out, []string{"erased", "release"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}
