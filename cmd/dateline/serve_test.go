package main

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// get asks the operations port, or any other address.
func get(t *testing.T, address string) string {
	t.Helper()
	s := &server{client: &client{base: address}}
	_, _, body := s.fetch(t, "")
	return string(body)
}

func TestServer_operationsPort(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.cli(t, "subscribe", "email", "reader@example.org")
	e := s.publishText(t, policingPage)
	s.awaitInFeed(t, "/feeds/all.json", e.Subject)
	addr, err := findAddress(s.data)
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, addr.Ops+"/livez"); got != "ok\n" {
		t.Errorf("/livez says %q", got)
	}
	figures := get(t, addr.Ops+"/metrics")
	for _, want := range []string{
		"dateline_log_events 1\n", "dateline_feeds_releases 1\n", "dateline_feeds_applied 1\n", "dateline_recipients 1\n",
		`dateline_subscriptions{state="active"} 1`, `dateline_alerts_total{channel="mail",outcome="accepted"}`, "dateline_store_bytes ", `dateline_build_info{version="`,
	} {
		if !strings.Contains(figures, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
	if strings.Contains(figures, "reader@") {
		t.Error("/metrics names an address")
	}
}

// A base URL with a path: everything lies below it, and the root leads there.
func TestServer_basePath(t *testing.T) {
	s := startServer(t, t.TempDir(), "--base-url", "https://example.org/news")
	e := s.publishText(t, policingPage) // the client finds the path in the data folder
	s.awaitInFeed(t, "/feeds/all.json", e.Subject)
	root := &server{client: &client{base: strings.TrimSuffix(s.base, "/news")}}
	if status, header, _ := root.fetch(t, "/"); status != http.StatusFound || header.Get("Location") != "/news/" {
		t.Errorf("/ answers %d to %q", status, header.Get("Location"))
	}
	if status, header, _ := s.fetch(t, "/feeds/country/AT.atom"); status != http.StatusMovedPermanently || header.Get("Location") != "/news/feeds/country/austria.atom" {
		t.Errorf("the alias answers %d to %q", status, header.Get("Location"))
	}
	if status, _, _ := root.fetch(t, "/feeds/all.rss"); status != http.StatusNotFound {
		t.Errorf("outside the base path: %d", status)
	}
}

// Two processes share one NATS: one takes releases, the other serves feeds and
// sends alerts. Each says what it does not do.
func TestServer_rolesApart(t *testing.T) {
	broker := startNATS(t, t.TempDir(), -1)
	shared := []string{"--nats-url", "nats://127.0.0.1:" + strconv.Itoa(broker.Addr().(*net.TCPAddr).Port)}
	takes := startServer(t, t.TempDir(), append(shared, "--roles", "publisher")...)
	serves := startServer(t, t.TempDir(), append(shared, "--roles", "feeds,subscribers")...)
	e := takes.publishText(t, policingPage)
	serves.awaitInFeed(t, "/feeds/field/policing.json", e.Subject)
	for _, c := range []struct {
		s          *server
		path, role string
	}{{takes, "/feeds/all.rss", roleFeeds}, {takes, "/api/v1/subscriptions", roleSubscribers}, {serves, "/api/v1/releases", rolePublisher}} {
		if status, _, body := c.s.fetch(t, c.path); status != http.StatusNotFound || !strings.Contains(string(body), "does not play the role "+c.role) {
			t.Errorf("%s: %d %s", c.path, status, body)
		}
	}
}

// A taxonomy of one's own: every problem is listed; a good one is used.
func TestServer_ownTaxonomy(t *testing.T) {
	bad := writeFile(t, "bad.json", `{"version":1,"fields":[{"slug":"A b","name":"x"}],"countries":[{"slug":"x","name":"X","code":"abc"}],"sources":[],"types":[],"languages":[]}`)
	_, talk, code := runCommand(t, "serve", "--data", t.TempDir(), "--taxonomy", bad)
	for _, want := range []string{`the slug "A b"`, `the code "abc"`, "no topic of the kind source"} {
		if code != exitUsage || !strings.Contains(talk, want) {
			t.Errorf("exit code %d, lacks %s: %s", code, want, talk)
		}
	}
	good := writeFile(t, "good.json", `{"version":1,"organisation":"ACME","fields":[{"slug":"rockets","name":"Rockets"}],"countries":[{"slug":"austria","name":"Austria","code":"at"}],
		"sources":[{"slug":"press-office","name":"Press office"}],"types":[{"slug":"news","name":"News"}],"languages":[{"slug":"en","name":"English"}]}`)
	s := startServer(t, t.TempDir(), "--taxonomy", good)
	e := s.publishText(t, "---\ntitle: A rocket flies\ndate: 2026-01-02\nfields: [Rockets]\nsources: [ACME Press office]\n---\nIt flew.\n")
	s.awaitInFeed(t, "/feeds/field/rockets/source/press-office.json", e.Subject)
	if status, _, _ := s.fetch(t, "/feeds/field/policing.rss"); status != http.StatusNotFound {
		t.Errorf("a topic of the built-in taxonomy answers %d", status)
	}
}
