package access_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
)

// counter is a handler that says how often it ran, and what it was sent.
type counter struct {
	ran    atomic.Int32
	answer func(w http.ResponseWriter, r *http.Request, n int, body string)
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(c.ran.Add(1))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 3<<20))
	if err != nil {
		access.Refuse(w, err)
		return
	}
	if c.answer != nil {
		c.answer(w, r, n, string(b))
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("ETag", `"7"`)
	w.Header().Set("Location", "/there")
	w.Header().Set("Dateline-Outcome", "created")
	w.Header().Set("X-Other", "not kept")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "run %d of %s", n, b)
}

func status(code int) *counter {
	return &counter{answer: func(w http.ResponseWriter, _ *http.Request, n int, _ string) {
		w.WriteHeader(code)
		if code != http.StatusNoContent {
			fmt.Fprintf(w, "run %d", n)
		}
	}}
}

func (w *world) once(h http.Handler) http.Handler { return w.keys.Require(w.keys.Once(h)) }

const header = access.HeaderKey

func replayed(r *http.Response) bool { return r.Header.Get(access.HeaderReplayed) == "true" }

func TestKeys_Once(t *testing.T) {
	w := newWorld(t)
	t.Run("a repeat gets the same answer", func(t *testing.T) {
		c := &counter{}
		h := w.once(c)
		for i := range 3 {
			res := do(t, h, http.MethodPost, "/api/v1/a", good, "text", header, "same")
			if res.StatusCode != http.StatusCreated || bodyOf(t, res) != "run 1 of text" || replayed(res) != (i > 0) {
				t.Errorf("%d: %d %v", i, res.StatusCode, res.Header)
			}
			for name, want := range map[string]string{"Content-Type": "text/plain", "ETag": `"7"`, "Location": "/there", "Dateline-Outcome": "created"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%d: %s is %q", i, name, got)
				}
			}
			if kept := res.Header.Get("X-Other") != ""; kept != (i == 0) {
				t.Errorf("%d: other headers are kept: %v", i, kept)
			}
		}
	})
	t.Run("each caller has headers of its own", func(t *testing.T) {
		c := &counter{}
		h, other := w.once(c), w.add("other", "", access.Draft)
		for i, key := range []string{good, other, good, other} {
			res := do(t, h, http.MethodPost, "/api/v1/a", key, "text", header, "shared")
			if want := fmt.Sprintf("run %d of text", i%2+1); bodyOf(t, res) != want {
				t.Errorf("%d: not %q", i, want)
			}
		}
	})
	t.Run("nothing is kept for callers who may change nothing, nor of what changes nothing", func(t *testing.T) {
		c := &counter{}
		h, reader := w.once(c), w.add("reader", "")
		for i, rq := range []struct{ key, path string }{{reader, "/api/v1/a"}, {reader, "/api/v1/a"}, {good, "/api/v1/inspect"}, {good, "/api/v1/inspect"}, {good, "/api/v1/a?dry_run=1"}, {good, "/api/v1/a?dry_run=1"}} {
			if res := do(t, h, http.MethodPost, rq.path, rq.key, "text", header, "unkept"); replayed(res) {
				t.Errorf("%d: %s is answered from what was kept", i, rq.path)
			}
		}
	})
	t.Run("another process knows the answer", func(t *testing.T) {
		c := &counter{}
		do(t, w.once(c), http.MethodPut, "/api/v1/a", good, "text", header, "far")
		other := openWorld(t, w.wire, w.clock, access.Config{})
		if res := do(t, other.once(c), http.MethodPut, "/api/v1/a", good, "text", header, "far"); !replayed(res) || c.ran.Load() != 1 {
			t.Errorf("%d, ran %d times", res.StatusCode, c.ran.Load())
		}
	})
	t.Run("without the header, and for reading, everything runs", func(t *testing.T) {
		c := &counter{}
		h := w.once(c)
		for range 2 {
			do(t, h, http.MethodPost, "/api/v1/a", good, "text")
			do(t, h, http.MethodGet, "/api/v1/a", good, "", header, "read")
		}
		if c.ran.Load() != 4 {
			t.Errorf("ran %d times", c.ran.Load())
		}
	})
	t.Run("another request with the same header is refused", func(t *testing.T) {
		c := &counter{}
		h := w.once(c)
		type request struct{ method, path, body, match, kind string }
		first := request{http.MethodPost, "/api/v1/a?x=1", "text", `"1"`, "text/plain"}
		send := func(r request) *http.Response {
			return do(t, h, r.method, r.path, good, r.body, header, "print", "If-Match", r.match, "Content-Type", r.kind)
		}
		send(first)
		for what, r := range map[string]request{
			"method":       {http.MethodDelete, first.path, first.body, first.match, first.kind},
			"path":         {first.method, "/api/v1/b?x=1", first.body, first.match, first.kind},
			"escaped path": {first.method, "/api/v1%2Fa?x=1", first.body, first.match, first.kind},
			"query":        {first.method, "/api/v1/a?x=2", first.body, first.match, first.kind},
			"body":         {first.method, first.path, "text ", first.match, first.kind},
			"If-Match":     {first.method, first.path, first.body, `"2"`, first.kind},
			"Content-Type": {first.method, first.path, first.body, first.match, "text/html"},
		} {
			res := send(r)
			if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(problemOf(t, res).Detail, "was used for another request") {
				t.Errorf("another %s: %d", what, res.StatusCode)
			}
		}
		if res := send(first); !replayed(res) || c.ran.Load() != 1 {
			t.Errorf("the first again: %d, ran %d times", res.StatusCode, c.ran.Load())
		}
	})
	t.Run("headers that are no key", func(t *testing.T) {
		c := &counter{}
		h := w.once(c)
		for name, values := range map[string][]string{
			"empty": {""}, "two": {"a", "b"}, "white space": {"a b"}, "beyond ASCII": {"é"}, "control": {"a\x7f"}, "256 characters": {strings.Repeat("a", 256)},
		} {
			var pairs []string
			for _, v := range values {
				pairs = append(pairs, header, v)
			}
			if res := do(t, h, http.MethodPost, "/api/v1/a", good, "text", pairs...); res.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d", name, res.StatusCode)
			}
		}
		if c.ran.Load() != 0 {
			t.Error("it ran")
		}
		for _, v := range []string{"a", `"7d5b-quoted"`, strings.Repeat("~", 255)} {
			if res := do(t, h, http.MethodPost, "/api/v1/a", good, "text", header, v); res.StatusCode != http.StatusCreated {
				t.Errorf("%.10s: %d", v, res.StatusCode)
			}
		}
	})
}

func TestKeys_Once_whatIsKept(t *testing.T) {
	w := newWorld(t)
	for code, kept := range map[int]bool{
		200: true, 201: true, 204: true, 303: false, 400: false, 404: false, 409: false, 412: false, 413: false, 422: false,
		401: false, 403: false, 429: false, 499: false, 500: false, 502: false, 503: false, 507: false,
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			c := status(code)
			h := w.once(c)
			for range 2 {
				if res := do(t, h, http.MethodDelete, "/api/v1/a", good, "", header, "code-"+strconv.Itoa(code)); res.StatusCode != code {
					t.Errorf("status %d", res.StatusCode)
				}
			}
			if once := c.ran.Load() == 1; once != kept {
				t.Errorf("ran %d times", c.ran.Load())
			}
		})
	}
	t.Run("an answer without a word", func(t *testing.T) {
		c := &counter{answer: func(http.ResponseWriter, *http.Request, int, string) {}}
		for range 2 {
			if res := do(t, w.once(c), http.MethodPost, "/api/v1/a", good, "", header, "silent"); res.StatusCode != http.StatusOK || c.ran.Load() != 1 {
				t.Errorf("status %d, ran %d times", res.StatusCode, c.ran.Load())
			}
		}
	})
	for name, size := range map[string]int{"a body of 256 KiB": 256 << 10, "and a byte": 256<<10 + 1} {
		t.Run(name, func(t *testing.T) {
			want := strings.Repeat("x", size)
			c := &counter{answer: func(w http.ResponseWriter, _ *http.Request, _ int, _ string) {
				w.WriteHeader(http.StatusCreated)
				for _, part := range []string{want[:1000], want[1000:]} {
					_, _ = io.WriteString(w, part)
					if err := http.NewResponseController(w).Flush(); err != nil { // held back all the same
						t.Error(err)
					}
				}
			}}
			for range 2 {
				res := do(t, w.once(c), http.MethodPost, "/api/v1/a", good, "", header, "size-"+strconv.Itoa(size))
				if got := bodyOf(t, res); res.StatusCode != http.StatusCreated || got != want {
					t.Errorf("status %d, %d bytes", res.StatusCode, len(got))
				}
			}
			if once := c.ran.Load() == 1; once != (size == 256<<10) {
				t.Errorf("ran %d times", c.ran.Load())
			}
		})
	}
	t.Run("a panic is no answer", func(t *testing.T) {
		c := &counter{answer: func(_ http.ResponseWriter, _ *http.Request, n int, _ string) {
			if n == 1 {
				panic("spoilt")
			}
		}}
		h := w.once(c)
		func() {
			defer func() {
				if recover() != "spoilt" {
					t.Error("the panic was swallowed")
				}
			}()
			do(t, h, http.MethodPost, "/api/v1/a", good, "", header, "panic")
		}()
		if res := do(t, h, http.MethodPost, "/api/v1/a", good, "", header, "panic"); res.StatusCode != http.StatusOK || c.ran.Load() != 2 {
			t.Errorf("status %d, ran %d times", res.StatusCode, c.ran.Load())
		}
	})
	for name, tc := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		kept   bool
	}{
		"a client that left before the end is no answer": {func(w http.ResponseWriter, r *http.Request) { access.Refuse(w, r.Context().Err()) }, false},
		"what was done for a client that left is kept":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			c := &counter{answer: func(w http.ResponseWriter, r *http.Request, n int, _ string) {
				if n == 1 {
					leave()
					tc.answer(w, r)
				}
			}}
			id := "gone-" + strconv.FormatBool(tc.kept)
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/a", nil)
			r.Header.Set("Authorization", "Bearer "+good)
			r.Header.Set(header, id)
			w.once(c).ServeHTTP(httptest.NewRecorder(), r)
			if res := do(t, w.once(c), http.MethodPost, "/api/v1/a", good, "", header, id); replayed(res) != tc.kept || res.StatusCode >= 300 {
				t.Errorf("status %d, replayed %v", res.StatusCode, replayed(res))
			}
		})
	}
}

func TestKeys_Once_bodies(t *testing.T) {
	w := newWorld(t)
	c := &counter{answer: func(w http.ResponseWriter, _ *http.Request, _ int, body string) { fmt.Fprintf(w, "%d", len(body)) }}
	h := w.once(c)
	full := strings.Repeat("x", access.MaxOnce)
	if res := do(t, h, http.MethodPost, "/api/v1/import", good, full, header, "full"); bodyOf(t, res) != strconv.Itoa(len(full)) {
		t.Errorf("status %d", res.StatusCode)
	}
	res := do(t, h, http.MethodPost, "/api/v1/import", good, full+"x", header, "more")
	if p := problemOf(t, res); res.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(p.Detail, "a request with Idempotency-Key has a body of at most 2 MiB") {
		t.Errorf("status %d %+v", res.StatusCode, p)
	}
	if res := do(t, h, http.MethodPost, "/api/v1/import", good, full+"x"); bodyOf(t, res) != strconv.Itoa(len(full)+1) {
		t.Errorf("without the header: status %d", res.StatusCode)
	}
	t.Run("without the header nothing is read ahead", func(t *testing.T) {
		body, _ := io.Pipe() // nobody writes: reading ahead would wait for ever
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/import", body)
		r.Header.Set("Authorization", "Bearer "+good)
		var same bool
		w.once(http.HandlerFunc(func(_ http.ResponseWriter, got *http.Request) { same = got.Body == io.ReadCloser(body) })).ServeHTTP(httptest.NewRecorder(), r)
		if !same {
			t.Error("the handler got another body")
		}
	})
	t.Run("one that breaks off", func(t *testing.T) {
		body, sender := io.Pipe()
		_ = sender.CloseWithError(io.ErrUnexpectedEOF)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/import", body)
		r.Header.Set("Authorization", "Bearer "+good)
		r.Header.Set(header, "broken")
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, r); rec.Code != http.StatusBadRequest {
			t.Errorf("status %d", rec.Code)
		}
	})
}

func TestKeys_Once_twins(t *testing.T) {
	w := newWorld(t)
	other := openWorld(t, w.wire, w.clock, access.Config{})
	other.run()
	begun, end := make(chan struct{}), make(chan struct{})
	c := &counter{answer: func(w http.ResponseWriter, _ *http.Request, n int, _ string) {
		if n == 1 {
			close(begun)
		}
		<-end
		fmt.Fprintf(w, "run %d", n)
	}}
	first := make(chan *http.Response, 1)
	go func() { first <- do(t, w.once(c), http.MethodPost, "/api/v1/a", good, "text", header, "twins") }()
	<-begun
	var repeats sync.WaitGroup
	for i := range 16 {
		h := w.once(c)
		if i%2 > 0 {
			h = other.once(c)
		}
		repeats.Go(func() {
			res := do(t, h, http.MethodPost, "/api/v1/a", good, "text", header, "twins")
			if res.StatusCode != http.StatusConflict || res.Header.Get("Retry-After") != "1" {
				t.Errorf("status %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
			}
		})
	}
	repeats.Wait()
	if res := do(t, w.once(c), http.MethodPost, "/api/v1/a", good, "another", header, "twins"); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another request meanwhile: %d", res.StatusCode)
	}
	close(end)
	if res := <-first; bodyOf(t, res) != "run 1" || replayed(res) {
		t.Errorf("the first got %d", res.StatusCode)
	}
	if res := do(t, other.once(c), http.MethodPost, "/api/v1/a", good, "text", header, "twins"); bodyOf(t, res) != "run 1" || !replayed(res) {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
	if c.ran.Load() != 1 {
		t.Errorf("ran %d times", c.ran.Load())
	}
}

// All at once, without any order.
func TestKeys_Once_manyAtOnce(t *testing.T) {
	w := newWorld(t)
	other := openWorld(t, w.wire, w.clock, access.Config{})
	other.run()
	c := &counter{}
	var asking sync.WaitGroup
	var answered atomic.Int32
	for i := range 24 {
		h := w.once(c)
		if i%2 > 0 {
			h = other.once(c)
		}
		asking.Go(func() {
			switch res := do(t, h, http.MethodPost, "/api/v1/a", good, "text", header, "many"); res.StatusCode {
			case http.StatusCreated:
				if answered.Add(1); bodyOf(t, res) != "run 1 of text" {
					t.Error("another answer")
				}
			case http.StatusConflict:
			default:
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
	asking.Wait()
	if c.ran.Load() != 1 || answered.Load() < 1 {
		t.Errorf("ran %d times, answered %d", c.ran.Load(), answered.Load())
	}
}

// A process that ended before the answer, as one that hangs for over a minute.
func TestKeys_Once_takeover(t *testing.T) {
	w := newWorld(t)
	begun, end := make(chan struct{}), make(chan struct{})
	c := &counter{answer: func(w http.ResponseWriter, _ *http.Request, n int, _ string) {
		if n == 1 {
			close(begun)
			<-end
		}
		fmt.Fprintf(w, "run %d", n)
	}}
	send := func() *http.Response {
		return do(t, w.once(c), http.MethodPost, "/api/v1/a", good, "text", header, "crash")
	}
	first := make(chan *http.Response, 1)
	go func() { first <- send() }()
	<-begun
	w.clock.forward(time.Minute)
	if res := send(); res.StatusCode != http.StatusConflict {
		t.Errorf("after a minute: %d", res.StatusCode)
	}
	w.clock.forward(1)
	if res := send(); bodyOf(t, res) != "run 2" || replayed(res) {
		t.Errorf("later: %d", res.StatusCode)
	}
	close(end)
	if res := <-first; bodyOf(t, res) != "run 1" { // late, and told so
		t.Errorf("the first: %d", res.StatusCode)
	}
	if res := send(); bodyOf(t, res) != "run 2" || !replayed(res) {
		t.Errorf("the answer of who took over counts: %d", res.StatusCode)
	}
}

// Many find an abandoned request at once: one takes it over.
func TestKeys_Once_takeoverOnce(t *testing.T) {
	w := newWorld(t)
	for round := range 8 {
		w.takeOver(fmt.Sprint("crash-", round), 12)
	}
}

func (w *world) takeOver(id string, repeats int32) {
	w.t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	c := &counter{answer: func(_ http.ResponseWriter, _ *http.Request, n int, _ string) {
		if n == 1 {
			close(begun)
		}
		<-end
	}}
	h := w.once(c)
	var turnedAway atomic.Int32
	send := func() {
		switch res := do(w.t, h, http.MethodPost, "/api/v1/a", good, "text", header, id); res.StatusCode {
		case http.StatusConflict:
			turnedAway.Add(1)
		case http.StatusOK:
		default:
			w.t.Errorf("status %d", res.StatusCode)
		}
	}
	var all sync.WaitGroup
	all.Go(send)
	<-begun
	w.clock.forward(time.Hour)
	together := make(chan struct{})
	for range repeats {
		all.Go(func() { <-together; send() })
	}
	close(together)
	w.await("all repeats run or are turned away", func() bool { return c.ran.Load()-1+turnedAway.Load() == repeats })
	if c.ran.Load() != 2 {
		w.t.Errorf("ran %d times", c.ran.Load())
	}
	close(end)
	all.Wait()
}

func TestKeys_Once_away(t *testing.T) {
	w := newWorld(t)
	c := &counter{}
	h := w.once(c)
	do(t, h, http.MethodPost, "/api/v1/a", good, "text", header, "known")
	t.Run("the bucket goes while a request runs", func(t *testing.T) {
		closing := &counter{answer: func(rw http.ResponseWriter, _ *http.Request, _ int, _ string) {
			if err := w.wire.Close(t.Context()); err != nil {
				t.Error(err)
			}
			rw.WriteHeader(http.StatusAccepted)
		}}
		if res := do(t, w.once(closing), http.MethodPost, "/api/v1/a", good, "text", header, "closing"); res.StatusCode != http.StatusAccepted {
			t.Errorf("status %d", res.StatusCode)
		}
	})
	for _, key := range []string{"known", "new"} {
		res := do(t, h, http.MethodPost, "/api/v1/a", good, "text", header, key)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d", key, res.StatusCode)
		}
	}
	if res := do(t, h, http.MethodPost, "/api/v1/a", good, "text"); res.StatusCode != http.StatusCreated {
		t.Errorf("without the header: %d", res.StatusCode)
	}
	if c.ran.Load() != 2 {
		t.Errorf("ran %d times", c.ran.Load())
	}
}

// A process that does not publish has the admin key, its limits, and no more.
func TestKeys_Open_withoutWire(t *testing.T) {
	keys, err := access.New(good)
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	if err := keys.Open(t.Context(), access.Config{Now: c.now, Rates: access.Rates{Key: access.Rate{PerSecond: 1, Burst: 2}}}); err != nil {
		t.Fatal(err)
	}
	if err := keys.Run(t.Context()); err != nil || keys.Ready(t.Context()) != nil {
		t.Error(err)
	}
	h := keys.Require(keys.Once(http.HandlerFunc(noContent)))
	if res := do(t, h, http.MethodPost, "/", good, "", header, "a"); res.StatusCode != http.StatusBadRequest || !strings.Contains(problemOf(t, res).Detail, "leave Idempotency-Key out") {
		t.Errorf("a repeatable request: %d", res.StatusCode)
	}
	for _, want := range []int{http.StatusNoContent, http.StatusTooManyRequests} {
		if res := do(t, h, http.MethodPost, "/", good, ""); res.StatusCode != want {
			t.Errorf("status %d, want %d", res.StatusCode, want)
		}
	}
	if res := do(t, h, http.MethodPost, "/", "dl_ABCDEFGHIJKLMNOQ", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("another key: %d", res.StatusCode)
	}
}

func TestRefuse_keepsTheWaitThatIsKnown(t *testing.T) {
	rec := httptest.NewRecorder()
	rec.Header().Set("Retry-After", "60")
	access.Refuse(rec, news.Problemf(news.Unavailable, "away"))
	if got := rec.Header().Get("Retry-After"); got != "60" {
		t.Errorf("Retry-After %q", got)
	}
}
