package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// setting is one line of "dateline config".
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

func (p *program) configCommand() *cobra.Command {
	var cfg config
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show every setting, its value and where it came from",
		Long: `Show the settings that serve would run with: the value and whether it came from a
flag, the environment, a file or the default. Secrets are not shown.`,
		Example: `  dateline config
  dateline config --config /etc/dateline.env --json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := cfg.check(); err != nil {
				return err
			}
			for _, stray := range strays(os.Environ(), settingNames(cmd.Root())) {
				fmt.Fprintln(p.io.err, stray)
			}
			var all []setting
			cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
				if !slices.Contains(notSettings, f.Name) {
					all = append(all, p.setting(f))
				}
			})
			if asJSON {
				return printJSON(p.io.out, all)
			}
			var rows [][]string
			for _, s := range all {
				rows = append(rows, []string{s.Name, s.Value, s.From})
			}
			printTable(p.io.out, []string{"setting", "value", "from"}, rows)
			return nil
		},
	}
	cfg.flags(cmd.Flags())
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (p *program) setting(f *pflag.Flag) setting {
	s := setting{Name: envName(f.Name), Value: f.Value.String(), From: p.from[f.Name]}
	if s.From == "" {
		s.From = "default"
	}
	if f.Name == "key" && s.Value != "" {
		s.Value = fmt.Sprintf("(secret, %d characters)", len(s.Value))
	} else if list, ok := f.Value.(pflag.SliceValue); ok && f.Name == "pull" {
		s.Value = "[" + shownSources(list.GetSlice()) + "]"
	} else if slices.Contains(secretSettings, f.Name) {
		s.Value = redact(s.Value)
	}
	return s
}
