package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"dateline/publisher/news"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes; "dateline help exit-codes" explains them.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitAuth   = 4
)

// usageError is a mistake in the command line itself.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errQuiet ends with exit code 1 after the command has said what failed.
var errQuiet = errors.New("failed")

// lookupEnv reads an environment variable.
type lookupEnv func(string) (string, bool)

// program is what every command works with.
type program struct {
	io   stdio
	env  lookupEnv
	from map[string]string // for each setting where its value came from
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, std stdio, env lookupEnv) int {
	p := &program{io: std, env: env, from: map[string]string{}}
	root := p.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if !errors.Is(err, errQuiet) {
		p.complain(cmd, err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var usage usageError
	var api *apiError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &api) && (api.Status == 401 || api.Status == 403), errors.Is(err, errNoKey):
		return exitAuth
	}
	return exitFailed
}

// complain says what is wrong in one sentence and, for a usage error, where to read on.
func (p *program) complain(cmd *cobra.Command, err error) {
	s := paintFor(p.io.err, p.env)
	fmt.Fprintf(p.io.err, "%s %s\n", s.bad("dateline:"), err)
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(p.io.err, "Run '%s --help' for examples.\n", cmd.CommandPath())
	}
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "dateline",
		Short: "Publish press releases as feeds and alerts",
		Long: `Dateline reads a press release, emits it as a NATS event, regenerates the RSS,
Atom and JSON feeds of every field of work and country it touches, and pushes
alerts by e-mail and webhook.`,
		Example: `  dateline demo                       see the whole pipeline at work
  dateline serve                      run it, with everything in one process
  dateline inspect release.txt        what would be read out of a page
  dateline publish release.txt        publish it`,
		SilenceUsage: true, SilenceErrors: true, Version: version(),
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return p.settle(cmd) },
		Args:              cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SetIn(p.io.in)
	root.SetOut(p.io.out)
	root.SetErr(p.io.err)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpTemplate(helpTemplate)
	root.PersistentFlags().String("config", "", "settings `FILE` of KEY=VALUE lines")
	root.AddCommand(
		p.serveCommand(), p.demoCommand(), p.publishCommand(), p.correctCommand(), p.withdrawCommand(), p.republishCommand(), p.importCommand(),
		p.previewCommand(), p.deskCommand(), p.listCommand(), p.historyCommand(), p.traceCommand(), p.feedsCommand(), p.eraseCommand(), p.erasuresCommand(), p.taxonomyCommand(),
		p.inspectCommand(), p.evalCommand(), p.tailCommand(), p.subscribeCommand(), p.subscriptionsCommand(), p.unsubscribeCommand(),
		p.keyCommand(), p.healthCommand(), p.doctorCommand(), p.configCommand(), p.versionCommand(),
	)
	root.AddCommand(helpTopics()...)
	return root
}

// helpTemplate puts the examples first: that is what people look for.
const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}
{{end}}{{if .HasExample}}
Examples:
{{.Example | trimTrailingWhitespaces}}
{{end}}{{if or .Runnable .HasSubCommands}}
Usage:
  {{.UseLine}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{end}}
{{end}}{{if .HasAvailableSubCommands}}
Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasHelpSubCommands}}
More help:{{range .Commands}}{{if .IsAdditionalHelpTopicCommand}}
  dateline help {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}`

// exactly refuses another number of arguments and names them.
func exactly(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return usagef("%s is missing", names[len(args)])
		}
		if len(args) > len(names) {
			return usagef("%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

func atLeastOne(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s is missing", name)
		}
		return nil
	}
}

// noCommand takes no argument: one is a command below that does not exist.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknownCommand(cmd, args[0])
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return usagef("there is no command %q; perhaps %s", name, strings.Join(near, " or "))
	}
	return usagef("there is no command %q", name)
}

// flagError names the nearest flag.
func flagError(cmd *cobra.Command, err error) error {
	var missing *pflag.NotExistError
	if !errors.As(err, &missing) {
		return usageError{err}
	}
	name := missing.GetSpecifiedName()
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := news.Nearest(name, names); near != "" {
		return usagef("there is no flag --%s; perhaps --%s", name, near)
	}
	return usagef("there is no flag --%s", name)
}

// stdio is where a command reads and writes: data on out, talk on err.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}
