package site

import (
	"html/template"

	"dateline/feeds/render"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

// Selection is what the page of a selection shows.
type Selection struct {
	Selection news.Selection
	Path      string // canonical, below /feeds/
	Title     string
	Notes     []string // footnotes of its topics
	Items     [][]byte // from [Site.Item], newest first
	Full      bool     // there may be older releases
}

// selection is what the template sees.
type selection struct {
	Kind, Path string
	Notes      []string
	Items      []template.HTML
	Full       bool
}

// Selection renders the page of a selection.
func (s *Site) Selection(v Selection) ([]byte, error) {
	body := selection{Path: v.Path, Notes: v.Notes, Items: asHTML(v.Items), Full: v.Full}
	frame := page.Frame{
		Title: v.Title, Canonical: "/feeds/" + v.Path, Alternates: s.alternates(v.Path, v.Title), Body: &body,
		Crumbs: []page.Link{{Title: s.look.Name(), Path: "/"}},
	}
	topics, err := s.look.Words().Say("topics")
	if err != nil {
		return nil, err
	}
	frame.Crumbs = append(frame.Crumbs, page.Link{Title: topics, Path: "/topics"})
	if k, only := onlyKind(v.Selection); only {
		kind, err := s.look.Words().Say(string(k))
		if err != nil {
			return nil, err
		}
		frame.Crumbs = append(frame.Crumbs, page.Link{Title: kind, Path: "/topics#" + string(k)})
	}
	return s.pages["topic"].Render(frame)
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
