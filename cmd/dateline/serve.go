package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

func (p *program) serveCommand() *cobra.Command {
	var cfg config
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: pages, feeds, API and alerts",
		Long: `Run the server. Everything runs in this one process, with a NATS server inside,
unless --nats-url names another. Ctrl-C ends it in order: what is being sent
is finished, nothing that was accepted is lost.`,
		Example: `  dateline serve
  dateline serve --data /var/lib/dateline --listen 0.0.0.0:8080 --base-url https://news.example.org
  dateline serve --smtp-url smtp://user:password@mail.example.org:587 --mail-from news@example.org
  dateline serve --watch inbox --pull https://www.example.org/feed.rss --every 10m
  dateline serve --nats-url nats://nats.example.org:4222 --nats-credentials dateline.creds --roles feeds`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			good, err := cfg.check()
			if err != nil {
				return err
			}
			log := p.logger(good.level)
			for _, stray := range strays(os.Environ(), settingNames(cmd.Root())) {
				log.Warn().Msg(stray)
			}
			if good.NATSURL != "" && (good.Key == "" || good.BaseURL == "") {
				log.Warn().Msg("processes that share one NATS need the same --key and --base-url; give them when there are several")
			}
			a, err := startApp(cmd.Context(), good, log)
			if err != nil {
				return err
			}
			a.announce(p)
			return a.wait(cmd.Context())
		},
	}
	cfg.flags(cmd.Flags())
	return cmd
}

// logger writes JSON for machines, or lines for a person at a terminal.
func (p *program) logger(level zerolog.Level) zerolog.Logger {
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00" //nolint:reassign // zerolog's own setting
	if isTerminal(p.io.err) {
		_, plain := p.env("NO_COLOR")
		return zerolog.New(zerolog.ConsoleWriter{Out: p.io.err, TimeFormat: time.TimeOnly, NoColor: plain}).Level(level).With().Timestamp().Logger()
	}
	return zerolog.New(p.io.err).Level(level).With().Timestamp().Logger()
}

// facts say what runs, where, and with which defaults.
func (a *app) facts() [][2]string {
	store := "embedded NATS, synced on every write, not reachable from outside (--nats-listen)"
	if addr := a.wire.ListenAddr(); addr != "" {
		store = "embedded NATS, synced on every write, clients at " + addr
	}
	if !a.wire.Embedded() {
		store = "NATS at " + redact(a.cfg.NATSURL)
	}
	key := "as given (--key)"
	if a.keyFile != "" {
		key = a.keyFile
	}
	if a.made != "" {
		key += " (made now)"
	}
	facts := [][2]string{
		{"pages, feeds, API", a.url + "/"},
		{"operations", a.ops + "/readyz"},
		{"data folder", a.cfg.Data},
		{"log", store},
		{"roles", strings.Join(a.cfg.Roles, ", ")},
		{"admin key", key},
	}
	if a.url != a.local {
		facts = append(facts, [2]string{"listens on", a.local})
	}
	facts = append(facts, a.cfg.intakeFacts()...)
	if a.now().subs != nil {
		facts = append(facts, [2]string{"mail", a.now().subs.Summary()})
		if len(a.cfg.AllowNetworks) > 0 {
			facts = append(facts, [2]string{"webhooks may reach", strings.Join(a.cfg.AllowNetworks, ", ")})
		}
	}
	return facts
}

// announce says at start what runs: a short table on a terminal, else one log event.
func (a *app) announce(p *program) {
	if !isTerminal(p.io.err) {
		e := a.log.Info().Str("version", version())
		for _, f := range a.facts() {
			e = e.Str(strings.NewReplacer(" ", "_", ",", "").Replace(f[0]), f[1])
		}
		e.Msg("serving")
		return
	}
	s := paintFor(p.io.err, p.env)
	fmt.Fprintf(p.io.err, "%s\n", s.bold("Dateline "+version()))
	for _, f := range a.facts() {
		fmt.Fprintf(p.io.err, "  %-18s  %s\n", f[0], f[1])
	}
	fmt.Fprintf(p.io.err, "%s\n", s.faint("Ctrl-C ends it. Publish with: dateline publish FILE"))
}

// address is what a server leaves in its data folder for the commands on the
// same machine.
type address struct {
	URL string `json:"url"`
	Ops string `json:"ops"`
}

const addressFile = "server.json"

// noteAddress writes where this server listens into the data folder.
func (a *app) noteAddress() error {
	local := a.local
	if path := pathOf(a.cfg.BaseURL); path != "" {
		local += path
	}
	b, err := json.Marshal(address{URL: local, Ops: a.ops})
	if err != nil {
		return err
	}
	name := filepath.Join(a.cfg.Data, addressFile)
	if err := os.WriteFile(name, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("note the server's address: %w; make the data folder writable", err)
	}
	return nil
}

// findAddress reads what a server has left in a data folder.
func findAddress(dir string) (address, error) {
	var out address
	b, err := os.ReadFile(filepath.Join(dir, addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("no server has run with the data folder %s; start one with 'dateline serve', or name one with --server", dir)
	}
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return out, fmt.Errorf("the server's address in %s: %w", filepath.Join(dir, addressFile), err)
	}
	return out, nil
}
