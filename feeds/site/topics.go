package site

import (
	"html/template"
	"slices"

	"dateline/publisher/news"
	"dateline/publisher/page"
)

// Counts tells how many releases a topic holds.
type Counts func(k news.TopicKind, slug string) int

// topicLink is a topic in a list.
type topicLink struct {
	Slug, Name, Path string
	Count            int // below 0 when it is not shown
	Checked          bool
}

// topicGroup is some topics of one kind under a heading, which may be a topic itself.
type topicGroup struct {
	Slug, Name, Path string // Slug and Path when it is a topic
	Checked          bool
	Topics           []topicLink
}

// topicKind is all topics of a kind.
type topicKind struct {
	Kind   news.TopicKind
	Groups []topicGroup
}

// Front renders the front page: the latest releases and the topics that have any.
func (s *Site) Front(items [][]byte, counts Counts) ([]byte, error) {
	body := struct {
		Items []template.HTML
		Kinds []topicKind
	}{Items: asHTML(items)}
	for _, k := range news.TopicKinds {
		g := topicGroup{Topics: slices.DeleteFunc(s.links(s.taxonomy.Topics(k), counts), func(l topicLink) bool { return l.Count == 0 })}
		if len(g.Topics) > 0 {
			body.Kinds = append(body.Kinds, topicKind{k, []topicGroup{g}})
		}
	}
	lead, err := s.look.Words().Say("index.lead")
	if err != nil {
		return nil, err
	}
	return s.pages["index"].Render(page.Frame{Title: s.look.Name(), Summary: lead, Canonical: s.here("/"), Twins: twins("/"), Alternates: s.discover(), Body: body})
}

// Topics renders the list of all topics, grouped.
func (s *Site) Topics(total int, counts Counts) ([]byte, error) {
	body := struct {
		Total int
		Kinds []topicKind
	}{Total: total}
	for _, k := range news.TopicKinds {
		groups, err := s.groups(k, counts)
		if err != nil {
			return nil, err
		}
		body.Kinds = append(body.Kinds, topicKind{k, groups})
	}
	title, err := s.look.Words().Say("topics")
	if err != nil {
		return nil, err
	}
	lead, err := s.look.Words().Say("topics.lead")
	if err != nil {
		return nil, err
	}
	return s.pages["topics"].Render(page.Frame{
		Title: title, Summary: lead, Canonical: s.here("/topics"), Twins: twins("/topics"), Alternates: s.discover(), Body: body,
		Crumbs: []page.Link{{Title: s.look.Name(), Path: "/"}},
	})
}

// About renders the page that explains feeds in plain words.
func (s *Site) About() ([]byte, error) {
	title, err := s.look.Words().Say("feeds.title")
	if err != nil {
		return nil, err
	}
	lead, err := s.look.Words().Say("feeds.lead")
	if err != nil {
		return nil, err
	}
	return s.pages["feeds"].Render(page.Frame{
		Title: title, Summary: lead, Canonical: s.here("/about-feeds"), Twins: twins("/about-feeds"), Alternates: s.discover(),
		Crumbs: []page.Link{{Title: s.look.Name(), Path: "/"}},
	})
}

func (s *Site) links(topics []news.Topic, counts Counts) []topicLink {
	var out []topicLink
	for _, t := range topics {
		out = append(out, topicLink{Slug: t.Slug, Name: s.name(t.Kind, t.Slug), Path: topicPath(t.Kind, t.Slug), Count: counts(t.Kind, t.Slug)})
	}
	return out
}

// groups parts the topics of a kind: by those of the taxonomy's groups that share
// no topic with one before, sources by whether they are still at work. Other
// groups are listed as topics of their own.
func (s *Site) groups(k news.TopicKind, counts Counts) ([]topicGroup, error) {
	all := s.taxonomy.Topics(k)
	if k == news.KindSource {
		return s.sources(all, counts)
	}
	var out []topicGroup
	var overlapping []topicLink
	placed := map[string]bool{}
	for _, g := range s.taxonomy.Groups(k) {
		members := slices.DeleteFunc(slices.Clone(all), func(t news.Topic) bool { return !slices.Contains(g.Members, t.Slug) })
		if slices.ContainsFunc(members, func(t news.Topic) bool { return placed[t.Slug] }) {
			overlapping = append(overlapping, topicLink{Slug: g.Slug, Name: s.name(k, g.Slug), Path: topicPath(k, g.Slug), Count: -1})
			continue
		}
		for _, m := range members {
			placed[m.Slug] = true
		}
		out = append(out, topicGroup{Slug: g.Slug, Name: s.name(k, g.Slug), Path: topicPath(k, g.Slug), Topics: s.links(members, counts)})
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(t news.Topic) bool { return placed[t.Slug] })
	for _, part := range []struct {
		key   string
		links []topicLink
	}{{"topics.other", s.links(rest, counts)}, {"topics.groups", overlapping}} {
		if len(part.links) == 0 {
			continue
		}
		name := ""
		if len(placed) > 0 { // a heading only beside others
			var err error
			if name, err = s.look.Words().Say(part.key); err != nil {
				return nil, err
			}
		}
		out = append(out, topicGroup{Name: name, Topics: part.links})
	}
	return out, nil
}

func (s *Site) sources(all []news.Topic, counts Counts) ([]topicGroup, error) {
	var out []topicGroup
	for _, closed := range []bool{false, true} {
		key := "topics.open"
		if closed {
			key = "topics.closed"
		}
		name, err := s.look.Words().Say(key)
		if err != nil {
			return nil, err
		}
		some := slices.DeleteFunc(slices.Clone(all), func(t news.Topic) bool { return t.Closed != closed })
		if len(some) > 0 {
			out = append(out, topicGroup{Name: name, Topics: s.links(some, counts)})
		}
	}
	return out, nil
}
