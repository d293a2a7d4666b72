package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed layout.html
var layout string

//go:embed problem.html
var problem string

//go:embed style.css
var style []byte

// Config says whose pages these are.
type Config struct {
	BaseURL  string // address of the pages, without a slash at the end
	Name     string // the publisher's name
	Language string // of the words; "en" when empty
}

// Look makes pages that look alike. It may be used by many goroutines.
type Look struct {
	base, path, name string
	words            *Words
	layout           *template.Template
	problem          *Page
	stylePath        string
	version          string
}

// New makes a look.
func New(cfg Config) (*Look, error) {
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("the base URL %q is not an absolute address; give one like https://news.example.org", cfg.BaseURL)
	}
	if cfg.Language == "" {
		cfg.Language = "en"
	}
	words, err := Catalogue(cfg.Language)
	if err != nil {
		return nil, err
	}
	l := &Look{base: cfg.BaseURL, path: strings.TrimSuffix(u.EscapedPath(), "/"), name: cfg.Name, words: words}
	l.stylePath = "/style-" + digest(style) + ".css"
	catalogue, err := catalogues.ReadFile("words/" + cfg.Language + ".json")
	if err != nil {
		return nil, err
	}
	l.version = digest([]byte(layout), []byte(problem), style, iconSVG, catalogue, []byte(cfg.BaseURL+"\n"+cfg.Name))
	if l.layout, err = template.New("layout").Funcs(l.funcs()).Parse(layout); err != nil {
		return nil, err
	}
	l.problem, err = l.Page(problem)
	return l, err
}

func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

func (l *Look) funcs() template.FuncMap {
	return template.FuncMap{
		"say": l.words.Say, "count": l.words.Count, "date": l.words.Date, "number": l.words.Number, "path": l.Path,
		"here":      func(p string) string { return l.path + InLanguage(l.words.language, p) },
		"tongue":    tongue,
		"url":       l.URL,
		"breakable": breakable,
		"mediaType": func(t string) template.HTMLAttr { // with its plus sign as it is, for readers that search pages as text
			return template.HTMLAttr(`type="` + template.HTMLEscapeString(t) + `"`) //nolint:gosec // escaped
		},
		"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}

// breakable lets an address break behind its slashes and nowhere else, if it can.
func breakable(address string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(address), "/", "/<wbr>")) //nolint:gosec // escaped
}

// tongue is what a language calls itself, where a page exists in it.
func tongue(language string) string {
	if name, ok := map[string]string{"en": "English", "ru": "Русский"}[language]; ok {
		return name
	}
	return language
}

// URL is the absolute address of a path of this site.
func (l *Look) URL(p string) string { return l.base + p }

// Path turns a path of this site, like "/topics", into one that works below
// the base URL.
func (l *Look) Path(p string) string { return l.path + p }

// Name is the publisher's name.
func (l *Look) Name() string { return l.name }

// Words is the catalogue the pages speak from.
func (l *Look) Words() *Words { return l.words }

// Version changes when anything that all pages share does; for ETags.
func (l *Look) Version() string { return l.version }

// StylePath is where pages look for the style sheet, below the base URL. It
// holds a hash of the sheet, so that it may be kept for ever.
func (l *Look) StylePath() string { return l.stylePath }

// Style is the style sheet.
func (l *Look) Style() []byte { return style }

// Page is a template inside the frame.
type Page struct {
	look     *Look
	template *template.Template
}

// Page makes a page of a template text that defines "main" and may define
// others, with functions of its own beside those of the look.
func (l *Look) Page(text string, funcs ...template.FuncMap) (*Page, error) {
	t, err := l.layout.Clone()
	if err != nil {
		return nil, err
	}
	for _, more := range funcs {
		t.Funcs(more)
	}
	if t, err = t.Parse(text); err != nil {
		return nil, err
	}
	return &Page{l, t}, nil
}

// Frame is what a page puts into the layout.
type Frame struct {
	Title      string // without the publisher's name
	Summary    string // for cards and search engines; may be empty
	Canonical  string // path of the page's own address, with its language; empty for none
	Alternates []Alternate
	Twins      []Twin // the page in every language it exists in, itself included
	Crumbs     []Link // the way here, from the front page on
	NoIndex    bool   // search engines should pass it over
	Article    any    // what the page says in schema.org's words, if it is one; becomes JSON-LD
	Body       any    // what "main" sees as .Body
}

// Twin is a page that says the same in a language (BCP 47).
type Twin struct{ Language, Path string }

// Alternate is the same content in another form, for autodiscovery.
type Alternate struct{ Type, Title, Path string }

// Link leads to a path of this site.
type Link struct{ Title, Path string }

// frame adds to a Frame what the layout needs of the look.
type frame struct {
	Frame
	Name, Language, StylePath string
}

// Render renders the page.
func (p *Page) Render(f Frame) ([]byte, error) { return p.part("layout", f) }

// Part renders a template that the page defines beside "main", with data of its own.
func (p *Page) Part(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := p.template.ExecuteTemplate(&b, name, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return b.Bytes(), nil
}

func (p *Page) part(name string, f Frame) ([]byte, error) {
	return p.Part(name, frame{f, p.look.name, p.look.words.language, p.look.stylePath})
}

// Trouble is what a page of an error says.
type Trouble struct {
	Status int    // one the catalogue has a heading for
	Detail string // a sentence; empty for the catalogue's
	Near   []Link // what may have been meant
}

// Problem renders the page of an error, with a next step.
func (l *Look) Problem(t Trouble) ([]byte, error) {
	title, err := l.words.Say(fmt.Sprintf("problem.%d", t.Status))
	if err != nil {
		return nil, err
	}
	if t.Detail == "" || l.words.language != Languages()[0] { // errors speak English
		if t.Detail, err = l.words.Say(fmt.Sprintf("problem.%d.detail", t.Status)); err != nil {
			return nil, err
		}
	}
	return l.problem.Render(Frame{Title: title, NoIndex: true, Body: t})
}

// policy lets a page load its own style sheet and images, send forms to this
// site, and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Headers sets what every page carries: its type, and what browsers may do with it.
func Headers(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
}
