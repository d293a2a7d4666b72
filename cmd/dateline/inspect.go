package main

import (
	"fmt"
	"strings"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/read"

	"github.com/spf13/cobra"
)

func (p *program) inspectCommand() *cobra.Command {
	var taxonomy string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what would be read out of a release, and why",
		Long: `Read a release and show its date, place, countries, fields and source with the
evidence for each. Nothing is published and no server is needed. "-" reads
standard input.`,
		Example: `  dateline inspect release.txt
  dateline inspect release.md --json
  dateline inspect - < release.txt`,
		Args: exactly("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := loadTaxonomy(taxonomy)
			if err != nil {
				return fmt.Errorf("--taxonomy %s: %w", taxonomy, err)
			}
			d, err := p.readDocument(args[0])
			if err != nil {
				return err
			}
			reader := read.New(t, time.Now)
			parse := reader.Read
			if d.kind == "application/json" {
				parse = reader.JSON
			}
			proposal, err := parse(d.body)
			if err != nil {
				return naming(args[0], err)
			}
			if asJSON {
				err = printJSON(p.io.out, proposal)
			} else {
				p.explain(t, proposal)
			}
			if err != nil {
				return err
			}
			return publishable(t, proposal.Release)
		},
	}
	cmd.Flags().StringVar(&taxonomy, "taxonomy", "", "taxonomy `FILE` in place of the built-in one")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// publishable says what a server would refuse about the release.
func publishable(t *news.Taxonomy, r news.Release) error {
	r.ID = news.NewID("inspect")
	e, err := news.Next(nil, r, news.KindPublished, time.Now(), false)
	if err == nil {
		err = news.Validate(t, &e.Release)
	}
	return err
}

// explain prints a proposal for a person: the facts, then every tag with its evidence.
func (p *program) explain(t *news.Taxonomy, proposal read.Proposal) {
	r := &proposal.Release
	s := paintFor(p.io.out, p.env)
	line := func(name, value string) {
		if value == "" {
			value = s.faint("none")
		}
		fmt.Fprintf(p.io.out, "%s  %s\n", s.faint(fmt.Sprintf("%-9s", name)), value)
	}
	line("format", proposal.Format)
	line("title", s.bold(r.Title))
	date := r.PublishedAt.Format("2 January 2006")
	if !r.DayOnly {
		date = r.PublishedAt.Format("2 January 2006, 15:04 MST")
	}
	line("date", date)
	line("type", t.Name(news.KindType, r.Type))
	line("language", t.Name(news.KindLanguage, r.Language))
	line("dateline", r.Dateline.Raw)
	line("place", placesOf(t, r))
	line("summary", r.Summary)
	line("text", countOf(len(strings.Fields(r.Text)), "word")+" in "+countOf(len(strings.Split(r.Text, "\n\n")), "paragraph"))
	line("url", r.URL)
	for _, w := range proposal.Warnings {
		line("note", s.warn(w))
	}
	fmt.Fprintln(p.io.out)
	headers := []string{"kind", "topic", "role", "rule", "confidence", "words"}
	if rows := evidenceRows(t, r); len(rows) > 0 {
		printTable(p.io.out, headers, rows)
	} else {
		fmt.Fprintln(p.io.out, "No topics: it would appear in the feed of all releases only.")
	}
	if len(proposal.Proposed) > 0 {
		fmt.Fprintf(p.io.out, "\n%s\n", s.bold("It states no field. Its words speak for these; they count only if you accept them:"))
		printTable(p.io.out, headers, proposedRows(t, proposal.Proposed))
	}
}

func proposedRows(t *news.Taxonomy, proposed []read.FieldProposal) [][]string {
	var rows [][]string
	for _, f := range proposed {
		rows = append(rows, []string{string(news.KindField), t.Name(news.KindField, f.Slug), "", f.Evidence.Rule, fmt.Sprintf("%.2f", f.Evidence.Confidence), short(f.Evidence.Words, 50)})
	}
	return rows
}

func countOf(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func placesOf(t *news.Taxonomy, r *news.Release) string {
	names := make([]string, 0, len(r.Places))
	for _, pl := range r.Places {
		name := pl.Name
		if pl.Country != "" {
			name += ", " + t.Name(news.KindCountry, pl.Country)
		}
		names = append(names, name)
	}
	return strings.Join(names, " / ")
}

func evidenceRows(t *news.Taxonomy, r *news.Release) [][]string {
	var rows [][]string
	add := func(k news.TopicKind, slug, role string, e news.Evidence) {
		rows = append(rows, []string{string(k), t.Name(k, slug), role, e.Rule, fmt.Sprintf("%.2f", e.Confidence), short(e.Words, 50)})
	}
	for _, tag := range r.Fields {
		add(news.KindField, tag.Slug, "", tag.Evidence)
	}
	for _, tag := range r.Countries {
		add(news.KindCountry, tag.Slug, string(tag.Role), tag.Evidence)
	}
	for _, tag := range r.Sources {
		add(news.KindSource, tag.Slug, "", tag.Evidence)
	}
	return rows
}
