package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/access"

	validator "github.com/pb33f/libopenapi-validator"
	options "github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/helpers"
	"github.com/pb33f/libopenapi-validator/paths"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/rs/zerolog"
)

// apiServer is a server in this process, with a client that holds every request
// and answer against the description of the API: their schemas too, if there is
// a check.
type apiServer struct {
	*app
	d     *described
	check validator.Validator
	key   string
	seen  *sightings
	sinks *sinks
	http  *http.Client
}

// sightings are what was seen of the API: an operation with a status, a header
// of its success, or a parameter that was taken.
type sightings struct {
	mu  sync.Mutex
	all map[string]bool
}

func (s *sightings) add(words ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[strings.Join(words, " ")] = true
}

// apiConfig is how a test's server differs from others.
type apiConfig struct {
	rates   access.Rates // of zero: none that a test meets
	natsURL string
	sinks   *sinks
	seen    *sightings
}

func serveAPI(t *testing.T, d *described, check validator.Validator, wanted apiConfig) *apiServer {
	t.Helper()
	raw := config{
		Data: t.TempDir(), Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", BaseURL: testBase, Title: "Dateline", Roles: allRoles, Queues: 2, Replicas: 1,
		NATSURL: wanted.natsURL, MailFrom: "dateline@localhost", LogLevel: "error", Key: "the-admin-key-of-this-test",
	}
	if wanted.sinks != nil {
		raw.SMTPURL, raw.AllowNetworks = wanted.sinks.mailURL, []string{"127.0.0.0/8"}
	}
	cfg, err := raw.check()
	if err != nil {
		t.Fatal(err)
	}
	most := access.Rate{PerSecond: 1e6, Burst: 1e6}
	cfg.rates.Key, cfg.rates.Address = cmp.Or(wanted.rates.Key, most), cmp.Or(wanted.rates.Address, most)
	a, err := startApp(t.Context(), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.close() })
	s := &apiServer{app: a, d: d, check: check, key: raw.Key, seen: wanted.seen, sinks: wanted.sinks}
	if s.seen == nil {
		s.seen = &sightings{all: map[string]bool{}}
	}
	s.http = &http.Client{Transport: &watched{t, s}}
	a.now().settle(t.Context())
	a.await(t.Context(), func() bool { return a.keys.Ready(t.Context()) == nil })
	return s
}

// watched passes requests on and complains of whatever is not as described.
type watched struct {
	t testing.TB
	s *apiServer
}

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(sent))
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	r.Body, res.Body = io.NopCloser(bytes.NewReader(sent)), io.NopCloser(bytes.NewReader(got))
	w.hold(r, res, got)
	res.Body = io.NopCloser(bytes.NewReader(got))
	return res, nil
}

// hold complains of a request and its answer. What is not described is refused.
func (w *watched) hold(r *http.Request, res *http.Response, body []byte) {
	bad := func(what ...any) {
		w.t.Errorf("%s %s answers %d %v\n%.1500s\n%.1500v", r.Method, r.URL.RequestURI(), res.StatusCode, res.Header, body, what)
	}
	var op *v3.Operation
	if item, _, _ := paths.FindPath(r, w.s.d.model, options.NewValidationOptions()); item != nil {
		op = helpers.ExtractOperation(r, item)
	}
	if op == nil {
		if !slices.Contains([]int{401, 404, 405}, res.StatusCode) || res.Header.Get("Content-Type") != "application/problem+json" || !json.Valid(body) {
			bad("what is not described is no 404 or 405 with a problem")
		}
		return
	}
	answer := op.Responses.Codes.GetOrZero(strconv.Itoa(res.StatusCode))
	if answer == nil {
		bad("the status is not described")
		return
	}
	w.s.seen.add(op.OperationId, strconv.Itoa(res.StatusCode))
	if res.StatusCode < http.StatusBadRequest {
		w.note(r, res, op)
	}
	if w.s.check != nil && res.StatusCode < http.StatusBadRequest {
		if ok, errs := w.s.check.ValidateHttpRequest(r); !ok {
			bad("the request is not as described", errs[0], errs[0].SchemaValidationErrors)
		}
	}
	if w.s.check != nil {
		if ok, errs := w.s.check.ValidateHttpResponse(r, res); !ok {
			bad("the answer is not as described", errs[0], errs[0].SchemaValidationErrors)
		}
	}
	for name := range res.Header {
		if !hasHeader(answer, name) && !slices.Contains([]string{"Content-Type", "Content-Length", "Date", "Accept-Ranges", "Cache-Control"}, name) {
			bad("the header " + name + " is not described")
		}
	}
	if cached := res.Header.Get("Cache-Control"); len(body) > 0 && cached != "no-store" && !hasHeader(answer, "Cache-Control") {
		bad("it does not say that it may not be cached")
	}
}

// note remembers the parameters and headers of a success.
func (w *watched) note(r *http.Request, res *http.Response, op *v3.Operation) {
	for name := range r.URL.Query() {
		w.s.seen.add(op.OperationId, "?"+name)
	}
	for name := range res.Header {
		w.s.seen.add(op.OperationId, name)
	}
}

func hasHeader(answer *v3.Response, name string) bool {
	return slices.ContainsFunc(headersOf(answer), func(described string) bool { return strings.EqualFold(described, name) })
}

// headersOf are the names of an answer's headers.
func headersOf(answer *v3.Response) []string {
	if answer.Headers == nil {
		return nil
	}
	return slices.Collect(answer.Headers.KeysFromOldest())
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   string
}

// id is that of the release the answer speaks of.
func (r reply) id(t *testing.T) string {
	t.Helper()
	v := decodeJSON[struct{ Subject, ID string }](t, r.body)
	return cmp.Or(v.Subject, v.ID)
}

func bearer(key string) http.Header { return http.Header{"Authorization": {"Bearer " + key}} }

// send makes one request, as the administrator unless header says otherwise.
func (s *apiServer) send(t *testing.T, method, path string, header http.Header, body string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.local+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = bearer(s.key)
	for name, values := range header {
		req.Header[name] = values
	}
	if req.Header.Get("Authorization") == "" {
		req.Header.Del("Authorization")
	}
	res, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// ask makes a request whose status is known. What succeeds is sent a second time
// with the same Idempotency-Key, and must be answered the same.
func (s *apiServer) ask(t *testing.T, want int, call, body string, header ...string) reply {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	h := http.Header{}
	if body != "" {
		h.Set("Content-Type", kindOf(body))
	}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	once := h.Get(access.HeaderKey) == "" && method != http.MethodGet && len(body) <= access.MaxOnce && !strings.HasPrefix(path, "/api/v1/keys") && !strings.HasPrefix(path, "/api/v1/taxonomy")
	if once {
		h.Set(access.HeaderKey, rand.Text())
	}
	first := s.send(t, method, path, h, body)
	if first.status != want {
		t.Errorf("%s: %d, want %d: %s", call, first.status, want, first.body)
	}
	if !once || first.status >= 300 || strings.HasPrefix(path, "/api/v1/inspect") || strings.Contains(path, "dry_run=true") {
		return first // not kept
	}
	second := s.send(t, method, path, h, body)
	if second.status != first.status || second.body != first.body || second.header.Get(access.HeaderReplayed) != "true" || second.header.Get("ETag") != first.header.Get("ETag") {
		t.Errorf("%s once more: %d %v %s", call, second.status, second.header, second.body)
	}
	return first
}

// kindOf is the Content-Type of a test's body.
func kindOf(body string) string {
	switch {
	case strings.HasPrefix(body, "{"):
		return "application/json"
	case strings.HasPrefix(body, "<rss"):
		return "application/rss+xml"
	}
	return "text/markdown"
}

// paper is a release in JSON, of today so that it is no old one.
func paper(title, origin, text string) string {
	b, err := json.Marshal(map[string]any{
		"title": title, "origin": origin, "date": time.Now().UTC().Format(time.DateOnly), "fields": []string{"policing"}, "countries": []string{"AT"}, "sources": "secretariat", "type": "press-release", "language": "en", "body": text,
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (s *apiServer) draft(t *testing.T, title, origin string) (id string) {
	t.Helper()
	return s.ask(t, http.StatusCreated, "POST /api/v1/releases?status=draft", paper(title, origin, "What it says of itself.")).id(t)
}

// newKey makes a key with these scopes and returns its text.
func (s *apiServer) newKey(t *testing.T, name string, scopes ...string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"name": name, "scopes": append([]string{}, scopes...)})
	if err != nil {
		t.Fatal(err)
	}
	return decodeJSON[struct{ Key string }](t, s.ask(t, http.StatusCreated, "POST /api/v1/keys", string(b)).body).Key
}

// notSeen are what the description has and the test below does not meet, by
// operation and what; * is any operation.
func notSeen() map[string]string {
	return map[string]string{
		"* 500": "nothing that a request can say makes one",
		"* 507": "needs a full disk; the tests of package wire have one",

		"listReleases 503":        "only in the first moments of a server; without the log the list is answered from memory",
		"listDesk 503":            "only in the first moments of a server; without the log the list is answered from memory",
		"discardWaiting 422":      "only for an Idempotency-Key that was used for another request",
		"liftEmbargo 422":         "only for an Idempotency-Key that was used for another request",
		"importReleases 422":      "only for an Idempotency-Key that was used for another request",
		"unsubscribe 422":         "only for an Idempotency-Key that was used for another request",
		"inspectDocument 503":     "only in the first moments of a server, while keys are loaded",
		"listTaxonomyChanges 503": "only in the first moments of a server, while keys are loaded",

		// Two requests at the same moment meet here by chance alone.
		"eraseRelease 409":   "only while somebody else changes the release",
		"editWaiting 409":    "only while somebody else changes what waits, or while it comes out",
		"discardWaiting 409": "only while somebody else changes what waits, or while it comes out",
		"importReleases 409": "only while the first request with the Idempotency-Key runs",
		"subscribe 409":      "only while the first request with the Idempotency-Key runs",
		"unsubscribe 409":    "only while the first request with the Idempotency-Key runs",
	}
}

func TestOpenAPI_holdsForALife(t *testing.T) {
	d := describe(t)
	seen := &sightings{all: map[string]bool{}}
	sinks, err := startSinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sinks.close(context.WithoutCancel(t.Context())) })
	check := d.validator(t)
	s := serveAPI(t, d, check, apiConfig{seen: seen, sinks: sinks})
	for _, part := range []struct {
		name string
		run  func(*apiServer, *testing.T)
	}{
		{"description", (*apiServer).liveDescription},
		{"subscriptions", (*apiServer).liveSubscriptions},
		{"releases", (*apiServer).liveReleases},
		{"corrections", (*apiServer).liveCorrections},
		{"withdrawals", (*apiServer).liveWithdrawals},
		{"desk", (*apiServer).liveDesk},
		{"desk of a release that moved", (*apiServer).liveMoved},
		{"documents", (*apiServer).liveDocuments},
		{"lists", (*apiServer).liveLists},
		{"erasure", (*apiServer).liveErasure},
		{"keys", (*apiServer).liveKeys},
		{"taxonomy", (*apiServer).liveTaxonomy},
		{"every operation refuses", (*apiServer).liveRefusals},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(s, t) })
	}
	t.Run("too many requests", func(t *testing.T) { liveLimits(t, d, check, seen) })
	t.Run("a log that is away", func(t *testing.T) { liveWithoutLog(t, d, check, seen) })
	if t.Failed() {
		return // what was not seen follows from it
	}
	missing(t, d, seen)
}

// missing complains of all that is described and was not seen.
func missing(t *testing.T, d *described, seen *sightings) {
	t.Helper()
	excused := notSeen()
	used := map[string]bool{}
	for _, op := range d.ops {
		want := map[string]bool{}
		for status, answer := range op.Responses.Codes.FromOldest() {
			want[status] = true
			for _, name := range headersOf(answer) {
				if status < "4" && name != "Cache-Control" {
					want[http.CanonicalHeaderKey(name)] = true
				}
			}
		}
		for _, name := range op.parameters("query") {
			want["?"+name] = true
		}
		for what := range want {
			of := op.OperationId + " " + what
			for _, excuse := range []string{of, "* " + what} {
				if _, ok := excused[excuse]; ok && !seen.all[of] {
					used[excuse] = true
					seen.add(of)
				}
			}
			if !seen.all[of] {
				t.Errorf("%s is described and was not seen", of)
			}
		}
	}
	for excuse := range excused {
		if !used[excuse] {
			t.Errorf("%s need not be excused", excuse)
		}
	}
}
