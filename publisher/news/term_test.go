package news_test

import (
	"slices"
	"strings"
	"testing"

	"dateline/publisher/news"
)

func TestTaxonomy_CountryTerms(t *testing.T) {
	t.Parallel()
	tax := news.DefaultTaxonomy()
	for name, want := range map[string]struct {
		countries string
		group     bool
	}{
		"Central Asia":                     {"kazakhstan kyrgyzstan tajikistan turkmenistan uzbekistan", true},
		"Geneva International Discussions": {"georgia", false},
		"Minsk Group":                      {"armenia azerbaijan", false},
	} {
		i := slices.IndexFunc(tax.CountryTerms(), func(c news.CountryTerm) bool { return c.Name == name })
		if i < 0 {
			t.Errorf("there is no term %q", name)
			continue
		}
		if slugs, group := tax.CountriesOf(tax.CountryTerms()[i]); strings.Join(slugs, " ") != want.countries || group != want.group {
			t.Errorf("%s stands for %v, a group: %v", name, slugs, group)
		}
	}
}

func TestTaxonomy_FieldTerms(t *testing.T) {
	t.Parallel()
	tax := news.DefaultTaxonomy()
	for _, f := range tax.Topics(news.KindField) {
		if len(tax.FieldTerms(f.Slug)) < 5 {
			t.Errorf("%s has %d terms", f.Slug, len(tax.FieldTerms(f.Slug)))
		}
	}
}

func TestTaxonomy_OrganisationNames(t *testing.T) {
	t.Parallel()
	tax := news.DefaultTaxonomy()
	if names := tax.OrganisationNames(); names[0] != tax.Organisation() || !slices.Contains(names, "ОБСЕ") {
		t.Errorf("the names are %v", names)
	}
	for label, want := range map[string]string{
		"Office of the OSCE Secretary General": "office-of-the-secretary-general",
		"Постоянный совет ОБСЕ":                "permanent-council",
		"OSCE":              "", // the organisation alone is no source
		"Mission of Nobody": "",
	} {
		topic, _ := tax.Find(news.KindSource, label)
		if topic.Slug != want {
			t.Errorf("%q is %q, want %q", label, topic.Slug, want)
		}
	}
}

func TestTaxonomy_seatsInOtherLanguages(t *testing.T) {
	t.Parallel()
	tax := news.DefaultTaxonomy()
	for city, want := range map[string]bool{"Wien": true, "ВАРШАВА": true, "Den Haag": true, "Graz": false, "Amsterdam": false} {
		if tax.IsSeat(city) != want {
			t.Errorf("%s is a seat: %v, want %v", city, !want, want)
		}
	}
}

func TestParseTaxonomy_terms(t *testing.T) {
	t.Parallel()
	with := func(more string) string { return strings.TrimSuffix(small, "}") + ", " + more + "}" }
	if _, err := news.ParseTaxonomy([]byte(with(`"organisation_names": ["Acmé SA"], "country_terms": [{"name": "The South", "countries": ["west"]}], "field_terms": {"food": {"bread*": 2, "source:office": 1}}`))); err != nil {
		t.Error(err)
	}
	for more, says := range map[string]string{
		`"country_terms": [{"name": "The South", "countries": []}]`:                   `"The South" stands for no country`,
		`"country_terms": [{"name": "The South", "countries": ["x"]}]`:                `names the country "x"`,
		`"country_terms": [{"name": "–", "countries": ["france"]}]`:                   "without letters",
		`"country_terms": [{"name": "S", "aliases": ["…"], "countries": ["france"]}]`: "without letters",
		`"field_terms": {"drink": {"wine": 1}}`:                                       `terms for the field "drink"`,
		`"field_terms": {"life": {"wine": 1}}`:                                        `terms for the field "life"`,
		`"field_terms": {"food": {"source:nobody": 1}}`:                               `names the source "nobody"`,
		`"field_terms": {"food": {"bread": 0}}`:                                       "no weight above 0",
		`"field_terms": {"food": {"*": 1}}`:                                           "no letters",
		`"places": [{"name": "Lyon", "aliases": ["Lugdunum"], "country": "x"}]`:       `names the country "x"`,
		`"field_terms": {"food": {"bread": "much"}}`:                                  "JSON",
	} {
		if _, err := news.ParseTaxonomy([]byte(with(more))); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error is %v, want %q", more, err, says)
		}
	}
}
