package feeds_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/publisher/news"
)

func TestFeeds_Redirect(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	page := "/releases/" + r.ID + "/police-course-number-1-opens"
	for from, to := range map[string]string{
		"/feeds/country/AT.atom":     "/feeds/country/austria.atom",
		"/feeds/country/at":          "/feeds/country/austria",
		"/feeds/country/Austria.rss": "/feeds/country/austria.rss",
		"/feeds/country/%D0%90%D0%B2%D1%81%D1%82%D1%80%D0%B8%D1%8F.rss": "/feeds/country/austria.rss",
		"/feeds/source/osce-secretariat.json":                           "/feeds/source/secretariat.json",
		"/feeds/country/austria/field/policing.rss":                     "/feeds/field/policing/country/austria.rss",
		"/feeds/field/policing+education.rss":                           "/feeds/field/education+policing.rss",
		"/feeds/field/policing%2Beducation.rss":                         "/feeds/field/education+policing.rss",
		"/feeds/field/policing+policing.rss":                            "/feeds/field/policing.rss",
		"/feeds/field/policing.RSS":                                     "/feeds/field/policing.rss",
		"/feeds/field/policing/":                                        "/feeds/field/policing",
		"/feeds/all/":                                                   "/feeds/all",
		"/feeds/routine/type/daily-report.rss":                          "/feeds/type/daily-report.rss",
		"/feeds/country/austria+participating-states.rss":               "/feeds/country/participating-states.rss",
		"/topics/":                         "/topics",
		"/releases/" + r.ID:                page,
		"/releases/" + r.ID + "/":          page,
		"/releases/" + r.ID + "/old-title": page,
		"/releases/" + strings.ToUpper(r.ID) + "/old-title":    page,
		"/releases/" + r.ID + "/police-course-number-1-opens/": page,
	} {
		answer := get(t, n.feeds, from)
		if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusMovedPermanently || got != "/wire"+to {
			t.Errorf("%s answers %d to %q, want 301 to %q", from, answer.StatusCode, got, to)
		}
		if answer := get(t, n.feeds, to); answer.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", to, answer.StatusCode)
		}
	}
}

func TestFeeds_Refuse(t *testing.T) {
	n := newNewsroom(t)
	for _, c := range []struct {
		method, path string
		status       int
		words        string
	}{
		{"GET", "/feeds/country/austia.rss", 404, "austria"},
		{"GET", "/feeds/field/polcing", 404, "policing"},
		{"GET", "/feeds/routine/field/polcing.json", 404, "policing"},
		{"GET", "/feeds/field/policing.xml", 404, "policing"},
		{"GET", "/feeds/colour/red.rss", 400, "field"},
		{"GET", "/feeds/field.rss", 400, "pairs"},
		{"GET", "/feeds/field/policing/role/about.rss", 400, "country"},
		{"GET", "/releases/nothing", 404, "nothing"},
		{"GET", "/releases/" + news.NewID("unknown") + "/title", 404, "no release"},
		{"GET", "/style-000000000000.css", 404, "/topics"},
		{"GET", "/elsewhere", 404, "/topics"},
		{"GET", "//evil.example/", 404, "/topics"},
		{"GET", "/feeds/field/" + strings.Repeat("a", 5000), 400, "4096"},
		{"GET", "/feeds/field/" + strings.Repeat("polcing+", 400), 404, "policing"},
		{"POST", "/feeds/all.rss", 405, "GET"},
		{"DELETE", "/", 405, "GET"},
	} {
		for _, accept := range []string{"*/*", "text/html,*/*;q=0.8"} {
			r := ask(t, n.feeds, c.method, c.path, "Accept", accept)
			text := read(t, r)
			wantType := "application/problem+json"
			if accept != "*/*" {
				wantType = "text/html; charset=utf-8"
			}
			if r.StatusCode != c.status || r.Header.Get("Content-Type") != wantType {
				t.Errorf("%s %s answers %d as %s, want %d as %s", c.method, c.path, r.StatusCode, r.Header.Get("Content-Type"), c.status, wantType)
			}
			contains(t, text, c.words)
			if accept == "*/*" && !json.Valid([]byte(text)) {
				t.Errorf("%s answers no JSON: %s", c.path, text)
			}
			if allow := r.Header.Get("Allow"); (c.status == 405) != (allow == "GET, HEAD") {
				t.Errorf("%s %s allows %q", c.method, c.path, allow)
			}
		}
	}
	contains(t, read(t, get(t, n.feeds, "/feeds/country/austia.rss", "Accept", "text/html")), `href="/wire/feeds/country/austria.rss"`)
}

func TestFeeds_Headers(t *testing.T) {
	n := newNewsroom(t)
	n.publish(release(1))
	for path, want := range map[string]map[string]string{
		"/feeds/all.rss":  {"Content-Type": "application/rss+xml; charset=utf-8", "Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*", "Vary": "A-IM, Accept-Encoding"},
		"/feeds/all.atom": {"Content-Type": "application/atom+xml; charset=utf-8", "X-Content-Type-Options": "nosniff"},
		"/feeds/all.json": {"Content-Type": "application/feed+json"},
		"/":               {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "public, max-age=60", "Referrer-Policy": "strict-origin-when-cross-origin", "X-Content-Type-Options": "nosniff"},
	} {
		r := get(t, n.feeds, path)
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s has %s %q, want %q", path, name, got, value)
			}
		}
	}
	contains(t, get(t, n.feeds, "/topics").Header.Get("Content-Security-Policy"), "default-src 'none'", "frame-ancestors 'none'")
	contains(t, n.page("/feeds/all.rss"), "<ttl>5</ttl>")
}

func TestFeeds_Style(t *testing.T) {
	n := newNewsroom(t)
	_, rest, _ := strings.Cut(n.page("/"), `rel="stylesheet" href="/wire`)
	path, _, _ := strings.Cut(rest, `"`)
	r := get(t, n.feeds, path)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Fatalf("%s answers %d, %v", path, r.StatusCode, r.Header)
	}
	contains(t, r.Header.Get("Cache-Control"), "immutable")
}

func TestFeeds_ModifiedSince(t *testing.T) {
	n := newNewsroom(t)
	n.publish(release(1)) // at 08:30:15.250
	for _, c := range []struct {
		wait            time.Duration
		since, modified string
		status          int
	}{
		{0, "Fri, 20 Nov 2026 08:30:15 GMT", "", 200},
		{700 * time.Millisecond, "Fri, 20 Nov 2026 08:30:15 GMT", "", 200},
		{50 * time.Millisecond, "Fri, 20 Nov 2026 08:30:15 GMT", "Fri, 20 Nov 2026 08:30:15 GMT", 304},
		{0, "Fri, 20 Nov 2026 08:30:14 GMT", "Fri, 20 Nov 2026 08:30:15 GMT", 200},
		{0, "Friday, 20-Nov-26 08:30:16 GMT", "Fri, 20 Nov 2026 08:30:15 GMT", 304},
		{0, "Sat, 21 Nov 2026 08:30:14 GMT", "Fri, 20 Nov 2026 08:30:15 GMT", 304},
	} {
		n.clock.advance(c.wait)
		r := get(t, n.feeds, "/feeds/all.rss", "If-Modified-Since", c.since)
		if r.StatusCode != c.status || r.Header.Get("Last-Modified") != c.modified {
			t.Errorf("%v, since %s: %d, modified %q; want %d, %q", n.clock.time(), c.since, r.StatusCode, r.Header.Get("Last-Modified"), c.status, c.modified)
		}
	}
	empty := get(t, n.feeds, "/feeds/field/elections.atom")
	contains(t, read(t, empty), "<updated>2000-01-01T00:00:00Z</updated>")
	if got := empty.Header.Get("Last-Modified"); got != "Sat, 01 Jan 2000 00:00:00 GMT" {
		t.Errorf("an empty feed was modified %q", got)
	}
}

func TestFeeds_Coding(t *testing.T) {
	n := newNewsroom(t)
	n.publish(release(1))
	plain := n.page("/feeds/all.json")
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "GZIP": "gzip", "x-gzip": "gzip", "deflate, gzip": "gzip", "gzip;q=0": "", "gzip; q=0.0": "", "*": "zstd", "*;q=0": "",
		"identity": "", "identity;q=1, gzip;q=0.5": "", "identity;q=0.5, gzip;q=1": "gzip", "gzip;q=0.1": "gzip", "gzip;q=0, *": "zstd", "identity;q=0, *": "zstd",
		"deflate": "", "gzip;q=much": "", "gzip;q=2": "", ";;,,": "", "br": "br", "zstd": "zstd", "br, gzip": "br", "gzip, deflate, br, zstd": "zstd", "gzip, deflate, br": "br",
		"zstd;q=0.5, gzip": "gzip", "br;q=0.9, zstd;q=0.8, gzip;q=0.7": "br", "br;q=0.2, zstd;q=0.2, gzip;q=0.3": "gzip", "zstd;q=0, br;q=0, *": "gzip",
		"identity;q=0": "", "identity, gzip": "gzip", "BR": "br", "zstd ; q=1": "zstd",
	} {
		r := get(t, n.feeds, "/feeds/all.json", "Accept-Encoding", accept)
		if got := r.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%q gets the coding %q, want %q", accept, got, want)
		}
		if text := read(t, r); text != plain {
			t.Errorf("%q gets another document", accept)
		}
	}
}

func TestFeeds_Head(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	for _, path := range []string{"/feeds/all.rss", "/feeds/all", "/", "/releases/" + r.ID + "/police-course-number-1-opens"} {
		for _, accept := range []string{"gzip", "identity", "zstd", "br"} {
			got, head := get(t, n.feeds, path, "Accept-Encoding", accept), ask(t, n.feeds, http.MethodHead, path, "Accept-Encoding", accept)
			if text := raw(t, head); text != "" {
				t.Errorf("HEAD %s has a body", path)
			}
			if a, b := headerText(got.Header), headerText(head.Header); a != b || head.StatusCode != got.StatusCode {
				t.Errorf("HEAD %s differs:\n%s\n%s", path, a, b)
			}
		}
	}
}

func headerText(h http.Header) string {
	var b strings.Builder
	if err := h.Write(&b); err != nil {
		return err.Error()
	}
	return b.String()
}

func TestFeeds_Kosovo(t *testing.T) {
	n := newNewsroom(t)
	for _, path := range []string{"/feeds/country/kosovo.rss", "/feeds/country/kosovo.atom", "/feeds/country/kosovo.json", "/feeds/country/kosovo", "/feeds/field/policing/country/kosovo+serbia.rss"} {
		contains(t, n.page(path), "Resolution 1244")
	}
	lacks(t, n.page("/feeds/country/serbia.rss"), "Resolution 1244")
}

// TestFeeds_ManyCombinations holds that ten thousand combinations, drawn at
// random and asked for in every format and coding, as documents, archives and
// deltas, stay within what is promised to be kept.
func TestFeeds_ManyCombinations(t *testing.T) {
	n := newNewsroom(t)
	n.feeds = n.follow(feeds.Config{Window: 4})
	for i := range 12 {
		n.publish(release(i))
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	some := func(k news.TopicKind) string {
		topics := taxonomy.Topics(k)
		slugs := []string{topics[rnd.IntN(len(topics))].Slug}
		for rnd.IntN(3) == 0 {
			slugs = append(slugs, topics[rnd.IntN(len(topics))].Slug)
		}
		slices.Sort(slugs)
		return string(k) + "/" + strings.Join(slices.Compact(slugs), "+")
	}
	before := heapNow()
	for i := range 10_000 {
		path := "/feeds/"
		if rnd.IntN(2) == 0 {
			path += some(news.KindField) + "/"
		}
		path += some(news.KindCountry)
		for _, k := range []news.TopicKind{news.KindSource, news.KindLanguage} {
			if rnd.IntN(2) == 0 {
				path += "/" + some(k)
			}
		}
		ext := []string{".rss", ".atom", ".json"}[i%3]
		r := get(t, n.feeds, path+ext)
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %d", path, r.StatusCode)
		}
		if rnd.IntN(4) == 0 {
			get(t, n.feeds, path+ext, "Accept-Encoding", []string{"gzip", "zstd", "identity"}[rnd.IntN(3)], "A-IM", "feed", "If-None-Match", `"a"`)
			get(t, n.feeds, path+"/archive/2026-11"+ext)
		}
	}
	s := n.feeds.Stats()
	if s.Selections > 4096 || s.DocumentBytes > 64<<20 || s.FragmentBytes > 160<<20 || s.GroupBytes > 48<<20 || s.BaseBytes > 8<<20 {
		t.Errorf("kept is %+v", s)
	}
	if grown := int64(heapNow()) - int64(before); grown > 192<<20 {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
