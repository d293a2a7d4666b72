package feeds_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"

	"github.com/PuerkitoBio/goquery"
)

func TestFeeds_Finder(t *testing.T) {
	n := newNewsroom(t)
	n.publish(release(1))
	doc := n.visit("/feeds")
	wellMade(t, doc)
	if title := doc.Find("title").Text(); !strings.Contains(title, "1 release") {
		t.Errorf("the title is %q", title)
	}
	for selector, want := range map[string]int{
		`form[method=get][action="/wire/feeds"]`: 1, `input[name=field][value=policing]`: 1, `input[name=field][value=human]`: 1, `input[name=country][value=kosovo]`: 1,
		`input[name=country][value="central-asia"]`: 1, `input[name=source][value="mission-to-georgia"]`: 1, `input[name=type]`: 6, `input[name=language][value=ru]`: 1,
		`input[name=role]`: 3, `input[name=role][checked]`: 1, `input[name=routine]`: 1, `input:checked[type=checkbox]`: 0, `fieldset:not(:has(> legend))`: 0, `button[formaction="/wire/opml"]`: 1,
	} {
		if got := doc.Find("form").Parent().Find(selector).Length(); got != want {
			t.Errorf("%s stands %d times, want %d", selector, got, want)
		}
	}
}

// Whatever was asked, the answer is the way to the one address of the selection.
func TestFeeds_Finder_sent(t *testing.T) {
	n := newNewsroom(t)
	for query, want := range map[string]string{
		"field=policing":                         "/feeds/field/policing",
		"country=austria&field=policing&role=":   "/feeds/field/policing/country/austria",
		"field=youth&field=policing&role=":       "/feeds/field/policing+youth",
		"field=policing&field=politico-military": "/feeds/field/politico-military", // the group holds it
		"country=AT&role=about":                  "/feeds/country/austria/role/about",
		"role=place&type=news":                   "/feeds/type/news", // a role of no country
		"role=":                                  "/feeds/all",
		"field=&country=":                        "/feeds/all",
		"routine=1":                              "/feeds/routine/all",
		"routine=1&field=policing":               "/feeds/routine/field/policing",
		"routine=1&type=daily-report":            "/feeds/type/daily-report",
		"language=ru&source=osce-secretariat":    "/feeds/source/secretariat/language/ru",
	} {
		for prefix, before := range map[string]string{"/feeds?": "", "/ru/feeds?": "/ru"} {
			r := get(t, n.feeds, prefix+query)
			to := "/wire" + before + want
			if before != "" && strings.HasSuffix(want, "/language/ru") {
				to = "/wire" + want
			}
			if got := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || got != to || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s%s answers %d to %q, want %q", prefix, query, r.StatusCode, got, to)
			}
			if r := get(t, n.feeds, strings.TrimPrefix(to, "/wire")); r.StatusCode != http.StatusOK {
				t.Errorf("%s answers %d", to, r.StatusCode)
			}
		}
	}
	if r := get(t, n.feeds, "/feeds?utm_source=x"); r.StatusCode != http.StatusOK {
		t.Errorf("a parameter of others answers %d", r.StatusCode)
	}
	for query, want := range map[string]struct {
		status int
		words  string
	}{
		"field=polcing":                           {404, "/wire/feeds/field/policing"},
		"field=%zz":                               {400, "encoded"},
		"country=austria/x":                       {404, "/topics"},
		"country=austria&role=owner":              {400, "role"},
		"field=" + strings.Repeat("x", 20<<10):    {400, "16384"},
		strings.Repeat("field=polcing&", 1000):    {404, "policing"},
		"country=austria&country=austria%2Fx%2By": {404, "/topics"},
	} {
		r := get(t, n.feeds, "/feeds?"+query, "Accept", "text/html")
		if r.StatusCode != want.status {
			t.Errorf("%.40s answers %d, want %d", query, r.StatusCode, want.status)
		}
		contains(t, read(t, r), want.words)
	}
}

// Ten thousand questions leave nothing behind.
func TestFeeds_Finder_keepsNothing(t *testing.T) {
	n := newNewsroom(t)
	fields, countries := taxonomy.Topics(news.KindField), taxonomy.Topics(news.KindCountry)
	before := n.feeds.Stats()
	for i := range 10_000 {
		q := fmt.Sprintf("/feeds?field=%s&country=%s&country=%s&role=", fields[i%len(fields)].Slug, countries[i%len(countries)].Slug, countries[i/7%len(countries)].Slug)
		if r := get(t, n.feeds, q); r.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s answers %d", q, r.StatusCode)
		}
	}
	if after := n.feeds.Stats(); after.Documents != before.Documents || after.Selections != before.Selections {
		t.Errorf("kept %d documents and %d selections, before %d and %d", after.Documents, after.Selections, before.Documents, before.Selections)
	}
}

func TestFeeds_SelectionPage(t *testing.T) {
	n := newNewsroom(t)
	for i := range 3 {
		n.publish(release(i))
	}
	gone := n.last[release(2).ID].Event.Release
	gone.Reason = "A mistake."
	n.change(news.KindWithdrawn, gone)
	doc := n.visit("/feeds/field/policing/country/austria/role/place")
	wellMade(t, doc)
	if got := doc.Find("title").Text(); got != "Policing · Austria (place): 2 releases – Dateline" {
		t.Errorf("the title is %q", got)
	}
	if got := doc.Find("h2#latest").Text(); got != "2 releases" {
		t.Errorf("the list is headed %q", got)
	}
	if got := doc.Find(".items > li").Length(); got != 3 {
		t.Errorf("%d entries are shown, want the withdrawn one too", got)
	}
	contains(t, doc.Find(".follow").Text(), "2 releases in the last 12 weeks.")
	want := map[string]string{"Remove filter: Policing": "/wire/feeds/country/austria/role/place", "Remove filter: Austria": "/wire/feeds/field/policing", "Remove filter: the place of release": "/wire/feeds/field/policing/country/austria", "Clear all filters": "/wire/feeds"}
	doc.Find(".chosen a").Each(func(_ int, a *goquery.Selection) {
		text := strings.Join(strings.Fields(a.Text()), " ")
		if href, _ := a.Attr("href"); want[text] != href {
			t.Errorf("%q leads to %q, want %q", text, href, want[text])
		}
		delete(want, text)
	})
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	for _, ext := range []string{"rss", "atom", "json"} {
		input := doc.Find(`input[readonly]#feed-` + ext)
		if got, _ := input.Attr("value"); got != base+"/feeds/field/policing/country/austria/role/place."+ext || doc.Find(`label[for="feed-`+ext+`"]`).Length() != 1 {
			t.Errorf("the address of %s to copy is %q", ext, got)
		}
	}
	if got := doc.Find("form input[type=checkbox][checked]").Length(); got != 2 {
		t.Errorf("%d filters are ticked in the form", got)
	}
	if got, _ := doc.Find("form input[type=radio][checked]").Attr("value"); got != "place" {
		t.Errorf("the role %q is ticked", got)
	}
}

// The pace is measured, moves with the days, and the ETag moves with it.
func TestFeeds_SelectionPage_pace(t *testing.T) {
	n := newNewsroom(t)
	for i := range 30 {
		n.publish(release(i))
	}
	contains(t, n.page("/feeds/field/policing"), "About 3 releases a week.")
	contains(t, n.page("/feeds/country/austria"), "About 3 releases a week.")
	n.clock.advance(50 * 24 * time.Hour)
	n.publish(release(100))
	old := get(t, n.feeds, "/feeds/field/policing").Header.Get("ETag")
	n.clock.advance(40 * 24 * time.Hour)
	contains(t, n.page("/feeds/field/policing"), "1 release in the last 12 weeks.", "31 releases")
	if r := get(t, n.feeds, "/feeds/field/policing", "If-None-Match", old); r.StatusCode != http.StatusOK {
		t.Errorf("the page of another day answers %d", r.StatusCode)
	}
	n.clock.advance(90 * 24 * time.Hour)
	contains(t, n.page("/feeds/field/policing"), "Nothing in the last 12 weeks.")
}

// An empty selection leads to the nearest that are not, and stops when it fills.
func TestFeeds_SelectionPage_empty(t *testing.T) {
	n := newNewsroom(t)
	wider := func(path string) string {
		var out []string
		n.visit(path).Find("section .topics a").Each(func(_ int, a *goquery.Selection) {
			out = append(out, strings.Join(strings.Fields(a.Text()), " "))
		})
		return strings.Join(out, ", ")
	}
	if got := wider("/feeds/field/elections"); got != "" {
		t.Errorf("an empty newsroom offers %s", got)
	}
	n.publish(release(1))
	other := release(2)
	other.Countries[0].Slug = "serbia"
	n.publish(other)
	daily := release(3)
	daily.Type, daily.Fields[0].Slug = "daily-report", "youth"
	n.publish(daily)
	for path, want := range map[string]string{
		"/feeds/field/elections":                                    "All releases 2",
		"/feeds/field/elections/country/austria":                    "Austria 1",
		"/feeds/field/policing/country/austria/role/about":          "Policing · Austria 1",
		"/feeds/field/policing/country/albania":                     "Policing · Western Balkans 1",
		"/feeds/field/policing/country/austria/language/ru":         "Полицейская деятельность · Австрия 1",
		"/feeds/field/elections/country/albania/source/secretariat": "Secretariat 2",
		"/feeds/field/youth":                                        "Youth (with routine reports) 1",
	} {
		got := wider(path)
		if first, _, _ := strings.Cut(got, ", "); first != want {
			t.Errorf("%s offers %q, want %q first", path, got, want)
		}
	}
	third := release(4)
	third.Fields[0].Slug = "elections"
	tag := get(t, n.feeds, "/feeds/field/elections").Header.Get("ETag")
	n.publish(third)
	if r := get(t, n.feeds, "/feeds/field/elections", "If-None-Match", tag); r.StatusCode != http.StatusOK {
		t.Errorf("the page answers %d after its first release", r.StatusCode)
	}
	if got := wider("/feeds/field/elections"); got != "" {
		t.Errorf("a selection that holds something offers %s", got)
	}
}

// Counts of an empty page are of now, though nothing in the selection changed.
func TestFeeds_SelectionPage_emptyCounts(t *testing.T) {
	n := newNewsroom(t)
	for i := range 3 {
		n.publish(release(i))
		contains(t, n.page("/feeds/field/elections"), fmt.Sprintf(`<span class="n">%d</span>`, i+1))
	}
}
