package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dateline/publisher/guard"
	"dateline/publisher/intake"
	"dateline/publisher/read"
)

// intakeProblems lists what is wrong with the ways in beside the API: --watch,
// --pull and --every. Addresses are not repeated, because they may hold secrets.
func (c *config) intakeProblems(networks []netip.Prefix) []string {
	var problems []string
	if c.Watch != "" {
		if !c.has(rolePublisher) {
			problems = append(problems, "--watch needs the role publisher")
		}
		if err := checkFolder(c.Watch, c.Data); err != nil {
			problems = append(problems, fmt.Sprintf("--watch %s: %s", c.Watch, err))
		}
	}
	if len(c.Pull) > 0 && !c.has(rolePublisher) {
		problems = append(problems, "--pull needs the role publisher")
	}
	g := guard.New(guard.Config{Allow: networks})
	defer g.Close()
	for i, address := range c.Pull {
		if err := intake.CheckSource(g, address); err != nil {
			problems = append(problems, fmt.Sprintf("--pull, address %d of %d: %s", i+1, len(c.Pull), err))
		} else if slices.Contains(c.Pull[:i], address) {
			problems = append(problems, fmt.Sprintf("--pull, address %d of %d: it is there twice", i+1, len(c.Pull)))
		}
	}
	if (len(c.Pull) > 0 || c.Every != 0) && (c.Every < intake.MinEvery || c.Every > intake.MaxEvery) {
		problems = append(problems, fmt.Sprintf("--every %s is not between %s and %s", c.Every, intake.MinEvery, intake.MaxEvery))
	}
	return problems
}

// checkFolder is nil for a folder that can be watched: files are moved in it and
// notes written beside them.
func checkFolder(dir, data string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("it cannot be looked at: %w; make the folder first", plain(err))
	}
	if !st.IsDir() {
		return errors.New("it is no folder")
	}
	if own, err := os.Stat(data); err == nil && os.SameFile(st, own) {
		return errors.New("it is the data folder; watch another one")
	}
	if st, err := os.Lstat(filepath.Join(dir, "published")); err == nil && !st.IsDir() {
		return errors.New("it holds a file called published, which is where published files are put away; move it")
	}
	probe, err := os.CreateTemp(dir, ".dateline-*.tmp")
	if err != nil {
		return errors.New("the server may not write there, which it must to put files away and leave notes; give it the right to")
	}
	_ = probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return errors.New("the server may not remove files there; give it the right to")
	}
	return nil
}

// intakes are the ways in beside the API, to be run.
func (a *app) intakes(p *parts) (run []func(context.Context) error) {
	if a.cfg.Watch == "" && len(a.cfg.Pull) == 0 {
		return nil
	}
	reader, log := read.New(p.taxonomy, time.Now), component(a.log, "intake")
	if a.cfg.Watch != "" {
		run = append(run, func(ctx context.Context) error {
			return intake.Watch(ctx, intake.WatchConfig{Dir: a.cfg.Watch, Publisher: p.pub, Reader: reader, Now: time.Now, Log: log})
		})
	}
	if len(a.cfg.Pull) > 0 {
		run = append(run, func(ctx context.Context) error {
			client := guard.New(guard.Config{Allow: a.cfg.networks, Connect: 10 * time.Second, Whole: 30 * time.Second})
			defer client.Close()
			return intake.Pull(ctx, intake.PullConfig{
				URLs: a.cfg.Pull, Every: a.cfg.Every, Wire: a.wire, Publisher: p.pub, Reader: reader, Client: client,
				UserAgent: "dateline/" + version() + " (+" + a.url + ")", Now: time.Now, Log: log,
			})
		})
	}
	return run
}

// intakeFacts say what comes in by itself, and goes out as files.
func (c *config) intakeFacts() (facts [][2]string) {
	if c.Watch != "" {
		facts = append(facts, [2]string{"watches", c.Watch})
	}
	if c.Export != "" {
		facts = append(facts, [2]string{"exports to", c.Export})
	}
	if len(c.Pull) > 0 {
		facts = append(facts, [2]string{"pulls", shownSources(c.Pull) + " every " + c.Every.String()})
	}
	return facts
}

// shownSources are addresses to pull without users, passwords and queries.
func shownSources(addresses []string) string {
	shown := make([]string, len(addresses))
	for i, address := range addresses {
		shown[i] = intake.Shown(address)
	}
	return strings.Join(shown, ", ")
}
