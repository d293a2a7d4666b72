package feeds_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"

	"github.com/PuerkitoBio/goquery"
)

// visit asks for a page as a browser does and reads it.
func (n *newsroom) visit(path string) *goquery.Document {
	n.t.Helper()
	r := get(n.t, n.feeds, path, "Accept", "text/html")
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(read(n.t, r)))
	if err != nil {
		n.t.Fatal(err)
	}
	return doc
}

func TestFeeds_Pages(t *testing.T) {
	n := newNewsroom(t)
	odd := release(1)
	odd.Title, odd.Language, odd.Note = `A <b>bold</b> "title" & more`, "ru", ""
	odd.Summary, odd.URL = `<script>alert("summary")</script>`, `https://example.org/?a=1&b="2"`
	odd.Contacts, odd.Links = []string{"<i>Press office</i>"}, []news.Link{{URL: "javascript:alert(1)", Title: "Trap"}, {URL: "https://example.org/more", Title: "More"}}
	odd.Places = []news.Place{{Name: "St Johann <im> Pongau"}}
	odd = n.publish(odd)
	n.clock.advance(time.Minute)
	gone := n.publish(release(2))
	gone.Reason = "sent <too> early"
	gone = n.change(news.KindWithdrawn, gone)
	release := news.ReleaseURL("", odd.ID, odd.Title)
	pages := []string{"/", "/topics", "/about-feeds", "/feeds/all", "/feeds/country/kosovo", "/feeds/field/education+policing/country/austria/role/place", release, news.ReleaseURL("", gone.ID, gone.Title), "/feeds/country/austia", "/feeds/colour/red"}
	for _, path := range pages {
		t.Run(path, func(t *testing.T) {
			doc := n.visit(path)
			wellMade(t, doc)
			doc.Find("a[href]").Each(func(_ int, a *goquery.Selection) {
				href, _ := a.Attr("href")
				if !strings.HasPrefix(href, "/wire/") && !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, "https://example.org/") && href != "#ZgotmplZ" {
					t.Errorf("a link leads to %q", href)
				}
				if inside, ok := strings.CutPrefix(href, "/wire"); ok && path != "/topics" {
					inside, _, _ = strings.Cut(inside, "#")
					if got := get(t, n.feeds, inside).StatusCode; got != http.StatusOK && got != http.StatusGone {
						t.Errorf("the link to %s answers %d", href, got)
					}
				}
			})
		})
	}
	doc := n.visit(release)
	if got := doc.Find("h1").Text(); got != odd.Title {
		t.Errorf("the page is headed %q", got)
	}
	if lang, _ := doc.Find(".body").Attr("lang"); lang != "ru" {
		t.Errorf("the body is said to be in %q", lang)
	}
	if canonical, _ := doc.Find(`link[rel="canonical"]`).Attr("href"); canonical != base+release {
		t.Errorf("the canonical address is %q", canonical)
	}
	if when, _ := doc.Find("time").First().Attr("datetime"); when != "2026-11-20" {
		t.Errorf("the machine's date is %q", when)
	}
	if got := n.visit("/feeds/all").Find(`link[rel="alternate"][type]`).Length(); got != 3 {
		t.Errorf("%d feeds can be discovered", got)
	}
}

// wellMade checks what holds for every page.
func wellMade(t *testing.T, doc *goquery.Document) {
	t.Helper()
	for selector, want := range map[string]int{"html[lang]": 1, "title": 1, "h1": 1, "main#main": 1, "header": 1, "footer": 1, "a.skip[href='#main']": 1, `script:not([type="application/ld+json"])`: 0, "style": 0, "[style]": 0, "h1 b, p b": 0} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s stands %d times, want %d", selector, got, want)
		}
	}
	level := 1
	doc.Find("h1, h2, h3, h4").Each(func(_ int, h *goquery.Selection) {
		now := int(goquery.NodeName(h)[1] - '0')
		if now > level+1 {
			t.Errorf("the heading %q jumps from level %d to %d", h.Text(), level, now)
		}
		level = now
	})
	ids := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, e *goquery.Selection) {
		id, _ := e.Attr("id")
		if ids[id] {
			t.Errorf("the id %q stands twice", id)
		}
		ids[id] = true
	})
	doc.Find("[aria-labelledby]").Each(func(_ int, e *goquery.Selection) {
		if label, _ := e.Attr("aria-labelledby"); !ids[label] {
			t.Errorf("the label %q is missing", label)
		}
	})
}
