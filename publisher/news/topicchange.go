package news

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The ways in which a topic can change.
const (
	RenameTopic = "rename" // another slug, another name, or both
	MergeTopic  = "merge"  // its releases belong to another topic of its kind from now on
	RetireTopic = "retire" // nothing new is filed under it
)

// TopicChange changes one topic of a taxonomy. The old slug and name stay known
// for ever: addresses with them lead to the topic as it is now.
type TopicChange struct {
	Op   string    `json:"op"`
	Kind TopicKind `json:"kind"`
	Slug string    `json:"slug"`
	To   string    `json:"to,omitempty"`   // rename: the new slug, empty for the same; merge: the topic it becomes part of
	Name string    `json:"name,omitempty"` // rename: the new name, empty for the same
	Day  string    `json:"day"`            // YYYY-MM-DD
}

// Bounds of what a topic can be renamed to, in bytes.
const (
	maxTopicSlug = 80
	maxTopicName = 200
)

// goneAfter is how long a retired topic's feeds stand with their last notice.
const goneAfter = 365 * 24 * time.Hour

// Gone reports whether the topic was retired more than a year ago, so that its
// feeds have ended.
func (t Topic) Gone(now time.Time) bool {
	day, err := time.Parse(time.DateOnly, t.Retired)
	return err == nil && now.Sub(day) > goneAfter
}

// With returns the taxonomy after the changes, in their order. A change that is
// in the taxonomy already does nothing, so that a list of changes goes with a
// newer taxonomy that has taken them over. What cannot be done is refused with a
// [Problem] of code [NotFound], [Conflict] or [Unacceptable].
func (t *Taxonomy) With(changes ...TopicChange) (*Taxonomy, error) {
	for _, c := range changes {
		next, err := t.with(c)
		if err != nil {
			return nil, err
		}
		t = next
	}
	return t, nil
}

func (t *Taxonomy) with(c TopicChange) (*Taxonomy, error) {
	old, known := t.Topic(c.Kind, c.Slug)
	if !known {
		if now, ok := t.Find(c.Kind, c.Slug); ok && c.Op != RetireTopic && c.To == now.Slug && (c.Name == "" || c.Name == now.Name) {
			return t, nil // done already
		}
		_, err := t.Resolve(c.Kind, c.Slug)
		if err == nil {
			err = Problemf(NotFound, "%s %q is an old name; use %q", c.Kind, short(c.Slug), t.Current(c.Kind, c.Slug))
		}
		return nil, err
	}
	f, err := t.file.clone()
	if err != nil {
		return nil, err
	}
	switch c.Op {
	case RenameTopic:
		err = f.rename(t, old, c)
	case MergeTopic:
		err = f.merge(t, old, c)
	case RetireTopic:
		err = f.retire(old, c)
	default:
		err = Problemf(BadRequest, "there is no change %q; use %s, %s or %s", short(c.Op), RenameTopic, MergeTopic, RetireTopic)
	}
	if err != nil {
		return nil, err
	}
	if same, err := f.same(&t.file); err != nil || same {
		return t, err
	}
	return makeTaxonomy(f)
}

// same reports whether two files say the same.
func (f *taxonomyFile) same(other *taxonomyFile) (bool, error) {
	a, err := json.Marshal(f)
	if err != nil {
		return false, fmt.Errorf("compare taxonomies: %w", err)
	}
	b, err := json.Marshal(other)
	return bytes.Equal(a, b), err
}

// clone is a copy that shares nothing.
func (f *taxonomyFile) clone() (out taxonomyFile, err error) {
	b, err := json.Marshal(f)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return out, fmt.Errorf("copy the taxonomy: %w", err)
	}
	return out, nil
}

// lists are the topics and groups of a kind.
func (f *taxonomyFile) lists(k TopicKind) []*[]Topic {
	switch k {
	case KindField:
		return []*[]Topic{&f.Fields, &f.FieldGroups}
	case KindCountry:
		return []*[]Topic{&f.Countries, &f.CountryGroups}
	case KindSource:
		return []*[]Topic{&f.Sources}
	case KindType:
		return []*[]Topic{&f.Types}
	}
	return []*[]Topic{&f.Languages}
}

func (f *taxonomyFile) topic(k TopicKind, slug string) *Topic {
	for _, list := range f.lists(k) {
		for i := range *list {
			if (*list)[i].Slug == slug {
				return &(*list)[i]
			}
		}
	}
	return nil
}

func (f *taxonomyFile) rename(t *Taxonomy, old Topic, c TopicChange) error {
	slug, name := c.To, c.Name
	if slug == "" {
		slug = old.Slug
	}
	if name == "" {
		name = old.Name
	}
	if slug == old.Slug && name == old.Name {
		return nil
	}
	if len(slug) > maxTopicSlug || len(name) > maxTopicName {
		return Problemf(Unacceptable, "a slug has at most %d characters, a name at most %d", maxTopicSlug, maxTopicName)
	}
	for _, wanted := range []string{slug, name} {
		if other, ok := t.Find(c.Kind, wanted); ok && other.Slug != old.Slug {
			return Problemf(Conflict, "%q means the %s %s already; merge the two, or choose another name", short(wanted), c.Kind, other.Slug)
		}
	}
	topic := f.topic(c.Kind, old.Slug)
	topic.Aliases = add(topic.Aliases, old.Slug, old.Name)
	topic.Slug, topic.Name = slug, name
	f.refer(c.Kind, old.Slug, slug)
	return nil
}

func (f *taxonomyFile) merge(t *Taxonomy, old Topic, c TopicChange) error {
	into, ok := t.Topic(c.Kind, c.To)
	switch {
	case !ok:
		_, err := t.Resolve(c.Kind, c.To)
		if err == nil {
			err = Problemf(NotFound, "%s %q is an old name; use %q", c.Kind, short(c.To), t.Current(c.Kind, c.To))
		}
		return err
	case into.Slug == old.Slug:
		return Problemf(Unacceptable, "%s %s cannot become part of itself", c.Kind, old.Slug)
	case into.Members != nil || old.Members != nil:
		return Problemf(Unacceptable, "%s and %s: a group cannot be merged; rename it or retire it", old.Slug, into.Slug)
	case into.Retired != "":
		return Problemf(Conflict, "%s %s is retired; nothing can become part of it", c.Kind, into.Slug)
	}
	target := f.topic(c.Kind, into.Slug)
	target.Aliases = add(target.Aliases, append([]string{old.Slug, old.Name, old.Code}, old.Aliases...)...)
	target.Demonyms, target.Capital = add(target.Demonyms, old.Demonyms...), add(target.Capital, old.Capital...)
	for _, list := range f.lists(c.Kind) {
		*list = slices.DeleteFunc(*list, func(topic Topic) bool { return topic.Slug == old.Slug })
	}
	f.refer(c.Kind, old.Slug, into.Slug)
	return nil
}

func (f *taxonomyFile) retire(old Topic, c TopicChange) error {
	if old.Retired != "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, c.Day); err != nil {
		return Problemf(BadRequest, "the day %q is no date like 2026-11-24", short(c.Day))
	}
	f.topic(c.Kind, old.Slug).Retired = c.Day
	return nil
}

// add appends the values that are not there yet, in the order they come.
func add(list []string, values ...string) []string {
	for _, v := range values {
		if v != "" && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// refer lets everything that names a topic by its old slug name the new one.
func (f *taxonomyFile) refer(k TopicKind, from, to string) {
	swap := func(slug *string) {
		if *slug == from {
			*slug = to
		}
	}
	swapAll := func(slugs *[]string) {
		for i := range *slugs {
			swap(&(*slugs)[i])
		}
		var once []string
		*slugs = add(once, *slugs...)
	}
	for _, list := range f.lists(k) {
		for i := range *list {
			if (*list)[i].Members != nil {
				swapAll(&(*list)[i].Members)
			}
		}
	}
	switch k {
	case KindField:
		for i := range f.Fields {
			swap(&f.Fields[i].Group)
		}
		if terms, ok := f.FieldTerms[from]; ok && from != to {
			if f.FieldTerms[to] == nil {
				f.FieldTerms[to] = map[string]float64{}
			}
			for term, weight := range terms {
				f.FieldTerms[to][term] = max(weight, f.FieldTerms[to][term])
			}
			delete(f.FieldTerms, from)
		}
	case KindCountry:
		f.referCountry(swap, swapAll)
	case KindSource:
		for field, terms := range f.FieldTerms {
			if weight, ok := terms[SourceTerm+from]; ok && from != to {
				changed := maps.Clone(terms)
				delete(changed, SourceTerm+from)
				changed[SourceTerm+to] = max(weight, changed[SourceTerm+to])
				f.FieldTerms[field] = changed
			}
		}
	}
}

func (f *taxonomyFile) referCountry(swap func(*string), swapAll func(*[]string)) {
	for _, places := range [][]Gazette{f.Places, f.Regions} {
		for i := range places {
			swap(&places[i].Country)
		}
	}
	for i := range f.FormerStates {
		swapAll(&f.FormerStates[i].Countries)
	}
	for i := range f.CountryTerms {
		swapAll(&f.CountryTerms[i].Countries)
	}
	for year, slug := range f.Chairs {
		swap(&slug)
		f.Chairs[year] = slug
	}
	for i := range f.Sources {
		swap(&f.Sources[i].Host)
	}
}

// Current is the slug that a topic has now which was called slug once: itself
// for one that is in the taxonomy, and for one that never was.
func (t *Taxonomy) Current(k TopicKind, slug string) string {
	v, ok := t.kinds[k]
	if !ok {
		return slug
	}
	if _, ok := v.bySlug[slug]; ok {
		return slug
	}
	if now, ok := v.byName[slug]; ok { // slugs are folded already
		return now
	}
	return slug
}

// Refile puts the topics of a release that was filed under an earlier state of
// the taxonomy under their present slugs. It changes no slice of r in place.
func (t *Taxonomy) Refile(r *Release) {
	r.Fields, r.Sources = t.refiled(KindField, r.Fields), t.refiled(KindSource, r.Sources)
	r.Type, r.Language = t.Current(KindType, r.Type), t.Current(KindLanguage, r.Language)
	if slices.ContainsFunc(r.Countries, func(c CountryTag) bool { return t.Current(KindCountry, c.Slug) != c.Slug }) {
		var out []CountryTag
		for _, c := range r.Countries {
			c.Slug = t.Current(KindCountry, c.Slug)
			if !slices.ContainsFunc(out, func(o CountryTag) bool { return o.Slug == c.Slug && o.Role == c.Role }) {
				out = append(out, c)
			}
		}
		r.Countries = out
	}
	if r.Tells != nil {
		r.Tells = &TopicRef{r.Tells.Kind, t.Current(r.Tells.Kind, r.Tells.Slug)}
	}
	if slices.ContainsFunc(r.Places, func(p Place) bool { return t.Current(KindCountry, p.Country) != p.Country }) {
		r.Places = slices.Clone(r.Places)
		for i := range r.Places {
			r.Places[i].Country = t.Current(KindCountry, r.Places[i].Country)
		}
	}
}

func (t *Taxonomy) refiled(k TopicKind, tags []Tag) []Tag {
	if !slices.ContainsFunc(tags, func(tag Tag) bool { return t.Current(k, tag.Slug) != tag.Slug }) {
		return tags
	}
	var out []Tag
	for _, tag := range tags {
		tag.Slug = t.Current(k, tag.Slug)
		if !slices.ContainsFunc(out, func(o Tag) bool { return o.Slug == tag.Slug }) {
			out = append(out, tag)
		}
	}
	return out
}

// RefileSelection does the same for what somebody follows.
func (t *Taxonomy) RefileSelection(s *Selection) {
	for _, k := range TopicKinds {
		values := s.values(k)
		if slices.ContainsFunc(*values, func(v string) bool { return t.Current(k, v) != v }) {
			var out []string
			for _, v := range *values {
				out = add(out, t.Current(k, v))
			}
			slices.Sort(out)
			*values = withoutCovered(t, k, out)
		}
	}
}

// NotRetired refuses to file a new release under a topic that is retired, with a
// [Problem] of code [Unacceptable] that lists every one.
func NotRetired(t *Taxonomy, r *Release) error {
	var items []string
	check := func(k TopicKind, slugs ...string) {
		for _, slug := range slugs {
			if topic, _ := t.Topic(k, slug); topic.Retired != "" {
				items = append(items, fmt.Sprintf("%s %q was retired on %s; leave it out", k, slug, topic.Retired))
			}
		}
	}
	check(KindField, r.FieldSlugs()...)
	check(KindCountry, r.CountrySlugs()...)
	check(KindSource, r.SourceSlugs()...)
	check(KindType, r.Type)
	check(KindLanguage, r.Language)
	if len(items) == 0 {
		return nil
	}
	return &Problem{Code: Unacceptable, Detail: "the release cannot be published", Items: items}
}

// UnknownTopic reports whether the release is filed under a field, country or
// source that is not in the taxonomy.
func UnknownTopic(t *Taxonomy, r *Release) bool {
	for k, slugs := range map[TopicKind][]string{KindField: r.FieldSlugs(), KindCountry: r.CountrySlugs(), KindSource: r.SourceSlugs()} {
		for _, slug := range slugs {
			if _, ok := t.Topic(k, slug); !ok {
				return true
			}
		}
	}
	return false
}
