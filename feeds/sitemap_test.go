package feeds_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/publisher/news"
)

type sitemap struct {
	XMLName xml.Name
	Maps    []entry `xml:"sitemap"`
	URLs    []entry `xml:"url"`
}

type entry struct {
	Loc     string `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 loc"`
	Lastmod string `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 lastmod"`
	Links   []struct {
		Language string `xml:"hreflang,attr"`
		Href     string `xml:"href,attr"`
	} `xml:"http://www.w3.org/1999/xhtml link"`
	Title string `xml:"http://www.google.com/schemas/sitemap-news/0.9 news>title"`
	Date  string `xml:"http://www.google.com/schemas/sitemap-news/0.9 news>publication_date"`
}

func (n *newsroom) sitemap(path string) sitemap {
	n.t.Helper()
	var m sitemap
	if err := xml.Unmarshal([]byte(n.page(path)), &m); err != nil {
		n.t.Fatalf("%s: %v", path, err)
	}
	return m
}

func TestFeeds_Sitemap(t *testing.T) {
	n := newNewsroom(t)
	want := map[string]bool{}
	for i := range 40 {
		r := n.publish(release(i))
		want[news.ReleaseURL(base, r.ID, r.Title)] = true
	}
	gone := n.last[release(7).ID].Event.Release
	gone.Reason = "A mistake."
	n.change(news.KindWithdrawn, gone)
	delete(want, news.ReleaseURL(base, gone.ID, gone.Title))
	m := n.sitemap("/sitemap.xml")
	pages := 0
	for _, part := range m.Maps {
		path := strings.TrimPrefix(part.Loc, base)
		if part.Lastmod != "2026-11-20T08:30:15Z" {
			t.Errorf("%s was changed at %q", path, part.Lastmod)
		}
		for _, u := range n.sitemap(path).URLs {
			if r := get(t, n.feeds, strings.TrimPrefix(u.Loc, base)); r.StatusCode != http.StatusOK {
				t.Errorf("%s answers %d", u.Loc, r.StatusCode)
			}
			if strings.Contains(u.Loc, "/releases/") {
				if !want[u.Loc] || u.Lastmod == "" {
					t.Errorf("%s stands twice, or should not stand: %+v", u.Loc, u)
				}
				delete(want, u.Loc)
				continue
			}
			pages++
			for _, l := range u.Links {
				if r := get(t, n.feeds, strings.TrimPrefix(l.Href, base)); r.StatusCode != http.StatusOK {
					t.Errorf("the twin %s answers %d", l.Href, r.StatusCode)
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if pages < 20 || len(n.sitemap("/sitemap-pages.xml").URLs) != pages {
		t.Errorf("%d pages are listed", pages)
	}
	for _, path := range []string{"/sitemap-releases-zz.xml", "/sitemap-releases-.xml", "/sitemap-x.xml", "/sitemap-releases-0", "/.well-known/security.txt"} {
		if r := get(t, n.feeds, path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, r.StatusCode)
		}
	}
}

// A part changes with the releases in it and with nothing else.
func TestFeeds_Sitemap_validators(t *testing.T) {
	n := newNewsroom(t)
	tags := map[string]string{}
	changed := func() (out []string) {
		for i := range 16 {
			path := fmt.Sprintf("/sitemap-releases-%x.xml", i)
			r := get(t, n.feeds, path)
			if tag := r.Header.Get("ETag"); tag != tags[path] {
				tags[path] = tag
				out = append(out, path)
			}
			if r.StatusCode == http.StatusOK && get(t, n.feeds, path, "If-None-Match", tags[path]).StatusCode != http.StatusNotModified {
				t.Errorf("%s does not know its ETag", path)
			}
		}
		return out
	}
	for i := range 10 {
		r := n.publish(release(i))
		if got := changed(); len(got) != 1 || got[0] != "/sitemap-releases-"+r.ID[:1]+".xml" {
			t.Errorf("release %s changes %v", r.ID, got)
		}
	}
	replayed := n.follow(feeds.Config{})
	for _, path := range []string{"/sitemap.xml", "/sitemap-pages.xml", "/sitemap-news.xml", "/robots.txt", "/opml", "/topics", "/ru/feeds"} {
		if got, want := get(t, replayed, path), get(t, n.feeds, path); got.Header.Get("ETag") != want.Header.Get("ETag") || read(t, got) != read(t, want) {
			t.Errorf("%s differs after a restart", path)
		}
	}
}

func TestFeeds_NewsSitemap(t *testing.T) {
	n := newNewsroom(t)
	old, day, exact, daily := release(1), release(2), release(3), release(4)
	old.PublishedAt = n.clock.time().Add(-49 * time.Hour)
	exact.PublishedAt, exact.DayOnly, exact.Title = n.clock.time().Add(-47*time.Hour).In(time.FixedZone("", 3600)), false, "Police & <people>"
	daily.Type = "daily-report"
	for _, r := range []news.Release{old, day, exact, daily} {
		n.publish(r)
	}
	got := n.sitemap("/sitemap-news.xml").URLs
	if len(got) != 2 || got[0].Date != "2026-11-20" || got[1].Date != "2026-11-18T10:30:15+01:00" || got[1].Title != exact.Title {
		t.Errorf("the news are %+v", got)
	}
	tag := get(t, n.feeds, "/sitemap-news.xml").Header.Get("ETag")
	n.clock.advance(2 * time.Hour)
	if got := n.sitemap("/sitemap-news.xml").URLs; len(got) != 1 {
		t.Errorf("two hours later the news are %+v", got)
	}
	if r := get(t, n.feeds, "/sitemap-news.xml", "If-None-Match", tag); r.StatusCode != http.StatusOK {
		t.Errorf("what is news no more answers %d", r.StatusCode)
	}
}

// The map of news holds no more than a thousand, and those the newest.
func TestFeeds_NewsSitemap_limit(t *testing.T) {
	n := newNewsroom(t)
	n.fill(newCorpus(), 0, 1010)
	got := n.sitemap("/sitemap-news.xml").URLs
	if len(got) != 1000 {
		t.Fatalf("%d releases are listed", len(got))
	}
	for i := 1; i < len(got); i++ {
		if got[i].Date > got[i-1].Date {
			t.Fatalf("%s stands behind %s", got[i].Date, got[i-1].Date)
		}
	}
	if oldest := n.clock.time().Add(-999 * time.Minute).Format(time.RFC3339); got[999].Date != oldest {
		t.Errorf("the last one is of %s, want %s", got[999].Date, oldest)
	}
}

func TestPartDigits(t *testing.T) {
	for releases, want := range map[int]int{0: 1, 640_000: 1, 640_001: 2, 10_000_000: 2, 20_000_000: 3} {
		got := feeds.PartDigits(releases)
		if got != want {
			t.Errorf("%d releases are parted by %d digits, want %d", releases, got, want)
		}
		parts := 1
		for range got {
			parts *= 16
		}
		if releases/parts > 45_000 {
			t.Errorf("%d releases: %d in a part", releases, releases/parts)
		}
	}
}

func TestFeeds_Robots(t *testing.T) {
	n := newNewsroom(t)
	if got, want := n.page("/robots.txt"), "User-agent: *\nDisallow: /wire/api/\n\nSitemap: "+base+"/sitemap.xml\nSitemap: "+base+"/sitemap-news.xml\n"; got != want {
		t.Errorf("robots.txt says %q", got)
	}
	for path, want := range map[string]string{"/favicon.ico": "image/vnd.microsoft.icon", "/favicon.svg": "image/svg+xml", "/apple-touch-icon.png": "image/png", "/robots.txt": "text/plain; charset=utf-8", "/sitemap.xml": "application/xml; charset=utf-8"} {
		r := get(t, n.feeds, path)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != want || r.Header.Get("ETag") == "" {
			t.Errorf("%s answers %d, %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
}
