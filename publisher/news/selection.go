package news

import (
	"slices"
	"strings"
)

// Selection is a filter over releases: any of the values within a kind, all of
// the kinds that have values. The zero Selection is every release but those of
// routine series. A group (of countries or fields) stands for any of its
// members. One Selection has one canonical path; see [Selection.Path].
type Selection struct {
	Fields    []string `json:"fields,omitempty"`
	Countries []string `json:"countries,omitempty"`
	Role      Role     `json:"role,omitempty"` // narrows Countries; empty means either role
	Sources   []string `json:"sources,omitempty"`
	Types     []string `json:"types,omitempty"`
	Languages []string `json:"languages,omitempty"`
	Routine   bool     `json:"routine,omitempty"` // daily, weekly and spot reports too
}

// IsAll reports whether the selection names no topic.
func (s *Selection) IsAll() bool {
	return len(s.Fields)+len(s.Countries)+len(s.Sources)+len(s.Types)+len(s.Languages) == 0
}

// Path is the canonical path below /feeds/ without extension:
// "all", "field/policing", "field/a+b/country/austria/role/about/source/…/type/…/language/ru",
// each with "routine/" in front when routine series are included (not where
// types are named, because those say it themselves). Kinds stand in this order,
// values sorted and joined by "+".
func (s *Selection) Path() string {
	var b strings.Builder
	if s.Routine && len(s.Types) == 0 {
		b.WriteString("routine/")
	}
	if s.IsAll() {
		b.WriteString("all")
		return b.String()
	}
	first := true
	add := func(kind string, values []string) {
		if len(values) == 0 {
			return
		}
		if !first {
			b.WriteByte('/')
		}
		first = false
		v := slices.Clone(values)
		slices.Sort(v)
		b.WriteString(kind)
		b.WriteByte('/')
		b.WriteString(strings.Join(slices.Compact(v), "+"))
	}
	add("field", s.Fields)
	add("country", s.Countries)
	if len(s.Countries) > 0 && s.Role != "" {
		b.WriteString("/role/" + string(s.Role))
	}
	add("source", s.Sources)
	add("type", s.Types)
	add("language", s.Languages)
	return b.String()
}

// ParseSelection reads a path below /feeds/ (decoded, without extension) in any
// order of kinds and with any alias or code the taxonomy knows ("country/AT",
// "source/osce-secretariat"). The result holds slugs, sorted, each once, without
// those that a group beside them holds anyway; it is canonical when its Path
// equals the input. Unknown topics give a [Problem] of code [NotFound] with the
// nearest names; a malformed path gives [BadRequest], and so does a kind or role
// that is not in lower case.
func ParseSelection(t *Taxonomy, path string) (Selection, error) {
	var s Selection
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "routine" {
		s.Routine, parts = true, parts[1:]
	}
	if len(parts) == 1 && parts[0] == "all" {
		return s, nil
	}
	if len(parts) == 0 || len(parts)%2 != 0 {
		return s, Problemf(BadRequest, "the path %q is not pairs of kind and value, like field/policing/country/austria", short(path))
	}
	seen := map[string]bool{}
	for i := 0; i < len(parts); i += 2 {
		kind, values := parts[i], strings.Split(parts[i+1], "+")
		if seen[kind] {
			return s, Problemf(BadRequest, "the kind %q stands twice in %q; join its values with +", short(kind), short(path))
		}
		seen[kind] = true
		if kind == "role" {
			s.Role = Role(parts[i+1])
			if s.Role != About && s.Role != PlaceRole {
				return s, Problemf(BadRequest, "the role %q is neither about nor place", short(parts[i+1]))
			}
			continue
		}
		into := s.values(TopicKind(kind))
		if into == nil {
			return s, Problemf(BadRequest, "there is no kind %q; use field, country, role, source, type or language", short(kind))
		}
		for _, v := range values {
			if v == "" {
				return s, Problemf(BadRequest, "a value of the kind %s is empty in %q", kind, short(path))
			}
			topic, err := t.Resolve(TopicKind(kind), v)
			if err != nil {
				return s, err
			}
			if !slices.Contains(*into, topic.Slug) {
				*into = append(*into, topic.Slug)
			}
		}
		slices.Sort(*into)
		*into = withoutCovered(t, TopicKind(kind), *into)
	}
	if s.Role != "" && len(s.Countries) == 0 {
		return s, Problemf(BadRequest, "a role needs a country: country/…/role/%s", s.Role)
	}
	s.Routine = s.Routine && len(s.Types) == 0
	return s, nil
}

// withoutCovered drops every value whose releases a group among the others holds anyway.
func withoutCovered(t *Taxonomy, k TopicKind, values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool {
		own := t.Members(k, v)
		if own == nil {
			own = []string{v}
		}
		return slices.ContainsFunc(values, func(g string) bool {
			members := t.Members(k, g)
			for _, m := range own {
				if !slices.Contains(members, m) {
					return false
				}
			}
			return len(members) > len(own) || len(members) == len(own) && g < v
		})
	})
}

func (s *Selection) values(k TopicKind) *[]string {
	switch k {
	case KindField:
		return &s.Fields
	case KindCountry:
		return &s.Countries
	case KindSource:
		return &s.Sources
	case KindType:
		return &s.Types
	case KindLanguage:
		return &s.Languages
	}
	return nil
}

// Of returns the values of one kind.
func (s *Selection) Of(k TopicKind) []string {
	if v := s.values(k); v != nil {
		return *v
	}
	return nil
}

// Match reports whether the release is in the selection. One that tells of a
// change of a topic is in those that name the topic, or a group that holds it.
func (s *Selection) Match(t *Taxonomy, r *Release) bool {
	if r.Tells != nil {
		wanted := s.Of(r.Tells.Kind)
		return len(wanted) > 0 && anyOf(t, r.Tells.Kind, wanted, []string{r.Tells.Slug})
	}
	if !s.Routine && t.IsRoutine(r.Type) && !slices.Contains(s.Types, r.Type) {
		return false
	}
	var countries []string
	if s.Role == "" {
		countries = r.CountrySlugs()
	} else {
		countries = r.CountrySlugs(s.Role)
	}
	return anyOf(t, KindField, s.Fields, r.FieldSlugs()) &&
		anyOf(t, KindCountry, s.Countries, countries) &&
		anyOf(t, KindSource, s.Sources, r.SourceSlugs()) &&
		anyOf(t, KindType, s.Types, []string{r.Type}) &&
		anyOf(t, KindLanguage, s.Languages, []string{r.Language})
}

func anyOf(t *Taxonomy, k TopicKind, wanted, has []string) bool {
	if len(wanted) == 0 {
		return true
	}
	for _, w := range wanted {
		if slices.Contains(has, w) {
			return true
		}
		for _, m := range t.Members(k, w) {
			if slices.Contains(has, m) {
				return true
			}
		}
	}
	return false
}

// Title names the filters in words: "Policing · Austria", or "All releases".
func (s *Selection) Title(t *Taxonomy) string {
	var parts []string
	for _, k := range TopicKinds {
		var names []string
		for _, v := range s.Of(k) {
			names = append(names, t.Name(k, v))
		}
		if len(names) == 0 {
			continue
		}
		part := strings.Join(names, " or ")
		if k == KindCountry && s.Role != "" {
			part += " (" + string(s.Role) + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		parts = append(parts, "All releases")
	}
	title := strings.Join(parts, " · ")
	if s.Routine {
		title += " (with routine reports)"
	}
	return title
}

// Touched returns the selections of one topic, and of one field with one
// country, whose feeds a release belongs to: all, each field, each country,
// each source, its type, its language, each field with each country. A release
// of a routine series touches only its type and the routine variants of the rest.
func Touched(t *Taxonomy, r *Release) []Selection {
	routine := t.IsRoutine(r.Type)
	out := []Selection{{Routine: routine}}
	for _, f := range r.FieldSlugs() {
		out = append(out, Selection{Fields: []string{f}, Routine: routine})
	}
	for _, c := range r.CountrySlugs() {
		out = append(out, Selection{Countries: []string{c}, Routine: routine})
	}
	for _, f := range r.FieldSlugs() {
		for _, c := range r.CountrySlugs() {
			out = append(out, Selection{Fields: []string{f}, Countries: []string{c}, Routine: routine})
		}
	}
	for _, s := range r.SourceSlugs() {
		out = append(out, Selection{Sources: []string{s}, Routine: routine})
	}
	if r.Type != "" {
		out = append(out, Selection{Types: []string{r.Type}})
	}
	if r.Language != "" {
		out = append(out, Selection{Languages: []string{r.Language}, Routine: routine})
	}
	return out
}
