package read_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"dateline/publisher/news"
	"dateline/publisher/read"

	"golang.org/x/net/html"
)

func asJSON(t testing.TB, key, text string) []byte {
	t.Helper()
	b, err := json.Marshal(map[string]string{"title": "T", "date": "2017-05-17", key: text})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReader_JSON_hostileHTML(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`<p onclick="x()">a</p>`:                                                     `<p>a</p>`,
		`<p style="x" class="y" id="z">a</p>`:                                        `<p>a</p>`,
		`<script>alert(1)</script><p>a</p>`:                                          `<p>a</p>`,
		`<p>a<img src="data:image/png;base64,x" onerror=x><svg></svg>b`:              `<p>ab</p>`,
		`<a href="javascript:x">a</a>`:                                               `a`,
		`<a href="https://example.org/?a=1&b=2" target=_blank>a</a>`:                 `<a href="https://example.org/?a=1&amp;b=2">a</a>`,
		`<a href="mailto:press@example.org">a</a>`:                                   `<a href="mailto:press@example.org">a</a>`,
		`<a href="/relative">a</a>`:                                                  `a`,
		`<b>a<i>b</b>c</i>`:                                                          `<b>a<i>b</i></b><i>c</i>`,
		`<table><tr><td colspan="2" onclick=x>a</td></tr></table>`:                   `<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>`,
		`<h5>a</h5><iframe src=x></iframe><style>p{}</style>`:                        `<h4>a</h4>`,
		"a&lt;script&gt;":                                                            `a&lt;script&gt;`,
		"<!-- a --><p>b</p><noscript><p title=\"</noscript><img src=x onerror=x>\">": "<p>b</p>&#34;&gt;",
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			p, err := newReader().JSON(asJSON(t, "html", in))
			if err != nil {
				t.Fatal(err)
			}
			safe(t, p.Release.HTML)
			if p.Release.HTML != want {
				t.Errorf("got %s, want %s", p.Release.HTML, want)
			}
		})
	}
}

// safe parses HTML anew and checks that only what the policy lists is left.
func safe(t *testing.T, s string) {
	t.Helper()
	elements := []string{"p", "br", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "em", "strong", "b", "i", "sub", "sup",
		"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "a", "colgroup"}
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return
		}
		if kind == html.CommentToken || kind == html.DoctypeToken {
			t.Errorf("a comment is left in %q", s)
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := z.Token()
		if !slices.Contains(elements, token.Data) {
			t.Errorf("<%s> is left in %q", token.Data, s)
		}
		for _, a := range token.Attr {
			ok := a.Key == "colspan" || a.Key == "rowspan" ||
				a.Key == "href" && (strings.HasPrefix(a.Val, "http:") || strings.HasPrefix(a.Val, "https:") || strings.HasPrefix(a.Val, "mailto:"))
			if !ok {
				t.Errorf("%s=%q is left in %q", a.Key, a.Val, s)
			}
		}
	}
}

// sound checks what holds for every proposal.
func sound(t *testing.T, taxonomy *news.Taxonomy, p read.Proposal) {
	t.Helper()
	r := p.Release
	safe(t, r.HTML)
	for name, s := range map[string]string{"title": r.Title, "summary": r.Summary, "html": r.HTML, "text": r.Text, "url": r.URL, "origin": r.Origin, "dateline": r.Dateline.Raw} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }) {
			t.Errorf("the %s %q holds control characters or broken UTF-8", name, s)
		}
	}
	if r.Title == "" || r.Text == "" || r.PublishedAt.IsZero() {
		t.Errorf("title %q, text %q or date %v is missing", r.Title, r.Text, r.PublishedAt)
	}
	for _, c := range r.Countries {
		if c.Evidence.Rule == "" || c.Evidence.Confidence <= 0 || c.Evidence.Confidence > 1 {
			t.Errorf("country %s has the evidence %+v", c.Slug, c.Evidence)
		}
	}
	r.ID, r.Revision, r.Status = news.NewID("x"), 1, news.Published
	r.UpdatedAt = r.PublishedAt
	if err := news.Validate(taxonomy, &r); err != nil && strings.Contains(err.Error(), "taxonomy") {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"labelled-with-navigation", "two-places", "inline-labels", "russian-labels", "serbian", "newsroom-2001", "listing", "navigation-only", "no-title"} {
		f.Add(page(f, name))
	}
	f.Add([]byte(markdown))
	f.Add([]byte("# T\n\nVIENNA, 1 May 2017 – <script>x</script> [a](javascript:x) ![b](data:x)"))
	f.Add([]byte("T\nDate:\n\n1 May 2017\nPlace: DONETSK / VIENNA\nSource:\nSecretariat\n\n- a\n- b"))
	r, taxonomy := newReader(), news.DefaultTaxonomy()
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := r.Read(b)
		if err != nil {
			if news.CodeOf(err) == "" || !utf8.ValidString(err.Error()) {
				t.Errorf("the refusal %q is no problem in words", err)
			}
			return
		}
		sound(t, taxonomy, p)
		if again, err := r.Read(b); err != nil || fmt.Sprint(again) != fmt.Sprint(p) {
			t.Errorf("read again it is %+v, was %+v", again, p)
		}
	})
}

// FuzzPageBody checks that the body of a page, which does not pass the
// sanitizer, is what that would make of it.
func FuzzPageBody(f *testing.F) {
	for _, s := range []string{"a\n\n- b\n- c\nd", "<script>x</script> & 'q' \"r\"\n• <b>", "- a", "a\u00a0 b\n-\n- c", "a&lt;b &amp; c\n*\td"} {
		f.Add(s)
	}
	r := newReader()
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 10_000 {
			return
		}
		body, plain, wantBody, wantPlain, err := r.PageBody(news.Clean(s))
		if err == nil && (body != wantBody || plain != wantPlain) {
			t.Errorf("made\n%q\n%q, want\n%q\n%q", body, plain, wantBody, wantPlain)
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"title":"T","date":"2017-05-17","html":"<p onclick=x>a<script>b</script>"}`))
	f.Add([]byte(`{"title":"T","date":"2017-05-17","body":"<a href='java&#x0A;script:x'>a</a>\n\n> - b","sources":["ODIHR, Secretariat"]}`))
	f.Add([]byte(`{"title":"T in Skopje","text":"VIENNA/MINSK, 17 May 2017 – \u0000x\ud800","place":["DONETSK"],"countries":null}`))
	f.Add([]byte(`{"title":"T","date":"2017-05-17","html":"<table><b><td><math><style><a title=\"</style><img src onerror=x>\">"}`))
	r, taxonomy := newReader(), news.DefaultTaxonomy()
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := r.JSON(b)
		if err != nil {
			if news.CodeOf(err) == "" {
				t.Errorf("the refusal %q is no problem", err)
			}
			return
		}
		sound(t, taxonomy, p)
	})
}

// hostile documents are as large as may be and made to take long.
func hostile() map[string][]byte {
	out := map[string][]byte{}
	fill := func(s string) string { return strings.Repeat(s, (read.MaxSize-200)/len(s)) }
	front := "---\ntitle: T\ndate: 2017-05-17\n---\n"
	for _, s := range []string{"[", ">", "*", "*_", "[a](", "[](", "> ", "- ", "* a\n", "1. ", "[a]: b\n", "<b><b>", "<", "`a``b", "|", "a|b\n-|-\n", "a\n\n", "_a ", "![", "a ", "\n", "> - "} {
		out["markdown "+fmt.Sprintf("%q", s)] = []byte(front + fill(s))
	}
	for _, s := range []string{"[", "{", "- ", "a: ", "&a ", "\n"} {
		out["front matter "+fmt.Sprintf("%q", s)] = []byte("---\n" + fill(s) + "\n---\n")
	}
	for _, s := range []string{"a\n", "- a\n", "\n", "Date:\n", "Source: x\n", "VIENNA, ", "1 May ", "Date: 1 May 2017\n\n", "A/B/"} {
		out["page "+fmt.Sprintf("%q", s)] = []byte("T\n" + fill(s))
	}
	for name, body := range map[string]string{ // just within the bounds
		"brackets": strings.Repeat("[a](", 1999), "open links": strings.Repeat("[](", 1999), "definitions": strings.Repeat("[a]: b\n", 1999),
		"emphasis": strings.Repeat("*_", 19_999), "items": strings.Repeat("* a\n", 19_000), "elements": strings.Repeat("<b>", 19_999),
		"quotes":    strings.Repeat(strings.Repeat("> ", 12)+"a\n\n", 9_999),
		"nested":    strings.Repeat(strings.Repeat("> - ", 6)+strings.Repeat("a", 60)+"\n", 19_999),
		"deep list": strings.Repeat(deepList(32), 600), "table": strings.Repeat("a|", 49) + "\n" + strings.Repeat("-|", 49) + "\n" + strings.Repeat("b\n", 2_000),
		"unnested": strings.Repeat("<b><b><b><i><i><i><em><em><em>", 3) + strings.Repeat("<p>", 19_000),
	} {
		out["markdown within bounds, "+name] = []byte(front + body)
	}
	out["html within bounds"] = []byte(`{"title":"T","date":"2017-05-17","html":"` + strings.Repeat("<b><b><b><i><i><i><em><em><em><strong><strong><strong>", 2) + strings.Repeat("<p>", 39_000) + `"}`)
	out["page with an endless title"] = []byte(fill("Serbia and ") + "\nDate: 1 May 2017\nx")
	out["page with an endless list"] = []byte("T\nDate: 1 May 2017\nSource: " + fill("a, ") + "\nx")
	for _, s := range []string{"<b>", "<", "<p>", "<b><b><b><i><i><i><p>", "<table>", "<a href=x>", "</p>", "&", "<li>", "<td>", "<!--", "<svg>", "x"} {
		out["html "+fmt.Sprintf("%q", s)] = []byte(`{"title":"T","date":"2017-05-17","html":"` + fill(s) + `"}`)
	}
	for name, s := range hostileFormats() {
		out[name] = []byte(s)
	}
	out["JSON of unknown keys"] = []byte("{" + fill(`"titl":1,`) + `"x":1}`)
	out["JSON of many sources"] = []byte(`{"title":"T","sources":[` + fill(`"x",`) + `"x"]}`)
	return out
}

// hostileFormats are feeds, exports, ninjs and HTML pages of 1 MB each.
func hostileFormats() map[string]string {
	fill := func(s string) string { return strings.Repeat(s, (1<<20)/len(s)) }
	rss := func(s string) string { return `<?xml version="1.0"?><rss version="2.0"><channel>` + s }
	wxr := func(s string) string {
		return `<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"><channel>` + s
	}
	page := func(s string) string { return "<!DOCTYPE html><html><body>" + s + "</body></html>" }
	out := map[string]string{
		"entity bomb":     `<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><rss><channel>` + fill("&b;"),
		"namespaces":      `<rss ` + fill(`xmlns:a="b" `) + `>`,
		"json array":      fill("[") + fill("]"),
		"json numbers":    "[" + fill("1,") + "1]",
		"json objects":    "[" + fill("{},") + "{}]",
		"ninjs lists":     `{"uri":"x","versioncreated":"2020-01-01","headlines":[` + fill("{},") + "{}]}",
		"json feed":       `{"version":"https://jsonfeed.org/version/1.1","items":[` + fill("{},") + "{}]}",
		"json-ld":         page(`<script type="application/ld+json">` + fill("[") + "</script>"),
		"json-ld graph":   page(`<script type="application/ld+json">{"@graph":[` + fill(`{"@type":"Article"},`) + "{}]}</script>"),
		"json-ld scripts": page(fill(`<script type="application/ld+json">{"@type":"Article"}</script>`)),
		"captions":        wxr("<item><encoded>" + fill("[caption") + "</encoded></item>"),
		"windows-1251":    fill("\xcf\xf0\xe8\xe2\xe5\xf2 "),
		"not quite UTF-8": fill("\xc3\xa9\xe9 "),
		"listing":         fill("Title\nPublishing date: 1 May 2017\nVIENNA, 1 May 2017 – A...\n"),
		"bare listing":    fill("Title\nVIENNA, 1 May 2017 – Text.\n"),
		"dates alone":     "T\n" + fill("VIENNA, 1 May 2017\n"),
	}
	for _, s := range []string{"<a>", "<item>", "<item/>", "<item><title>a</title><description>b</description></item>", `<a:b xmlns:a="c">`, `<a xmlns="c"></a>`, "<![CDATA[", "&lt;", "<!--", "<category>a</category>", "<item><pubDate>1</pubDate></item>"} {
		out["rss "+s], out["wordpress "+s] = rss(fill(s)), wxr(fill(s))
		out["rss item "+s] = rss("<item>" + fill(s))
	}
	for _, s := range []string{"<p>", "<div>", "<b>", "<div><p>a</p></div>", "<p>a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t</p>", "<br>", "<td>", "<table>", "<li>", "<a href=x>a</a>", "<article><h2>a</h2>", "<meta name=a content=b>", "<time datetime=1>", "<h1>a</h1>", "<dt>Date</dt><dd>1 May 2017</dd>", "x ", "<!--", "<font>", "<span class=comment>a</span>", "<svg>", "<select>"} {
		out["html page "+s] = page(fill(s))
		out["html page within bounds "+s] = page(strings.Repeat(s, 19_000/strings.Count(s+"<", "<")) + fill("word "))
	}
	return out
}

func deepList(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

func BenchmarkReader_hostile(b *testing.B) {
	r := newReader()
	for name, doc := range hostile() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for _, err := range r.Each(doc) {
					_ = err // refused or not, it must not take long
				}
			}
		})
	}
}

// BenchmarkReader_Read parses and classifies a page of the usual length, with
// 500 words.
func BenchmarkReader_Read(b *testing.B) {
	r, doc := newReader(), page(b, "labelled-with-navigation")
	for i := range 9 {
		doc = fmt.Appendf(doc, "\nParagraph %d says that officers of the host academy met their colleagues from Moldova, compared what they had learned in the year, and asked the Secretariat for a second book; “it would help us all,” the head of the academy said, and the room agreed before it went on to maps, first aid and the talk with people in distress.\n", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Read(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReader_Each reads a document of each format; ns/op is for all of it.
func BenchmarkReader_Each(b *testing.B) {
	r := newReader()
	for _, name := range []string{"rss.xml", "atom.xml", "jsonfeed.json", "wordpress.xml", "ninjs-3.json", "article.html"} {
		doc, err := os.ReadFile(filepath.Join("testdata", "formats", name))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range r.Each(doc) {
					_ = err // some entries are refused
				}
			}
		})
	}
}
