package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/subscribers"

	"github.com/rs/zerolog"
	"github.com/spf13/pflag"
)

// The roles that one process can play.
const (
	rolePublisher   = "publisher"
	roleFeeds       = "feeds"
	roleSubscribers = "subscribers"
)

var allRoles = []string{rolePublisher, roleFeeds, roleSubscribers}

const (
	defaultData   = "dateline-data"
	defaultListen = "127.0.0.1:8080"
	defaultOps    = "127.0.0.1:9090"
)

// config is what serve works with, as the flags give it.
type config struct {
	Data            string
	Listen          string
	OpsListen       string
	BaseURL         string
	Title           string
	Taxonomy        string
	Roles           []string
	Key             string
	NATSURL         string
	NATSCredentials string
	NATSDeskURL     string
	NATSDeskCreds   string
	NATSListen      string
	Replicas        int
	Queues          int
	MaxStoreMiB     int64
	AcceptLoss      bool
	SMTPURL         string
	MailFrom        string
	AllowNetworks   []string
	AlertHold       time.Duration
	Watch           string
	Pull            []string
	Every           time.Duration
	Export          string
	LogLevel        string
}

func (c *config) flags(f *pflag.FlagSet) {
	f.StringVar(&c.Data, "data", defaultData, "data `FOLDER`; made when missing, used by one server at a time")
	f.StringVar(&c.Listen, "listen", defaultListen, "`HOST:PORT` of pages, feeds and API")
	f.StringVar(&c.OpsListen, "ops-listen", defaultOps, "`HOST:PORT` of /livez, /readyz and /metrics")
	f.StringVar(&c.BaseURL, "base-url", "", "`URL` under which readers reach this server (default http:// and --listen)")
	f.StringVar(&c.Title, "title", "Dateline", "the publisher's `NAME` on pages, feeds and mails")
	f.StringVar(&c.Taxonomy, "taxonomy", "", "taxonomy `FILE` in place of the built-in one")
	f.StringSliceVar(&c.Roles, "roles", allRoles, "the `ROLES` this process plays")
	f.StringVar(&c.Key, "key", "", "the admin `KEY`, at least 16 characters (default one made at the first start)")
	f.StringVar(&c.NATSURL, "nats-url", "", "`URL` of a NATS server with JetStream in place of the embedded one")
	f.StringVar(&c.NATSCredentials, "nats-credentials", "", "NATS credentials `FILE` for --nats-url")
	f.StringVar(&c.NATSDeskURL, "nats-desk-url", "", "`URL` of the account for drafts, embargoes and keys, for the publisher (default that of --nats-url)")
	f.StringVar(&c.NATSDeskCreds, "nats-desk-credentials", "", "NATS credentials `FILE` for --nats-desk-url")
	f.StringVar(&c.NATSListen, "nats-listen", "", "loopback `HOST:PORT` on which the embedded NATS server takes clients (default none)")
	f.IntVar(&c.Replicas, "replicas", 1, "`COPIES` of each stream on a NATS cluster")
	f.IntVar(&c.Queues, "queues", 8, "`NUMBER` of delivery queues, fixed by the first start")
	f.Int64Var(&c.MaxStoreMiB, "max-store", 0, "limit of the embedded store in `MIB` (default four fifths of the free space)")
	f.BoolVar(&c.AcceptLoss, "accept-loss", false, "start once on a log that has lost acknowledged events")
	f.StringVar(&c.SMTPURL, "smtp-url", "", "`URL` of the mail server, like smtp://user:password@mail.example.org:587 (default: mails are written to the outbox folder)")
	f.StringVar(&c.MailFrom, "mail-from", "", "sender's `ADDRESS` of alerts; needed with --smtp-url")
	f.StringSliceVar(&c.AllowNetworks, "allow-network", nil, "`CIDR` of a private network that webhooks and --pull may reach, by plain http too")
	f.DurationVar(&c.AlertHold, "alert-hold", 0, "`TIME` before an alert leaves in which a mistake can be undone, like 5m, at most 24h; a withdrawal never waits")
	f.StringVar(&c.Watch, "watch", "", "`FOLDER` whose files are published and put away; one that is refused stays, with a note beside it")
	f.StringSliceVar(&c.Pull, "pull", nil, "`URL` of a feed or listing whose entries are published; may be given several times")
	f.DurationVar(&c.Every, "every", 5*time.Minute, "`TIME` between two pulls of a source, 1m to 24h")
	f.StringVar(&c.Export, "export", "", "`FOLDER` in which everything that is served is kept as files, for nginx or a CDN")
	f.StringVar(&c.LogLevel, "log-level", "info", "`LEVEL`: debug, info, warn or error")
}

// secretSettings are never shown in full.
var secretSettings = []string{"key", "smtp-url", "nats-url", "nats-desk-url", "pull"}

// checked is a config whose parts have been read and found good.
type checked struct {
	config
	networks []netip.Prefix
	level    zerolog.Level
	taxonomy *news.Taxonomy
	rates    access.Rates // zero: the usual ones
}

func (c *config) has(role string) bool { return slices.Contains(c.Roles, role) }

// check reads every part and reports all problems at once.
func (c config) check() (checked, error) {
	out := checked{config: c}
	var problems []string
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if c.Data == "" {
		bad("--data names no folder")
	}
	for name, addr := range map[string]string{"listen": c.Listen, "ops-listen": c.OpsListen} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			bad("--%s %q is not HOST:PORT, like 127.0.0.1:8080", name, addr)
		}
	}
	if c.BaseURL != "" && !isBaseURL(c.BaseURL) {
		bad("--base-url %q is not an http or https address without query, like https://news.example.org", c.BaseURL)
	}
	if len(c.Roles) == 0 {
		bad("--roles is empty; choose of %s", strings.Join(allRoles, ","))
	}
	for _, r := range c.Roles {
		if !slices.Contains(allRoles, r) {
			bad("--roles: there is no role %q; choose of %s", r, strings.Join(allRoles, ","))
		}
	}
	if len(c.Roles) < len(allRoles) && c.NATSURL == "" {
		bad("--roles %s needs --nats-url: the embedded server is reached by its own process only", strings.Join(c.Roles, ","))
	}
	if err := subscribers.CheckMail(c.SMTPURL, c.MailFrom); err != nil {
		bad("%s", err)
	}
	if c.NATSURL != "" && c.NATSListen != "" {
		bad("--nats-url and --nats-listen exclude each other")
	}
	if c.NATSCredentials != "" && c.NATSURL == "" {
		bad("--nats-credentials needs --nats-url")
	}
	if c.NATSDeskURL != "" && c.NATSURL == "" {
		bad("--nats-desk-url needs --nats-url")
	}
	if c.NATSDeskURL != "" && !c.has(rolePublisher) {
		bad("--nats-desk-url is for the role publisher alone; leave it out for %s", strings.Join(c.Roles, ","))
	}
	if c.NATSDeskCreds != "" && c.NATSDeskURL == "" {
		bad("--nats-desk-credentials needs --nats-desk-url")
	}
	for _, n := range c.AllowNetworks {
		prefix, err := netip.ParsePrefix(n)
		if err != nil {
			bad("--allow-network %q is not a network like 10.1.0.0/16", n)
		}
		out.networks = append(out.networks, prefix)
	}
	for _, n := range []struct {
		name            string
		value, min, max int64
	}{{"queues", int64(c.Queues), 1, 64}, {"replicas", int64(c.Replicas), 1, 5}, {"max-store", c.MaxStoreMiB, 0, 1 << 30}} {
		if n.value < n.min || n.value > n.max {
			bad("--%s %d is not between %d and %d", n.name, n.value, n.min, n.max)
		}
	}
	if c.AlertHold < 0 || c.AlertHold > subscribers.MaxHold {
		bad("--alert-hold %s is not between 0 and %s", c.AlertHold, subscribers.MaxHold)
	}
	if c.Export != "" && !c.has(roleFeeds) {
		bad("--export needs the role feeds")
	}
	problems = append(problems, c.intakeProblems(out.networks)...)
	var err error
	if c.Key != "" {
		if _, err = access.New(c.Key); err != nil {
			bad("--key: %s", err)
		}
	}
	if out.level, err = zerolog.ParseLevel(c.LogLevel); err != nil || c.LogLevel == "" {
		bad("--log-level %q is none of debug, info, warn, error", c.LogLevel)
	}
	if out.taxonomy, err = loadTaxonomy(c.Taxonomy); err != nil {
		bad("--taxonomy %s: %s", c.Taxonomy, err)
	}
	if len(problems) > 0 {
		slices.Sort(problems)
		return out, usageError{errors.New(strings.Join(problems, "; "))}
	}
	out.BaseURL = strings.TrimRight(c.BaseURL, "/")
	return out, nil
}

func isBaseURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

func loadTaxonomy(path string) (*news.Taxonomy, error) {
	if path == "" {
		return news.DefaultTaxonomy(), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return news.ParseTaxonomy(b)
}
