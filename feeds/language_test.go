package feeds_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"dateline/publisher/news"
)

func TestFeeds_Languages(t *testing.T) {
	n := newNewsroom(t)
	russian := release(1)
	russian.Language, russian.Title = "ru", "Курсы для полиции"
	russian = n.publish(russian)
	page := news.ReleaseURL("", russian.ID, russian.Title)
	for path, want := range map[string][3]string{ // language, words, path in the other language
		"/":                              {"en", "Latest releases", "/ru/"},
		"/ru/":                           {"ru", "Последние сообщения", "/"},
		"/ru":                            {"ru", "Последние сообщения", "/"},
		"/ru/topics":                     {"ru", "Полицейская деятельность", "/topics"},
		"/ru/feeds":                      {"ru", "Показать сообщения", "/feeds"},
		"/ru/about-feeds":                {"ru", "Что такое лента?", "/about-feeds"},
		"/ru/feeds/field/policing":       {"ru", "1 сообщение за последние 12 недель.", "/feeds/field/policing"},
		"/feeds/field/policing":          {"en", "1 release in the last 12 weeks.", "/ru/feeds/field/policing"},
		"/feeds/language/ru":             {"ru", "Следить за подборкой", ""},
		"/feeds/language/be+ru":          {"en", "Follow this selection", "/ru/feeds/language/be+ru"},
		"/feeds/field/youth/language/ru": {"ru", "Здесь ещё нет сообщений", ""},
		page:                             {"ru", "Последнее изменение", ""},
	} {
		if path == page {
			want[1] = "Идентификатор"
		}
		doc := n.visit(path)
		wellMade(t, doc)
		if got, _ := doc.Find("html").Attr("lang"); got != want[0] || !strings.Contains(doc.Text(), want[1]) {
			t.Errorf("%s is in %q and says %q: %v", path, got, want[1], strings.Contains(doc.Text(), want[1]))
		}
		if got, _ := doc.Find(".switch a").Attr("href"); strings.TrimPrefix(got, "/wire") != want[2] {
			t.Errorf("%s leads to %q in the other language, want %q", path, got, want[2])
		}
		if twins := doc.Find("link[hreflang]").Length(); (twins == 2) != (want[2] != "") {
			t.Errorf("%s names %d twins", path, twins)
		}
		canonical, _ := doc.Find(`link[rel=canonical]`).Attr("href")
		if path != "/ru" && canonical != base+path {
			t.Errorf("%s says it is at %s", path, canonical)
		}
		first, _ := doc.Find(`link[rel=alternate][type="application/rss+xml"]`).First().Attr("href")
		if strings.HasPrefix(path, "/feeds/") || strings.HasPrefix(path, "/ru/feeds/") {
			if own := strings.TrimPrefix(strings.TrimPrefix(path, "/ru"), "/feeds/"); first != "/wire/feeds/"+own+".rss" {
				t.Errorf("%s offers %s first", path, first)
			}
		} else if first != "/wire/feeds/language/"+want[0]+".rss" {
			t.Errorf("%s offers %s first", path, first)
		}
	}
	for from, to := range map[string]string{
		"/ru/feeds/language/ru": "/feeds/language/ru", "/ru/feeds/all.rss": "/feeds/all.rss", "/ru" + page: page, "/ru/opml": "/opml",
		"/ru/feeds/country/AT": "/ru/feeds/country/austria", "/ru/topics/": "/ru/topics", "/ru/feeds/": "/ru/feeds",
	} {
		if r := get(t, n.feeds, from); r.StatusCode != http.StatusMovedPermanently || r.Header.Get("Location") != "/wire"+to {
			t.Errorf("%s answers %d to %q, want %q", from, r.StatusCode, r.Header.Get("Location"), to)
		}
	}
	for _, path := range []string{"/ru/elsewhere", "/ru//evil.example/", "/ru/ru/topics", "/ru/favicon.ico"} {
		if r := get(t, n.feeds, path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, r.StatusCode)
		}
	}
	missing := get(t, n.feeds, "/ru/feeds/field/polcing", "Accept", "text/html")
	if missing.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown topic answers %d", missing.StatusCode)
	}
	contains(t, read(t, missing), "Страница не найдена", `"/wire/ru/feeds/field/policing">Полицейская деятельность<`)
}

// Links of a Russian page lead to Russian pages, and every one of them is there.
func TestFeeds_Languages_links(t *testing.T) {
	n := newNewsroom(t)
	n.publish(release(1))
	for _, path := range []string{"/ru/", "/ru/feeds/all", "/ru/feeds", "/ru/topics", "/feeds/language/ru"} {
		doc := n.visit(path)
		for _, a := range doc.Find("a[href^='/wire/']").EachIter() {
			href, _ := a.Attr("href")
			inside, _, _ := strings.Cut(strings.TrimPrefix(href, "/wire"), "#")
			if r := get(t, n.feeds, inside); r.StatusCode != http.StatusOK {
				t.Errorf("%s: the link to %s answers %d", path, href, r.StatusCode)
			}
			if a.ParentsFiltered(".switch").Length() == 0 && (inside == "/" || inside == "/topics" || inside == "/feeds" || inside == "/feeds/field/policing") {
				t.Errorf("%s: a link leaves the language: %s", path, href)
			}
		}
	}
}

func TestFeeds_Article(t *testing.T) {
	n := newNewsroom(t)
	original, translated := release(1), release(2)
	original.Countries = append(original.Countries, news.CountryTag{Slug: "serbia", Role: news.About})
	original.Places = []news.Place{{Name: "Vienna </script>", Country: "austria"}}
	original = n.publish(original)
	translated.Language, translated.TranslationOf = "ru", original.ID
	translated = n.publish(translated)
	path, other := news.ReleaseURL("", original.ID, original.Title), news.ReleaseURL("", translated.ID, translated.Title)
	article := func(path string) map[string]any {
		t.Helper()
		var out map[string]any
		if err := json.Unmarshal([]byte(n.visit(path).Find(`script[type="application/ld+json"]`).Text()), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	a := article(path)
	for key, want := range map[string]any{
		"@context": "https://schema.org", "@type": "NewsArticle", "@id": base + path, "headline": original.Title, "datePublished": "2026-11-20", "inLanguage": "en",
		"identifier": "urn:uuid:" + original.ID, "articleSection": "Press release", "dateModified": nil, "correction": nil,
	} {
		if a[key] != want {
			t.Errorf("%s is %v, want %v", key, a[key], want)
		}
	}
	whole, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(whole), `"name":"Serbia"`, `"name":"Policing"`, `"name":"Vienna \u003c/script\u003e"`, `"workTranslation":[{"@id":"`+base+other, `"publisher":{"@type":"Organization","name":"Dateline"`)
	doc := n.visit(path)
	for language, want := range map[string]string{"en": path, "ru": other} {
		if got, _ := doc.Find(`link[hreflang="` + language + `"]`).Attr("href"); got != base+want {
			t.Errorf("the page in %s is at %q, want %q", language, got, want)
		}
	}
	if got, _ := doc.Find(`meta[property="og:type"]`).Attr("content"); got != "article" {
		t.Errorf("the page calls itself %q", got)
	}
	original.Note = "There were nine trainers."
	original = n.change(news.KindCorrected, original)
	a = article(path)
	if c, _ := a["correction"].(map[string]any); c["text"] != "There were nine trainers." || a["dateModified"] != "2026-11-20T08:30:15Z" {
		t.Errorf("after a correction: %v", a)
	}
	if first := n.visit(path).Find("article > :nth-child(3)"); !first.HasClass("note") {
		t.Error("the correction does not stand at the top")
	}
	original.Reason = "A mistake."
	n.change(news.KindWithdrawn, original)
	doc = n.visit(path)
	if doc.Find("script").Length() != 0 || doc.Find(`meta[name="robots"][content="noindex"]`).Length() != 1 || doc.Find("meta[property]").Length() != 0 {
		t.Error("a withdrawn page calls itself an article")
	}
	contains(t, doc.Find("main").Text(), "A mistake.")
}
