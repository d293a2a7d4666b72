package page_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dateline/publisher/page"
)

func newLook(t *testing.T, base string) *page.Look {
	t.Helper()
	l, err := page.New(page.Config{BaseURL: base, Name: "Example <Newsroom>"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestPage_Render(t *testing.T) {
	p, err := newLook(t, "https://news.example.org/wire").Page(`{{define "main"}}<h1>{{.Title}}</h1><p>{{.Body}}</p><p>{{count "releases" 1}}, {{count "releases" 2}}</p><time>{{date day}}</time>{{end}}`,
		map[string]any{"day": func() time.Time { return time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Render(page.Frame{
		Title: "Law & order", Canonical: "/feeds/all", Body: "<script>alert(1)</script>", NoIndex: true,
		Alternates: []page.Alternate{{Type: "application/rss+xml", Title: "All", Path: "/feeds/all.rss"}}, Crumbs: []page.Link{{Title: "Topics", Path: "/topics"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<html lang="en">`, "<title>Law &amp; order – Example &lt;Newsroom&gt;</title>", `<link rel="canonical" href="https://news.example.org/wire/feeds/all">`,
		`<link rel="alternate" type="application/rss+xml" title="All" href="/wire/feeds/all.rss">`, `content="noindex"`, `href="#main"`, `<main id="main"`,
		`<li><a href="/wire/topics">Topics</a></li>`, "&lt;script&gt;", "1 release, 2 releases", "2 November 2026",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is missing in\n%s", want, b)
		}
	}
	for _, never := range []string{"<script", "style=", "onclick", "ZgotmplZ"} {
		if strings.Contains(string(b), never) {
			t.Errorf("%s stands in\n%s", never, b)
		}
	}
}

func TestPage_MissingWord(t *testing.T) {
	for _, text := range []string{`{{say "no such word"}}`, `{{count "no such word" 1}}`} {
		p, err := newLook(t, "https://news.example.org").Page(`{{define "main"}}` + text + `{{end}}`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Render(page.Frame{}); err == nil || !strings.Contains(err.Error(), "no such word") {
			t.Errorf("%s gives the error %v", text, err)
		}
	}
}

func TestLook_Problem(t *testing.T) {
	l := newLook(t, "https://news.example.org")
	for _, status := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		trouble := page.Trouble{Status: status, Near: []page.Link{{Title: "Austria", Path: "/feeds/country/austria"}}}
		if status < http.StatusInternalServerError {
			trouble.Detail = "What went wrong."
		}
		b, err := l.Problem(trouble)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"<h1>", `href="/topics"`, `href="/feeds"`, `href="/feeds/country/austria"`, "noindex"} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%d: %s is missing in\n%s", status, want, b)
			}
		}
	}
	if _, err := l.Problem(page.Trouble{Status: http.StatusTeapot}); err == nil {
		t.Error("a status without words has a page")
	}
}

// TestLook_Style holds what keeps pages within a narrow screen; how they look
// there only a browser can tell.
func TestLook_Style(t *testing.T) {
	wide, narrow := "@media (min-width", strings.Builder{}
	for line := range strings.Lines(string(newLook(t, "https://news.example.org").Style())) {
		if !strings.HasPrefix(line, wide) {
			narrow.WriteString(line)
		}
	}
	for selector, want := range map[string]string{
		".columns": "grid-template-columns: minmax(0, 1fr)", "h1, h2, h3, .lead, .items, .chips, .crumbs, .note, .footnote": "overflow-wrap: anywhere",
		".scroll": "overflow-x: auto",
	} {
		_, rule, _ := strings.Cut(narrow.String(), "\n"+selector+" {")
		rule, _, _ = strings.Cut(rule, "}")
		if !strings.Contains(rule, want) {
			t.Errorf("%s has {%s}, without %s", selector, rule, want)
		}
	}
}

func TestNew_Refuse(t *testing.T) {
	for _, cfg := range []page.Config{{}, {BaseURL: "news.example.org"}, {BaseURL: "https://news.example.org", Language: "xx"}} {
		if _, err := page.New(cfg); err == nil {
			t.Errorf("%+v makes a look", cfg)
		}
	}
}

func TestLook_Version(t *testing.T) {
	one, other := newLook(t, "https://news.example.org"), newLook(t, "https://news.example.org/wire")
	if one.Version() != newLook(t, "https://news.example.org").Version() || one.Version() == other.Version() {
		t.Error("the version does not follow what pages look like")
	}
	if one.StylePath() != other.StylePath() || !strings.HasSuffix(one.StylePath(), ".css") || len(one.Style()) == 0 {
		t.Errorf("the style sheet is at %s", one.StylePath())
	}
}
