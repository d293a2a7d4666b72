package intake_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/guard"
	"dateline/publisher/intake"
	"dateline/publisher/news"
)

// upstream is a site that is pulled.
type upstream struct {
	*httptest.Server
	mu       sync.Mutex
	handler  http.HandlerFunc
	requests []*http.Request
}

func newUpstream(t testing.TB) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		u.requests = append(u.requests, r)
		h := u.handler
		u.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) answer(h http.HandlerFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.handler = h
}

// serve answers with a body and an ETag made of it, and knows If-None-Match.
func (u *upstream) serve(body string) {
	etag := strconv.Quote(news.NewID(body))
	u.answer(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = fmt.Fprint(w, body)
	})
}

func (u *upstream) asked() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.requests)
}

func (u *upstream) last() *http.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.requests[len(u.requests)-1]
}

// item is an entry of a feed.
type item struct {
	id, title, text string
	date            time.Time
}

func rss(items ...item) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>https://example.org/</link>`)
	for _, i := range items {
		fmt.Fprintf(&b, "<item><guid>urn:x:%s</guid><title>%s</title><pubDate>%s</pubDate><description>%s</description></item>",
			i.id, i.title, i.date.Format(time.RFC1123Z), i.text)
	}
	b.WriteString("</channel></rss>")
	return b.String()
}

func today(id string) item {
	return item{id, "Release " + id, "The text of release " + id + ", held in Tirana.", start()}
}

// wellhead is a puller with its upstream.
type wellhead struct {
	*newsroom
	up  *upstream
	url string
	p   *intake.Puller
}

func newWellhead(t testing.TB) *wellhead {
	t.Helper()
	return newWellheadOf(t, newNewsroom(t))
}

func newWellheadOf(t testing.TB, n *newsroom) *wellhead {
	t.Helper()
	w := &wellhead{newsroom: n, up: newUpstream(t)}
	w.url = w.up.URL + "/feed?token=secret"
	w.restart()
	return w
}

func (w *wellhead) config() intake.PullConfig {
	client := guard.New(guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Whole: 5 * time.Second})
	w.t.Cleanup(client.Close)
	return intake.PullConfig{
		URLs: []string{w.url}, Every: 5 * time.Minute, Wire: w.wire, Publisher: w, Reader: w.reader, Client: client,
		UserAgent: "dateline/1 (+https://news.example.org)", Now: w.clock.now, Rand: func() float64 { return 0 }, Log: w.logger(),
	}
}

// restart forgets what is not stored.
func (w *wellhead) restart() {
	w.t.Helper()
	var err error
	if w.p, err = intake.NewPuller(w.t.Context(), w.config()); err != nil {
		w.t.Fatal(err)
	}
}

// pull steps, and moves the clock to when the next pull is due.
func (w *wellhead) pull() time.Duration {
	w.t.Helper()
	pause := w.p.Step(w.t.Context()).Sub(w.clock.now())
	w.clock.move(pause)
	return pause
}

func (w *wellhead) wantPause(want time.Duration) {
	w.t.Helper()
	if got := w.pull(); got != want {
		w.t.Fatalf("the pause is %s, want %s; log: %s", got, want, w.log)
	}
}

func TestPuller_Step(t *testing.T) {
	t.Parallel()
	t.Run("the back-log alerts nobody, what is new does, what has changed is a revision, what vanishes stays", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("2"), today("1")))
		w.pull()
		w.wantEvents(2)
		changed := today("2")
		changed.text = "Another text, held in Tirana."
		w.up.serve(rss(today("3"), changed))
		w.pull()
		w.wantEvents(4)
		var got []string
		for _, e := range w.all() {
			got = append(got, fmt.Sprintf("%s %s backfill=%v", e.Release.Origin, e.Kind, e.Backfill))
		}
		want := []string{"urn:x:1 published backfill=true", "urn:x:2 published backfill=true", "urn:x:2 revised backfill=false", "urn:x:3 published backfill=false"}
		slicesEqual(t, got, want)
		if !strings.Contains(w.log.String(), `"release_id":"`+news.NewID("urn:x:3")+`"`) {
			t.Errorf("the log does not name the release: %s", w.log)
		}
		if log := w.log.String(); strings.Contains(log, "secret") || !strings.Contains(log, w.up.URL+"/feed?…") {
			t.Errorf("the log shows the address wrongly: %s", log)
		}
		if by := w.by(news.NewID("urn:x:3")); by != "pull" {
			t.Errorf("the trail says that %q published it", by)
		}
	})
	t.Run("it asks politely, and only for what has changed, also after a restart", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("1")))
		w.wantPause(5 * time.Minute)
		first := w.up.last()
		if first.Header.Get("User-Agent") != "dateline/1 (+https://news.example.org)" || first.Header.Get("Accept-Encoding") != "gzip" || first.Header.Get("If-None-Match") != "" {
			t.Errorf("asked with %v", first.Header)
		}
		w.restart()
		w.wantPause(5 * time.Minute)
		if w.up.last().Header.Get("If-None-Match") == "" || w.up.asked() != 2 {
			t.Errorf("asked with %v", w.up.last().Header)
		}
		w.clock.move(-time.Minute)
		w.restart()
		w.wantPause(time.Minute)
		if w.up.asked() != 2 || w.published() != 1 {
			t.Errorf("a restart asked before time: %d requests, %d publications", w.up.asked(), w.published())
		}
	})
	t.Run("the date of the last change is sent back as it came", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.answer(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-Modified-Since") == "yesterday, or so" {
				rw.WriteHeader(http.StatusNotModified)
				return
			}
			rw.Header().Set("Last-Modified", "yesterday, or so")
			_, _ = fmt.Fprint(rw, rss(today("1")))
		})
		w.pull()
		w.pull()
		if w.up.last().Header.Get("If-Modified-Since") == "" {
			t.Errorf("asked with %v", w.up.last().Header)
		}
	})
	t.Run("a body that is the same, from a site that knows no conditions, is not read again", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.answer(func(rw http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(rw, rss(today("1"))) })
		w.pull()
		w.pull()
		if w.up.asked() != 2 || w.log.count("source pulled") != 1 {
			t.Errorf("%d requests: %s", w.up.asked(), w.log)
		}
	})
	t.Run("what is old though it is new here alerts nobody", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("1")))
		w.pull()
		before, stale := today("2"), today("3")
		before.date = start().AddDate(0, 0, -3)
		w.up.serve(rss(today("1"), before))
		w.pull()
		w.clock.move(30 * 24 * time.Hour)
		stale.date = start().AddDate(0, 0, 10)
		w.up.serve(rss(today("1"), stale))
		w.pull()
		w.wantEvents(3)
		for _, e := range w.all() {
			if !e.Backfill {
				t.Errorf("%s alerts", e.Release.Origin)
			}
		}
	})
	t.Run("a link that is mended, or another category, is a change", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		i := today("1")
		i.text = `<![CDATA[<p>Held in Tirana. <a href="https://example.org/a">More</a></p>]]>`
		feed := rss(i)
		w.up.serve(feed)
		w.pull()
		for n, change := range [][2]string{
			{"example.org/a", "example.org/b"},
			{"<guid>", "<category>Policing</category><guid>"},
			{"<guid>", "<category>Austria</category><guid>"},
		} {
			feed = strings.Replace(feed, change[0], change[1], 1)
			w.up.serve(feed)
			w.pull()
			w.wantEvents(uint64(n) + 2)
		}
	})
	t.Run("several new ones are published from the oldest on", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("1")))
		w.pull()
		early := today("2")
		early.date = start().Add(-time.Hour)
		w.up.serve(rss(today("5"), today("4"), today("3"), early, today("1")))
		w.pull()
		var got []string
		for _, e := range w.all() {
			got = append(got, e.Release.Origin)
		}
		slicesEqual(t, got, []string{"urn:x:1", "urn:x:2", "urn:x:3", "urn:x:4", "urn:x:5"})
	})
	t.Run("an id that stands twice counts once", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		older := today("1")
		older.text = "An older text, held in Tirana."
		w.up.serve(rss(today("1"), older))
		w.pull()
		w.wantEvents(1)
		if got := w.all()[0].Release.Text; got != today("1").text {
			t.Errorf("published %q", got)
		}
	})
	t.Run("entries of a listing without address are known by title and day", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		listing := func(texts ...string) string {
			var b strings.Builder
			for i, text := range texts {
				fmt.Fprintf(&b, "Release number %d\n- Date:\n- %d November 2026\n- Place:\n- Tirana, Albania\n\n%s\n\n", i, 20+i, text)
			}
			return b.String()
		}
		w.up.serve(listing("One text about it.", "Two texts about it."))
		w.pull()
		w.wantEvents(2)
		w.up.serve(listing("One text about it.", "Two other texts."))
		w.pull()
		w.wantEvents(3)
		last := w.all()[2]
		if last.Kind != news.KindRevised || strings.Contains(last.Release.Origin, "127.0.0.1") {
			t.Errorf("%s of %q", last.Kind, last.Release.Origin)
		}
	})
	t.Run("Atom, JSON Feed and JSON lists too", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(`<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry><id>urn:x:a</id><title>A</title><published>2026-11-20T10:00:00Z</published><content>Text of A.</content></entry></feed>`)
		w.pull()
		w.up.serve(`{"version":"https://jsonfeed.org/version/1.1","title":"F","items":[{"id":"urn:x:b","title":"B","date_published":"2026-11-20T10:00:00Z","content_text":"Text of B."}]}`)
		w.pull()
		w.up.serve(`[{"title":"C","date":"2026-11-20","origin":"urn:x:c","body":"Text of C."}]`)
		w.pull()
		w.wantEvents(3)
	})
}

func slicesEqual(t testing.TB, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPuller_Step_refuses(t *testing.T) {
	t.Parallel()
	t.Run("an entry, saying so once for each content", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		bad := today("bad")
		bad.text = "EMBARGOED UNTIL 10:00"
		for n := range 3 {
			w.up.serve(rss(today(strconv.Itoa(n)), bad))
			w.pull()
		}
		w.wantEvents(3)
		if n := w.log.count("entry refused"); n != 1 {
			t.Errorf("said %d times: %s", n, w.log)
		}
		w.restart()
		bad.text = "Under embargo"
		w.up.serve(rss(today("0"), bad))
		w.pull()
		if n := w.log.count("entry refused"); n != 2 {
			t.Errorf("said %d times after a change: %s", n, w.log)
		}
	})
	t.Run("an entry until it can be published, though the feed does not change", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		future := today("1")
		future.date = start().Add(30 * time.Hour)
		w.up.serve(rss(future))
		w.pull()
		w.wantEvents(0)
		for range 12 * 12 { // twelve hours
			w.pull()
		}
		w.wantEvents(1)
	})
	t.Run("for good what was corrected here", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("1")))
		w.pull()
		w.setAway(news.Problemf(news.Conflict, "the release was withdrawn"))
		changed := today("1")
		changed.text = "Another text, held in Tirana."
		w.up.serve(rss(changed))
		w.pull()
		w.setAway(nil)
		for n := range 100 {
			w.up.serve(rss(changed, today(strconv.Itoa(n+2))))
			w.pull()
		}
		for _, e := range w.all() {
			if e.Release.Text == changed.text {
				t.Fatal("it was published later, without a change")
			}
		}
	})
	shared := newNewsroom(t)
	for _, tt := range []struct {
		name, kind, body, log string
		header                http.Header
	}{
		{"a page where a feed was", "application/rss+xml", "<!doctype html><html><head><title>Down</title></head><body><article><h1>We are down</h1><p>" + strings.Repeat("Back on 24 November 2026 soon. ", 30) + "</p></article></body></html>", "cannot be read to its end", nil},
		{"a picture", "image/png", "\x89PNG\r\n\x1a\n", "a picture", nil},
		{"an empty body", "text/xml", "", "empty", nil},
		{"broken XML", "text/xml", "<rss><channel><item><title>A", "breaks off", nil},
		{"front matter", "text/markdown", markdown("A", "Text."), "one article", nil},
		{"an unknown coding", "text/xml", "x", "coding", http.Header{"Content-Encoding": {"br"}}},
		{"gzip that is none", "text/xml", "x", "unpacked", http.Header{"Content-Encoding": {"gzip"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWellheadOf(t, shared.again(t))
			w.up.answer(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", tt.kind)
				for key, values := range tt.header {
					rw.Header()[key] = values
				}
				_, _ = fmt.Fprint(rw, tt.body)
			})
			w.pull()
			w.pull()
			w.wantEvents(0)
			if !strings.Contains(w.log.String(), tt.log) {
				t.Errorf("the log lacks %q: %s", tt.log, w.log)
			}
		})
	}
	t.Run("an empty feed is no failure", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss())
		w.wantPause(5 * time.Minute)
		w.wantPause(5 * time.Minute)
		w.up.serve(rss(today("1")))
		w.pull()
		w.wantEvents(1)
		if w.all()[0].Backfill {
			t.Error("the first entry of a feed that was empty alerts nobody")
		}
	})
	t.Run("a feed under a wrong content type is a feed", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.answer(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/pdf")
			_, _ = fmt.Fprint(rw, rss(today("1")))
		})
		w.pull()
		w.wantEvents(1)
	})
}

func TestPuller_Step_bounds(t *testing.T) {
	t.Parallel()
	t.Run("5,000 entries come in, and are not published again", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		items := make([]item, 5_000)
		for i := range items {
			items[i] = today(strconv.Itoa(i))
		}
		w.stub = true // 5,000 writes to the disk are not what is tested here
		w.up.serve(rss(items...))
		w.pull()
		if n := w.published(); n != 5_000 {
			t.Errorf("the publisher was asked %d times", n)
		}
		w.restart()
		items[17].text = "Another text, held in Tirana."
		w.up.serve(rss(items...))
		w.pull()
		if n := w.published(); n != 5_001 {
			t.Errorf("the publisher was asked %d times", n)
		}
	})
	t.Run("a body without end", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.answer(func(rw http.ResponseWriter, _ *http.Request) {
			chunk := bytes.Repeat([]byte("<item>word</item>"), 4096)
			for {
				if _, err := rw.Write(chunk); err != nil {
					return
				}
			}
		})
		w.wantPause(5 * time.Minute)
		if !strings.Contains(w.log.String(), "larger than 8 MiB") {
			t.Errorf("log: %s", w.log)
		}
	})
	t.Run("a gzip bomb; gzip itself is read", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		packed := func(write func(*gzip.Writer)) http.HandlerFunc {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			write(z)
			_ = z.Close()
			return func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Encoding", "gzip")
				_, _ = rw.Write(b.Bytes())
			}
		}
		w.up.answer(packed(func(z *gzip.Writer) {
			zeros := make([]byte, 1<<20)
			for range 64 {
				_, _ = z.Write(zeros)
			}
		}))
		w.pull()
		if !strings.Contains(w.log.String(), "larger than 8 MiB") {
			t.Errorf("log: %s", w.log)
		}
		w.up.answer(packed(func(z *gzip.Writer) { _, _ = fmt.Fprint(z, rss(today("1"))) }))
		w.pull()
		w.wantEvents(1)
	})
	t.Run("a loop of redirects", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.answer(func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, r.URL.Path+"x", http.StatusFound) })
		w.pull()
		if w.up.asked() != 6 || !strings.Contains(w.log.String(), "more than 5 times") {
			t.Errorf("%d requests: %s", w.up.asked(), w.log)
		}
	})
	shared := newNewsroom(t)
	for _, to := range []string{"http://10.0.0.1/feed", "http://169.254.169.254/latest", "http://[::1]/", "file:///etc/passwd", "http://user:password@127.0.0.1/", "", "http://localhost:1/"} {
		t.Run("a redirect to "+to, func(t *testing.T) {
			t.Parallel()
			w := newWellheadOf(t, shared.again(t))
			w.up.answer(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header()["Location"] = []string{to}
				rw.WriteHeader(http.StatusFound)
			})
			w.pull()
			if w.up.asked() != 1 || w.log.count("the source cannot be pulled") != 1 || strings.Contains(w.log.String(), "password@") {
				t.Errorf("%d requests: %s", w.up.asked(), w.log)
			}
		})
	}
	t.Run("a redirect is followed, and the validators go where they come from", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("1")))
		feed := w.up.handler
		w.up.answer(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/feed" {
				if r.Header.Get("If-None-Match") != "" {
					t.Error("the validators were sent to the address that leads on")
				}
				http.Redirect(rw, r, "/moved", http.StatusMovedPermanently)
				return
			}
			feed(rw, r)
		})
		w.pull()
		w.pull()
		w.wantEvents(1)
		if w.up.last().URL.Path != "/moved" || w.up.last().Header.Get("If-None-Match") == "" || w.log.count("the source has moved for good; name its new address with --pull") != 1 {
			t.Errorf("%v: %s", w.up.last().Header, w.log)
		}
	})
}

func TestPuller_Step_backsOff(t *testing.T) {
	t.Parallel()
	status := func(code int, header ...string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				rw.Header().Set(header[i], header[i+1])
			}
			rw.WriteHeader(code)
			if code == http.StatusOK {
				_, _ = fmt.Fprint(rw, rss(today("1")))
			}
		}
	}
	t.Run("doubling up to six hours, also over a restart, and begins anew", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.answer(status(http.StatusInternalServerError))
		for _, minutes := range []int{5, 10, 20, 40, 80, 160, 320, 360, 360} {
			w.wantPause(time.Duration(minutes) * time.Minute)
			w.restart()
		}
		w.up.serve(rss(today("1")))
		w.wantPause(5 * time.Minute)
		w.up.answer(status(http.StatusInternalServerError))
		w.wantPause(5 * time.Minute)
		if w.log.count("the source answers again") != 1 {
			t.Errorf("log: %s", w.log)
		}
	})
	shared := newNewsroom(t)
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    time.Duration
	}{
		{"Retry-After in seconds", status(http.StatusTooManyRequests, "Retry-After", "1800"), 30 * time.Minute},
		{"Retry-After with a time", status(http.StatusServiceUnavailable, "Retry-After", start().Add(2*time.Hour).Format(http.TimeFormat)), 2 * time.Hour},
		{"a Retry-After that is too short", status(http.StatusTooManyRequests, "Retry-After", "1"), 5 * time.Minute},
		{"a Retry-After of years", status(http.StatusTooManyRequests, "Retry-After", "999999999"), 24 * time.Hour},
		{"a Retry-After that is none", status(http.StatusTooManyRequests, "Retry-After", "soon"), 5 * time.Minute},
		{"max-age longer than the pause", status(http.StatusOK, "Cache-Control", "public, Max-Age=1200"), 20 * time.Minute},
		{"max-age shorter than the pause", status(http.StatusOK, "Cache-Control", "max-age=10"), 5 * time.Minute},
		{"max-age of a year", status(http.StatusOK, "Cache-Control", "max-age=31536000"), time.Hour},
		{"ttl of a feed", func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(rw, strings.Replace(rss(today("1")), "<title>News", "<ttl>30</ttl><title>News", 1))
		}, 30 * time.Minute},
		{"a 304 to a request without conditions", status(http.StatusNotModified), 5 * time.Minute},
		{"not found", status(http.StatusNotFound), 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWellheadOf(t, shared.again(t))
			w.up.answer(tt.handler)
			w.wantPause(tt.want)
		})
	}
	t.Run("the pause is spread by a tenth", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		cfg := w.config()
		cfg.Rand = func() float64 { return 1 }
		var err error
		if w.p, err = intake.NewPuller(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		w.up.serve(rss(today("1")))
		w.wantPause(5*time.Minute + 30*time.Second)
	})
	t.Run("for good when the source is gone, until the next start", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.answer(status(http.StatusGone))
		w.pull()
		for range 10 {
			w.clock.move(24 * time.Hour)
			w.pull()
		}
		if w.up.asked() != 1 || !strings.Contains(w.log.String(), `"level":"error"`) {
			t.Errorf("%d requests: %s", w.up.asked(), w.log)
		}
		w.restart()
		w.pull()
		if w.up.asked() != 2 {
			t.Errorf("%d requests after a restart", w.up.asked())
		}
	})
	t.Run("a server that is not there, without its address in the log", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.Close()
		w.wantPause(5 * time.Minute)
		if strings.Contains(w.log.String(), "secret") {
			t.Errorf("log: %s", w.log)
		}
	})
	t.Run("a network that is not opened", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("1")))
		cfg := w.config()
		cfg.Client = guard.New(guard.Config{})
		t.Cleanup(cfg.Client.Close)
		var err error
		if w.p, err = intake.NewPuller(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		w.pull()
		if w.up.asked() != 0 || !strings.Contains(w.log.String(), "--allow-network") {
			t.Errorf("%d requests: %s", w.up.asked(), w.log)
		}
	})
}

func TestPuller_Step_loses(t *testing.T) {
	t.Parallel()
	t.Run("nothing while the log is away", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("2"), today("1")))
		w.setAway(news.Problemf(news.Unavailable, "the log is away"))
		w.wantPause(15 * time.Second)
		w.wantPause(15 * time.Second)
		w.setAway(nil)
		w.pull()
		w.wantEvents(2)
		for _, e := range w.all() {
			if !e.Backfill {
				t.Error("the back-log alerts")
			}
		}
		if w.log.count("the log takes nothing; pulling waits") != 1 || w.log.count("entry refused") != 0 {
			t.Errorf("log: %s", w.log)
		}
	})
	t.Run("nothing when it is told to stop within a pull", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("2"), today("1")))
		ctx, stop := context.WithCancel(t.Context())
		w.after = stop
		w.p.Step(ctx)
		w.after = nil
		w.clock.move(time.Minute)
		w.restart()
		w.pull()
		w.wantEvents(2)
		for _, e := range w.all() {
			if !e.Backfill {
				t.Error("the back-log alerts")
			}
		}
	})
	t.Run("nothing, and asks once, when several processes pull at the same time", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("3"), today("2"), today("1")))
		var all sync.WaitGroup
		for range 4 {
			p, err := intake.NewPuller(t.Context(), w.config())
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() { p.Step(t.Context()) })
		}
		all.Wait()
		w.wantEvents(3)
		if w.up.asked() != 1 {
			t.Errorf("asked %d times", w.up.asked())
		}
	})
	t.Run("the source of a process that died within a pull, after five minutes", func(t *testing.T) {
		t.Parallel()
		w := newWellhead(t)
		w.up.serve(rss(today("1")))
		kv, err := w.wire.Bucket(t.Context(), "PULL", "sources that are pulled, by hash: validators, next time, entries", 0)
		if err != nil {
			t.Fatal(err)
		}
		w.up.answer(func(rw http.ResponseWriter, _ *http.Request) {
			// What the bucket holds while the answer is awaited is what a crash leaves.
			lister, err := kv.ListKeys(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			for key := range lister.Keys() {
				e, err := kv.Get(t.Context(), key)
				if err != nil || !strings.Contains(string(e.Value()), start().Add(5*time.Minute).Format(time.RFC3339)) {
					t.Errorf("%s holds %s, %v", key, e.Value(), err)
				}
			}
			_, _ = fmt.Fprint(rw, rss(today("1")))
		})
		w.pull()
		w.wantEvents(1)
	})
}

func TestPull(t *testing.T) {
	t.Parallel()
	w := newWellhead(t)
	w.up.serve(rss(today("1")))
	ctx, stop := context.WithCancel(t.Context())
	w.after = stop
	if err := intake.Pull(ctx, w.config()); err != nil {
		t.Fatal(err)
	}
	w.wantEvents(1)
}

func TestShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://user:password@example.org/a%2Fb?token=x#y": "https://example.org/a%2Fb?…",
		"https://example.org/feed":                          "https://example.org/feed",
		"::":                                                "…",
		"":                                                  "…",
	} {
		if got := intake.Shown(in); got != want {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
}
