package feeds_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/feeds/index"
	"dateline/publisher/news"
	"dateline/publisher/wire"

	gorilla "github.com/gorilla/feeds"
	"github.com/klauspost/compress/gzip"
)

// corpus makes releases of realistic length: about 3.5 kB of text, two fields,
// two countries.
type corpus struct{ rnd *rand.Rand }

func newCorpus() *corpus { return &corpus{rand.New(rand.NewPCG(7, 7))} }

var words = strings.Fields(`the of and to in for on with by from at as that police officers training course border election observers
mission report support women youth community security council meeting participants representatives ministry national local human rights
media freedom environment water management economic transparency corruption trafficking victims judges prosecutors law parliament
discussed presented highlighted opened concluded agreed launched visited supported organized held today yesterday annual regional`)

func (c *corpus) text(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[c.rnd.IntN(len(words))])
		b.WriteByte(' ')
		if c.rnd.IntN(12) == 0 {
			fmt.Fprintf(&b, "%d ", c.rnd.IntN(5000))
		}
	}
	return strings.TrimSpace(b.String())
}

func (c *corpus) event(i int, now time.Time) news.Event {
	fields, countries, sources := taxonomy.Topics(news.KindField), taxonomy.Topics(news.KindCountry), taxonomy.Topics(news.KindSource)
	r := news.Release{
		ID: news.NewID(fmt.Sprint("bench ", i)), Origin: fmt.Sprint("bench ", i), Language: "en", Type: "press-release", Title: c.text(70), Summary: c.text(180), PublishedAt: now,
		Fields:  []news.Tag{{Slug: fields[c.rnd.IntN(len(fields))].Slug}, {Slug: fields[c.rnd.IntN(len(fields))].Slug}},
		Sources: []news.Tag{{Slug: sources[c.rnd.IntN(len(sources))].Slug}},
		Countries: []news.CountryTag{
			{Slug: countries[c.rnd.IntN(len(countries))].Slug, Role: news.PlaceRole}, {Slug: countries[c.rnd.IntN(len(countries))].Slug, Role: news.About},
		},
	}
	var paragraphs []string
	for range 6 {
		paragraphs = append(paragraphs, c.text(400+c.rnd.IntN(350)))
	}
	r.Text, r.HTML = strings.Join(paragraphs, "\n\n"), "<p>"+strings.Join(paragraphs, "</p>\n<p>")+"</p>"
	e, err := news.Next(nil, r, news.KindPublished, now, false)
	if err != nil {
		panic(err)
	}
	return e
}

// fill publishes n releases of the corpus.
func (n *newsroom) fill(c *corpus, from, count int) {
	n.t.Helper()
	var seq uint64
	for i := range count {
		n.clock.advance(time.Minute)
		e := c.event(from+i, n.clock.time())
		var err error
		if seq, err = n.wire.Append(n.t.Context(), e, 0); err != nil {
			n.t.Fatal(err)
		}
		n.last[e.Release.ID] = wire.Record{Seq: seq, Event: e}
	}
	n.await(n.feeds, seq)
}

// sink counts what a handler writes.
type sink struct {
	header http.Header
	status int
	n      int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { s.n += len(b); return len(b), nil }

func serve(h http.Handler, path string, headers ...string) *sink {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	s := &sink{header: http.Header{}}
	h.ServeHTTP(s, r)
	return s
}

// touching makes releases that touch twelve selections or some of them, so that
// each of these has a window of its own.
func (c *corpus) touching(i int, now time.Time, all bool) news.Event {
	r := c.event(i, now).Release
	r.Fields, r.Countries, r.Sources, r.Type = nil, nil, nil, "press-release"
	some := func() bool { return all || c.rnd.IntN(2) == 0 }
	for _, f := range []string{"policing", "youth"} {
		if some() {
			r.Fields = append(r.Fields, news.Tag{Slug: f})
		}
	}
	for slug, role := range map[string]news.Role{"austria": news.PlaceRole, "serbia": news.About} {
		if some() {
			r.Countries = append(r.Countries, news.CountryTag{Slug: slug, Role: role})
		}
	}
	if some() {
		r.Sources = []news.Tag{{Slug: "secretariat"}}
	}
	e, err := news.Next(nil, r, news.KindPublished, now, false)
	if err != nil {
		panic(err)
	}
	return e
}

// BenchmarkRender measures a new release on its way into the twelve selections
// it touches, in three formats, ready to be sent in each coding, against what
// gorilla/feeds and gzip need for the same documents made anew.
func BenchmarkRender(b *testing.B) {
	n := newNewsroom(b)
	c := newCorpus()
	n.fill(c, 1000, 60) // what generic takes
	n.feeds = n.follow(feeds.Config{})
	seq := n.feeds.Applied()
	publish := func(i int, all bool) news.Event {
		n.clock.advance(3 * time.Hour) // 240 releases a month
		seq++
		e := c.touching(i, n.clock.time(), all)
		feeds.Apply(n.feeds, seq, &e)
		return e
	}
	for i := range 500 {
		publish(10_000+i, false)
	}
	next := publish(20_000, true)
	var paths []string
	for _, s := range news.Touched(taxonomy, &next.Release) {
		for _, ext := range []string{".rss", ".atom", ".json"} {
			paths = append(paths, "/feeds/"+s.Path()+ext)
		}
	}
	if len(paths) != 36 {
		b.Fatalf("%d documents are touched, the comparison is about 36", len(paths))
	}
	h := n.feeds.Handler()
	for _, coding := range []string{"identity", "gzip", "zstd"} {
		var requests []*http.Request
		for _, p := range paths {
			r := httptest.NewRequest(http.MethodGet, p, nil)
			r.Header.Set("Accept-Encoding", coding)
			requests = append(requests, r)
		}
		b.Run("dateline "+coding, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				n.clock.advance(3 * time.Hour)
				seq++
				e := c.touching(int(20_000+seq), n.clock.time(), true)
				b.StartTimer()
				feeds.Apply(n.feeds, seq, &e)
				for _, r := range requests {
					s := sink{header: http.Header{}}
					if h.ServeHTTP(&s, r); s.status != http.StatusOK {
						b.Fatalf("%s answers %d", r.URL, s.status)
					}
				}
			}
		})
	}
	feed := generic(n)
	b.Run("gorilla", func(b *testing.B) {
		for b.Loop() {
			for range len(paths) / 3 {
				full(b, feed)
			}
		}
	})
	b.Run("gorilla and gzip", func(b *testing.B) {
		z := newZipper(b)
		for b.Loop() {
			for range len(paths) / 3 {
				for _, doc := range full(b, feed) {
					z.zip([]byte(doc))
				}
			}
		}
	})
}

// zipper compresses whole texts.
type zipper struct {
	t   testing.TB
	w   *gzip.Writer
	out bytes.Buffer
}

func newZipper(t testing.TB) *zipper {
	z := &zipper{t: t}
	var err error
	if z.w, err = gzip.NewWriterLevel(&z.out, 6); err != nil {
		t.Fatal(err)
	}
	return z
}

// zip compresses a text and returns how long it is then.
func (z *zipper) zip(text []byte) int {
	z.out.Reset()
	z.w.Reset(&z.out)
	_, err := z.w.Write(text)
	if err := errors.Join(err, z.w.Close()); err != nil {
		z.t.Fatal(err)
	}
	return z.out.Len()
}

// BenchmarkSize reports how large documents are in each coding, as ratios to one
// that gzip compresses as a whole.
func BenchmarkSize(b *testing.B) {
	n := newNewsroom(b)
	n.fill(newCorpus(), 0, 400)
	sum, z := map[string]float64{}, newZipper(b)
	for b.Loop() {
		clear(sum)
		for _, path := range []string{"all", "type/press-release", "country/participating-states", "field/human", "field/politico-military"} {
			for _, ext := range []string{".rss", ".atom", ".json"} {
				w := httptest.NewRecorder()
				n.feeds.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/feeds/"+path+ext, nil))
				sum["whole"] += float64(z.zip(w.Body.Bytes()))
				for _, coding := range []string{"identity", "gzip", "zstd", "br"} {
					sum[coding] += float64(serve(n.feeds.Handler(), "/feeds/"+path+ext, "Accept-Encoding", coding).n)
				}
			}
		}
	}
	for _, coding := range []string{"identity", "gzip", "zstd", "br"} {
		b.ReportMetric(sum[coding]/sum["whole"], coding+"/whole")
	}
}

// generic is the newest fifty releases as gorilla's own feed.
func generic(n *newsroom) *gorilla.Feed {
	feed := &gorilla.Feed{Title: "All releases", Link: &gorilla.Link{Href: base}, Description: "All releases", Created: n.clock.time(), Updated: n.clock.time()}
	for i := range 50 {
		r := n.last[news.NewID(fmt.Sprint("bench ", 1000+i))].Event.Release
		feed.Add(&gorilla.Item{
			Title: r.Title, Link: &gorilla.Link{Href: news.ReleaseURL(base, r.ID, r.Title)}, Author: &gorilla.Author{Name: "Secretariat"},
			Description: r.Summary, Id: "urn:uuid:" + r.ID, Created: r.PublishedAt, Updated: r.UpdatedAt, Content: r.HTML,
		})
	}
	return feed
}

func full(b *testing.B, feed *gorilla.Feed) []string {
	b.Helper()
	var out []string
	for _, render := range []func() (string, error){feed.ToRss, feed.ToAtom, feed.ToJSON} {
		s, err := render()
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// BenchmarkApply measures taking one event into an index of 20,000 releases.
func BenchmarkApply(b *testing.B) {
	c, x, now := newCorpus(), index.New(taxonomy), newClock()
	events := make([]news.Event, 20_000)
	for i := range events {
		now.advance(time.Minute)
		events[i] = c.event(i, now.time())
		x.Apply(uint64(i+1), &events[i])
	}
	seq := uint64(len(events))
	b.ReportAllocs()
	for b.Loop() {
		e := &events[seq%uint64(len(events))]
		now.advance(time.Minute)
		next, err := news.Next(&e.Release, e.Release, news.KindRevised, now.time(), false)
		if err != nil {
			b.Fatal(err)
		}
		*e = next
		seq++
		x.Apply(seq, e)
	}
}

// BenchmarkMemory reports what the index holds of each of 50,000 releases that
// came over ten years, in the order of their dates.
func BenchmarkMemory(b *testing.B) {
	const releases = 50_000
	for b.Loop() {
		c, now := newCorpus(), newClock()
		pattern := make([]news.Event, 500)
		for i := range pattern {
			pattern[i] = c.event(i, now.time())
			pattern[i].Release.Text, pattern[i].Release.HTML = "", ""
		}
		before := heapNow()
		x := index.New(taxonomy)
		for i := range releases {
			now.advance(105 * time.Minute)
			e := pattern[i%len(pattern)]
			e.Time = now.time()
			e.Release.ID = news.NewID(fmt.Sprint(i))
			e.Release.PublishedAt, e.Release.UpdatedAt, e.Release.SurfacedAt = e.Time, e.Time, e.Time
			x.Apply(uint64(i+1), &e)
		}
		b.ReportMetric(float64(heapNow()-before)/releases, "B/release")
		runtime.KeepAlive(x)
		runtime.KeepAlive(pattern)
	}
}

// BenchmarkServe measures the handler alone: answers from memory.
func BenchmarkServe(b *testing.B) {
	n := newNewsroom(b)
	n.fill(newCorpus(), 0, 60)
	h := n.feeds.Handler()
	etag := serve(h, "/feeds/all.rss", "Accept-Encoding", "gzip").header.Get("ETag")
	for name, headers := range map[string][]string{
		"200": {"Accept-Encoding", "gzip"}, "200 plain": nil, "304": {"Accept-Encoding", "gzip", "If-None-Match", etag},
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/feeds/all.rss", nil)
			for i := 0; i+1 < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&sink{header: http.Header{}}, r)
			}
		})
	}
}

// BenchmarkReplay measures the start on a log of 10,000 releases against
// following the same log and doing nothing.
func BenchmarkReplay(b *testing.B) {
	const releases = 10_000
	n := newNewsroom(b)
	n.fill(newCorpus(), 0, releases)
	b.Run("dateline", func(b *testing.B) {
		for b.Loop() {
			n.await(n.follow(feeds.Config{}), releases)
		}
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			seen := 0
			err := n.wire.Follow(b.Context(), 1, func(uint64, news.Event) error {
				if seen++; seen == releases {
					return io.EOF
				}
				return nil
			})
			if err != io.EOF { //nolint:errorlint // returned as it is
				b.Fatal(err)
			}
		}
	})
}
