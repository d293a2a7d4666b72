package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pressRoom is a server with a few releases of every state.
type pressRoom struct {
	*server
	release, corrected, withdrawn, russian string // paths of their pages
}

func openPressRoom(t *testing.T, flags ...string) *pressRoom {
	s := startServer(t, t.TempDir(), flags...)
	p := &pressRoom{server: s}
	write := func(origin, language, title, more string) string {
		return fmt.Sprintf("---\ntitle: %q\ndate: 2026-11-20\ntype: Press release\nlanguage: %s\nfields: [Policing]\ncountries: [Austria]\nsources: [Secretariat]\norigin: https://example.org/%s\n%s---\n%s\n",
			title, language, origin, more, pressText)
	}
	post := func(origin, language, title, more string) event {
		return s.publishMarkdown(t, write(origin, language, title, more))
	}
	page := func(e event) string {
		u, err := url.Parse(e.page())
		if err != nil {
			t.Fatal(err)
		}
		return u.Path
	}
	first := post("a", "en", "Police academies of nine countries agree on a common course for officers who serve in border towns", "")
	long := "Kraftfahrzeughaftpflichtversicherungsgesellschaftsangestelltenverzeichnisse"
	second := post("b", "en", long, "")
	third := post("c", "en", "A release that is withdrawn", "")
	fourth := post("d", "ru", "Полицейские академии договорились об общем курсе", "translation_of: https://example.org/a\n")
	p.release, p.corrected, p.withdrawn, p.russian = page(first), page(second), page(third), page(fourth)
	s.cli(t, "correct", second.Subject, writeFile(t, "b.md", strings.Replace(write("b", "en", long, ""), "three weeks", "four weeks", 1)), "--note", "The course takes four weeks, not three.")
	s.cli(t, "withdraw", third.Subject, "--reason", "The ministries have asked for it.")
	return p
}

func (s *server) publishMarkdown(t *testing.T, text string) event {
	t.Helper()
	var e event
	if _, err := s.call(t.Context(), http.MethodPost, "/api/v1/releases", document{kind: "text/markdown"}.header(), []byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// pressText has what pages of releases must cope with.
const pressText = `The course opens in **autumn**. It takes three weeks, as [the plan](https://example.org/a-very-long-address/that-does-not-break-by-itself/and-goes-on-and-on) says.

## What it teaches

| week | subject | hours | teacher | room |
|---|---|---|---|---|
| first | Border procedures and documents | 38 | Ministry of Internal Affairs | Seminarraum |
| second | Interviewing | 36 | Academy | Turnsaal |

- a list
- of two

> A quotation of some length, so that it breaks on a narrow screen.
`

// paths are all kinds of pages.
func (p *pressRoom) paths() []string {
	return []string{
		"/", "/topics", "/about-feeds", "/feeds", "/feeds/all", "/feeds/field/policing/country/austria/role/about", "/feeds/country/kosovo", "/feeds/all/archive/2026-03", "/feeds/field/youth/country/monaco",
		"/ru/", "/ru/topics", "/ru/feeds", "/ru/about-feeds", "/ru/feeds/field/policing", p.release, p.corrected, p.withdrawn, p.russian,
		"/feeds/country/austia", "/feeds/colour/red", "/ru/nowhere",
	}
}

// TestPages_accessible looks at every page in light and dark, on a phone and on
// a desk, with everything unfolded.
func TestPages_accessible(t *testing.T) {
	b, script := openTab(t), axe(t)
	p := openPressRoom(t)
	for i := range 60 { // so many that not all stand on one page
		p.publishMarkdown(t, numberedRelease(i))
	}
	for _, path := range p.paths() {
		t.Run(path, func(t *testing.T) {
			b.TB = t
			b.do(chromedp.Navigate(p.base + path))
			b.screen(1280, "light")
			b.picture(path)
			b.screen(320, "dark")
			b.picture(path + "-dark-320")
			ask[bool](b, `document.querySelectorAll("details").forEach(d => d.open = true), true`)
			ask[bool](b, script+"; true")
			for _, width := range []int64{320, 1280} {
				for _, scheme := range []string{"light", "dark"} {
					b.screen(width, scheme)
					for _, v := range ask[[]string](b, axeFindings) {
						t.Errorf("%s, %d px: %s", scheme, width, v)
					}
				}
				for _, v := range ask[[]string](b, measured) {
					t.Errorf("%d px: %s", width, v)
				}
			}
			if got := b.complaints(); len(got) > 0 {
				t.Errorf("the browser complains: %q", got)
			}
		})
	}
}

// axeFindings runs axe-core and tells each violation with the element.
const axeFindings = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`

// measured tells what is too wide, too small to hit, or not drawn at all.
// Links in running text may be as small as the text (WCAG 2.5.8).
const measured = `(() => {
	const out = [];
	if (document.documentElement.scrollWidth > innerWidth) out.push("the page is " + document.documentElement.scrollWidth + " px wide");
	for (const e of document.querySelectorAll("a, button, summary, input")) {
		const target = e.closest("label") ?? e, box = target.getBoundingClientRect();
		const inText = e.matches("a") && e.closest(".lead, .body, .facts p");
		if (box.width === 0 || inText || e.matches(".skip")) continue;
		if (box.height < 43.9 || box.width < 43.9) out.push("a target of " + box.width + " by " + box.height + " px: " + e.outerHTML.slice(0, 120));
	}
	const range = document.createRange();
	range.selectNodeContents(document.querySelector("h1"));
	if (range.getBoundingClientRect().height < 10) out.push("text has no height: there are no fonts");
	return out;
})()`

// TestPages_finderWithoutScripts goes from the finder to a selection and back by
// clicks alone. The second server lives below a path.
func TestPages_finderWithoutScripts(t *testing.T) {
	b := openTab(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	for _, below := range []string{"", "/news"} {
		p := openPressRoom(t, "--base-url", testBase+below)
		for _, width := range []int64{320, 1280} {
			t.Run(fmt.Sprintf("%s/ at %d px", below, width), func(t *testing.T) {
				b.TB = t
				b.screen(width, "light")
				b.do(
					chromedp.Navigate(p.base+"/"), chromedp.Click(chromedp.CSS(`.top nav a`)),
					chromedp.Click(chromedp.CSS(`input[name=field][value=policing]`)),
					chromedp.Click(chromedp.CSS(`details:nth-of-type(2) summary`)), chromedp.Click(chromedp.CSS(`input[name=country][value=austria]`)),
					chromedp.Click(chromedp.CSS(`form button:not(.quiet)`)),
				)
				b.at(p, "/feeds/field/policing/country/austria")
				if got, want := ask[string](b, `document.querySelector("#feed-atom").value`), testBase+below+"/feeds/field/policing/country/austria.atom"; got != want {
					t.Errorf("the address to copy is %s, want %s", got, want)
				}
				b.do(chromedp.Click(chromedp.CSS(`.chosen a`)))
				b.at(p, "/feeds/country/austria")
				b.do(
					chromedp.Click(chromedp.CSS(`.change > summary`)), chromedp.Click(chromedp.CSS(`input[name=role][value=place]`)),
					chromedp.Click(chromedp.CSS(`form button:not(.quiet)`)),
				)
				b.at(p, "/feeds/country/austria/role/place")
				b.do(chromedp.Click(chromedp.CSS(`.switch a`)))
				b.at(p, "/ru/feeds/country/austria/role/place")
			})
		}
	}
}

// at waits for the page of a path and fails unless it is the tab's.
func (b *tab) at(p *pressRoom, path string) {
	b.Helper()
	b.do(chromedp.WaitReady(chromedp.CSS(`link[rel="canonical"][href$="` + path + `"]`)))
	got, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil || got != p.base+path {
		b.Fatalf("the browser is at %s, want %s (%v)", got, p.base+path, err)
	}
}

// TestPages_keyboard holds that the first key leads past the navigation, and that
// one sees where one is.
func TestPages_keyboard(t *testing.T) {
	b := openTab(t)
	p := openPressRoom(t)
	b.screen(320, "light")
	b.do(chromedp.Navigate(p.base+"/feeds/all"), chromedp.KeyEvent(kb.Tab))
	if !ask[bool](b, `document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().left >= 0`) {
		t.Error("the first stop is not the way to the content, or is out of sight")
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	if !ask[bool](b, `location.hash === "#main" && document.activeElement.id === "main"`) {
		t.Error("the way to the content does not lead there")
	}
	seen := map[string]bool{}
	for range 12 {
		b.do(chromedp.KeyEvent(kb.Tab))
		state := ask[[]string](b, `[document.activeElement.outerHTML.slice(0, 80), getComputedStyle(document.activeElement).outlineStyle]`)
		if state[1] != "solid" {
			t.Errorf("focus is not seen on %s", state[0])
		}
		seen[state[0][:strings.IndexAny(state[0], " >")]] = true
	}
	for _, name := range []string{"<a", "<summary", "<input"} {
		if !seen[name] {
			t.Errorf("the keyboard does not come to %s: %v", name, seen)
		}
	}
}

// TestPages_print holds that paper shows where links lead and nothing that only
// a screen can do.
func TestPages_print(t *testing.T) {
	b := openTab(t)
	p := openPressRoom(t)
	for _, path := range []string{"/feeds/all", p.release} {
		b.do(chromedp.Navigate(p.base + path))
		b.screen(700, "dark") // paper is white all the same
		b.media(emulation.SetEmulatedMediaParams{Media: "print"})
		b.picture(path + "-paper")
		hidden := ask[[]string](b, `[...document.querySelectorAll("nav, form, .follow, .skip, .chosen")].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 80))`)
		if len(hidden) > 0 {
			t.Errorf("%s: paper shows %q", path, hidden)
		}
		links := ask[[]string](b, `[...document.querySelectorAll("main a")].filter(a => a.checkVisibility()).map(a => getComputedStyle(a, "::after").content)`)
		if len(links) == 0 || slices.ContainsFunc(links, func(c string) bool { return !strings.Contains(c, "(") }) {
			t.Errorf("%s: links lead to %q", path, links)
		}
		if !ask[bool](b, `document.querySelector(".printed").checkVisibility() && document.querySelector(".printed").textContent.includes("`+testBase+path+`")`) {
			t.Errorf("%s: paper does not say where it is from", path)
		}
		if got := ask[string](b, `getComputedStyle(document.body).backgroundColor`); got != "rgb(255, 255, 255)" {
			t.Errorf("%s: paper is %s", path, got)
		}
		b.media(emulation.SetEmulatedMediaParams{})
	}
}
