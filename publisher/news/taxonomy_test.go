package news_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dateline/publisher/news"
)

func TestDefaultTaxonomy_Counts(t *testing.T) {
	tax := news.DefaultTaxonomy()
	if got := tax.Organisation(); got != "OSCE" {
		t.Errorf("organisation %q", got)
	}
	members := func(group string) int { return len(tax.Members(news.KindCountry, group)) }
	for what, c := range map[string][2]int{
		"countries":              {len(tax.Topics(news.KindCountry)), 57 + 11 + 1},
		"participating States":   {members("participating-states"), 57},
		"Asian partners":         {members("asian-partners"), 5},
		"Mediterranean partners": {members("mediterranean-partners"), 6},
		"fields":                 {len(tax.Topics(news.KindField)), 23},
		"dimensions":             {len(tax.Groups(news.KindField)), 4},
		"groups of sources":      {len(tax.Groups(news.KindSource)), 0},
		"topics of no kind":      {len(tax.Topics("mood")) + len(tax.Groups("mood")), 0},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %d, want %d", what, c[0], c[1])
		}
	}
	kosovo, _ := tax.Topic(news.KindCountry, "kosovo")
	if kosovo.Note == "" || slices.Contains(tax.Members(news.KindCountry, "participating-states"), "kosovo") {
		t.Error("Kosovo needs its footnote and is no participating State")
	}
	inGroups := map[string]int{}
	for _, g := range tax.Groups(news.KindField) {
		for _, m := range g.Members {
			inGroups[m]++
		}
	}
	for _, f := range tax.Topics(news.KindField) {
		if inGroups[f.Slug] != 1 || len(f.IPTC) == 0 {
			t.Errorf("field %s stands in %d dimensions and maps to %d media topics", f.Slug, inGroups[f.Slug], len(f.IPTC))
		}
	}
}

// The slugs stand in addresses that people keep: to rename one needs a redirect
// from the old name (an alias) besides the golden file.
func TestDefaultTaxonomy_SlugsAreFrozen(t *testing.T) {
	tax := news.DefaultTaxonomy()
	var b strings.Builder
	for _, k := range news.TopicKinds {
		for _, topic := range slices.Concat(tax.Topics(k), tax.Groups(k)) {
			fmt.Fprintf(&b, "%s/%s\n", k, topic.Slug)
		}
	}
	golden(t, "slugs.txt", []byte(b.String()))
}

func TestTaxonomy_EveryNameFindsItsTopic(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for _, k := range news.TopicKinds {
		for _, topic := range slices.Concat(tax.Topics(k), tax.Groups(k)) {
			if topic.Kind != k {
				t.Errorf("%s has the kind %q", topic.Slug, topic.Kind)
			}
			if topic.Slug != news.Slugify(topic.Slug) {
				t.Errorf("%s %s is no slug", k, topic.Slug)
			}
			names := append([]string{topic.Slug, topic.Name, strings.ToUpper(topic.Name), "OSCE " + topic.Name, "The " + topic.Name, "The OSCE " + topic.Name, topic.Name + " (closed)", "  " + topic.Name + "\n"}, topic.Aliases...)
			if topic.Code != "" {
				names = append(names, topic.Code, strings.ToUpper(topic.Code))
			}
			for _, name := range names {
				if found, ok := tax.Find(k, name); !ok || found.Slug != topic.Slug {
					t.Errorf("%s %q finds %q, want %q", k, name, found.Slug, topic.Slug)
				}
			}
			if tax.Name(k, topic.Slug) != topic.Name {
				t.Errorf("%s %s is called %q", k, topic.Slug, tax.Name(k, topic.Slug))
			}
		}
	}
}

func TestTaxonomy_Find(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for _, tc := range []struct {
		kind       news.TopicKind
		name, slug string
	}{
		{news.KindCountry, "Finland – OSCE Chairpersonship 2025", "finland"},
		{news.KindCountry, "Bosnia and Herzegovina - OSCE Chairmanship 2014", "bosnia-and-herzegovina"},
		{news.KindCountry, "The Netherlands", "netherlands"},
		{news.KindCountry, "the former Yugoslav Republic of Macedonia", "north-macedonia"},
		{news.KindCountry, "Turkey", "turkiye"},
		{news.KindCountry, "TÜRKIYE", "turkiye"},
		{news.KindCountry, "Czech Republic", "czechia"},
		{news.KindCountry, "Kyrgyz Republic", "kyrgyzstan"},
		{news.KindCountry, "U.S.A.", "united-states-of-america"},
		{news.KindCountry, "Австрия", "austria"},
		{news.KindCountry, "Российская Федерация", "russian-federation"},
		{news.KindCountry, "Соединённые Штаты Америки", "united-states-of-america"},
		{news.KindCountry, "AT", "austria"},
		{news.KindCountry, "xk", "kosovo"},
		{news.KindCountry, "Central Asia", "central-asia"},
		{news.KindField, "Cyber/ICT Security", "cyber-ict-security"},
		{news.KindField, "Democratisation", "democratization"},
		{news.KindField, "Права человека", "human-rights"},
		{news.KindField, "Human dimension", "human"},
		{news.KindSource, "OSCE Secretariat", "secretariat"},
		{news.KindSource, "osce-secretariat", "secretariat"},
		{news.KindSource, "The OSCE Secretariat", "secretariat"},
		{news.KindSource, "OSCE Special Monitoring Mission to Ukraine (closed)", "special-monitoring-mission-to-ukraine"},
		{news.KindSource, "OSCE Centre in Almaty", "programme-office-in-astana"},
		{news.KindSource, "Chairmanship", "chairpersonship"},
		{news.KindSource, "OSCE Chairmanship", "chairpersonship"},
		{news.KindSource, "CiO", "chairpersonship"},
		{news.KindSource, "ODIHR", "odihr"},
		{news.KindSource, "OSCE PA", "parliamentary-assembly"},
		{news.KindSource, "OSCE Project Coordinator in Uzbekistan", "project-co-ordinator-in-uzbekistan"},
		{news.KindType, "Пресс-релиз", "press-release"},
		{news.KindType, "Press Release", "press-release"},
		{news.KindLanguage, "EN", "en"},
		{news.KindLanguage, "Русский", "ru"},
		{news.KindLanguage, "Oʻzbekcha", "uz"},
		{news.KindLanguage, "O'zbekcha", "uz"},
		{news.KindLanguage, "Қазақша", "kk"},
		{news.KindCountry, "Serbia and Montenegro", ""},
		{news.KindCountry, "Atlantis", ""},
		{news.KindCountry, "", ""},
		{news.KindCountry, "–", ""},
		{"mood", "austria", ""},
	} {
		if got, ok := tax.Find(tc.kind, tc.name); got.Slug != tc.slug || ok != (tc.slug != "") {
			t.Errorf("%s %q finds %q, want %q", tc.kind, tc.name, got.Slug, tc.slug)
		}
	}
}

func TestTaxonomy_Resolve(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for _, tc := range []struct {
		kind       news.TopicKind
		name, says string
	}{
		{news.KindCountry, "Autsria", `there is no country "Autsria"; perhaps austria`},
		{news.KindField, "polcing", "perhaps policing"},
		{news.KindCountry, "zzzzzzzzzzzz", "the list of topics is at /topics"},
		{"mood", "gay", `there is no kind "mood"; use field, country, source, type or language`},
		{news.KindField, "", `there is no field ""`},
	} {
		_, err := tax.Resolve(tc.kind, tc.name)
		if news.CodeOf(err) != news.NotFound || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s %q: %v, want %q", tc.kind, tc.name, err, tc.says)
		}
	}
	long := strings.Repeat("austria", 200_000)
	if _, err := tax.Resolve(news.KindCountry, long); err == nil || len(err.Error()) > 1000 {
		t.Errorf("a name of a megabyte gives an error of %d bytes", len(fmt.Sprint(err)))
	}
	if _, err := tax.Resolve(news.TopicKind(long), "x"); err == nil || len(err.Error()) > 1000 {
		t.Error("a kind of a megabyte is repeated in the error")
	}
	if got, err := tax.Resolve(news.KindCountry, "at"); err != nil || got.Slug != "austria" {
		t.Errorf("at: %q, %v", got.Slug, err)
	}
}

func TestTaxonomy_Places(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for name, want := range map[string][]string{
		"ST JOHANN IM PONGAU": {"austria"}, "Vienna": {"austria"}, "SKOPE": {"north-macedonia"},
		"YERAVAN": {"armenia"}, "ASHGABAD": {"turkmenistan"}, "KULYAB": {"tajikistan"},
		"DONETSK": {"ukraine", "russian-federation"}, "Łódź": {"poland"}, "lodz": {"poland"},
		"Washington, D.C.": {"united-states-of-america"}, "Chechnya": {"russian-federation"}, "Atlantis": nil, "": nil,
	} {
		if got := tax.PlaceCountries(name); !slices.Equal(got, want) {
			t.Errorf("%q lies in %v, want %v", name, got, want)
		}
	}
	for city, want := range map[string]bool{"VIENNA": true, "Warsaw": true, "COPENHAGEN": true, "The Hague": true, "Prague": true, "Salzburg": false, "": false} {
		if tax.IsSeat(city) != want {
			t.Errorf("%q is a seat: %v", city, !want)
		}
	}
	for _, name := range []string{"Serbia and Montenegro", "FRY", "the Federal Republic of Yugoslavia"} {
		if got := tax.Successors(name); !slices.Equal(got, []string{"serbia", "montenegro"}) {
			t.Errorf("%q became %v", name, got)
		}
	}
	if tax.Successors("Austria") != nil || len(tax.Places()) == 0 || len(tax.Regions()) == 0 {
		t.Error("successors, places or regions are wrong")
	}
	for year, want := range map[int]string{2000: "austria", 2025: "finland", 1900: ""} {
		if got := tax.Chair(year); got != want {
			t.Errorf("chair of %d is %q, want %q", year, got, want)
		}
	}
	for typ, want := range map[string]bool{"daily-report": true, "press-release": false, "": false, "mood": false} {
		if tax.IsRoutine(typ) != want {
			t.Errorf("%q is routine: %v", typ, !want)
		}
	}
}

// small is a taxonomy of another organisation, with nothing wrong.
const small = `{"version": 1, "organisation": "Acme",
 "fields": [{"slug": "food", "name": "Food", "group": "life"}, {"slug": "art", "name": "Art"}],
 "field_groups": [{"slug": "life", "name": "Life", "members": ["food"]}],
 "countries": [{"slug": "france", "name": "France", "code": "fr", "capital": ["Paris"]}],
 "country_groups": [{"slug": "west", "name": "West", "members": ["france"]}],
 "sources": [{"slug": "office", "name": "Office", "seat": "Paris", "host": "france"}],
 "types": [{"slug": "note", "name": "Note"}], "languages": [{"slug": "fr", "name": "French"}],
 "places": [{"name": "Lyon", "country": "france"}], "regions": [],
 "former_states": [{"name": "Gaul", "countries": ["france"]}], "chairs": {"2001": "france"}}`

func TestParseTaxonomy_Own(t *testing.T) {
	tax, err := news.ParseTaxonomy([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if topic, ok := tax.Find(news.KindSource, "The ACME Office"); !ok || topic.Slug != "office" || tax.Organisation() != "Acme" {
		t.Error("the own organisation's name is not dropped")
	}
	if _, ok := tax.Find(news.KindSource, "OSCE Office"); ok {
		t.Error("another organisation's name is dropped")
	}
}

func TestParseTaxonomy_ListsEveryProblem(t *testing.T) {
	for _, tc := range []struct{ name, old, with, says string }{
		{"version", `"version": 1`, `"version": 2`, "its version is 2"},
		{"no topics", `"types": [{"slug": "note", "name": "Note"}]`, `"types": []`, "no topic of the kind type"},
		{"slug", `"slug": "food"`, `"slug": "Foo d"`, `the slug "Foo d" is not`},
		{"empty slug", `"slug": "food", `, ``, `field "Food": the slug ""`},
		{"twice", `"slug": "art"`, `"slug": "food"`, `field "food" stands twice`},
		{"reserved", `"slug": "art"`, `"slug": "any"`, `"any" is reserved`},
		{"name", `"name": "Food"`, `"name": "Fo\u0007od"`, "no name or one with control characters"},
		{"code", `"code": "fr"`, `"code": "FRA"`, `the code "FRA"`},
		{"same name", `"name": "Art"`, `"name": "food"`, `means both "food" and "art"`},
		{"alias", `"name": "Art"`, `"name": "Art", "aliases": ["–"]`, "without letters"},
		{"topic with members", `"name": "Art"`, `"name": "Art", "members": ["food"]`, "put it among the groups"},
		{"empty group", `"members": ["france"]`, `"members": []`, `country group "west" has no members`},
		{"strange member", `"members": ["france"]`, `"members": ["spain"]`, `has the member "spain", which is no country`},
		{"dimension", `"group": "life"`, `"group": "live"`, `names the group "live"`},
		{"place", `"name": "Lyon", "country": "france"`, `"name": "Lyon", "country": "gaul"`, `place "Lyon" names the country "gaul"`},
		{"place in a group", `"name": "Lyon", "country": "france"`, `"name": "Lyon", "country": "west"`, `names the country "west"`},
		{"nameless place", `"name": "Lyon"`, `"name": ""`, "has no name"},
		{"former State", `"name": "Gaul", "countries": ["france"]`, `"name": "Gaul", "countries": ["x"]`, `former State "Gaul"`},
		{"chair's year", `"2001"`, `"MMI"`, `year "MMI" is no number`},
		{"chair", `"2001": "france"`, `"2001": "x"`, "the chair of 2001"},
		{"host", `"host": "france"`, `"host": "x"`, `source "office"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !strings.Contains(small, tc.old) {
				t.Fatalf("nothing to spoil: %s", tc.old)
			}
			_, err := news.ParseTaxonomy([]byte(strings.Replace(small, tc.old, tc.with, 1)))
			if news.CodeOf(err) != news.Unacceptable || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
	all := strings.NewReplacer(`"version": 1`, `"version": 0`, `"FR"`, ``, `"code": "fr"`, `"code": ""`, `"name": "Art"`, `"name": ""`, `"country": "france"`, `"country": "x"`).Replace(small)
	_, err := news.ParseTaxonomy([]byte(all))
	for _, says := range []string{"version is 0", `code ""`, `"art" has no name`, `place "Lyon"`} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is missing in %v", says, err)
		}
	}
}

func TestParseTaxonomy_NotJSON(t *testing.T) {
	for name, in := range map[string]string{
		"empty": "", "text": "hello", "unknown key": strings.Replace(small, `"version"`, `"colour": 1, "version"`, 1),
		"wrong type": strings.Replace(small, `"version": 1`, `"version": "one"`, 1), "two files": small + small, "tail": small + "]",
	} {
		if _, err := news.ParseTaxonomy([]byte(in)); news.CodeOf(err) != news.BadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}
