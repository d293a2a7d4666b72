package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestServer_topicsChangeWhileItRuns(t *testing.T) {
	whole := t // a server started by a part outlives it
	sinks, err := startSinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sinks.close(context.WithoutCancel(t.Context())) })
	data := t.TempDir()
	flags := []string{"--smtp-url", sinks.mailURL, "--mail-from", "dateline@localhost", "--allow-network", "127.0.0.0/8"}
	s := startServer(t, data, flags...)
	s.cli(t, "subscribe", "email", "police@example.org", "--field", "policing")
	s.cli(t, "subscribe", "email", "rights@example.org", "--field", "human-rights")
	s.cli(t, "subscribe", "email", "both@example.org", "--field", "policing", "--country", "serbia")
	first := s.publishText(t, policingPage)
	sinks.await(t.Context(), t, func(got []receipt) bool { return len(receiptsOf(got, "police@example.org")) == 1 })

	t.Run("looking at a change makes none", func(t *testing.T) {
		effect := decodeJSON[taxonomyEffect](t, s.cli(t, "taxonomy", "rename", "field/policing", "--to", "police-matters", "--name", "Police matters", "--json"))
		if effect.Done || effect.Releases != 1 || effect.Subscriptions != 2 || effect.Redirects["/feeds/field/policing.rss"] != "/feeds/field/police-matters.rss" || effect.Notice == "" {
			t.Errorf("the effect is said to be %+v", effect)
		}
		if status, _, _ := s.fetch(t, "/feeds/field/policing.rss"); status != http.StatusOK {
			t.Errorf("the feed answers %d", status)
		}
		if s.cli(t, "taxonomy") != "" {
			t.Error("a change is listed")
		}
	})

	t.Run("a renamed topic moves without a gap, and who follows it is told", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		reading := make(chan []int, 1)
		go func() { reading <- s.readOn(ctx, t, "/feeds/field/policing.rss") }()
		effect := decodeJSON[taxonomyEffect](t, s.cli(t, "taxonomy", "rename", "field/policing", "--to", "police-matters", "--name", "Police matters", "--yes", "--json"))
		stop()
		for _, status := range <-reading {
			if status != http.StatusOK && status != http.StatusMovedPermanently {
				t.Errorf("a reader was answered %d", status)
			}
		}
		if !effect.Done || effect.NoticeID == "" {
			t.Fatalf("the change is not made: %+v", effect)
		}
		status, header, _ := s.fetch(t, "/feeds/field/policing.rss")
		if to := header.Get("Location"); status != http.StatusMovedPermanently || !strings.HasSuffix(to, "/feeds/field/police-matters.rss") {
			t.Errorf("the old feed answers %d to %q", status, to)
		}
		s.awaitInFeed(t, "/feeds/field/police-matters.json", effect.NoticeID)
		_, _, feed := s.fetch(t, "/feeds/field/police-matters.json")
		for _, want := range []string{first.Subject, effect.NoticeID, "Police matters"} {
			if !strings.Contains(string(feed), want) {
				t.Errorf("%s is not in the renamed feed", want)
			}
		}
		got := sinks.await(t.Context(), t, func(got []receipt) bool { return len(receiptsOf(got, "police@example.org")) == 2 })
		if told := receiptsOf(got, "police@example.org")[1]; told != effect.NoticeID+":1" {
			t.Errorf("the follower got %s, want the notice %s", told, effect.NoticeID)
		}
		got = sinks.await(t.Context(), t, func(got []receipt) bool { return len(receiptsOf(got, "both@example.org")) > 0 })
		if told := receiptsOf(got, "both@example.org"); told[0] != effect.NoticeID+":1" {
			t.Errorf("who follows the topic with a country got %v", told)
		}
		if told := receiptsOf(got, "rights@example.org"); len(told) != 0 {
			t.Errorf("who does not follow the topic got %v", told)
		}
	})

	t.Run("documents with the old name and subscriptions go on", func(t *testing.T) {
		second := s.publishText(t, strings.ReplaceAll(policingPage, "nine countries", "ten countries and two academies beside them"))
		if second.Subject == first.Subject {
			t.Fatal("it is taken for the same release")
		}
		s.awaitInFeed(t, "/feeds/field/police-matters.json", second.Subject)
		got := sinks.await(t.Context(), t, func(got []receipt) bool { return len(receiptsOf(got, "police@example.org")) == 3 })
		if told := receiptsOf(got, "police@example.org"); !slices.Contains(told, second.ID) {
			t.Errorf("the follower got %v, want %s", told, second.ID)
		}
		if list := s.cli(t, "subscriptions"); !strings.Contains(list, "Police matters") {
			t.Errorf("the subscriptions are %s", list)
		}
		if e := s.withdrawn(t, first.Subject); e.Revision != 2 {
			t.Errorf("a release of before could not be withdrawn: %+v", e)
		}
	})

	t.Run("it stays so after a restart", func(t *testing.T) {
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		s = startServer(whole, data, flags...)
		if status, _, _ := s.fetch(t, "/feeds/field/policing"); status != http.StatusMovedPermanently {
			t.Errorf("the old page answers %d", status)
		}
		history := s.cli(t, "history", "taxonomy")
		if !strings.Contains(history, "rename") || !strings.Contains(history, "field/policing → police-matters “Police matters”") {
			t.Errorf("the trail is %s", history)
		}
	})

	t.Run("a topic that is retired takes nothing new", func(t *testing.T) {
		s.cli(t, "taxonomy", "retire", "field/migration", "--yes", "--quiet")
		_, err := s.call(t.Context(), http.MethodPost, "/api/v1/releases", document{kind: "text/markdown"}.header(),
			[]byte("---\ntitle: A new course\ndate: 2026-11-24\norigin: new-1\nfields: [migration]\n---\nA course on migration opens in Vienna.\n"), nil)
		if err == nil || !strings.Contains(err.Error(), "retired") {
			t.Errorf("a release under it: %v", err)
		}
		_, _, page := s.fetch(t, "/feeds/field/migration")
		if !strings.Contains(string(page), "Nothing new has been filed under") {
			t.Error("its page does not say so")
		}
	})

	t.Run("mistakes are one sentence", func(t *testing.T) {
		for want, args := range map[string][]string{
			"perhaps police-matters": {"taxonomy", "rename", "field/police-matter", "--to", "x"},
			"is not KIND/SLUG":       {"taxonomy", "retire", "policing"},
			"--into is missing":      {"taxonomy", "merge", "field/police-matters"},
			"there is no kind":       {"taxonomy", "retire", "fields/policing"},
			"is an old name":         {"taxonomy", "retire", "field/policing"},
			"nothing would change":   {"taxonomy", "rename", "field/police-matters", "--to", "police-matters", "--yes"},
		} {
			_, talk, code := runCommand(t, append(args, "--data", data)...)
			if code == exitOK || !strings.Contains(talk, want) {
				t.Errorf("%v: exit code %d: %s", args, code, talk)
			}
		}
	})
}

// readOn asks for a path again and again, and returns the statuses.
func (s *server) readOn(ctx context.Context, t testing.TB, path string) (statuses []int) {
	t.Helper()
	for ctx.Err() == nil {
		status, _, _ := s.fetch(t, path)
		statuses = append(statuses, status)
	}
	return statuses
}

func (s *server) withdrawn(t testing.TB, id string) (e event) {
	t.Helper()
	if _, err := s.call(t.Context(), http.MethodPost, "/api/v1/releases/"+id+"/withdraw?reason=x", http.Header{"If-Match": {"*"}}, nil, &e); err != nil {
		t.Fatal(err)
	}
	return e
}
