package feeds

import (
	"net/url"
	"slices"
	"strings"

	"dateline/feeds/render"
	"dateline/publisher/news"
)

// planOf finds the plan and format of a path behind /feeds/; a path that is not
// the canonical one gives *moved.
func (f *Feeds) planOf(rest string) (*plan, render.Format, error) {
	name, format := splitFormat(rest)
	if p, ok := f.plans.get(name); ok && format.canonical {
		return p, format.Format, nil
	}
	decoded, err := url.PathUnescape(name)
	if err != nil {
		return nil, "", news.Problemf(news.BadRequest, "the address is not encoded as one: %s", err)
	}
	s, err := news.ParseSelection(f.cfg.Taxonomy, decoded)
	if err != nil {
		return nil, "", err
	}
	f.simplify(&s)
	if canonical := s.Path(); canonical != name || !format.canonical {
		return nil, "", &moved{"/feeds/" + canonical + format.extension()}
	}
	p, err := f.newPlan(s)
	if err != nil {
		return nil, "", err
	}
	f.plans.put(name, p, 1)
	return p, format.Format, nil
}

// simplify drops what changes nothing: the wish for routine series beside a
// type, which is asked for by its name, and topics beside a group that holds them.
func (f *Feeds) simplify(s *news.Selection) {
	if len(s.Types) > 0 {
		s.Routine = false
	}
	s.Fields = f.withoutMembers(news.KindField, s.Fields)
	s.Countries = f.withoutMembers(news.KindCountry, s.Countries)
}

func (f *Feeds) withoutMembers(k news.TopicKind, slugs []string) []string {
	return slices.DeleteFunc(slices.Clone(slugs), func(slug string) bool {
		return slices.ContainsFunc(slugs, func(group string) bool { return slices.Contains(f.cfg.Taxonomy.Members(k, group), slug) })
	})
}

// asked is the format in a path; the zero value, canonical, is the page.
type asked struct {
	render.Format
	canonical bool
	written   string // the extension as it stands in the path
}

func (a asked) extension() string {
	if a.Format == "" {
		return ""
	}
	return "." + string(a.Format)
}

// splitFormat parts the last extension from a path, when it is a format's.
func splitFormat(path string) (string, asked) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		for _, format := range render.Formats {
			if ext := path[i+1:]; strings.EqualFold(ext, string(format)) {
				return path[:i], asked{format, ext == string(format), path[i:]}
			}
		}
	}
	return path, asked{canonical: true}
}

// ended refuses a selection all of whose topics of one kind were retired more
// than a year ago: it can have nothing new.
func (f *Feeds) ended(s *news.Selection) error {
	now := f.cfg.Now()
	for _, k := range news.TopicKinds {
		slugs := s.Of(k)
		if len(slugs) > 0 && !slices.ContainsFunc(slugs, func(slug string) bool {
			topic, _ := f.cfg.Taxonomy.Topic(k, slug)
			return !topic.Gone(now)
		}) {
			return news.Problemf(news.Gone, "%s was retired and its feed has ended; the list of topics is at /topics", f.cfg.Taxonomy.Name(k, slugs[0]))
		}
	}
	return nil
}
