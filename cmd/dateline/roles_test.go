package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"
)

// rolesBroker is a NATS server as deploy/nats.conf describes it, on a folder of
// the test and a free port.
type rolesBroker struct {
	urls map[string]string // of each user

	mu      sync.Mutex
	refused []string // what users asked for and may not
}

func startRolesBroker(t *testing.T) *rolesBroker {
	t.Helper()
	opts := natsOptions(t)
	opts.Host, opts.Port, opts.HTTPPort, opts.StoreDir, opts.NoSigs, opts.NoLog = "127.0.0.1", -1, 0, t.TempDir(), true, true
	srv, err := nats.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	b := &rolesBroker{urls: map[string]string{}}
	srv.SetLoggerV2(b, false, false, false)
	srv.Start()
	t.Cleanup(func() { endNATS(srv) })
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS did not start")
	}
	for _, u := range opts.Users {
		b.urls[u.Username] = "nats://" + u.Username + ":" + u.Password + "@" + srv.Addr().String()
	}
	return b
}

// Errorf is where the server tells of refusals, among others.
func (b *rolesBroker) Errorf(format string, v ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if line := fmt.Sprintf(format, v...); strings.Contains(line, "Violation") {
		b.refused = append(b.refused, line)
	}
}

func (b *rolesBroker) Noticef(string, ...any) {}
func (b *rolesBroker) Warnf(string, ...any)   {}
func (b *rolesBroker) Fatalf(string, ...any)  {}
func (b *rolesBroker) Debugf(string, ...any)  {}
func (b *rolesBroker) Tracef(string, ...any)  {}

// violations are the refusals so far.
func (b *rolesBroker) violations() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.refused)
}

// playing starts a process with one role, on a folder of its own or that of an
// earlier run.
func playing(t *testing.T, b *rolesBroker, role, data string, flags ...string) *server {
	t.Helper()
	flags = append([]string{"--roles", role, "--nats-url", b.urls[role]}, flags...)
	if role == rolePublisher {
		flags = append(flags, "--nats-desk-url", b.urls["desk"])
	}
	return startServer(t, data, flags...)
}

// Three processes, each with the rights of its role alone, do everything that
// one process does, also after each was started anew.
func TestRoles_theWholePath(t *testing.T) {
	broker := startRolesBroker(t)
	sinks, err := startSinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sinks.close(context.WithoutCancel(t.Context())) })
	folders := map[string]string{rolePublisher: t.TempDir(), roleFeeds: t.TempDir(), roleSubscribers: t.TempDir()}
	flags := map[string][]string{roleSubscribers: {"--smtp-url", sinks.mailURL, "--mail-from", "dateline@localhost", "--allow-network", "127.0.0.0/8"}}
	servers := map[string]*server{}
	start := func(role string) { servers[role] = playing(t, broker, role, folders[role], flags[role]...) }
	for _, role := range allRoles {
		start(role)
	}
	hook := sinks.hookURL + "/hook"
	made := decodeJSON[subscription](t, servers[roleSubscribers].cli(t, "subscribe", "webhook", hook, "--field", "policing", "--json"))
	sinks.expectSecret("/hook", made.Secret)
	servers[roleSubscribers].cli(t, "subscribe", "email", "reader@example.org", "--field", "policing")

	e := servers[rolePublisher].publishText(t, policingPage)
	arrived := func(revisions ...string) {
		t.Helper()
		var want []string
		for _, r := range revisions {
			want = append(want, e.Subject+":"+r)
		}
		got := sinks.await(t.Context(), t, func(r []receipt) bool { return len(r) >= 2*len(want) })
		for _, recipient := range []string{hook, "reader@example.org"} {
			if events := receiptsOf(got, recipient); !slices.Equal(events, want) {
				t.Errorf("%s got %v, want %v", recipient, events, want)
			}
		}
	}
	arrived("1")
	servers[roleFeeds].awaitInFeed(t, "/feeds/field/policing.json", e.Subject)
	for _, role := range allRoles {
		if role == roleSubscribers { // its lease outlives a kill by fifteen seconds
			if err := servers[role].stop(); err != nil {
				t.Errorf("%s: %v", role, err)
			}
		}
		servers[role].kill()
		start(role)
	}
	file := writeFile(t, "corrected.txt", strings.Replace(policingPage, "three weeks", "four weeks", 1))
	servers[rolePublisher].cli(t, "correct", e.Subject, file, "--note", "The course takes four weeks, not three.")
	arrived("1", "2")
	servers[roleFeeds].awaitInFeed(t, "/feeds/field/policing.json", "four weeks")
	servers[rolePublisher].cli(t, "withdraw", e.Subject, "--reason", "The ministries have asked for it.")
	arrived("1", "2", "3")
	for { // there is no event to wait for outside the process
		status, _, body := servers[roleFeeds].fetch(t, "/feeds/field/policing.json")
		if status == http.StatusOK && !strings.Contains(string(body), "four weeks") {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("the withdrawn release stays in its feed")
		}
	}
	servers[rolePublisher].cli(t, "erase", e.Subject, "--reason", "A court has ordered it.", "--yes")
	second := servers[rolePublisher].publishText(t, numberedRelease(1))
	servers[roleFeeds].awaitInFeed(t, "/feeds/all.json", second.Subject)
	for _, role := range allRoles { // each passes what was erased
		if err := servers[role].stop(); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		start(role)
	}
	servers[roleFeeds].awaitInFeed(t, "/feeds/all.json", second.Subject)
	for _, role := range allRoles {
		if err := servers[role].stop(); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
	for _, v := range broker.violations() {
		t.Errorf("deploy/nats.conf does not permit what is needed: %s", v)
	}
}

// A process that may not make the streams says who has to be there first.
func TestRoles_publisherFirst(t *testing.T) {
	broker := startRolesBroker(t)
	for _, role := range []string{roleFeeds, roleSubscribers} {
		_, talk, code := runCommand(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--roles", role, "--nats-url", broker.urls[role])
		if code != exitFailed || !strings.Contains(talk, "start the publisher first") {
			t.Errorf("%s alone: exit code %d: %s", role, code, talk)
		}
	}
}
