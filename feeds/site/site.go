package site

import (
	"embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"dateline/feeds/render"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

//go:embed *.html
var files embed.FS

// Version is part of every page's ETag. Raise it with every change of the
// templates here or of what is put into them.
const Version = 5

// Site renders pages in the language of its look. It may be used by many goroutines.
type Site struct {
	look     *page.Look
	taxonomy *news.Taxonomy
	pages    map[string]*page.Page
}

// New makes the pages of a taxonomy in a look.
func New(look *page.Look, t *news.Taxonomy) (*Site, error) {
	s := &Site{look: look, taxonomy: t, pages: map[string]*page.Page{}}
	parts, err := files.ReadFile("parts.html")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"index", "topics", "topic", "release", "feeds", "finder", "archive"} {
		text, err := files.ReadFile(name + ".html")
		if err != nil {
			return nil, err
		}
		if s.pages[name], err = look.Page(string(parts)+string(text), template.FuncMap{"formats": func() []render.Format { return render.Formats }}); err != nil {
			return nil, fmt.Errorf("the page %s: %w", name, err)
		}
	}
	return s, nil
}

// tag is a topic of a release as a link.
type tag struct{ Name, Path string }

// item is a release as lists and its own page show it.
type item struct {
	ID, Path, Title, Language string
	Direction                 string // of its text: ltr, rtl, or auto when the language is not known
	Revision                  int
	Withdrawn                 bool
	Instead                   string // path of the release that took the place of a withdrawn one
	Published, Updated, Noted time.Time
	PublishedStamp            string // for machines: a day, or a time with its zone
	Type, Summary, Note       string
	Reason                    string
	Places                    []string
	Tags, Sources             []tag
	Body                      template.HTML
	URL                       string
	Links                     []news.Link
	Contacts                  []string
	Translations              []translation
}

// Translation is the same story as another release, in another language.
type Translation struct{ Path, Language string }

// translation is one as a link, in its own words.
type translation struct{ Path, Name, Language string }

func (s *Site) translations(others []Translation) []translation {
	var out []translation
	for _, o := range others {
		t := translation{Path: o.Path, Name: o.Language, Language: o.Language}
		if topic, ok := s.taxonomy.Topic(news.KindLanguage, o.Language); ok {
			t.Name = topic.Name
			if len(topic.Aliases) > 0 {
				t.Name = topic.Aliases[0] // its name in the language itself
			}
		}
		out = append(out, t)
	}
	return out
}

func (s *Site) item(r *news.Release) item {
	it := item{
		ID: r.ID, Path: news.ReleaseURL("", r.ID, r.Title), Title: news.CleanLine(r.Title), Language: r.Language, Direction: direction(r.Language), Revision: r.Revision,
		Withdrawn: r.Status == news.Withdrawn, Published: r.PublishedAt, Updated: r.UpdatedAt.UTC(), Noted: r.NoteTime(),
		PublishedStamp: r.PublishedAt.Format(time.RFC3339), Type: s.name(news.KindType, r.Type),
		Note: news.CleanLine(r.Note), Reason: news.CleanLine(r.Reason), URL: r.URL, Links: r.Links, Contacts: r.Contacts,
	}
	if r.DayOnly {
		it.PublishedStamp = r.PublishedAt.Format(time.DateOnly)
	}
	if it.Withdrawn && r.ReplacedBy != "" {
		it.Instead = "/releases/" + r.ReplacedBy
	}
	if !it.Withdrawn {
		it.Summary = render.Summary(r)
	}
	for _, p := range r.Places {
		it.Places = append(it.Places, news.CleanLine(p.Name))
	}
	for _, f := range r.FieldSlugs() {
		it.Tags = append(it.Tags, s.tag(news.KindField, f))
	}
	for _, c := range r.CountrySlugs() {
		it.Tags = append(it.Tags, s.tag(news.KindCountry, c))
	}
	for _, src := range r.SourceSlugs() {
		it.Sources = append(it.Sources, s.tag(news.KindSource, src))
	}
	return it
}

// direction is the one in which a language is written. A title that opens with
// a foreign word must not turn the whole line.
func direction(language string) string {
	primary, _, _ := strings.Cut(language, "-")
	switch primary {
	case "":
		return "auto"
	case "ar", "fa", "he", "ps", "ur":
		return "rtl"
	}
	return "ltr"
}

// Name is the name of a topic in the site's language, or in the taxonomy's
// where it has none.
func (s *Site) Name(k news.TopicKind, slug string) string { return s.name(k, slug) }

func (s *Site) name(k news.TopicKind, slug string) string {
	if slug == "" {
		return ""
	}
	if name, ok := s.look.Words().Name(string(k) + "/" + slug); ok {
		return name
	}
	return s.taxonomy.Name(k, slug)
}

func (s *Site) tag(k news.TopicKind, slug string) tag {
	return tag{s.name(k, slug), topicPath(k, slug)}
}

func topicPath(k news.TopicKind, slug string) string { return "/feeds/" + string(k) + "/" + slug }

// Item renders a release as an element of the lists of [Selection] and [Front].
func (s *Site) Item(r *news.Release) ([]byte, error) {
	return s.pages["topic"].Part("item", s.item(r))
}

// Release renders the page of a release; that of a withdrawn one says so and
// why, without the text. others are its translations.
func (s *Site) Release(r *news.Release, others []Translation) ([]byte, error) {
	it := s.item(r)
	it.Translations = s.translations(others)
	frame := page.Frame{Title: it.Title, Canonical: it.Path, Body: &it, Crumbs: s.crumbs(r), Alternates: s.discover()}
	if it.Withdrawn {
		word, err := s.look.Words().Say("withdrawn")
		if err != nil {
			return nil, err
		}
		it.Links, it.Contacts, it.URL = nil, nil, ""
		frame.Title, frame.NoIndex = word+": "+it.Title, true
		return s.pages["release"].Render(frame)
	}
	frame.Summary, frame.Article = it.Summary, s.article(r, &it)
	if it.Language != "" && len(others) > 0 {
		frame.Twins = []page.Twin{{Language: it.Language, Path: it.Path}}
		for _, o := range others {
			frame.Twins = append(frame.Twins, page.Twin{Language: o.Language, Path: o.Path})
		}
	}
	// The note stands above the text here, so the text comes without it.
	bare := *r
	bare.Note = ""
	label, err := s.look.Words().Say("release.table")
	if err != nil {
		return nil, err
	}
	it.Body = template.HTML(scrolling(render.Body(&bare), label)) //nolint:gosec // sanitised where it was read, and the page's policy runs no script
	return s.pages["release"].Render(frame)
}

// scrolling puts each table of a body into a box that scrolls by itself, with the
// keyboard too, so that a wide one does not widen the page.
func scrolling(body, label string) string {
	box := `<div class="scroll" role="group" aria-label="` + template.HTMLEscapeString(label) + `" tabindex="0">`
	return strings.NewReplacer("<table", box+"<table", "</table>", "</table></div>").Replace(body)
}

// crumbs lead from the front page by the release's type.
func (s *Site) crumbs(r *news.Release) []page.Link {
	out := []page.Link{{Title: s.look.Name(), Path: "/"}}
	if r.Type != "" {
		out = append(out, page.Link{Title: s.name(news.KindType, r.Type), Path: topicPath(news.KindType, r.Type)})
	}
	return out
}
