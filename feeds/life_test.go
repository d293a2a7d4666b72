package feeds_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/publisher/news"

	"github.com/mmcdole/gofeed"
)

var everywhere = []string{
	"/feeds/all", "/feeds/field/policing", "/feeds/country/austria", "/feeds/country/austria/role/place", "/feeds/source/secretariat",
	"/feeds/type/press-release", "/feeds/language/en", "/feeds/field/policing/country/austria", "/feeds/field/politico-military/country/participating-states",
}

func TestFeeds_Publish(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	for _, path := range everywhere {
		for _, ext := range []string{".rss", ".atom", ".json"} {
			feed, err := gofeed.NewParser().ParseString(n.page(path + ext))
			if err != nil {
				t.Fatalf("%s%s: %v", path, ext, err)
			}
			if len(feed.Items) != 1 || feed.Items[0].GUID != "urn:uuid:"+r.ID || feed.Items[0].Title != r.Title {
				t.Errorf("%s%s holds %d items: %v", path, ext, len(feed.Items), feed.Items)
			}
		}
		contains(t, strings.ReplaceAll(n.page(path), "<wbr>", ""), r.Title, `type="application/rss+xml"`, `type="application/atom+xml"`, `type="application/feed+json"`, base+path+".rss")
	}
	for _, path := range []string{"/feeds/field/elections", "/feeds/country/austria/role/about", "/feeds/language/ru"} {
		lacks(t, n.page(path+".rss"), "<item>")
		lacks(t, n.page(path), r.Title)
	}
	contains(t, n.page("/"), r.Title, "Policing", "Austria")
	contains(t, n.page("/releases/"+r.ID+"/police-course-number-1-opens"), r.Title, "<p>They agreed.</p>", "Secretariat")
}

func TestFeeds_Correct(t *testing.T) {
	n := newNewsroom(t)
	first := n.publish(release(1))
	n.clock.advance(time.Minute)
	second := n.publish(release(2))
	n.clock.advance(time.Minute)
	minor := first
	minor.Title = "Police course one opens"
	n.change(news.KindRevised, minor)
	if doc := n.page("/feeds/all.rss"); strings.Index(doc, second.ID) > strings.Index(doc, first.ID) {
		t.Error("a minor revision came to the top")
	}
	n.clock.advance(time.Minute)
	fixed := minor
	fixed.Note = "the course has 86 places"
	n.change(news.KindCorrected, fixed)
	doc := n.page("/feeds/all.rss")
	if strings.Index(doc, first.ID) > strings.Index(doc, second.ID) {
		t.Error("a correction did not come to the top")
	}
	contains(t, doc, "<strong>Correction, 20 November 2026:</strong> the course has 86 places")
	contains(t, n.page("/feeds/all.atom"), "<updated>2026-11-20T08:33:15.25Z</updated>")
	contains(t, n.page("/releases/"+first.ID+"/police-course-one-opens"), "Correction, 20 November 2026:", "the course has 86 places")
}

func TestFeeds_Withdraw(t *testing.T) {
	n := newNewsroom(t)
	r := release(1)
	r.HTML, r.Text, r.Summary = "<p>Secret plan.</p>", "Secret plan.", "Secret plan."
	r = n.publish(r)
	path := "/releases/" + r.ID + "/police-course-number-1-opens"
	for _, p := range append(everywhere, "/") {
		contains(t, n.page(p), "Secret plan.")
	}
	n.clock.advance(time.Minute)
	r.Reason = "sent too early"
	n.change(news.KindWithdrawn, r)
	for _, p := range append(everywhere, "/") {
		contains(t, n.page(p), "sent too early", "Withdrawn")
		lacks(t, n.page(p), "Secret plan.")
	}
	lacks(t, n.page("/feeds/all.atom"), "<entry", "Secret plan.")
	contains(t, n.page("/feeds/all.atom"), "<at:deleted-entry ", `ref="urn:uuid:`+r.ID, "sent too early", "<updated>2026-11-20T08:31:15.25Z</updated>")
	gone := get(t, n.feeds, path)
	if gone.StatusCode != http.StatusGone {
		t.Errorf("the page answers %d", gone.StatusCode)
	}
	text := read(t, gone)
	contains(t, text, r.Title, "sent too early")
	lacks(t, text, "Secret plan.")
}

func TestFeeds_Retag(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	before := get(t, n.feeds, "/feeds/field/policing.atom")
	n.clock.advance(time.Minute)
	r.Fields = []news.Tag{{Slug: "elections"}}
	n.change(news.KindRevised, r)
	n.clock.advance(time.Minute)
	after := get(t, n.feeds, "/feeds/field/policing.atom")
	doc := read(t, after)
	lacks(t, doc, r.ID)
	contains(t, doc, "<updated>2026-11-20T08:31:15.25Z</updated>")
	if after.Header.Get("ETag") == before.Header.Get("ETag") || after.Header.Get("Last-Modified") != "Fri, 20 Nov 2026 08:31:15 GMT" {
		t.Errorf("the validators after the release left are %v", after.Header)
	}
	contains(t, n.page("/feeds/field/elections.atom"), r.ID)
}

func TestFeeds_Routine(t *testing.T) {
	n := newNewsroom(t)
	r := release(1)
	r.Type = "daily-report"
	n.publish(r)
	for _, path := range []string{"/feeds/all.json", "/feeds/field/policing.json", "/feeds/country/austria.json"} {
		lacks(t, n.page(path), r.ID)
		contains(t, n.page(strings.Replace(path, "/feeds/", "/feeds/routine/", 1)), r.ID)
	}
	contains(t, n.page("/feeds/type/daily-report.json"), r.ID)
}

func TestFeeds_Window(t *testing.T) {
	n := newNewsroom(t)
	small := n.follow(feeds.Config{Window: 3})
	tight := n.follow(feeds.Config{WindowBytes: 1})
	for i := range 5 {
		n.clock.advance(time.Second)
		n.publish(release(i))
	}
	for f, want := range map[*feeds.Feeds]int{n.feeds: 5, small: 3, tight: 1} {
		n.await(f, 5)
		if got := strings.Count(read(t, get(t, f, "/feeds/all.rss")), "<item>"); got != want {
			t.Errorf("%d items, want %d", got, want)
		}
	}
}

// documents are the answers that a restart must repeat.
func documents(t *testing.T, f *feeds.Feeds) map[string]string {
	out := map[string]string{}
	paths := []string{"/", "/topics", "/releases/" + release(3).ID + "/police-course-number-3-opens"}
	for _, p := range everywhere {
		paths = append(paths, p, p+".rss", p+".atom", p+".json")
	}
	for _, p := range paths {
		for _, coding := range []string{"gzip", "identity"} {
			r := get(t, f, p, "Accept-Encoding", coding)
			if r.StatusCode != http.StatusOK {
				t.Fatalf("%s answers %d", p, r.StatusCode)
			}
			raw := r.Header.Get("ETag") + " " + r.Header.Get("Last-Modified") + " " + r.Header.Get("Content-Length")
			out[p+" "+coding] = raw + "\n" + read(t, r)
		}
	}
	return out
}

func TestFeeds_Replay(t *testing.T) {
	n := newNewsroom(t)
	for i := range 8 {
		n.clock.advance(time.Second)
		r := n.publish(release(i))
		documents0 := n.page("/feeds/all.rss") // so that documents exist in every state
		contains(t, documents0, r.ID)
	}
	n.clock.advance(time.Second)
	fixed := release(2)
	fixed.Note = "the date was wrong"
	n.change(news.KindCorrected, fixed)
	gone := release(5)
	gone.Reason = "sent too early"
	n.change(news.KindWithdrawn, gone)
	n.clock.advance(time.Minute)
	live := documents(t, n.feeds)
	replayed := documents(t, n.follow(feeds.Config{}))
	for p, want := range live {
		if replayed[p] != want {
			t.Errorf("%s differs after a restart:\n%s\nwas\n%s", p, replayed[p], want)
		}
	}
}

// A story that is there in several languages: each page leads to the others,
// in whatever order they came, and not to one that was withdrawn.
func TestFeeds_Translations(t *testing.T) {
	n := newNewsroom(t)
	original, russian, german := release(1), release(2), release(3)
	russian.Language, german.Language = "ru", "de"
	russian.TranslationOf, german.TranslationOf = original.ID, original.ID
	german = n.publish(german) // before its original
	original = n.publish(original)
	path := func(r news.Release) string { return strings.TrimPrefix(news.ReleaseURL("", r.ID, r.Title), base) }
	link := func(r news.Release, name string) string {
		return path(r) + `" hreflang="` + r.Language + `" lang="` + r.Language + `">` + name + "<"
	}
	lacks(t, n.page(path(original)), "Русский")
	russian = n.publish(russian)
	contains(t, n.page(path(original)), "In other languages", link(russian, "Русский"), link(german, "Deutsch"))
	contains(t, n.page(path(german)), link(original, "English"), link(russian, "Русский"))
	lacks(t, n.page(path(german)), "Deutsch<")
	contains(t, n.page("/feeds/language/ru.atom"), `rel="alternate" type="text/html" hreflang="de"`, `rel="alternate" type="text/html" hreflang="en"`)
	contains(t, n.page("/feeds/language/ru.json"), `"translations":[{"language":"de","url":"`+base+"/releases/"+german.ID+"/police-course-number-3-opens"+`"},{"language":"en","url":`)
	lacks(t, n.page("/feeds/language/de.atom"), `hreflang="en"`) // which came later
	russian.Reason = "A mistake."
	n.change(news.KindWithdrawn, russian)
	lacks(t, n.page(path(original)), "Русский<")
	german.TranslationOf = ""
	n.change(news.KindRevised, german)
	lacks(t, n.page(path(original)), "In other languages")
}

// With a hub every current feed names it, in the document and in a header.
func TestFeeds_Hub(t *testing.T) {
	n := newNewsroom(t)
	hub := "https://hub.example.org/"
	n.feeds = n.follow(feeds.Config{Window: 2, Hub: hub})
	for i := range 6 {
		n.publish(release(i))
	}
	for _, path := range everywhere {
		for _, ext := range []string{".rss", ".atom", ".json"} {
			r := get(t, n.feeds, path+ext)
			if want := "<" + hub + `>; rel="hub", <` + base + path + ext + `>; rel="self"`; r.Header.Get("Link") != want {
				t.Errorf("%s%s has the links %q, want %q", path, ext, r.Header.Get("Link"), want)
			}
			contains(t, read(t, r), hub)
		}
	}
	contains(t, n.page("/feeds/all.json"), `"hubs":[{"type":"WebSub","url":"`+hub+`"}]`)
	lacks(t, n.page("/feeds/all/archive/2026-11.rss"), hub)
}
