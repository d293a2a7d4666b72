package page_test

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"image/png"
	"strings"
	"testing"

	"dateline/publisher/page"
)

func TestSplitLanguage(t *testing.T) {
	for path, want := range map[string][2]string{
		"/": {"", "/"}, "/topics": {"", "/topics"}, "/ru": {"ru", "/"}, "/ru/": {"ru", "/"}, "/ru/topics": {"ru", "/topics"}, "/ru//x": {"ru", "/x"},
		"/rules": {"", "/rules"}, "/en/topics": {"", "/en/topics"}, "": {"", ""},
	} {
		if language, rest := page.SplitLanguage(path); language != want[0] || rest != want[1] {
			t.Errorf("%q is %q and %q, want %q", path, language, rest, want)
		}
	}
}

func TestInLanguage(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/ru/", "/topics": "/ru/topics", "/topics#field": "/ru/topics#field", "/feeds": "/ru/feeds", "/feeds/field/policing": "/ru/feeds/field/policing",
		"/feeds/language/be+ru": "/ru/feeds/language/be+ru", "/feeds/language/ru": "/feeds/language/ru", "/feeds/field/policing/language/en": "/feeds/field/policing/language/en",
		"/feeds/all/archive/2026-11": "/ru/feeds/all/archive/2026-11", "/feeds/language/ru/archive/2026-11": "/feeds/language/ru/archive/2026-11", "/feeds/all/archive/2026-11.rss": "/feeds/all/archive/2026-11.rss",
		"/feeds/all.rss": "/feeds/all.rss", "/releases/x/y": "/releases/x/y", "/opml": "/opml", "/favicon.ico": "/favicon.ico",
	} {
		if got := page.InLanguage("ru", path); got != want {
			t.Errorf("%s is at %s in Russian, want %s", path, got, want)
		}
		if got := page.InLanguage("en", path); got != path {
			t.Errorf("%s is at %s in English", path, got)
		}
	}
}

func TestLanguageOf(t *testing.T) {
	for text, want := range map[string]string{"": "en", "en": "en", "ru": "ru", "ru-RU": "ru", "de": "en", "rus": "en"} {
		if got := page.LanguageOf(text); got != want {
			t.Errorf("the page about a text in %q speaks %q, want %q", text, got, want)
		}
	}
}

func TestIcons(t *testing.T) {
	for _, icon := range page.Icons() {
		switch icon.Path {
		case "/favicon.svg":
			if err := xml.Unmarshal(icon.Bytes, new(struct {
				XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
			})); err != nil {
				t.Errorf("%s: %v", icon.Path, err)
			}
		case "/favicon.ico":
			offset := binary.LittleEndian.Uint32(icon.Bytes[18:])
			if c, err := png.DecodeConfig(bytes.NewReader(icon.Bytes[offset:])); err != nil || c.Width != 32 || c.Height != 32 || icon.Bytes[6] != 32 {
				t.Errorf("%s: %v, %v", icon.Path, c, err)
			}
		case "/apple-touch-icon.png":
			if c, err := png.DecodeConfig(bytes.NewReader(icon.Bytes)); err != nil || c.Width != 180 || c.Height != 180 {
				t.Errorf("%s: %v, %v", icon.Path, c, err)
			}
		default:
			t.Errorf("nobody looks at %s", icon.Path)
		}
		if len(icon.Bytes) > 8<<10 {
			t.Errorf("%s has %d bytes", icon.Path, len(icon.Bytes))
		}
	}
}

func TestPage_Render_head(t *testing.T) {
	p, err := newLook(t, "https://news.example.org/wire").Page(`{{define "main"}}<a href="{{here "/topics"}}">x</a>{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	article := map[string]string{"headline": "</script><script>alert(1)</script>"}
	b, err := p.Render(page.Frame{
		Title: "T", Summary: `A "summary"`, Canonical: "/topics", Article: article, Twins: []page.Twin{{Language: "en", Path: "/topics"}, {Language: "ru", Path: "/ru/topics"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	for _, want := range []string{
		`<meta name="description" content="A &#34;summary&#34;">`, `<meta property="og:type" content="article">`, `<meta property="og:url" content="https://news.example.org/wire/topics">`,
		`<link rel="alternate" hreflang="ru" href="https://news.example.org/wire/ru/topics">`, `<script type="application/ld+json">`, `href="/wire/favicon.svg"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if strings.Count(got, "<script") != 1 || strings.Contains(got, "ZgotmplZ") {
		t.Errorf("the data leave their block: %s", got)
	}
}

func TestLook_russian(t *testing.T) {
	l, err := page.New(page.Config{BaseURL: "https://news.example.org", Name: "Newsroom", Language: "ru"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Problem(page.Trouble{Status: 404, Detail: "there is no field x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<html lang="ru">`, "Страница не найдена", `href="/ru/feeds"`, `href="/ru/topics"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is missing in\n%s", want, b)
		}
	}
	if strings.Contains(string(b), "there is no field") {
		t.Error("a Russian page speaks English")
	}
}
