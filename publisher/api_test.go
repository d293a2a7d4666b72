package publisher_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"dateline/publisher"
	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire"
)

const pageText = `Press release
Round table in Tirana looks at young offenders
- Date:
- 17 May 2017
- Source:
- OSCE Presence in Albania
- Fields of work:
- Rule of law
TIRANA, 17 May 2017 – Judges and social workers compared cases.
`

// service is a publisher's API on a real server.
type service struct {
	*httptest.Server
	wire *wire.Wire
}

func newService(t testing.TB) service {
	t.Helper()
	p, w := newPublisher(t)
	run(t, p)
	s := httptest.NewServer(calledBy(p.Handler()))
	t.Cleanup(s.Close)
	return service{s, w}
}

// calledBy stands for what keys do: the caller is the administrator, or one with
// the scopes in the header Scopes.
func calledBy(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := access.Caller{Name: "tester", Scopes: []access.Scope{access.Admin}}
		if v := r.Header.Values("Scopes"); len(v) > 0 {
			c.Scopes = nil
			for _, s := range strings.Fields(v[0]) {
				c.Scopes = append(c.Scopes, access.Scope(s))
			}
		}
		h.ServeHTTP(w, r.WithContext(access.With(r.Context(), c)))
	})
}

// run runs the publisher until the test ends.
func run(t testing.TB, p *publisher.Publisher) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) event(t testing.TB) (e struct {
	ID, Type                       string
	DatelineStatus, DatelineReason string
	DatelineNote                   string
	Data                           struct {
		Title  string
		Bodies []struct{ Value string }
	}
}) {
	t.Helper()
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return e
}

func (s service) do(t testing.TB, method, path, kind, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, b}
}

// refused checks a refusal's status and RFC 9457 body.
func refused(t testing.TB, a answer, status int, words ...string) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
		Errors              []string
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("status %d, body %s: %v", a.status, a.body, err)
	}
	if a.status != status || p.Status != status {
		t.Errorf("status %d with %d in the body, want %d: %s", a.status, p.Status, status, a.body)
	}
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type %q", ct)
	}
	if p.Type != "about:blank" || p.Title == "" || p.Detail == "" {
		t.Errorf("the body is %s", a.body)
	}
	all := p.Detail + " " + strings.Join(p.Errors, " ")
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Errorf("%q is not in %q", w, all)
		}
	}
}

func TestHandler_releases(t *testing.T) {
	t.Parallel()
	s := newService(t)
	created := s.do(t, "POST", "/api/v1/releases?origin=cms-1", "text/plain; charset=utf-8", pageText)
	id := news.NewID("cms-1")
	t.Run("a page is created", func(t *testing.T) {
		if created.status != http.StatusCreated || created.header.Get(publisher.HeaderOutcome) != "created" {
			t.Fatalf("status %d, outcome %q: %s", created.status, created.header.Get(publisher.HeaderOutcome), created.body)
		}
		if got, want := created.header.Get("Location"), "https://news.example.org/api/v1/releases/"+id; got != want {
			t.Errorf("Location %q, want %q", got, want)
		}
		if created.header.Get("ETag") != `"1"` || created.header.Get("Content-Type") != "application/cloudevents+json" {
			t.Errorf("ETag %s, Content-Type %s", created.header.Get("ETag"), created.header.Get("Content-Type"))
		}
		if e := created.event(t); e.ID != id+":1" || e.Type != "dateline.release.published.v1" {
			t.Errorf("event %s of type %s", e.ID, e.Type)
		}
	})
	t.Run("the same page again is unchanged", func(t *testing.T) {
		a := s.do(t, "POST", "/api/v1/releases?origin=cms-1", "text/plain", pageText)
		if a.status != http.StatusOK || a.header.Get(publisher.HeaderOutcome) != "unchanged" || a.header.Get("ETag") != `"1"` {
			t.Errorf("status %d, outcome %q, ETag %s", a.status, a.header.Get(publisher.HeaderOutcome), a.header.Get("ETag"))
		}
	})
	t.Run("another text revises it", func(t *testing.T) {
		a := s.do(t, "POST", "/api/v1/releases?origin=cms-1", "text/plain", pageText+"They meet again in May.\n")
		if a.status != http.StatusOK || a.header.Get(publisher.HeaderOutcome) != "revised" || a.header.Get("ETag") != `"2"` {
			t.Errorf("status %d, outcome %q, ETag %s", a.status, a.header.Get(publisher.HeaderOutcome), a.header.Get("ETag"))
		}
	})
	t.Run("it is corrected with a note", func(t *testing.T) {
		a := s.do(t, "POST", "/api/v1/releases/"+id+"/correct?note="+url.QueryEscape("The day was wrong."), "text/plain", pageText, "If-Match", `"2"`)
		e := a.event(t)
		if a.status != http.StatusOK || e.Type != "dateline.release.corrected.v1" || e.DatelineNote != "The day was wrong." || e.ID != id+":3" {
			t.Errorf("status %d: %s", a.status, a.body)
		}
	})
	t.Run("it is withdrawn, and its text with it", func(t *testing.T) {
		a := s.do(t, "POST", "/api/v1/releases/"+id+"/withdraw?reason=Mistake.", "", "", "If-Match", "*")
		if a.status != http.StatusOK {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		a = s.do(t, "GET", "/api/v1/releases/"+id, "", "")
		e := a.event(t)
		if a.status != http.StatusOK || e.DatelineStatus != "withdrawn" || e.DatelineReason != "Mistake." || e.Data.Title == "" {
			t.Errorf("status %d: %s", a.status, a.body)
		}
		if len(e.Data.Bodies) > 0 || strings.Contains(string(a.body), "social workers") {
			t.Errorf("the text is still there: %s", a.body)
		}
	})
	t.Run("it stays withdrawn", func(t *testing.T) {
		refused(t, s.do(t, "POST", "/api/v1/releases?origin=cms-1", "text/plain", pageText), http.StatusConflict, "withdrawn")
	})
}

func TestHandler_documents(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for kind, doc := range map[string]string{
		"text/markdown":    "---\ntitle: T\ndate: 2017-05-17\norigin: md\n---\nText.",
		"application/json": `{"title":"T","date":"2017-05-17","origin":"json","text":"Text."}`,
		"text/plain":       "---\ntitle: T\ndate: 2017-05-17\norigin: plain\n---\nText.",
	} {
		t.Run(kind, func(t *testing.T) {
			a := s.do(t, "POST", "/api/v1/releases", kind, doc)
			if e := a.event(t); a.status != http.StatusCreated || e.Data.Bodies[0].Value != "<p>Text.</p>" {
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
}

func TestHandler_refuses(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := news.NewID("cms-1")
	if a := s.do(t, "POST", "/api/v1/releases?origin=cms-1", "text/plain", pageText); a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	const releases, text, jsonType = "/api/v1/releases", "text/plain", "application/json"
	large := strings.Repeat("a", publisher.MaxBody+1)
	for _, tc := range []struct {
		name, method, path, kind, body, match string
		status                                int
		words                                 []string
	}{
		{"no Content-Type", "POST", releases, "", pageText, "", 415, []string{"text/markdown"}},
		{"another Content-Type", "POST", releases, "application/pdf", pageText, "", 415, []string{"application/pdf"}},
		{"an empty body", "POST", releases, text, "", "", 422, []string{"empty"}},
		{"a binary", "POST", releases, text, "\x89PNG\x00", "", 422, []string{"picture", "not read"}},
		{"a body too large", "POST", releases, text, large, "", 413, []string{"2048 kB"}},
		{"malformed JSON", "POST", releases, jsonType, "{\n\"title\": }", "", 400, []string{"2:10"}},
		{"everything wrong at once", "POST", releases, jsonType, `{"text":"x","fields":["Polcing"],"countries":["Austira"]}`, "", 422,
			[]string{"no title", "no date", "perhaps policing", "perhaps austria"}},
		{"a date to come", "POST", releases, jsonType, `{"title":"T","text":"x","date":"2036-01-01"}`, "", 422, []string{"2036-01-01"}},
		{"a URL that is none", "POST", releases, jsonType, `{"title":"T","text":"x","date":"2016-01-01","url":"javascript:x"}`, "", 422, []string{"javascript:x"}},
		{"backfill=perhaps", "POST", releases + "?backfill=perhaps", text, pageText, "", 400, []string{"perhaps"}},
		{"revises an unknown id", "POST", releases + "?revises=" + news.NewID("nothing"), text, pageText, "", 404, []string{"no release"}},
		{"revises what is no id", "POST", releases + "?revises=cms-1", text, pageText, "", 400, []string{"cms-1"}},
		{"an unknown id", "GET", releases + "/" + news.NewID("nothing"), "", "", "", 404, []string{"no release"}},
		{"what is no id", "GET", releases + "/x.y", "", "", "", 404, []string{"looks like"}},
		{"a correction without If-Match", "POST", releases + "/" + id + "/correct?note=x", text, pageText, "", 428, []string{"If-Match"}},
		{"a stale correction", "POST", releases + "/" + id + "/correct?note=x", text, pageText, `"9"`, 412, []string{"revision 1", "revision 9"}},
		{"an If-Match that is none", "POST", releases + "/" + id + "/correct?note=x", text, pageText, `x`, 400, []string{"If-Match x"}},
		{"a correction without note", "POST", releases + "/" + id + "/correct", text, pageText, `"1"`, 422, []string{"note"}},
		{"a correction too large", "POST", releases + "/" + id + "/correct?note=x", text, large, `"1"`, 413, []string{"2048 kB"}},
		{"a correction of nothing", "POST", releases + "/" + news.NewID("nothing") + "/correct?note=x", text, pageText, "*", 404, nil},
		{"a withdrawal without If-Match", "POST", releases + "/" + id + "/withdraw?reason=x", "", "", "", 428, []string{"If-Match"}},
		{"a withdrawal without reason", "POST", releases + "/" + id + "/withdraw", "", "", `"1"`, 422, []string{"reason"}},
		{"a stale withdrawal", "POST", releases + "/" + id + "/withdraw?reason=x", "", "", `"2"`, 412, nil},
		{"a cursor that is none", "GET", "/api/v1/events?after=x", "", "", "", 400, []string{"after=x"}},
		{"a cursor beyond the end", "GET", "/api/v1/events?after=99&wait=30s", "", "", "", 400, []string{"after=99", "newest event, 1"}},
		{"a wait that is none", "GET", "/api/v1/events?wait=-1s", "", "", "", 400, []string{"wait=-1s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var header []string
			if tc.match != "" {
				header = []string{"If-Match", tc.match}
			}
			refused(t, s.do(t, tc.method, tc.path, tc.kind, tc.body, header...), tc.status, tc.words...)
		})
	}
	if n := events(t, s.wire); n != 1 {
		t.Errorf("the log has %d events, want 1", n)
	}
}

func TestHandler_logAway(t *testing.T) {
	t.Parallel()
	s := newService(t)
	if err := s.wire.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, a := range []answer{
		s.do(t, "POST", "/api/v1/releases?origin=cms-1", "text/plain", pageText),
		s.do(t, "GET", "/api/v1/releases/"+news.NewID("cms-1"), "", ""),
		s.do(t, "GET", "/api/v1/events", "", ""),
	} {
		refused(t, a, http.StatusServiceUnavailable, "try again")
		if a.header.Get("Retry-After") == "" {
			t.Error("Retry-After is missing")
		}
	}
}

func TestHandler_events(t *testing.T) {
	t.Parallel()
	s := newService(t)
	read := func(t *testing.T, query string) (ids []string, next string) {
		t.Helper()
		a := s.do(t, "GET", "/api/v1/events"+query, "", "")
		var got struct {
			Events []struct{ ID string }
			Next   string
		}
		if err := json.Unmarshal(a.body, &got); err != nil || a.status != http.StatusOK || got.Events == nil {
			t.Fatalf("status %d, %v: %s", a.status, err, a.body)
		}
		for _, e := range got.Events {
			ids = append(ids, e.ID)
		}
		return ids, got.Next
	}
	post := func(t *testing.T, origin string) {
		t.Helper()
		if a := s.do(t, "POST", "/api/v1/releases?origin="+origin, "text/plain", pageText); a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
	}
	if ids, next := read(t, "?after=0"); len(ids) != 0 || next != "0" {
		t.Fatalf("an empty log gives %v and the cursor %s", ids, next)
	}
	post(t, "a")
	post(t, "b")
	a, b, c := news.NewID("a")+":1", news.NewID("b")+":1", news.NewID("c")+":1"
	t.Run("all, in order", func(t *testing.T) {
		if ids, next := read(t, "?after=0&wait=30s"); fmt.Sprint(ids) != fmt.Sprint([]string{a, b}) || next != "2" {
			t.Errorf("got %v and the cursor %s", ids, next)
		}
	})
	t.Run("after a cursor", func(t *testing.T) {
		if ids, next := read(t, "?after=1"); fmt.Sprint(ids) != fmt.Sprint([]string{b}) || next != "2" {
			t.Errorf("got %v and the cursor %s", ids, next)
		}
	})
	t.Run("without a cursor only those to come", func(t *testing.T) {
		if ids, next := read(t, ""); len(ids) != 0 || next != "2" {
			t.Errorf("got %v and the cursor %s", ids, next)
		}
	})
	t.Run("a wait ends without events", func(t *testing.T) {
		if ids, next := read(t, "?after=2&wait=1ms"); len(ids) != 0 || next != "2" {
			t.Errorf("got %v and the cursor %s", ids, next)
		}
	})
	t.Run("a wait ends with the next event", func(t *testing.T) {
		posted := make(chan error, 1)
		go func() { // before the wait begins or during it: the answer is the same
			resp, err := s.Client().Post(s.URL+"/api/v1/releases?origin=c", "text/plain", strings.NewReader(pageText))
			if err == nil {
				err = resp.Body.Close()
			}
			posted <- err
		}()
		if ids, next := read(t, "?after=2&wait=30s"); fmt.Sprint(ids) != fmt.Sprint([]string{c}) || next != "3" {
			t.Errorf("got %v and the cursor %s", ids, next)
		}
		if err := <-posted; err != nil {
			t.Error(err)
		}
	})
}
