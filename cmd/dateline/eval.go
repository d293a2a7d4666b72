package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/read"
	"dateline/publisher/read/eval"

	"github.com/spf13/cobra"
)

// maxLabels is the largest file of labelled releases, in bytes.
const maxLabels = 256 << 20

func (p *program) evalCommand() *cobra.Command {
	var taxonomy string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "eval FILE.jsonl",
		Short: "Measure how well releases are read",
		Long: `Read labelled releases and compare what Dateline proposes with the labels: for
each kind of tag how much was right (precision), how much was found (recall),
and what was not. Nothing is published and no server is needed. "-" reads
standard input.

A line is one release, as a JSON object: id, title, text, dateline, date, type,
language, source_labels (as a page has them), and the labels sources, fields,
places and countries, which is {"about": […], "place": […]}. In place of title
and text, file may name a document beside the labels. A label that is not given
is not measured; an empty list says that there is none. Of fields the first
proposal is measured, made without a look at the labels.`,
		Example: `  dateline eval labelled.jsonl
  dateline eval labelled.jsonl --json
  dateline eval labelled.jsonl --taxonomy ours.json`,
		Args: exactly("FILE.jsonl"),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := loadTaxonomy(taxonomy)
			if err != nil {
				return fmt.Errorf("--taxonomy %s: %w", taxonomy, err)
			}
			report, err := p.measure(t, args[0])
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if asJSON {
				return printJSON(p.io.out, report)
			}
			p.printReport(report)
			return nil
		},
	}
	cmd.Flags().StringVar(&taxonomy, "taxonomy", "", "taxonomy `FILE` in place of the built-in one")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// measure scores the labelled releases of a file; documents lie beside it.
func (p *program) measure(t *news.Taxonomy, name string) (eval.Report, error) {
	from, folder := p.io.in, "."
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return eval.Report{}, err
		}
		defer f.Close() //nolint:errcheck // only read
		from, folder = f, filepath.Dir(name)
	}
	b, err := io.ReadAll(io.LimitReader(from, maxLabels+1))
	if err != nil {
		return eval.Report{}, err
	}
	if len(b) > maxLabels {
		return eval.Report{}, fmt.Errorf("it has more than %d MB; measure it in parts", maxLabels>>20)
	}
	cases, err := eval.Parse(bytes.NewReader(b))
	if err != nil {
		return eval.Report{}, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return eval.Report{}, err
	}
	defer root.Close() //nolint:errcheck // only read
	return eval.Score(t, read.New(t, time.Now), cases, root.ReadFile)
}

// printReport prints figures and misses for a person.
func (p *program) printReport(r eval.Report) {
	s := paintFor(p.io.out, p.env)
	var rows [][]string
	for _, f := range r.Kinds {
		rows = append(rows, []string{f.Kind, fmt.Sprint(f.Releases), fmt.Sprint(f.Right), fmt.Sprint(f.Wrong), fmt.Sprint(f.Missed),
			fmt.Sprintf("%.3f", f.Precision), fmt.Sprintf("%.3f", f.Recall)})
	}
	fmt.Fprintf(p.io.out, "%d labelled releases\n\n", r.Releases)
	printTable(p.io.out, []string{"kind", "labelled", "right", "wrong", "missed", "precision", "recall"}, rows)
	if len(r.Misses) == 0 {
		return
	}
	rows = nil
	for _, m := range r.Misses {
		what := "missed"
		if m.Wrong {
			what = "wrong"
		}
		rows = append(rows, []string{m.ID, m.Kind, what, m.Tag, m.Why.Rule, short(m.Why.Words, 30), short(m.Title, 60)})
	}
	fmt.Fprintf(p.io.out, "\n%s\n", s.bold("What went wrong"))
	printTable(p.io.out, []string{"release", "kind", "", "tag", "rule", "words", "title"}, rows)
}
