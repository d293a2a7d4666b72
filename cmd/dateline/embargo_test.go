package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dateline/publisher"
	"dateline/publisher/news"
)

// The words of what is not public yet. They must be nowhere but at the desk.
var embargoedWords = []string{"zyxomatic", "Zyxomatic", "ZYXOMATIC", "quillfeather", "Quillfeather"}

func hiddenRelease(origin string) string {
	return "---\ntitle: Zyxomatic rules for Quillfeather\ndate: " + time.Now().UTC().Format(time.DateOnly) + "\norigin: " + origin +
		"\nfields: [Policing]\ncountries: [Austria]\nsources: [OSCE Secretariat]\nlanguage: en\n---\nThe zyxomatic rules were written for Quillfeather, " + origin + ".\n"
}

// as is the same server for another key.
func (s *server) as(key string) *client { return &client{base: s.base, key: key, http: s.http} }

// raw sends a request with a key and returns everything that came back.
func raw(t *testing.T, c *client, method, path, body string) (status int, all string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("If-Match", "*")
	if body != "" {
		req.Header.Set("Content-Type", "text/markdown")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, fmt.Sprint(res.Header) + string(b)
}

func tells(text string, words ...string) string {
	for _, w := range append(slices.Clone(embargoedWords), words...) {
		if strings.Contains(text, w) {
			return w
		}
	}
	return ""
}

// feedPaths are the feeds and pages that the embargoedWords release would touch, in every
// format, and what else a stranger may look at.
func feedPaths() []string {
	out := []string{
		"/", "/topics", "/opml", "/docs", "/sitemap.xml", "/sitemap.txt", "/robots.txt", "/feed", "/rss", "/releases", "/releases/", "/search?q=zyxomatic",
		"/api/v1/openapi.json", "/api/v1/openapi.yaml", "/.well-known/security.txt", "/metrics", "/readyz", "/livez",
	}
	for _, topic := range []string{
		"all", "field/policing", "country/austria", "source/secretariat", "type/press-release", "language/en", "field/policing/country/austria",
		"country/austria/role/about", "country/austria/role/place", "field/policing/country/austria/source/secretariat/language/en", "field/policing+rule-of-law",
	} {
		for _, routine := range []string{"", "routine/"} {
			for _, format := range []string{"", ".rss", ".atom", ".json", ".html", ".opml"} {
				out = append(out, "/feeds/"+routine+topic+format)
			}
			month := time.Now().UTC()
			out = append(out, "/feeds/"+routine+topic+"/archive/"+month.Format("2006-01")+".json", "/feeds/"+routine+topic+"/"+month.Format("2006/01")+".atom")
		}
	}
	return out
}

func TestServer_embargoIsInvisible(t *testing.T) {
	sinks, err := startSinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sinks.close(context.WithoutCancel(t.Context())) })
	data := t.TempDir()
	s := startServer(t, data, "--allow-network", "127.0.0.0/8", "--log-level", "debug")
	hook := decodeJSON[subscription](t, s.cli(t, "subscribe", "webhook", sinks.hookURL+"/all", "--json"))
	sinks.expectSecret("/all", hook.Secret)
	s.cli(t, "subscribe", "email", "reader@example.org") // into the outbox

	open := s.publishText(t, policingPage)
	sinks.await(t.Context(), t, func(r []receipt) bool { return len(r) == 1 })
	correction := strings.Replace(policingPage, "It will be taught in four languages.", "It follows the zyxomatic rules of Quillfeather.", 1)

	// A new release and a correction under embargo, and two drafts.
	file := func(name, text string) string { return writeFile(t, name, text) }
	s.cli(t, "publish", file("new.md", hiddenRelease("embargoed")), "--embargo", time.Now().AddDate(0, 0, 9).Format("2006-01-02T15:04"), "--zone", "Europe/Vienna")
	s.cli(t, "publish", file("draft.md", hiddenRelease("draft")), "--draft")
	s.cli(t, "correct", open.Subject, file("correction.txt", correction), "--note", "Quillfeather was left out.", "--embargo", time.Now().AddDate(0, 0, 9).UTC().Format(time.RFC3339))
	id, draft := news.NewID("embargoed"), news.NewID("draft")

	keys := map[string]string{"": ""}
	for _, scope := range []string{"draft", "publish", "withdraw", "read-embargoed"} {
		keys[scope] = strings.TrimSpace(s.cli(t, "key", "add", "only-"+scope, "--scope", scope))
	}
	keys["nothing"] = strings.TrimSpace(s.cli(t, "key", "add", "only-nothing"))

	t.Run("whoever may see it does", func(t *testing.T) {
		_, all := raw(t, s.as(keys["read-embargoed"]), http.MethodGet, "/api/v1/desk", "")
		if strings.Count(all, "Quillfeather") != 1 || !strings.Contains(all, id) || !strings.Contains(all, open.Subject) || strings.Contains(all, draft) {
			t.Errorf("the desk for a key with read-embargoed is %s", all)
		}
		if out := s.cli(t, "desk"); !strings.Contains(out, id) || !strings.Contains(out, draft) || !strings.Contains(out, open.Subject) {
			t.Errorf("the desk is %s", out)
		}
		if _, all := raw(t, s.as(keys["draft"]), http.MethodGet, "/api/v1/desk/"+draft, ""); !strings.Contains(all, "zyxomatic rules were written") {
			t.Errorf("the draft for a key with draft is %s", all)
		}
	})
	t.Run("no feed and no page tells of it", func(t *testing.T) {
		addr, err := findAddress(data)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, path := range append(feedPaths(), "/releases/"+open.Subject) {
			for _, base := range []string{s.base, addr.Ops} {
				status, all := raw(t, &client{base: base}, http.MethodGet, path, "")
				if status == http.StatusOK {
					found++
				}
				if w := tells(all, id, draft); w != "" {
					t.Errorf("%s%s tells %s", base, path, w)
				}
			}
		}
		if found < 60 {
			t.Errorf("only %d pages are there: are the paths right?", found)
		}
		for _, path := range []string{"/releases/" + id, "/releases/" + id + "/zyxomatic-rules-for-quillfeather"} {
			if status, all := raw(t, &client{base: s.base}, http.MethodGet, path, ""); status != http.StatusNotFound || strings.Contains(all, "Quillfeather") {
				t.Errorf("%s: status %d: %s", path, status, all)
			}
		}
	})
	t.Run("the API tells no key without that right", func(t *testing.T) {
		other := strings.Replace(hiddenRelease("embargoed"), "Zyxomatic rules for Quillfeather", "Other", 1)
		other = strings.ReplaceAll(strings.ReplaceAll(other, "zyxomatic ", ""), "Quillfeather", "someone")
		twin := "---\ntitle: Other\ndate: 2026-11-24\norigin: twin\nlanguage: en\n---\nThe rules were written for someone.\n"
		one, waits := "/api/v1/releases/"+id, "/api/v1/desk/"+id
		for scope, key := range keys {
			c := s.as(key)
			for _, rq := range [][3]string{
				{"GET", "/api/v1/releases", ""}, {"GET", "/api/v1/releases?q=zyxomat", ""}, {"GET", "/api/v1/releases?field=policing&limit=500", ""},
				{"GET", "/api/v1/releases?status=embargoed", ""}, {"GET", "/api/v1/events?after=0", ""}, {"GET", "/api/v1/releases/" + open.Subject, ""},
				{"GET", "/api/v1/releases/" + open.Subject + "/history", ""}, {"GET", one, ""}, {"GET", one + "/history", ""}, {"GET", "/api/v1/trail/" + id, ""},
				{"GET", "/api/v1/desk", ""}, {"GET", waits, ""}, {"GET", "/api/v1/desk/" + open.Subject, ""}, {"GET", "/api/v1/desk/*", ""}, {"GET", "/api/v1/desk/%3E", ""},
				{"GET", "/api/v1/subscriptions", ""}, {"GET", "/api/v1/keys", ""}, {"GET", "/api/v1/erasures", ""}, {"GET", "/api/v1/trace/" + id, ""}, {"GET", one + "/trace", ""},
				{"POST", one + "/correct?note=x", other}, {"POST", one + "/republish", other}, {"POST", one + "/withdraw?reason=x", ""},
				{"POST", "/api/v1/releases?dry_run=1", other}, {"POST", "/api/v1/releases?dry_run=1", twin}, {"POST", "/api/v1/inspect", twin},
				{"POST", "/api/v1/releases?dry_run=1&revises=" + id, twin}, {"POST", "/api/v1/releases", other},
				{"POST", "/api/v1/releases/" + open.Subject + "/correct?dry_run=1&note=x", policingPage},
				{"PUT", waits + "/embargo?until=2020-01-01T00:00:00Z", ""},
			} {
				status, all := raw(t, c, rq[0], rq[1], rq[2])
				if status >= 500 {
					t.Errorf("%q: %s %s: status %d: %s", scope, rq[0], rq[1], status, all)
				}
				if may := scope == "read-embargoed" || scope == "draft" || scope == "publish"; may && rq[0] == "GET" && (strings.HasPrefix(rq[1], "/api/v1/desk") || strings.HasSuffix(rq[1], "/history")) {
					// It may see one of the two: then not the other.
					if scope != "read-embargoed" && (strings.Contains(all, id) && !strings.Contains(rq[1], id) || strings.Contains(all, open.Subject) && !strings.Contains(rq[1], open.Subject)) ||
						scope == "read-embargoed" && strings.Contains(all, draft) {
						t.Errorf("%q: %s %s tells of what it may not see: %s", scope, rq[0], rq[1], all)
					}
					continue
				}
				if w := tells(all); w != "" {
					t.Errorf("%q: %s %s tells %s: %s", scope, rq[0], rq[1], w, all)
				}
				if strings.Contains(all, id) && !strings.Contains(rq[1], id) && !strings.Contains(rq[2], "origin: embargoed") {
					t.Errorf("%q: %s %s tells the id: %s", scope, rq[0], rq[1], all)
				}
			}
		}
	})
	t.Run("nobody was alerted, and no log has a word of it", func(t *testing.T) {
		sentinel := s.publishText(t, numberedRelease(1))
		got := sinks.await(t.Context(), t, func(r []receipt) bool { return len(r) == 2 })
		if !strings.HasPrefix(got[1].event, sentinel.Subject) {
			t.Errorf("the second alert is %+v", got[1])
		}
		if w := tells(s.logged()); w != "" {
			t.Errorf("the server's log has %q", w)
		}
		if w := fileWith(t, filepath.Join(data, "outbox")); w != "" {
			t.Errorf("it is in %s", w)
		}
	})
	t.Run("when its time has come it is everywhere, once", func(t *testing.T) {
		until := time.Now().Add(1500 * time.Millisecond)
		s.cli(t, "desk", "embargo", id, "--until", until.UTC().Format(time.RFC3339Nano))
		got := sinks.await(t.Context(), t, func(r []receipt) bool { return len(r) == 3 })
		if time.Now().Before(until) || got[2].event != id+":1" {
			t.Errorf("the alert is %+v, %s before the time", got[2], time.Until(until))
		}
		s.awaitInFeed(t, "/feeds/field/policing/country/austria.json", id)
		if _, _, body := s.fetch(t, "/feeds/all.json"); strings.Count(string(body), `"urn:uuid:`+id) != 1 || strings.Contains(string(body), draft) {
			t.Errorf("the feed is %s", body)
		}
		if status, all := raw(t, s.as(keys["nothing"]), http.MethodGet, "/api/v1/releases?q=quillfeather", ""); status != http.StatusOK || !strings.Contains(all, id) {
			t.Errorf("status %d: %s", status, all)
		}
		if w := tells(strings.ReplaceAll(s.logged(), "quillfeather", "")); w != "" {
			t.Errorf("the server's log has %q", w)
		}
	})
}

// fileWith is the first file below a folder that holds one of the embargoedWords words.
func fileWith(t *testing.T, dir string) (path string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if tells(string(b)) != "" {
			path = p
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The documents that a preview names are exactly the feeds whose bytes change.
func TestServer_previewTellsTheDocuments(t *testing.T) {
	s := startServer(t, t.TempDir())
	fields, countries := []string{"policing", "rule-of-law", "border-management"}, []string{"austria", "serbia", "albania"}
	sources, types, languages := []string{"secretariat", "presence-in-albania"}, []string{"press-release", "press-statement", "daily-report"}, []string{"en", "ru"}
	var paths []string
	for _, routine := range []string{"", "routine/"} {
		paths = append(paths, routine+"all")
		for kind, values := range map[string][]string{"field": fields, "country": countries, "source": sources, "language": languages} {
			for _, v := range values {
				paths = append(paths, routine+kind+"/"+v)
			}
		}
		for _, f := range fields {
			for _, c := range countries {
				paths = append(paths, routine+"field/"+f+"/country/"+c)
			}
		}
	}
	for _, v := range types {
		paths = append(paths, "type/"+v)
	}
	state := func() map[string]string {
		out := map[string]string{}
		for _, p := range paths {
			status, _, body := s.fetch(t, "/feeds/"+p+".json")
			if status != http.StatusOK {
				t.Fatalf("%s: status %d", p, status)
			}
			out["/feeds/"+p] = string(body)
		}
		return out
	}
	doc := func(origin, kind, language string, fields, countries, sources []string, text string) string {
		b, err := json.Marshal(map[string]any{
			"title": "Title of " + origin, "date": "2026-11-20", "origin": origin, "type": kind, "language": language,
			"fields": fields, "countries": countries, "sources": sources, "text": text,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	a := news.NewID("a")
	before := state()
	for _, tc := range []struct{ name, path, body string }{
		{"a first version", "/api/v1/releases", doc("a", "press-release", "en", fields[:2], countries[:2], sources[:1], "One.")},
		{"a routine one", "/api/v1/releases", doc("b", "daily-report", "en", fields[1:], countries[1:], sources[1:], "Daily.")},
		{"one without topics", "/api/v1/releases", doc("c", "", "", nil, nil, nil, "Bare.")},
		{"the same again", "/api/v1/releases", doc("a", "press-release", "en", fields[:2], countries[:2], sources[:1], "One.")},
		{"other topics", "/api/v1/releases/" + a + "/correct?note=x", doc("a", "press-statement", "ru", fields[1:], countries[2:], sources[1:], "Two.")},
		{"a minor one", "/api/v1/releases/" + a + "/correct?minor=true", doc("a", "press-statement", "ru", fields[1:], countries[2:], sources[1:], "Three.")},
		{"from public to routine", "/api/v1/releases/" + a + "/correct?note=y", doc("a", "daily-report", "ru", fields[1:], countries[2:], sources[1:], "Four.")},
		{"a withdrawal", "/api/v1/releases/" + a + "/withdraw?reason=Mistake.", ""},
		{"a return", "/api/v1/releases/" + a + "/republish", doc("a", "press-release", "en", fields[:1], countries[:1], nil, "Five.")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			header := http.Header{"Content-Type": {"application/json"}, "If-Match": {"*"}}
			dry := "?dry_run=1"
			if strings.Contains(tc.path, "?") {
				dry = "&dry_run=1"
			}
			var view publisher.Preview
			if _, err := s.call(t.Context(), http.MethodPost, tc.path+dry, header, []byte(tc.body), &view); err != nil {
				t.Fatal(err)
			}
			if after := state(); !maps.Equal(before, after) {
				t.Fatal("the preview has changed something")
			}
			var e event
			h, err := s.call(t.Context(), http.MethodPost, tc.path, header, []byte(tc.body), &e)
			if err != nil {
				t.Fatal(err)
			}
			if view.Outcome != publisher.Outcome(h.Get(publisher.HeaderOutcome)) || view.ID != e.Subject || view.Revision != e.Revision || string(view.Kind) != e.kind() {
				t.Errorf("the preview says %s, revision %d; it was %s, revision %d", view.Outcome, view.Revision, h.Get(publisher.HeaderOutcome), e.Revision)
			}
			after := state()
			for view.Outcome != publisher.Unchanged && maps.Equal(before, after) { // the feeds follow in a moment
				if t.Context().Err() != nil {
					t.Fatal("no feed has changed")
				}
				after = state()
			}
			after = state() // it may have come in the middle of that look
			var changed []string
			for path := range after {
				if before[path] != after[path] {
					changed = append(changed, path)
				}
			}
			slices.Sort(changed)
			for _, path := range view.Documents {
				if _, ok := after[path]; !ok {
					t.Errorf("it names %s, which is not looked at here", path)
				}
			}
			// The variant with routine series of a feed that is named anyway goes with it.
			variant := func(path string) bool {
				plain, ok := strings.CutPrefix(path, "/feeds/routine/")
				return ok && slices.Contains(changed, "/feeds/"+plain)
			}
			told := slices.DeleteFunc(slices.Clone(view.Documents), variant)
			if changed = slices.DeleteFunc(slices.Clone(changed), variant); !slices.Equal(told, changed) {
				t.Errorf("the preview names\n%s\nand these have changed\n%s", strings.Join(told, "\n"), strings.Join(changed, "\n"))
			}
			before = after
		})
	}
}
