package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"dateline/publisher/news"

	"github.com/mmcdole/gofeed"
)

// policingPage is a page in text form with an empty date and navigation around
// the release.
const policingPage = `-
Our work
-
Fields of work
- Human rights
- Policing
-
Countries
- Austria
- Finland – OSCE Chairpersonship 2025
- About us
Press release
Police academies agree on common training in border towns
- Date:
- Place:
- ST JOHANN IM PONGAU, Austria
- Source:
- OSCE Secretariat
- Fields of work:
- Policing
ST JOHANN IM PONGAU, Austria, 17 May 2017 – Police academies from nine countries agreed today on a common course for officers who serve in border towns.
The first course begins in the autumn and takes three weeks.
It will be taught in four languages.
`

func receiptsOf(got []receipt, recipient string) []string {
	var events []string
	for _, r := range got {
		if r.recipient == recipient {
			events = append(events, r.event+r.problem)
		}
	}
	return events
}

// await waits until what has arrived satisfies enough.
func (s *sinks) await(ctx context.Context, t testing.TB, enough func([]receipt) bool) []receipt {
	t.Helper()
	for {
		got, next := s.all()
		if enough(got) {
			return got
		}
		select {
		case <-next:
		case <-ctx.Done():
			t.Fatalf("the alerts did not arrive; %d have", len(got))
		}
	}
}

func TestServer_releaseGoesInFeedsAndAlertsComeOut(t *testing.T) {
	sinks, err := startSinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sinks.close(context.WithoutCancel(t.Context())) })
	data := t.TempDir()
	flags := []string{"--smtp-url", sinks.mailURL, "--mail-from", "dateline@localhost", "--allow-network", "127.0.0.0/8"}
	s := startServer(t, data, flags...)

	hook := sinks.hookURL + "/hook"
	made := decodeJSON[subscription](t, s.cli(t, "subscribe", "webhook", hook, "--field", "policing", "--json"))
	sinks.expectSecret("/hook", made.Secret)
	s.cli(t, "subscribe", "email", "reader@example.org", "--field", "policing", "--country", "AT")

	e := s.publishText(t, policingPage)
	if e.ID != e.Subject+":1" || e.kind() != "published" || e.Data.Title != "Police academies agree on common training in border towns" {
		t.Fatalf("the answer is %+v", e)
	}
	got := sinks.await(t.Context(), t, func(r []receipt) bool { return len(r) == 2 })
	for _, recipient := range []string{hook, "reader@example.org"} {
		if events := receiptsOf(got, recipient); !slices.Equal(events, []string{e.ID}) {
			t.Errorf("%s got %v, want %s once", recipient, events, e.ID)
		}
	}

	s.awaitInFeed(t, "/feeds/all.json", e.Subject) // alerts may be quicker than feeds
	before := map[string]string{}
	for _, topic := range []string{"all", "field/policing", "country/austria", "source/secretariat", "field/policing/country/austria"} {
		for _, format := range []string{"rss", "atom", "json"} {
			path := "/feeds/" + topic + "." + format
			status, header, body := s.fetch(t, path)
			feed, err := gofeed.NewParser().Parse(bytes.NewReader(body))
			if err != nil || status != http.StatusOK {
				t.Fatalf("%s: status %d, %v", path, status, err)
			}
			if len(feed.Items) != 1 || feed.Items[0].GUID != "urn:uuid:"+e.Subject || !strings.Contains(feed.Items[0].Content, "taught in four languages") {
				t.Errorf("%s does not hold the whole release: %s", path, body)
			}
			if strings.Contains(string(body), "Our work") {
				t.Errorf("%s holds the page's navigation", path)
			}
			before[path] = header.Get("ETag") + string(body)
		}
	}

	s.kill()
	s = startServer(t, data, flags...)
	t.Run("a restart after a kill changes no byte and alerts nobody again", func(t *testing.T) {
		for path, want := range before {
			_, header, body := s.fetch(t, path)
			if got := header.Get("ETag") + string(body); got != want {
				t.Errorf("%s changed from %s to %s", path, want, got)
			}
		}
		// The next alert arrives behind anything that would be sent again.
		next := s.publishText(t, strings.Replace(policingPage, "nine countries", "ten countries", 1))
		got := sinks.await(t.Context(), t, func(r []receipt) bool { return len(r) >= 4 })
		for _, recipient := range []string{hook, "reader@example.org"} {
			if events := receiptsOf(got, recipient); !slices.Equal(events, []string{e.ID, next.ID}) {
				t.Errorf("%s got %v, want %s and %s", recipient, events, e.ID, next.ID)
			}
		}
	})

	t.Run("a correction and a withdrawal reach both", func(t *testing.T) {
		file := writeFile(t, "corrected.txt", strings.Replace(policingPage, "three weeks", "four weeks", 1))
		s.cli(t, "correct", e.Subject, file, "--note", "The course takes four weeks, not three.")
		sinks.await(t.Context(), t, func(r []receipt) bool { return len(r) >= 6 })
		s.cli(t, "withdraw", e.Subject, "--reason", "The ministries have asked for it.")
		got := sinks.await(t.Context(), t, func(r []receipt) bool { return len(r) >= 8 })
		for _, recipient := range []string{hook, "reader@example.org"} {
			events := receiptsOf(got, recipient)
			if len(events) != 4 || !slices.Equal(events[2:], []string{e.Subject + ":2", e.Subject + ":3"}) {
				t.Errorf("%s got %v", recipient, events)
			}
		}
		status, _, body := s.fetch(t, "/feeds/field/policing.rss")
		if status != http.StatusOK || strings.Contains(string(body), "four weeks") || !strings.Contains(string(body), "The ministries have asked for it.") {
			t.Errorf("the feed after the withdrawal: %d %s", status, body)
		}
	})

	if err := s.stop(); err != nil {
		t.Errorf("the end: %v", err)
	}
}

// Nothing that was acknowledged may be lost by a kill at any moment.
func TestServer_killDuringPublishing(t *testing.T) {
	const releases, writers = 500, 4
	sinks, err := startSinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sinks.close(context.WithoutCancel(t.Context())) })
	data := t.TempDir()
	flags := []string{"--smtp-url", sinks.mailURL, "--mail-from", "dateline@localhost", "--allow-network", "127.0.0.0/8", "--log-level", "error"}
	s := startServer(t, data, append(flags, "--log-level", "info")...)
	hook := sinks.hookURL + "/hook"
	made := decodeJSON[subscription](t, s.cli(t, "subscribe", "webhook", hook, "--json"))
	sinks.expectSecret("/hook", made.Secret)

	// The kill comes in the middle of the stream: when half is acknowledged.
	acked := make(chan event, releases)
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for n := range numbers {
				var e event
				header := document{kind: "text/markdown"}.header()
				if _, err := s.call(t.Context(), http.MethodPost, "/api/v1/releases", header, []byte(numberedRelease(n)), &e); err == nil {
					acked <- e
				}
			}
		})
	}
	for n := range releases {
		if n == releases/2 {
			go s.kill()
		}
		numbers <- n
	}
	close(numbers)
	wg.Wait()
	close(acked)
	s.kill()

	s = startServer(t, data, flags[:len(flags)-2]...)
	want := map[string]bool{}
	var events []event
	for e := range acked {
		want[e.ID] = true
		events = append(events, e)
	}
	if len(want) < releases/4 || len(want) == releases {
		t.Fatalf("%d of %d were acknowledged: the kill did not come in the middle", len(want), releases)
	}
	for _, e := range events {
		country := e.Data.Places[0].URI[strings.LastIndexByte(e.Data.Places[0].URI, '/')+1:]
		_, _, body := s.fetch(t, "/feeds/country/"+country+".json")
		if !bytes.Contains(body, []byte("urn:uuid:"+e.Subject)) {
			t.Errorf("acknowledged release %s is not in the feed of %s", e.Subject, country)
		}
	}
	got := sinks.await(t.Context(), t, func(r []receipt) bool {
		seen := map[string]bool{}
		for _, x := range r {
			seen[x.event] = true
		}
		for id := range want {
			if !seen[id] {
				return false
			}
		}
		return true
	})
	for _, r := range got {
		if r.problem != "" {
			t.Errorf("alert %s: %s", r.event, r.problem)
		}
	}
}

// numberedRelease is one of many releases, spread over countries and fields so
// that each feed's window holds all of its own.
func numberedRelease(n int) string {
	t := news.DefaultTaxonomy()
	countries, fields := t.Topics(news.KindCountry), t.Topics(news.KindField)
	return fmt.Sprintf(`---
title: Release number %d
date: 2026-03-01
type: Press release
fields: [%q]
countries: [%q]
origin: https://example.org/stream/%d
---
The text of release number %d.
`, n, fields[n%len(fields)].Name, countries[n%len(countries)].Name, n, n)
}

func TestServer_portTaken(t *testing.T) {
	s := startServer(t, t.TempDir())
	_, talk, code := runCommand(t, "serve", "--data", t.TempDir(), "--listen", strings.TrimPrefix(s.base, "http://"))
	if code != exitFailed || !strings.Contains(talk, "address already in use") || !strings.Contains(talk, "--listen") {
		t.Errorf("exit code %d: %s", code, talk)
	}
}

func TestServer_folderInUse(t *testing.T) {
	s := startServer(t, t.TempDir())
	_, talk, code := runCommand(t, "serve", "--data", s.data, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
	if code != exitFailed || !strings.Contains(talk, "in use by another process") || !strings.Contains(talk, "--data") {
		t.Errorf("exit code %d: %s", code, talk)
	}
	if _, err := os.Stat(s.data); err != nil {
		t.Error(err)
	}
	s.publishText(t, policingPage) // the first server goes on
}
