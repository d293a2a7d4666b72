package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"dateline/publisher/news"
	"dateline/publisher/topics"

	"github.com/spf13/cobra"
)

const taxonomyPath = "/api/v1/taxonomy"

func (p *program) taxonomyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "taxonomy",
		Short: "List and make changes of the topics: rename, merge, retire",
		Long: `List what was changed in the taxonomy, or change it. Without --yes a change is
only looked at: how many releases and subscriptions it touches, which addresses
lead elsewhere, and what will be told to who follows the topic. Old addresses
lead to the topic for ever; releases, subscriptions and feeds follow it.`,
		Example: `  dateline taxonomy
  dateline taxonomy rename field/policing --to police-matters --name "Police matters"
  dateline taxonomy merge field/border-management --into policing --yes
  dateline taxonomy retire source/secretariat --yes`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Changes []topics.Change `json:"changes"`
			}
			if err := p.get(cmd, taxonomyPath, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, list.Changes)
			}
			if len(list.Changes) == 0 {
				fmt.Fprintln(p.io.err, "The taxonomy is the one the server was started with.")
				return nil
			}
			rows := make([][]string, len(list.Changes))
			for i, ch := range list.Changes {
				rows[i] = []string{ch.Time.Local().Format("2006-01-02 15:04:05"), ch.Op, string(ch.Kind) + "/" + ch.Slug, ch.To, ch.Name, ch.By}
			}
			printTable(p.io.out, []string{"when", "change", "topic", "to", "name", "by"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	cmd.AddCommand(
		p.topicCommand(news.RenameTopic, "Give a topic another slug or name", `  dateline taxonomy rename field/policing --to police-matters --name "Police matters"
  dateline taxonomy rename country/turkiye --name "Türkiye" --yes`),
		p.topicCommand(news.MergeTopic, "Make a topic part of another one", `  dateline taxonomy merge field/border-management --into policing
  dateline taxonomy merge field/border-management --into policing --yes`),
		p.topicCommand(news.RetireTopic, "File nothing new under a topic; its feed ends in a year", `  dateline taxonomy retire source/secretariat --yes`),
	)
	return cmd
}

func (p *program) topicCommand(op, what, example string) *cobra.Command {
	wish := taxonomyWish{Op: op}
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use: op + " KIND/SLUG", Short: what, Example: example, Args: exactly("KIND/SLUG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, slug, ok := strings.Cut(args[0], "/")
			if !ok {
				return usagef("%q is not KIND/SLUG, like field/policing", args[0])
			}
			if op == news.MergeTopic && wish.To == "" {
				return usagef("--into is missing: the topic it becomes part of")
			}
			wish.Kind, wish.Slug, wish.DryRun = news.TopicKind(kind), slug, !yes
			body, err := json.Marshal(wish)
			if err != nil {
				return err
			}
			c, err := p.client(cmd)
			if err != nil {
				return err
			}
			var effect taxonomyEffect
			if _, err := c.call(cmd.Context(), http.MethodPost, taxonomyPath, http.Header{"Content-Type": {"application/json"}}, body, &effect); err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, effect)
			}
			p.showEffect(&effect)
			return nil
		},
	}
	f := cmd.Flags()
	switch op {
	case news.RenameTopic:
		f.StringVar(&wish.To, "to", "", "the new `SLUG`, which stands in addresses (default the old one)")
		f.StringVar(&wish.Name, "name", "", "the new `NAME` (default the old one)")
	case news.MergeTopic:
		f.StringVar(&wish.To, "into", "", "`SLUG` of the topic of the same kind that it becomes part of")
	}
	f.BoolVar(&yes, "yes", false, "make the change; without it, only look at what it would do")
	f.BoolVar(&wish.Quiet, "quiet", false, "tell nobody: no notice to who follows the topic")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) showEffect(e *taxonomyEffect) {
	s := paintFor(p.io.out, p.env)
	word := map[bool]string{true: "done", false: "would be"}[e.Done]
	fmt.Fprintf(p.io.out, "%s  %s %s\n", s.bold(word), e.Op, visible(inWords(&e.TopicChange)))
	fmt.Fprintf(p.io.out, "  releases       %d\n", e.Releases)
	if slices.Contains(e.Unknown, "subscriptions") {
		fmt.Fprintln(p.io.out, "  subscriptions  told by another process")
	} else {
		fmt.Fprintf(p.io.out, "  subscriptions  %d\n", e.Subscriptions)
	}
	if e.Waiting > 0 {
		fmt.Fprintf(p.io.out, "  at the desk    %d, which come out under it all the same\n", e.Waiting)
	}
	for _, from := range slices.Sorted(maps.Keys(e.Redirects)) {
		fmt.Fprintf(p.io.out, "  301            %s → %s\n", from, e.Redirects[from])
	}
	switch {
	case e.NoticeID != "":
		fmt.Fprintf(p.io.out, "  notice         release %s: %s\n", e.NoticeID, e.Notice)
	case !e.Done:
		fmt.Fprintf(p.io.out, "  notice         %s\n", e.Notice)
		fmt.Fprintf(p.io.err, "Nothing was changed. Make the change with --yes.\n")
	}
}
