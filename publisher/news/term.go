package news

import (
	"maps"
	"slices"
	"strings"
)

// CountryTerm is the name of a region, a process or a body that stands for
// countries: "Central Asia", "Geneva International Discussions".
type CountryTerm struct {
	Name      string   `json:"name"`
	Aliases   []string `json:"aliases,omitempty"`
	Countries []string `json:"countries"` // slugs of countries, or of groups of them
}

// CountryTerms lists the terms that stand for countries. The caller must not
// change the slice.
func (t *Taxonomy) CountryTerms() []CountryTerm { return t.terms }

// CountriesOf lists the countries a term stands for; group reports whether it
// names them as a group, so that each is meant less surely.
func (t *Taxonomy) CountriesOf(term CountryTerm) (slugs []string, group bool) {
	for _, slug := range term.Countries {
		if members := t.Members(KindCountry, slug); members != nil {
			slugs, group = append(slugs, members...), true
			continue
		}
		slugs = append(slugs, slug)
	}
	return slugs, group
}

// SourceTerm opens a term of a field that is met when the source with that slug
// issued the release: "source:odihr".
const SourceTerm = "source:"

// FieldTerms returns the words that speak for a field, each with its weight: a
// weight of 3 is enough for a proposal when the word stands in a title. A term
// is one or more words; one that ends in an asterisk stands for all words that
// begin so ("journalist*"). See also [SourceTerm]. The caller must not change
// the map.
func (t *Taxonomy) FieldTerms(slug string) map[string]float64 { return t.fields[slug] }

// terms checks the terms of countries and fields.
func (c *taxonomyCheck) terms(t *Taxonomy, f taxonomyFile) {
	for _, term := range f.CountryTerms {
		if slices.ContainsFunc(append([]string{term.Name}, term.Aliases...), func(n string) bool { return fold(n) == "" }) {
			c.bad("the country term %q has a name without letters", term.Name)
		}
		if len(term.Countries) == 0 {
			c.bad("the country term %q stands for no country", term.Name)
		}
		for _, slug := range term.Countries {
			if _, ok := t.Topic(KindCountry, slug); !ok {
				c.bad("the country term %q names the country %q, which is not in the list", term.Name, slug)
			}
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(f.FieldTerms)) {
		if field, ok := t.Topic(KindField, slug); !ok || field.Members != nil {
			c.bad("there are terms for the field %q, which is not in the list", slug)
		}
		for _, term := range slices.Sorted(maps.Keys(f.FieldTerms[slug])) {
			weight := f.FieldTerms[slug][term]
			source, isSource := strings.CutPrefix(term, SourceTerm)
			if _, ok := t.Topic(KindSource, source); isSource && !ok {
				c.bad("a term of the field %q names the source %q, which is not in the list", slug, source)
			}
			if weight <= 0 || fold(term) == "" {
				c.bad("the term %q of the field %q has no letters or no weight above 0", term, slug)
			}
		}
	}
}
