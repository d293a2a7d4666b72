package site

import (
	"html/template"
	"time"

	"dateline/feeds/render"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

// Part names a page of the archive of a selection: the releases of a month, or
// some of them where they are many.
type Part struct {
	Name   string // in its path, "2026-11"
	Month  time.Time
	Number int // from 1
}

// Archive is what a page of an archive shows.
type Archive struct {
	Selection    news.Selection
	Part         Part
	Items        [][]byte // from [Site.Item]
	Older, Newer *Part    // nil for none; behind the last one stands the selection itself
}

// pages are the ways from a page to the ones beside it.
type pages struct{ Older, Newer *page.Link }

// Archive renders a page of an archive.
func (s *Site) Archive(v Archive) ([]byte, error) {
	path := v.Selection.Path()
	title, err := s.title(v.Selection)
	if err != nil {
		return nil, err
	}
	month, err := s.month(v.Part)
	if err != nil {
		return nil, err
	}
	body := struct {
		Title, Month string
		Items        []template.HTML
		Notes        []string
		Pages        pages
	}{Title: title, Month: month, Items: asHTML(v.Items)}
	if body.Notes, err = s.notes(v.Selection); err != nil {
		return nil, err
	}
	if body.Pages, err = s.paged(path, v.Older, v.Newer, false); err != nil {
		return nil, err
	}
	own := path + render.ArchivePath + v.Part.Name
	frame := page.Frame{Canonical: s.here("/feeds/" + own), Twins: twins("/feeds/" + own), Alternates: s.alternates(path, title), Body: body}
	if frame.Title, err = s.look.Words().Say("archive.title", title, month); err != nil {
		return nil, err
	}
	if frame.Crumbs, err = s.selectionCrumbs(v.Selection); err != nil {
		return nil, err
	}
	frame.Crumbs = append(frame.Crumbs, page.Link{Title: title, Path: "/feeds/" + path})
	return s.pages["archive"].Render(frame)
}

// month names a part for people.
func (s *Site) month(p Part) (string, error) {
	name := s.look.Words().Month(p.Month)
	if p.Number == 1 {
		return name, nil
	}
	return s.look.Words().Say("archive.part", name, p.Number)
}

// paged leads to the parts beside a page of a selection. newest says that it is
// the selection's own page.
func (s *Site) paged(path string, older, newer *Part, newest bool) (pages, error) {
	link := func(p *Part) (*page.Link, error) {
		if p == nil {
			return nil, nil
		}
		title, err := s.month(*p)
		return &page.Link{Title: title, Path: "/feeds/" + path + render.ArchivePath + p.Name}, err
	}
	var out pages
	var err error
	if out.Older, err = link(older); err != nil {
		return out, err
	}
	if out.Newer, err = link(newer); err != nil || newer != nil || newest {
		return out, err
	}
	title, err := s.look.Words().Say("archive.newest")
	out.Newer = &page.Link{Title: title, Path: "/feeds/" + path}
	return out, err
}
