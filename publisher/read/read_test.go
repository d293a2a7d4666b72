package read_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/read"
)

// newReader is one reader for all tests: it may be used by many goroutines, and
// its places take a moment to load.
var newReader = sync.OnceValue(func() *read.Reader {
	return read.New(news.DefaultTaxonomy(), func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) })
})

func page(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "pages", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// facts is what the tests of layouts compare: the tags as "slug" or "slug role rule".
type facts struct {
	title, date, typ, language string
	places, countries          []string
	fields, sources            []string
	paragraphs                 int
}

func factsOf(r news.Release) facts {
	f := facts{title: r.Title, date: r.PublishedAt.Format(time.RFC3339), typ: r.Type, language: r.Language,
		fields: r.FieldSlugs(), sources: r.SourceSlugs(), paragraphs: len(strings.Split(r.Text, "\n\n"))}
	for _, p := range r.Places {
		f.places = append(f.places, p.Name+" "+p.Country)
	}
	for _, c := range r.Countries {
		f.countries = append(f.countries, c.Slug+" "+string(c.Role)+" "+c.Evidence.Rule)
	}
	return f
}

func TestReader_Read_pages(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		page string
		want facts
	}{
		{"labelled-with-navigation", facts{
			title: "OSCE and police academies agree on a common course for border patrols", date: "2017-05-17T00:00:00Z",
			typ: "press-release", language: "en", places: []string{"St Johann im Pongau austria"}, countries: []string{"austria place label"},
			fields: []string{"policing"}, sources: []string{"secretariat"}, paragraphs: 5,
		}},
		{"two-places", facts{
			title: "Chair and Secretary General mourn victims of flood in Valencia", date: "2016-11-03T00:00:00Z",
			typ: "press-release", language: "en", places: []string{"Vienna austria", "Berlin germany"},
			countries: []string{"spain about title", "germany place label"}, // Vienna is a seat
			fields:    []string{"environmental-activities", "good-governance"}, sources: []string{"chairpersonship", "secretary-general"}, paragraphs: 2,
		}},
		{"inline-labels", facts{
			title: "Round table in Tirana looks at how courts treat young offenders", date: "2014-04-09T00:00:00Z",
			typ: "news", language: "en", countries: []string{"albania about title"},
			fields:  []string{"reform-and-co-operation-in-the-security-sector", "rule-of-law"},
			sources: []string{"presence-in-albania", "osr-cthb", "odihr"}, paragraphs: 2,
		}},
		{"countries-among-sources", facts{
			title: "Course for customs officers begins", date: "2014-04-09T00:00:00Z", typ: "news", language: "en",
			places: []string{"Durrës albania"}, countries: []string{"bosnia-and-herzegovina about label", "albania place dateline"},
			fields: []string{}, sources: []string{"secretariat"}, paragraphs: 1,
		}},
		{"russian-labels", facts{
			title: "В Ташкенте прошёл семинар о безопасности на дорогах", date: "2023-03-14T00:00:00Z",
			typ: "news", language: "ru", countries: []string{"uzbekistan about title"},
			fields: []string{"policing"}, sources: []string{}, paragraphs: 1,
		}},
		{"serbian", facts{
			title: "Radionica o bezbednosti na internetu", date: "2013-03-13T00:00:00Z",
			typ: "press-release", language: "sr", places: []string{"Beograd serbia"}, countries: []string{"serbia about host", "serbia place dateline"},
			fields: []string{}, sources: []string{"mission-to-serbia"}, paragraphs: 1,
		}},
		{"newsroom-2001", facts{
			title: "OSCE lends books to law students in Uzbekistan", date: "2001-03-29T00:00:00Z",
			language: "en", places: []string{"Tashkent uzbekistan"}, countries: []string{"uzbekistan about title", "uzbekistan place dateline"},
			fields: []string{}, sources: []string{}, paragraphs: 2,
		}},
	} {
		t.Run(tc.page, func(t *testing.T) {
			t.Parallel()
			p, err := newReader().Read(page(t, tc.page))
			if err != nil {
				t.Fatal(err)
			}
			if got := factsOf(p.Release); fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("read\n%+v, want\n%+v", got, tc.want)
			}
			if p.Format != read.FormatPage {
				t.Errorf("format %q, want %q", p.Format, read.FormatPage)
			}
			if !p.Release.DayOnly {
				t.Error("DayOnly is not set, though only the day is known")
			}
		})
	}
}

func TestReader_Read_byMany(t *testing.T) {
	t.Parallel()
	r, doc := newReader(), page(t, "labelled-with-navigation")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, b := range [][]byte{doc, []byte(markdown)} {
				if _, err := r.Read(b); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestReader_Read_page(t *testing.T) {
	t.Parallel()
	p, err := newReader().Read(page(t, "labelled-with-navigation"))
	if err != nil {
		t.Fatal(err)
	}
	r := p.Release
	t.Run("the whole text and nothing of the navigation", func(t *testing.T) {
		want := `ST JOHANN IM PONGAU, Austria, 17 May 2017 – Twelve police academies will teach border patrols from one course book as of next autumn, they agreed today with the OSCE Secretariat.

The book has four parts:

- checking documents
- first aid
- talking to people in distress

“Officers who learned the same things find it easier to work together,” the head of the host academy said. He thanked the participating States for their “patience & persistence”.

A first course for thirty instructors begins in September.`
		if r.Text != want {
			t.Errorf("text is\n%s\nwant\n%s", r.Text, want)
		}
		if want := "<li>first aid</li>"; !strings.Contains(r.HTML, want) || !strings.Contains(r.HTML, "patience &amp; persistence") {
			t.Errorf("html is\n%s\nwant it to hold %s and an escaped ampersand", r.HTML, want)
		}
	})
	t.Run("the dateline is kept as it stood", func(t *testing.T) {
		if want := (news.Dateline{Raw: "ST JOHANN IM PONGAU, Austria, 17 May 2017 –", Date: "2017-05-17"}); r.Dateline != want {
			t.Errorf("dateline is %+v, want %+v", r.Dateline, want)
		}
	})
	t.Run("the summary leaves the dateline out", func(t *testing.T) {
		if !strings.HasPrefix(r.Summary, "Twelve police academies") {
			t.Errorf("summary is %q", r.Summary)
		}
	})
	t.Run("every tag carries its words", func(t *testing.T) {
		if e := r.Sources[0].Evidence; e.Words != "OSCE Secretariat" || e.Rule != "label" {
			t.Errorf("the source's evidence is %+v", e)
		}
		if e := r.Countries[0].Evidence; e.Words != "ST JOHANN IM PONGAU, Austria" {
			t.Errorf("the country's evidence is %+v", e)
		}
		if p.Date.Rule != "dateline" || p.Type.Words != "Press release" || p.Language.Rule != "words" {
			t.Errorf("date, type and language are by %+v, %+v, %+v", p.Date, p.Type, p.Language)
		}
	})
}

const markdown = `---
title: "Police academies: one book for all"
date: 2021-03-04T09:30:00+01:00
type: Press release
language: en-GB
place: LINZ, Austria
sources: [OSCE Secretariat, ODIHR]
fields:
  - Policing
  - Human rights
countries: Albania, Bosnia and Herzegovina
summary: One book.
url: https://example.org/book
origin: cms-17
---
LINZ, 4 March 2021 – *One* book & [a link](https://example.org/).

## What it holds

1. first
2. second
`

func TestReader_Read_markdown(t *testing.T) {
	t.Parallel()
	p, err := newReader().Read([]byte(markdown))
	if err != nil {
		t.Fatal(err)
	}
	want := facts{
		title: "Police academies: one book for all", date: "2021-03-04T09:30:00+01:00", typ: "press-release", language: "en",
		places:    []string{"Linz austria"},
		countries: []string{"albania about editor", "bosnia-and-herzegovina about editor", "austria place editor"},
		fields:    []string{"policing", "human-rights"}, sources: []string{"secretariat", "odihr"}, paragraphs: 3,
	}
	if got := factsOf(p.Release); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read\n%+v, want\n%+v", got, want)
	}
	r := p.Release
	if r.DayOnly || r.URL != "https://example.org/book" || r.Origin != "cms-17" || r.Summary != "One book." {
		t.Errorf("day only %v, url %q, origin %q, summary %q", r.DayOnly, r.URL, r.Origin, r.Summary)
	}
	wantHTML := `<p>LINZ, 4 March 2021 – <em>One</em> book &amp; <a href="https://example.org/">a link</a>.</p>
<h2>What it holds</h2>
<ol>
<li>first</li>
<li>second</li>
</ol>`
	if r.HTML != wantHTML {
		t.Errorf("html is\n%s\nwant\n%s", r.HTML, wantHTML)
	}
	if wantText := "LINZ, 4 March 2021 – One book & a link.\n\nWhat it holds\n\n- first\n- second"; r.Text != wantText {
		t.Errorf("text is %q, want %q", r.Text, wantText)
	}
}

func TestReader_Read_frontMatter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		doc  string
		want func(p read.Proposal) bool
	}{
		"a day in words":              {"---\ntitle: T\ndate: 17 May 2017\n---\nText.", func(p read.Proposal) bool { return p.Release.DayOnly && p.Release.PublishedAt.Day() == 17 }},
		"a date only in the dateline": {"---\ntitle: T\n---\n**VIENNA, 17 May 2017** – Text.", func(p read.Proposal) bool { return p.Date.Rule == "dateline" && p.Release.Summary == "Text." }},
		"a lead above the dateline": {"---\ntitle: T\n---\n## Lead\n\nVIENNA, 17 May 2017 – Text.", func(p read.Proposal) bool {
			return p.Date.Rule == "dateline" && p.Release.Summary == "Text."
		}},
		"an abbreviation in brackets": {"---\ntitle: T\ndate: 2017-05-17\nsources: Office for Democratic Institutions and Human Rights (ODIHR), Secretariat, High Commissioner on National Minorities (HCNM)\n---\nText.", func(p read.Proposal) bool {
			return slices.Equal(p.Release.SourceSlugs(), []string{"odihr", "secretariat", "hcnm"})
		}},
		"a heading for the title": {"# The title #\n\nVIENNA, 17 May 2017 – Text.", func(p read.Proposal) bool {
			return p.Release.Title == "The title" && p.Release.Text == "VIENNA, 17 May 2017 – Text."
		}},
		"front matter and a heading":      {"---\ndate: 2017-05-17\n---\n# The title\nText.", func(p read.Proposal) bool { return p.Release.Title == "The title" && p.Release.Text == "Text." }},
		"line ends of Windows and a mark": {"\ufeff---\r\ntitle: T\r\ndate: 2017-05-17\r\n---\r\nText.\r\n", func(p read.Proposal) bool { return p.Release.Text == "Text." }},
		"no countries at all, said so":    {"---\ntitle: Visit to Albania\ndate: 2017-05-17\ncountries: []\n---\nText.", func(p read.Proposal) bool { return len(p.Release.Countries) == 0 }},
		"a former State": {"---\ntitle: T\ndate: 2003-05-17\ncountries: Albania, State Union of Serbia and Montenegro\n---\nText.", func(p read.Proposal) bool {
			return slices.Equal(p.Release.CountrySlugs(news.About), []string{"albania", "serbia", "montenegro"})
		}},
		"a date that differs from the dateline": {"---\ntitle: T\ndate: 2017-05-21\n---\nVIENNA, 17 May 2017 – Text.", func(p read.Proposal) bool { return warned(p, "differs") }},
		"a date a little after the dateline":    {"---\ntitle: T\ndate: 2017-05-20\n---\nVIENNA, 17 May 2017 – Text.", func(p read.Proposal) bool { return !warned(p, "differs") }},
		"a dateline without year":               {"---\ntitle: T\ndate: 2017-01-02\n---\nVIENNA, 29 December – Text.", func(p read.Proposal) bool { return p.Release.Dateline.Date == "2016-12-29" && !warned(p, "date") }},
		"a dateline without year, far off":      {"---\ntitle: T\ndate: 2017-06-02\n---\nVIENNA, 29 December – Text.", func(p read.Proposal) bool { return p.Release.Dateline.Date == "" && warned(p, "far from") }},
		"a date without year beside a dateline": {"---\ntitle: T\ndate: 3 January\n---\nVIENNA, 29 December 2016 – Text.", func(p read.Proposal) bool {
			return p.Release.PublishedAt.Format(time.DateOnly) == "2017-01-03" && p.Release.DayOnly
		}},
		"an ambiguous town": {"---\ntitle: T\ndate: 2017-05-18\nplace: DONETSK\n---\nText.", func(p read.Proposal) bool {
			return len(p.Release.Countries) == 0 && warned(p, "DONETSK") && p.Release.Places[0].Country == ""
		}},
		"a date to come":     {"---\ntitle: T\ndate: 2031-05-18\n---\nText.", func(p read.Proposal) bool { return warned(p, "future") }},
		"a table":            {"---\ntitle: T\ndate: 2017-05-17\n---\n|a|b|\n|-|-|\n|1|2|\n", func(p read.Proposal) bool { return p.Release.Text == "a | b\n1 | 2" }},
		"control characters": {"---\ntitle: \"T\u202e x\"\ndate: 2017-05-17\n---\nA \x1bbell\x07.", func(p read.Proposal) bool { return p.Release.Text == "A bell." && p.Release.Title == "T x" }},
		"release JSON":       {`{"title":"T","date":"2017-05-17","text":"Text."}`, func(p read.Proposal) bool { return p.Format == read.FormatJSON }},
		"UTF-16":             {string(utf16LE("---\ntitle: Tëst\ndate: 2017-05-17\n---\nText.")), func(p read.Proposal) bool { return p.Release.Title == "Tëst" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := newReader().Read([]byte(tc.doc))
			if err != nil {
				t.Fatal(err)
			}
			if !tc.want(p) {
				t.Errorf("read %+v", p)
			}
		})
	}
}

func warned(p read.Proposal, word string) bool {
	return slices.ContainsFunc(p.Warnings, func(w string) bool { return strings.Contains(w, word) })
}

func utf16LE(s string) []byte {
	out := []byte{0xFF, 0xFE}
	for _, r := range s {
		out = append(out, byte(r), byte(r>>8))
	}
	return out
}

func TestReader_Read_refuses(t *testing.T) {
	t.Parallel()
	front := func(lines string) string { return "---\ntitle: T\ndate: 2017-05-17\n" + lines + "\n---\nText." }
	for name, tc := range map[string]struct {
		doc  string
		code news.Code
		want []string // each stands in the message
	}{
		"an empty file":                {"", news.Unacceptable, []string{"empty"}},
		"a blank file":                 {" \n\t\n", news.Unacceptable, []string{"empty"}},
		"a PDF":                        {"%PDF-1.7\n%\xe2\xe3", news.Unacceptable, []string{"a PDF"}},
		"a Word document":              {"PK\x03\x04\x14\x00", news.Unacceptable, []string{"Word document"}},
		"RTF":                          {"{\\rtf1\\ansi x}", news.Unacceptable, []string{"RTF"}},
		"a binary":                     {"\x7fELF\x00\x01", news.Unacceptable, []string{"no text", "byte 5"}},
		"another encoding":             {"---\ntitle: \xab\xcf\xcf\xcf\xd8\xff Caf\x81\n---\n", news.Unacceptable, []string{"UTF-8", "byte 12"}},
		"too much":                     {strings.Repeat("a", read.MaxSize+1), news.TooLarge, []string{"2048 kB"}},
		"HTML":                         {"<!DOCTYPE html><html></html>", news.Unacceptable, []string{"no article"}},
		"front matter without end":     {"---\ntitle: T\n", news.Unacceptable, []string{"does not end"}},
		"broken YAML":                  {front("type: [News"), news.Unacceptable, []string{"no YAML", "line 4"}},
		"an unknown key":               {front("contries: Albania"), news.Unacceptable, []string{`"contries" (line 4)`, "perhaps countries"}},
		"an unknown key like no other": {front("colour: red"), news.Unacceptable, []string{`"colour"`, "the keys are title, date"}},
		"a mapping for a value":        {front("type: {a: b}"), news.Unacceptable, []string{`"type" (line 4) does not hold a single value`}},
		"a list of titles":             {"---\ntitle: [a, b]\n---\n", news.Unacceptable, []string{`"title"`}},
		"no title":                     {"---\ndate: 2017-05-17\n---\nText.", news.Unacceptable, []string{"there is no title"}},
		"no date":                      {"---\ntitle: T\n---\nText.", news.Unacceptable, []string{"there is no date anywhere"}},
		"a date without year":          {"---\ntitle: T\n---\nVIENNA, 17 May – Text.", news.Unacceptable, []string{"the day alone", "VIENNA, 17 May –"}},
		"a stated date without year":   {"---\ntitle: T\ndate: 17 May\n---\nVIENNA, 29 December 2016 – Text.", news.Unacceptable, []string{`"17 May" has no year`}},
		"a date that is none":          {"---\ntitle: T\ndate: 12/05/2025\n---\nText.", news.Unacceptable, []string{`"12/05/2025"`, "2017-05-17"}},
		"a day that is none":           {"---\ntitle: T\ndate: 31 April 2025\n---\nText.", news.Unacceptable, []string{`"31 April 2025"`}},
		"no text":                      {"---\ntitle: T\ndate: 2017-05-17\n---\n", news.Unacceptable, []string{"no text"}},
		"a group for a field":          {front("fields: Human dimension"), news.Unacceptable, []string{`"Human dimension" is a group of 9`}},
		"everything unknown at once":   {"---\nfields: Polcing\ncountries: [Austira]\nsources: OSCE Secretariatt\ntype: Nwes\nlanguage: xx\n---\nText.", news.Unacceptable, []string{"no title", "no date", `field "Polcing"; perhaps policing`, `country "Austira"; perhaps austria`, `source "OSCE Secretariatt"; perhaps secretariat`, `type "Nwes"; perhaps news`, `language "xx"`}},
		"plain words":                  {"Dear all,\n\nplease find attached.", news.Unacceptable, []string{"no date anywhere"}},
		"a listing":                    {string(page(t, "listing")), news.Unacceptable, []string{"this page lists 3 releases"}},
		"navigation alone":             {string(page(t, "navigation-only")), news.Unacceptable, []string{"no release is found here"}},
		"a page without title":         {string(page(t, "no-title")), news.Unacceptable, []string{"there is no title"}},
		"an unknown source on a page":  {"T\nDate: 17 May 2017\nSource: Ministry of Silly Walks and Runs\nText.", news.Unacceptable, []string{`"Ministry of Silly Walks and Runs"`}},
		"an endless label":             {"T\nDate: 17 May 2017\nSource: " + strings.Repeat("a, ", 20000) + "\nText.", news.Unacceptable, []string{"under sources"}},
		"many values":                  {front("fields: [" + strings.Repeat("a, ", 100) + "a]"), news.Unacceptable, []string{"101 values under fields"}},
		"an endless title":             {"---\ntitle: " + strings.Repeat("word ", 200) + "\ndate: 2017-05-17\n---\nText.", news.Unacceptable, []string{"999 characters"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newReader().Read([]byte(tc.doc))
			if err == nil {
				t.Fatal("it was read")
			}
			if news.CodeOf(err) != tc.code {
				t.Errorf("code %q, want %q", news.CodeOf(err), tc.code)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestReader_JSON(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ doc, html, text string }{
		"a body in Markdown": {`{"title":"T","date":"2017-05-17","body":"A **b**.\n\nC."}`, "<p>A <strong>b</strong>.</p>\n<p>C.</p>", "A b.\n\nC."},
		"html":               {`{"title":"T","date":"2017-05-17","html":"<h1>A</h1><p>b<br>c</p>"}`, "<h2>A</h2><p>b<br/>c</p>", "A\n\nb\nc"},
		"text":               {`{"title":"T","date":"2017-05-17","text":"A <b>\nc\n\nD","fields":["Policing"],"place":null}`, "<p>A &lt;b&gt;<br/>\nc</p>\n<p>D</p>", "A <b>\nc\n\nD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := newReader().JSON([]byte(tc.doc))
			if err != nil {
				t.Fatal(err)
			}
			if p.Release.HTML != tc.html || p.Release.Text != tc.text {
				t.Errorf("html %q, text %q; want %q, %q", p.Release.HTML, p.Release.Text, tc.html, tc.text)
			}
		})
	}
}

func TestReader_JSON_refuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		doc  string
		code news.Code
		want string
	}{
		"malformed JSON":     {"{\n \"title\": \"T\",\n \"date\" 2017\n}", news.BadRequest, "3:9 (line:column)"},
		"JSON that ends":     {`{"title":`, news.BadRequest, "unexpected end"},
		"a list":             {`[1]`, news.BadRequest, "no object"},
		"null":               {`null`, news.BadRequest, "null"},
		"an unknown key":     {`{"titel":"T","date":"2017-05-17","text":"x"}`, news.Unacceptable, `"titel"; perhaps title`},
		"a number for words": {`{"title":1}`, news.Unacceptable, `"title" does not hold a string`},
		"two texts":          {`{"title":"T","date":"2017-05-17","text":"x","html":"y"}`, news.Unacceptable, "html and text; keep one"},
		"no text":            {`{"title":"T","date":"2017-05-17"}`, news.Unacceptable, "no text"},
		"deep nesting":       {strings.Repeat("[", 100_000), news.BadRequest, "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newReader().JSON([]byte(tc.doc))
			if err == nil {
				t.Fatal("it was read")
			}
			if news.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %s %q, want %s and %q in it", news.CodeOf(err), err, tc.code, tc.want)
			}
		})
	}
}
