package site

import (
	"html/template"
	"slices"
	"strings"

	"dateline/feeds/render"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

// Selection is what the page of a selection shows.
type Selection struct {
	Selection news.Selection
	Items     [][]byte // from [Site.Item], newest first
	Older     *Part    // of the archive, the newest that holds something else; nil for none
	Count     int      // releases that are not withdrawn, older ones too
	Weekly    int      // how many came in a week of the last [Weeks], rounded; 0 when fewer
	Recent    int      // those that came in the last [Weeks], when Weekly is 0
	Wider     []Wider  // of an empty selection: the nearest ones that hold something
}

// Weeks is how long the pace of a selection is measured.
const Weeks = 12

// Wider is a selection that holds another one.
type Wider struct {
	Selection news.Selection
	Count     int
}

// selection is what the template sees.
type selection struct {
	Title, Path, Pace string
	Notes             []string
	Items             []template.HTML
	Pages             pages
	Count             int
	Chosen            []filter
	Wider             []topicLink
	Form              form
}

// filter is a chosen value with the selection without it.
type filter struct{ Name, Path string }

// Selection renders the page of a selection.
func (s *Site) Selection(v Selection) ([]byte, error) {
	path := v.Selection.Path()
	title, err := s.title(v.Selection)
	if err != nil {
		return nil, err
	}
	body := selection{Title: title, Path: path, Items: asHTML(v.Items), Count: v.Count}
	if body.Pages, err = s.paged(path, v.Older, nil, true); err != nil {
		return nil, err
	}
	if body.Notes, err = s.notes(v.Selection); err != nil {
		return nil, err
	}
	if body.Pace, err = s.pace(v); err != nil {
		return nil, err
	}
	if body.Chosen, err = s.chosen(v.Selection); err != nil {
		return nil, err
	}
	if body.Form, err = s.form(&v.Selection, nil); err != nil {
		return nil, err
	}
	for _, w := range v.Wider {
		name, err := s.title(w.Selection)
		if err != nil {
			return nil, err
		}
		body.Wider = append(body.Wider, topicLink{Name: name, Path: "/feeds/" + w.Selection.Path(), Count: w.Count})
	}
	frame := page.Frame{Canonical: s.here("/feeds/" + path), Twins: twins("/feeds/" + path), Alternates: s.alternates(path, title), Body: &body}
	count, err := s.look.Words().Count("releases", v.Count)
	if err != nil {
		return nil, err
	}
	if frame.Title, err = s.look.Words().Say("selection.count", title, count); err != nil {
		return nil, err
	}
	if frame.Crumbs, err = s.selectionCrumbs(v.Selection); err != nil {
		return nil, err
	}
	return s.pages["topic"].Render(frame)
}

// selectionCrumbs lead by the list of topics.
func (s *Site) selectionCrumbs(sel news.Selection) ([]page.Link, error) {
	topics, err := s.look.Words().Say("topics")
	if err != nil {
		return nil, err
	}
	out := []page.Link{{Title: s.look.Name(), Path: "/"}, {Title: topics, Path: "/topics"}}
	if k, only := onlyKind(sel); only {
		kind, err := s.look.Words().Say(string(k))
		if err != nil {
			return nil, err
		}
		out = append(out, page.Link{Title: kind, Path: "/topics#" + string(k)})
	}
	return out, nil
}

// title names the filters of a selection in the page's language.
func (s *Site) title(sel news.Selection) (string, error) {
	words := s.look.Words()
	or, err := words.Say("selection.or")
	if err != nil {
		return "", err
	}
	var parts []string
	for _, k := range news.TopicKinds {
		var names []string
		for _, slug := range sel.Of(k) {
			names = append(names, s.name(k, slug))
		}
		if len(names) == 0 {
			continue
		}
		part := strings.Join(names, or)
		if k == news.KindCountry && sel.Role != "" {
			if part, err = words.Say("selection."+string(sel.Role), part); err != nil {
				return "", err
			}
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		all, err := words.Say("selection.all")
		if err != nil {
			return "", err
		}
		parts = []string{all}
	}
	title := strings.Join(parts, " · ")
	if sel.Routine {
		return words.Say("selection.routine", title)
	}
	return title, nil
}

// notes are the footnotes of a selection's topics.
func (s *Site) notes(sel news.Selection) ([]string, error) {
	var out []string
	for _, k := range news.TopicKinds {
		for _, slug := range sel.Of(k) {
			topic, _ := s.taxonomy.Topic(k, slug)
			if topic.Note != "" {
				out = append(out, topic.Note)
			}
			if topic.Retired != "" {
				note, err := s.look.Words().Say("topic.retired", s.name(k, slug), topic.Retired)
				if err != nil {
					return nil, err
				}
				out = append(out, note)
			}
		}
	}
	return out, nil
}

// pace says how often something comes.
func (s *Site) pace(v Selection) (string, error) {
	switch {
	case v.Weekly > 0:
		return s.look.Words().Count("pace.week", v.Weekly)
	case v.Recent > 0:
		return s.look.Words().Count("pace.quarter", v.Recent)
	}
	return s.look.Words().Say("pace.none")
}

// chosen lists what a selection names, each as a way to the selection without it.
func (s *Site) chosen(sel news.Selection) ([]filter, error) {
	var out []filter
	for _, k := range news.TopicKinds {
		for _, slug := range sel.Of(k) {
			out = append(out, filter{s.name(k, slug), "/feeds/" + without(sel, k, slug)})
		}
	}
	for _, extra := range []struct {
		there bool
		key   string
		drop  func(*news.Selection)
	}{
		{sel.Role != "", "role." + string(sel.Role), func(n *news.Selection) { n.Role = "" }},
		{sel.Routine, "routine", func(n *news.Selection) { n.Routine = false }},
	} {
		if !extra.there {
			continue
		}
		name, err := s.look.Words().Say(extra.key)
		if err != nil {
			return nil, err
		}
		less := sel
		extra.drop(&less)
		out = append(out, filter{name, "/feeds/" + less.Path()})
	}
	return out, nil
}

// without is the path of a selection that lacks one of its topics.
func without(sel news.Selection, k news.TopicKind, slug string) string {
	rest := slices.DeleteFunc(slices.Clone(sel.Of(k)), func(v string) bool { return v == slug })
	less := With(sel, k, rest)
	return less.Path()
}

// With is a selection with other values of a kind. A role without countries
// goes with them.
func With(sel news.Selection, k news.TopicKind, values []string) news.Selection {
	switch k {
	case news.KindField:
		sel.Fields = values
	case news.KindCountry:
		sel.Countries = values
		if len(values) == 0 {
			sel.Role = ""
		}
	case news.KindSource:
		sel.Sources = values
	case news.KindType:
		sel.Types = values
	case news.KindLanguage:
		sel.Languages = values
	}
	return sel
}

// onlyKind is the kind of a selection that names topics of one kind only.
func onlyKind(s news.Selection) (news.TopicKind, bool) {
	var kinds []news.TopicKind
	for _, k := range news.TopicKinds {
		if len(s.Of(k)) > 0 {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) != 1 {
		return "", false
	}
	return kinds[0], true
}

// here is the path of a page in the site's language.
func (s *Site) here(path string) string {
	return page.InLanguage(s.look.Words().Language(), path)
}

// twins are the pages at a plain path in all languages, none when it has only one.
func twins(path string) []page.Twin {
	var out []page.Twin
	for i, l := range page.Languages() {
		in := page.InLanguage(l, path)
		if i > 0 && in == path {
			return nil
		}
		out = append(out, page.Twin{Language: l, Path: in})
	}
	return out
}

// discover are the feeds that a page without a feed of its own leads to: what is
// in its language first, then everything.
func (s *Site) discover() []page.Alternate {
	language := s.look.Words().Language()
	var out []page.Alternate
	if _, ok := s.taxonomy.Topic(news.KindLanguage, language); ok {
		out = s.alternates("language/"+language, s.look.Name()+" · "+s.name(news.KindLanguage, language))
	}
	return append(out, s.alternates("all", s.look.Name())...)
}

func (s *Site) alternates(path, title string) []page.Alternate {
	var out []page.Alternate
	for _, f := range render.Formats {
		out = append(out, page.Alternate{Type: f.MediaType(), Title: title + " (" + f.Name() + ")", Path: "/feeds/" + path + "." + string(f)})
	}
	return out
}

func asHTML(items [][]byte) []template.HTML {
	out := make([]template.HTML, len(items))
	for i, b := range items {
		out[i] = template.HTML(b) //nolint:gosec // rendered by Item, which escapes
	}
	return out
}
