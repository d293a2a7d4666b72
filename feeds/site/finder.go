package site

import (
	"slices"

	"dateline/publisher/news"
	"dateline/publisher/page"
)

// form is the form by which a selection is chosen. It works without scripts:
// sent by GET to /feeds, which answers with the way to the selection.
type form struct {
	Facets  []facet
	Roles   []choice
	Routine bool
}

// facet is the part of the form for one kind.
type facet struct {
	Kind   news.TopicKind
	Groups []topicGroup
	Chosen int
	Open   bool
}

// choice is a value that can be chosen.
type choice struct {
	Value, Key string
	Checked    bool
}

// form makes the form with what a selection names ticked. counts may be nil: a
// page that shows none need not change with every release.
func (s *Site) form(sel *news.Selection, counts Counts) (form, error) {
	f := form{Routine: sel.Routine}
	if counts == nil {
		counts = func(news.TopicKind, string) int { return -1 }
	}
	for _, k := range news.TopicKinds {
		groups, err := s.groups(k, counts)
		if err != nil {
			return form{}, err
		}
		chosen := sel.Of(k)
		for i := range groups {
			g := &groups[i]
			g.Checked = slices.Contains(chosen, g.Slug)
			for j := range g.Topics {
				g.Topics[j].Checked = slices.Contains(chosen, g.Topics[j].Slug)
			}
		}
		f.Facets = append(f.Facets, facet{k, groups, len(chosen), len(chosen) > 0})
	}
	for _, role := range []news.Role{"", news.About, news.PlaceRole} {
		key := "role.any"
		if role != "" {
			key = "role." + string(role)
		}
		f.Roles = append(f.Roles, choice{string(role), key, sel.Role == role})
	}
	return f, nil
}

// Finder renders the page on which a selection is put together.
func (s *Site) Finder(total int, counts Counts) ([]byte, error) {
	f, err := s.form(&news.Selection{}, counts)
	if err != nil {
		return nil, err
	}
	f.Facets[0].Open = true
	words := s.look.Words()
	title, err := words.Say("finder.title")
	if err != nil {
		return nil, err
	}
	count, err := words.Count("releases", total)
	if err != nil {
		return nil, err
	}
	frame := page.Frame{
		Canonical: s.here("/feeds"), Twins: twins("/feeds"), Alternates: s.discover(), Crumbs: []page.Link{{Title: s.look.Name(), Path: "/"}},
		Body: struct {
			Title string
			Total int
			Form  form
		}{title, total, f},
	}
	if frame.Title, err = words.Say("selection.count", title, count); err != nil {
		return nil, err
	}
	if frame.Summary, err = words.Say("finder.lead"); err != nil {
		return nil, err
	}
	return s.pages["finder"].Render(frame)
}
