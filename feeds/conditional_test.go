package feeds_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/publisher/news"
)

// tagged is a document with its ETags by coding, and those of its state before.
type tagged struct {
	path                string
	plain, gz, zst, br  string
	old, oldGz, foreign string // foreign is the ETag of another feed
	feed                bool   // not a page
}

// TestFeeds_Conditional is the table of conditional requests: what stands in a
// header, and which answer it gives, for feeds, archives and pages, by GET and HEAD.
func TestFeeds_Conditional(t *testing.T) {
	n := newNewsroom(t)
	n.feeds = n.follow(feeds.Config{Window: 2})
	for i := range 5 {
		n.publish(release(i))
	}
	late := release(9)
	late.PublishedAt = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	n.append(news.KindPublished, late, true)
	r := n.last[release(1).ID].Event.Release
	page := "/releases/" + r.ID + "/police-course-number-1-opens"
	paths := []string{"/feeds/all.rss", "/feeds/field/policing.atom", "/feeds/country/austria.json", "/feeds/all/archive/2026-11-3.atom", "/feeds/all", "/", "/topics", "/about-feeds", page}
	before := map[string]string{}
	for _, path := range paths {
		before[path] = get(t, n.feeds, path).Header.Get("ETag")
		before[path+" gzip"] = get(t, n.feeds, path, "Accept-Encoding", "gzip").Header.Get("ETag")
	}
	foreign := get(t, n.feeds, "/feeds/source/secretariat.rss").Header.Get("ETag")
	n.clock.advance(time.Minute)
	r.Note = "a figure was wrong"
	r = n.change(news.KindCorrected, r)
	n.clock.advance(time.Minute)
	for _, path := range paths {
		etag := func(coding string) string {
			return get(t, n.feeds, path, "Accept-Encoding", coding).Header.Get("ETag")
		}
		it := tagged{path, etag("identity"), etag("gzip"), etag("zstd"), etag("br"), before[path], before[path+" gzip"], foreign, strings.Contains(path, "feeds/") && strings.Contains(path, ".")}
		all := map[string]bool{it.plain: true, it.gz: true, it.zst: true, it.br: true}
		if len(all) != 4 || strings.HasPrefix(it.plain, "W/") || it.plain == "" {
			t.Fatalf("%s has the ETags %v", path, all)
		}
		it.ask(t, n)
	}
}

func (it *tagged) ask(t *testing.T, n *newsroom) {
	t.Helper()
	modified := ""
	if it.feed && !strings.Contains(it.path, "archive") {
		modified = "Fri, 20 Nov 2026 08:31:15 GMT"
	}
	changed := it.old != it.plain // the page about feeds never is
	for _, c := range []struct {
		name    string
		headers []string
		status  int
		etag    string
	}{
		{"nothing", nil, 200, it.plain},
		{"its ETag", []string{"If-None-Match", it.plain}, 304, it.plain},
		{"its weak ETag", []string{"If-None-Match", "W/" + it.plain}, 304, it.plain},
		{"any", []string{"If-None-Match", "*"}, 304, it.plain},
		{"any with spaces", []string{"If-None-Match", " * "}, 304, it.plain},
		{"in a list", []string{"If-None-Match", `"a", W/"b,c" , ` + it.plain + `, "d"`}, 304, it.plain},
		{"in a list without spaces", []string{"If-None-Match", `"a",` + it.plain + `,W/"d"`}, 304, it.plain},
		{"in a list with holes", []string{"If-None-Match", `,, "a",,` + it.plain + `,`}, 304, it.plain},
		{"in a second field", []string{"If-None-Match", `"a"`, "If-None-Match", it.plain}, 304, it.plain},
		{"another", []string{"If-None-Match", `"a"`}, 200, it.plain},
		{"an empty one", []string{"If-None-Match", `""`}, 200, it.plain},
		{"an empty field", []string{"If-None-Match", ""}, 200, it.plain},
		{"without quotes", []string{"If-None-Match", strings.Trim(it.plain, `"`)}, 200, it.plain},
		{"an open quote", []string{"If-None-Match", strings.TrimSuffix(it.plain, `"`)}, 200, it.plain},
		{"in upper case", []string{"If-None-Match", strings.ToUpper(it.plain)}, 200, it.plain},
		{"behind nonsense", []string{"If-None-Match", `nonsense, ` + it.plain}, 200, it.plain},
		{"part of it", []string{"If-None-Match", it.plain[:10] + `"`}, 200, it.plain},
		{"with more behind", []string{"If-None-Match", strings.TrimSuffix(it.plain, `"`) + `-xz"`}, 200, it.plain},
		{"of an earlier state", []string{"If-None-Match", it.old}, map[bool]int{true: 200, false: 304}[changed], it.plain},
		{"of an earlier state and its own", []string{"If-None-Match", it.old + ", " + it.plain}, 304, it.plain},
		{"of another feed", []string{"If-None-Match", it.foreign}, 200, it.plain},
		{"gzip, its ETag", []string{"Accept-Encoding", "gzip", "If-None-Match", it.gz}, 304, it.gz},
		{"gzip, its weak ETag", []string{"Accept-Encoding", "gzip", "If-None-Match", "W/" + it.gz}, 304, it.gz},
		{"gzip, the plain ETag", []string{"Accept-Encoding", "gzip", "If-None-Match", it.plain}, 304, it.plain},
		{"gzip, both", []string{"Accept-Encoding", "gzip", "If-None-Match", it.plain + "," + it.gz}, 304, it.gz},
		{"gzip, any", []string{"Accept-Encoding", "gzip", "If-None-Match", "*"}, 304, it.gz},
		{"gzip, another", []string{"Accept-Encoding", "gzip", "If-None-Match", `"a"`}, 200, it.gz},
		{"plain, the gzip ETag", []string{"If-None-Match", it.gz}, 304, it.gz},
		{"gzip refused, the gzip ETag", []string{"Accept-Encoding", "gzip;q=0", "If-None-Match", it.gz}, 304, it.gz},
		{"zstd, its ETag", []string{"Accept-Encoding", "zstd", "If-None-Match", it.zst}, 304, it.zst},
		{"zstd, the brotli ETag", []string{"Accept-Encoding", "zstd", "If-None-Match", it.br}, 304, it.br},
		{"brotli, its ETag", []string{"Accept-Encoding", "br", "If-None-Match", it.br}, 304, it.br},
		{"plain, the brotli ETag", []string{"If-None-Match", it.br}, 304, it.br},
		{"all codings, all ETags", []string{"Accept-Encoding", "gzip, deflate, br, zstd", "If-None-Match", it.plain + "," + it.gz + "," + it.br + "," + it.zst}, 304, it.zst},
		{"all codings by weight, all ETags", []string{"Accept-Encoding", "gzip, br;q=0.5, zstd;q=0.1", "If-None-Match", it.plain + "," + it.gz + "," + it.br + "," + it.zst}, 304, it.gz},
		{"gzip, an earlier ETag", []string{"Accept-Encoding", "gzip", "If-None-Match", it.oldGz}, map[bool]int{true: 200, false: 304}[changed], it.gz},
		{"another ETag before a good date", []string{"If-None-Match", `"a"`, "If-Modified-Since", "Fri, 20 Nov 2026 09:00:00 GMT"}, 200, it.plain},
		{"an empty field before a good date", []string{"If-None-Match", "", "If-Modified-Since", "Fri, 20 Nov 2026 09:00:00 GMT"}, 200, it.plain},
		{"its ETag before an old date", []string{"If-None-Match", it.plain, "If-Modified-Since", "Fri, 20 Nov 2020 09:00:00 GMT"}, 304, it.plain},
		{"its ETag before nonsense", []string{"If-None-Match", it.plain, "If-Modified-Since", "yesterday"}, 304, it.plain},
		{"nonsense for a date", []string{"If-Modified-Since", "yesterday"}, 200, it.plain},
		{"an old date", []string{"If-Modified-Since", "Fri, 20 Nov 2026 08:31:14 GMT"}, 200, it.plain},
		{"its date", []string{"If-Modified-Since", "Fri, 20 Nov 2026 08:31:15 GMT"}, map[bool]int{true: 304, false: 200}[modified != ""], it.plain},
		{"gzip, its date", []string{"Accept-Encoding", "gzip", "If-Modified-Since", "Fri, 20 Nov 2026 08:31:15 GMT"}, map[bool]int{true: 304, false: 200}[modified != ""], it.gz},
		{"a later date", []string{"If-Modified-Since", "Fri, 20 Nov 2026 09:31:15 GMT"}, map[bool]int{true: 304, false: 200}[modified != ""], it.plain},
		{"a date of 1970", []string{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}, 200, it.plain},
		{"If-Match is for writing", []string{"If-Match", `"a"`}, 200, it.plain},
		{"a range is not served", []string{"Range", "bytes=0-9"}, 200, it.plain},
		{"a delta of nothing known", []string{"A-IM", "feed", "If-None-Match", `"a"`}, 200, it.plain},
		{"a delta of what it has", []string{"A-IM", "feed", "If-None-Match", it.plain}, 304, it.plain},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := ask(t, n.feeds, method, it.path, c.headers...)
			text := raw(t, got)
			if got.StatusCode != c.status || got.Header.Get("ETag") != c.etag || got.Header.Get("Last-Modified") != modified {
				t.Errorf("%s %s, %s: %d %s %q, want %d %s %q", method, it.path, c.name, got.StatusCode, got.Header.Get("ETag"), got.Header.Get("Last-Modified"), c.status, c.etag, modified)
			}
			if empty := c.status == http.StatusNotModified || method == http.MethodHead; empty != (text == "") {
				t.Errorf("%s %s, %s: %d bytes", method, it.path, c.name, len(text))
			}
			if got.Header.Get("Cache-Control") == "" || !strings.Contains(got.Header.Get("Vary"), "Accept-Encoding") {
				t.Errorf("%s, %s: %v", it.path, c.name, got.Header)
			}
		}
	}
}

// TestFeeds_Delta holds that a client that merges deltas into what it has (RFC
// 3229) has what a full answer gives, in every format and coding.
func TestFeeds_Delta(t *testing.T) {
	for _, ext := range []string{".rss", ".atom", ".json"} {
		t.Run(ext, func(t *testing.T) {
			n := newNewsroom(t)
			n.feeds = n.follow(feeds.Config{Window: 4})
			path := "/feeds/all" + ext
			for i := range 3 {
				n.publish(release(i))
			}
			first := get(t, n.feeds, path)
			etag := first.Header.Get("ETag")
			n.clock.advance(time.Minute)
			n.publish(release(3))
			fixed := n.last[release(1).ID].Event.Release
			fixed.Note = "a figure"
			n.change(news.KindCorrected, fixed)
			gone := n.last[release(0).ID].Event.Release
			gone.Reason = "sent in error"
			n.change(news.KindWithdrawn, gone)
			n.clock.advance(time.Minute)
			want := fmt.Sprint(map[string]string{"urn:uuid:" + release(3).ID: "published", "urn:uuid:" + release(1).ID: "published", "urn:uuid:" + release(0).ID: "withdrawn"})
			for _, coding := range []string{"identity", "gzip", "zstd", "br"} {
				full := get(t, n.feeds, path, "Accept-Encoding", coding)
				r := get(t, n.feeds, path, "A-IM", "gzip;q=0.5, feed", "If-None-Match", etag, "Accept-Encoding", coding)
				if r.StatusCode != http.StatusIMUsed || r.Header.Get("IM") != "feed" || r.Header.Get("ETag") != full.Header.Get("ETag") || r.Header.Get("Delta-Base") != etag {
					t.Errorf("%s: %d, %v", coding, r.StatusCode, r.Header)
				}
				if r.Header.Get("Vary") != "A-IM, Accept-Encoding" || !strings.Contains(r.Header.Get("Cache-Control"), "no-store") || r.Header.Get("Content-Type") != full.Header.Get("Content-Type") {
					t.Errorf("%s: %v", coding, r.Header)
				}
				doc := read(t, r)
				lacks(t, doc, "complete")
				if got := fmt.Sprint(readLeaf(t, ext, doc).items); got != want {
					t.Errorf("%s: the delta holds %s, want %s", coding, got, want)
				}
				head := ask(t, n.feeds, http.MethodHead, path, "A-IM", "feed", "If-None-Match", etag, "Accept-Encoding", coding)
				if headerText(head.Header) != headerText(r.Header) || raw(t, head) != "" {
					t.Errorf("%s: HEAD gives %v", coding, head.Header)
				}
			}
			again := get(t, n.feeds, path, "A-IM", "feed", "If-None-Match", get(t, n.feeds, path).Header.Get("ETag"))
			if again.StatusCode != http.StatusNotModified || again.Header.Get("IM") != "" {
				t.Errorf("nothing new gives %d, %v", again.StatusCode, again.Header)
			}
			for name, headers := range map[string][]string{
				"no A-IM":             {"If-None-Match", etag},
				"another A-IM":        {"A-IM", "vcdiff, diffe", "If-None-Match", etag},
				"A-IM refused":        {"A-IM", "feed;q=0", "If-None-Match", etag},
				"no ETag":             {"A-IM", "feed"},
				"an unknown ETag":     {"A-IM", "feed", "If-None-Match", `"0123456789ab"`},
				"only a date":         {"A-IM", "feed", "If-Modified-Since", first.Header.Get("Last-Modified")},
				"the ETag of another": {"A-IM", "feed", "If-None-Match", get(t, n.feeds, "/feeds/field/policing"+ext).Header.Get("ETag")},
			} {
				if r := get(t, n.feeds, path, headers...); r.StatusCode != http.StatusOK || r.Header.Get("IM") != "" || read(t, r) != n.page(path) {
					t.Errorf("%s gives %d, %v", name, r.StatusCode, r.Header)
				}
			}
			other := n.follow(feeds.Config{Window: 4}) // knows no earlier state
			if r := get(t, other, path, "A-IM", "feed", "If-None-Match", etag); r.StatusCode != http.StatusOK {
				t.Errorf("a base that is not remembered gives %d", r.StatusCode)
			}
		})
	}
}
