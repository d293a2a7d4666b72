package read

import (
	"errors"
	"slices"
	"strings"

	"dateline/publisher/news"
)

// topic finds a single topic by its label.
func (r *Reader) topic(d *draft, k news.TopicKind, label string) (news.Topic, bool) {
	if len(label) > maxName {
		d.bad("%s is too long to be the name of a %s", quote(label), k)
		return news.Topic{}, false
	}
	topic, ok := r.find(k, label)
	if !ok {
		_, err := r.taxonomy.Resolve(k, label)
		d.items = append(d.items, detail(err))
		return topic, false
	}
	if topic.Members != nil {
		d.bad("%s %s is a group of %d; name those that are meant", k, quote(label), len(topic.Members))
		return topic, false
	}
	return topic, true
}

// find finds a topic by a name, also with its abbreviation in brackets behind.
func (r *Reader) find(k news.TopicKind, name string) (news.Topic, bool) {
	topic, ok := r.taxonomy.Find(k, name)
	if before, _, bracket := cutLast(name, " ("); !ok && bracket && strings.HasSuffix(name, ")") {
		return r.taxonomy.Find(k, before)
	}
	return topic, ok
}

// knows reports whether a name is one of a topic or, among countries, of a former State.
func (r *Reader) knows(k news.TopicKind, name string) bool {
	_, ok := r.find(k, name)
	return ok || k == news.KindCountry && r.taxonomy.Successors(name) != nil
}

func detail(err error) string {
	var p *news.Problem
	if errors.As(err, &p) {
		return p.Detail
	}
	return err.Error()
}

// tags finds the topics of labels, each of which may list several names.
func (r *Reader) tags(d *draft, k news.TopicKind, labels []string, rule string) []news.Tag {
	var out []news.Tag
	for _, label := range labels {
		for _, name := range r.names(k, label) {
			topic, ok := r.topic(d, k, name)
			if !ok || slices.ContainsFunc(out, func(t news.Tag) bool { return t.Slug == topic.Slug }) {
				continue
			}
			out = append(out, news.Tag{Slug: topic.Slug, Evidence: news.Evidence{Rule: rule, Words: name, Confidence: sureOf(rule)}})
		}
	}
	return out
}

// Bounds of what is looked up: names in a list, bytes of a list in one line,
// bytes of one name.
const (
	maxNames = 64
	maxList  = 4 << 10
	maxName  = 200
)

// names parts a list in one line, "A, B and C". A name may hold a comma or
// "and" itself: the longest known name wins, what is unknown stays whole.
func (r *Reader) names(k news.TopicKind, list string) []string {
	list = news.CleanLine(list)
	if list == "" {
		return nil
	}
	if r.knows(k, list) {
		return []string{list}
	}
	parts := listParts(list)
	if len(parts) > maxNames {
		return []string{list}
	}
	var out []string
	for i := 0; i < len(parts); {
		n := 1
		for j := len(parts); j > i; j-- {
			if r.knows(k, list[parts[i].from:parts[j-1].to]) {
				n = j - i
				break
			}
		}
		out = append(out, list[parts[i].from:parts[i+n-1].to])
		i += n
	}
	return r.joined(k, out, list)
}

// joined puts unknown neighbours that "and" parted together again, so that a
// message names the label and not its halves.
func (r *Reader) joined(k news.TopicKind, names []string, list string) []string {
	var out []string
	for _, name := range names {
		if n := len(out) - 1; n >= 0 {
			if whole := out[n] + " and " + name; !r.knows(k, name) && !r.knows(k, out[n]) && strings.Contains(list, whole) {
				out[n] = whole
				continue
			}
		}
		out = append(out, name)
	}
	return out
}

type span struct{ from, to int }

// listParts cuts a list at commas, semicolons and "and".
func listParts(s string) []span {
	var out []span
	from := 0
	cut := func(to, next int) {
		if p := strings.TrimSpace(s[from:to]); p != "" {
			start := from + strings.Index(s[from:to], p)
			out = append(out, span{start, start + len(p)})
		}
		from = next
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ',' || s[i] == ';':
			cut(i, i+1)
		case strings.HasPrefix(s[i:], " and ") || strings.HasPrefix(s[i:], " и "):
			cut(i, i+strings.Index(s[i+1:], " ")+1)
		}
	}
	cut(len(s), len(s))
	return out
}

// withoutCountries takes the countries out of a page's label "Where we are",
// which lists them beside sources, and tags them.
func (r *Reader) withoutCountries(d *draft, s sheet) []string {
	if s.rule != ruleLabel {
		return s.sources
	}
	var sources []string
	for _, list := range s.sources {
		for _, name := range r.names(news.KindSource, list) {
			topic, isCountry := r.taxonomy.Find(news.KindCountry, name)
			if r.knows(news.KindSource, name) || !isCountry || topic.Members != nil {
				sources = append(sources, name)
				continue
			}
			if slices.Contains(d.Release.CountrySlugs(news.About), topic.Slug) {
				continue
			}
			d.Release.Countries = append(d.Release.Countries, news.CountryTag{Slug: topic.Slug, Role: news.About,
				Evidence: news.Evidence{Rule: ruleLabel, Words: name, Confidence: sureLabel}})
		}
	}
	return sources
}

// edited takes over the countries an editor wrote; former States become their successors.
func (r *Reader) edited(d *draft, labels []string) []news.CountryTag {
	var out []news.CountryTag
	for _, label := range labels {
		for _, name := range r.names(news.KindCountry, label) {
			slugs := r.taxonomy.Successors(name)
			if slugs == nil {
				topic, ok := r.topic(d, news.KindCountry, name)
				if !ok {
					continue
				}
				slugs = []string{topic.Slug}
			}
			for _, slug := range slugs {
				if !slices.ContainsFunc(out, func(c news.CountryTag) bool { return c.Slug == slug }) {
					out = append(out, news.CountryTag{Slug: slug, Role: news.About, Evidence: news.Evidence{Rule: ruleEditor, Words: name, Confidence: 1}})
				}
			}
		}
	}
	return out
}
