package site

import (
	"bytes"
	"encoding/xml"
	"fmt"

	"dateline/publisher/news"
)

// opml is a list of feeds in OPML 2.0 (opml.org/spec2.opml).
type opml struct {
	XMLName xml.Name   `xml:"opml"`
	Version string     `xml:"version,attr"`
	Title   string     `xml:"head>title"`
	Owner   string     `xml:"head>ownerName"`
	Docs    string     `xml:"head>docs"`
	Body    []*outline `xml:"body>outline"`
}

// outline is a feed, or a folder of outlines.
type outline struct {
	Text     string     `xml:"text,attr"`
	Title    string     `xml:"title,attr,omitempty"`
	Type     string     `xml:"type,attr,omitempty"`
	Version  string     `xml:"version,attr,omitempty"`
	Feed     string     `xml:"xmlUrl,attr,omitempty"`
	Page     string     `xml:"htmlUrl,attr,omitempty"`
	Language string     `xml:"language,attr,omitempty"`
	Outlines []*outline `xml:"outline"`
}

// OPML lists the feeds of every topic, in folders by kind and group, in the
// taxonomy's order.
func (s *Site) OPML() ([]byte, error) {
	all, err := s.feeds(news.Selection{}, news.Selection{Routine: true})
	if err != nil {
		return nil, err
	}
	for _, k := range news.TopicKinds {
		folder, err := s.folder(k)
		if err != nil {
			return nil, err
		}
		all = append(all, folder)
	}
	return s.opml(s.look.Name(), all)
}

// OPMLOfKind lists the feeds of every topic of a kind.
func (s *Site) OPMLOfKind(k news.TopicKind) ([]byte, error) {
	folder, err := s.folder(k)
	if err != nil {
		return nil, err
	}
	return s.opml(s.look.Name()+": "+folder.Text, folder.Outlines)
}

// OPMLOfGroup lists the feed of a group and those of its members.
func (s *Site) OPMLOfGroup(group news.Topic) ([]byte, error) {
	some := []news.Selection{With(news.Selection{}, group.Kind, []string{group.Slug})}
	for _, m := range group.Members {
		if t, ok := s.taxonomy.Topic(group.Kind, m); ok && t.Retired == "" {
			some = append(some, With(news.Selection{}, group.Kind, []string{m}))
		}
	}
	return s.OPMLOf(s.look.Name()+": "+s.name(group.Kind, group.Slug), some...)
}

// OPMLOf lists the feeds of some selections, in their order.
func (s *Site) OPMLOf(title string, some ...news.Selection) ([]byte, error) {
	outlines, err := s.feeds(some...)
	if err != nil {
		return nil, err
	}
	return s.opml(title, outlines)
}

func (s *Site) opml(title string, body []*outline) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", " ")
	if err := e.Encode(opml{Version: "2.0", Title: title, Owner: s.look.Name(), Docs: "http://opml.org/spec2.opml", Body: body}); err != nil {
		return nil, fmt.Errorf("write OPML: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// feeds are selections as outlines.
func (s *Site) feeds(some ...news.Selection) ([]*outline, error) {
	var out []*outline
	for _, sel := range some {
		title, err := s.title(sel)
		if err != nil {
			return nil, err
		}
		o := &outline{
			Text: title, Title: title + " – " + s.look.Name(), Type: "rss", Version: "RSS2",
			Feed: s.look.URL("/feeds/" + sel.Path() + ".rss"), Page: s.look.URL("/feeds/" + sel.Path()),
		}
		if len(sel.Languages) == 1 {
			o.Language = sel.Languages[0]
		}
		out = append(out, o)
	}
	return out, nil
}

// folder holds the topics of a kind, in folders by group where it has groups.
// Topics under which nothing new is filed are left out.
func (s *Site) folder(k news.TopicKind) (*outline, error) {
	name, err := s.look.Words().Say(string(k))
	if err != nil {
		return nil, err
	}
	folder := &outline{Text: name}
	groups, err := s.groups(k, func(news.TopicKind, string) int { return -1 })
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		in := folder
		if g.Name != "" && len(groups) > 1 {
			in = &outline{Text: g.Name}
			folder.Outlines = append(folder.Outlines, in)
		}
		for _, l := range append([]topicLink{{Slug: g.Slug}}, g.Topics...) {
			if t, ok := s.taxonomy.Topic(k, l.Slug); !ok || t.Retired != "" {
				continue
			}
			feeds, err := s.feeds(With(news.Selection{}, k, []string{l.Slug}))
			if err != nil {
				return nil, err
			}
			in.Outlines = append(in.Outlines, feeds...)
		}
	}
	return folder, nil
}
