package feeds_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/publisher/news"
)

// Whoever goes from page to page comes by every release, in either language,
// and back to the newest.
func TestFeeds_ArchivePage(t *testing.T) {
	n := newNewsroom(t)
	n.feeds = n.follow(feeds.Config{Window: 4})
	want := map[string]bool{}
	for i := range 20 {
		r := release(i)
		r.PublishedAt = time.Date(2026, time.Month(5+i/5), 1+i%5, 0, 0, 0, 0, time.UTC)
		r = n.publish(r)
		want[news.ReleaseURL("/wire", r.ID, r.Title)] = true
	}
	for _, start := range []string{"/feeds/field/policing", "/ru/feeds/field/policing"} {
		seen, path, last := map[string]bool{}, start, ""
		for steps := 0; path != ""; steps++ {
			if steps > 20 {
				t.Fatal("the pages lead in a circle")
			}
			doc := n.visit(path)
			wellMade(t, doc)
			for _, a := range doc.Find(".items h3 a").EachIter() {
				href, _ := a.Attr("href")
				seen[href] = true
			}
			if canonical, _ := doc.Find("link[rel=canonical]").Attr("href"); canonical != base+path || doc.Find(".switch a").Length() != 1 {
				t.Errorf("%s says it is at %s", path, canonical)
			}
			last = path
			href, _ := doc.Find(`.pages a[rel=prev]`).Attr("href")
			path = strings.TrimPrefix(href, "/wire")
		}
		for href := range want {
			if !seen[href] {
				t.Errorf("from %s nobody comes to %s", start, href)
			}
		}
		for steps := 0; last != start; steps++ {
			if steps > 20 {
				t.Fatal("nobody comes back to the newest")
			}
			href, _ := n.visit(last).Find(`.pages a[rel=next]`).Attr("href")
			last = strings.TrimPrefix(href, "/wire")
		}
	}
	doc := n.visit("/ru/feeds/field/policing/archive/2026-05")
	if got := doc.Find("title").Text(); got != "Полицейская деятельность: май 2026 – Dateline" || doc.Find("h2").Text() != "май 2026" {
		t.Errorf("the page is headed %q", got)
	}
	for from, to := range map[string]string{
		"/ru/feeds/language/en/archive/2026-05":        "/feeds/language/en/archive/2026-05",
		"/ru/feeds/country/AT/archive/2026-05":         "/ru/feeds/country/austria/archive/2026-05",
		"/ru/feeds/field/policing/archive/2026-05.rss": "/feeds/field/policing/archive/2026-05.rss",
		"/feeds/country/austria/archive/2026-05-1":     "/feeds/country/austria/archive/2026-05",
	} {
		if r := get(t, n.feeds, from); r.StatusCode != http.StatusMovedPermanently || r.Header.Get("Location") != "/wire"+to {
			t.Errorf("%s answers %d to %q, want %q", from, r.StatusCode, r.Header.Get("Location"), to)
		}
	}
	for path, want := range map[string]int{"/feeds/all/archive/2020-01": 404, "/ru/feeds/all/archive/2020-01": 404, "/feeds/all/archive/may": 400} {
		if r := get(t, n.feeds, path); r.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, r.StatusCode, want)
		}
	}
}

// A page of an archive shows a release as it is now, also after a minor revision.
func TestFeeds_ArchivePage_now(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	path := "/feeds/all/archive/2026-11"
	before := get(t, n.feeds, path).Header.Get("ETag")
	r.Title = "Another title"
	n.change(news.KindRevised, r)
	after := get(t, n.feeds, path, "If-None-Match", before)
	if after.StatusCode != http.StatusOK {
		t.Errorf("the page answers %d after a revision", after.StatusCode)
	}
	contains(t, read(t, after), "Another title")
	r.Reason = "A mistake."
	n.change(news.KindWithdrawn, r)
	lacks(t, n.page(path), "Trainers meet.")
	if r := get(t, n.feeds, path, "If-None-Match", get(t, n.feeds, path).Header.Get("ETag")); r.StatusCode != http.StatusNotModified {
		t.Errorf("the same page answers %d", r.StatusCode)
	}
}
