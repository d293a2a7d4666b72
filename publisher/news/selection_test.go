package news_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"dateline/publisher/news"

	"pgregory.net/rapid"
)

func TestParseSelection_Canonical(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for in, want := range map[string]string{
		"all":                                       "all",
		"/all/":                                     "all",
		"routine/all":                               "routine/all",
		"field/policing":                            "field/policing",
		"/field/policing/":                          "field/policing",
		"field/policing+elections":                  "field/elections+policing",
		"field/policing+Police+POLICING":            "field/policing",
		"country/AT":                                "country/austria",
		"country/Austria":                           "country/austria",
		"country/the netherlands":                   "country/netherlands",
		"country/austria/field/policing":            "field/policing/country/austria",
		"role/about/country/austria":                "country/austria/role/about",
		"country/austria/role/place":                "country/austria/role/place",
		"source/osce-secretariat":                   "source/secretariat",
		"routine/country/at":                        "routine/country/austria",
		"country/asian-partners":                    "country/asian-partners",
		"country/central-asia+kazakhstan":           "country/central-asia",
		"country/central-asia+austria":              "country/austria+central-asia",
		"country/participating-states+central-asia": "country/participating-states",
		"field/human":                               "field/human",
		"type/daily-report":                         "type/daily-report",
		"routine/type/daily-report":                 "type/daily-report",
		"language/RU/type/news/source/odihr/country/at/field/youth": "field/youth/country/austria/source/odihr/type/news/language/ru",
	} {
		s, err := news.ParseSelection(tax, in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := s.Path(); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
		again, err := news.ParseSelection(tax, want)
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%q reads as %+v, want %+v (%v)", want, again, s, err)
		}
	}
}

func TestParseSelection_Refuses(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for in, code := range map[string]news.Code{
		"":                                  news.BadRequest,
		"/":                                 news.BadRequest,
		"routine":                           news.BadRequest,
		"country":                           news.BadRequest,
		"/country/":                         news.BadRequest,
		"All":                               news.BadRequest,
		"FIELD/policing":                    news.BadRequest,
		"Routine/all":                       news.BadRequest,
		"all/all":                           news.BadRequest,
		"mood/gay":                          news.BadRequest,
		"field/+":                           news.BadRequest,
		"field/policing+":                   news.BadRequest,
		"field/+policing":                   news.BadRequest,
		"field//policing":                   news.BadRequest,
		"field/policing/field/youth":        news.BadRequest,
		"role/about":                        news.BadRequest,
		"role/about/field/policing":         news.BadRequest,
		"country/austria/role/About":        news.BadRequest,
		"country/austria/role/about+place":  news.BadRequest,
		"country/austria/role/":             news.BadRequest,
		"all/field/policing":                news.BadRequest,
		"field/policing/all":                news.BadRequest,
		"field/policing/country/../austria": news.BadRequest,
		"field/austria":                     news.NotFound,
		"country/atlantis":                  news.NotFound,
		"country/a%75stria":                 news.NotFound, // who hands a path in has decoded it; twice is not done
		"country/austria%2Ffield":           news.NotFound,
		"country/any":                       news.NotFound,
		"country/\x00":                      news.NotFound,
		"country/\xff":                      news.NotFound,
		"country/..":                        news.NotFound,
	} {
		s, err := news.ParseSelection(tax, in)
		if news.CodeOf(err) != code {
			t.Errorf("%q: %v (%+v), want the code %s", in, err, s, code)
		}
	}
	huge := strings.Repeat("x", 1<<20)
	for _, in := range []string{huge, huge + "/x", "field/" + huge, "field/x/" + huge, "country/at/role/" + huge, "field/policing/field/" + huge, "field/policing+/" + huge + "/x"} {
		if _, err := news.ParseSelection(tax, in); err == nil || len(err.Error()) > 1000 {
			t.Errorf("a path of a megabyte is repeated in an error")
		}
	}
}

// values draws values of a kind, groups included.
func values(t *rapid.T, tax *news.Taxonomy, k news.TopicKind) []string {
	var slugs []string
	for _, topic := range slices.Concat(tax.Topics(k), tax.Groups(k)) {
		slugs = append(slugs, topic.Slug)
	}
	return rapid.SliceOfN(rapid.SampledFrom(slugs), 0, 4).Draw(t, string(k))
}

func selection(t *rapid.T, tax *news.Taxonomy) news.Selection {
	s := news.Selection{
		Fields: values(t, tax, news.KindField), Countries: values(t, tax, news.KindCountry), Sources: values(t, tax, news.KindSource),
		Types: values(t, tax, news.KindType), Languages: values(t, tax, news.KindLanguage), Routine: rapid.Bool().Draw(t, "routine"),
	}
	if len(s.Countries) > 0 {
		s.Role = rapid.SampledFrom([]news.Role{"", news.About, news.PlaceRole}).Draw(t, "role")
	}
	return s
}

func plain(t *rapid.T, tax *news.Taxonomy, k news.TopicKind, n int) []string {
	return rapid.SliceOfN(rapid.Map(rapid.SampledFrom(tax.Topics(k)), func(t news.Topic) string { return t.Slug }), 0, n).Draw(t, "has "+string(k))
}

func tagged(t *rapid.T, tax *news.Taxonomy) news.Release {
	var r news.Release
	for _, s := range plain(t, tax, news.KindField, 4) {
		r.Fields = append(r.Fields, news.Tag{Slug: s})
	}
	for _, s := range plain(t, tax, news.KindSource, 3) {
		r.Sources = append(r.Sources, news.Tag{Slug: s})
	}
	for _, s := range plain(t, tax, news.KindCountry, 4) {
		r.Countries = append(r.Countries, news.CountryTag{Slug: s, Role: rapid.SampledFrom([]news.Role{news.About, news.PlaceRole}).Draw(t, "as")})
	}
	for _, s := range plain(t, tax, news.KindType, 1) {
		r.Type = s
	}
	for _, s := range plain(t, tax, news.KindLanguage, 1) {
		r.Language = s
	}
	return r
}

// oracle is Match, written as plainly as can be.
func oracle(tax *news.Taxonomy, s news.Selection, r news.Release) bool {
	has := map[news.TopicKind]map[string]bool{}
	add := func(k news.TopicKind, slug string) {
		if has[k] == nil {
			has[k] = map[string]bool{}
		}
		if slug == "" {
			return
		}
		has[k][slug] = true
		for _, g := range tax.Groups(k) {
			if slices.Contains(g.Members, slug) {
				has[k][g.Slug] = true
			}
		}
	}
	for _, f := range r.Fields {
		add(news.KindField, f.Slug)
	}
	for _, f := range r.Sources {
		add(news.KindSource, f.Slug)
	}
	for _, c := range r.Countries {
		if s.Role == "" || s.Role == c.Role {
			add(news.KindCountry, c.Slug)
		}
	}
	add(news.KindType, r.Type)
	add(news.KindLanguage, r.Language)
	for k, wanted := range map[news.TopicKind][]string{
		news.KindField: s.Fields, news.KindCountry: s.Countries, news.KindSource: s.Sources, news.KindType: s.Types, news.KindLanguage: s.Languages,
	} {
		hit := len(wanted) == 0
		for _, w := range wanted {
			hit = hit || has[k][w]
		}
		if !hit {
			return false
		}
	}
	routine := r.Type == "spot-report" || r.Type == "daily-report" || r.Type == "weekly-report"
	return !routine || s.Routine || slices.Contains(s.Types, r.Type)
}

func TestSelection_PathRoundTrip(t *testing.T) {
	tax := news.DefaultTaxonomy()
	rapid.Check(t, func(t *rapid.T) {
		s := selection(t, tax)
		path := s.Path()
		parsed, err := news.ParseSelection(tax, path)
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		canonical := parsed.Path()
		again, err := news.ParseSelection(tax, canonical)
		if err != nil || again.Path() != canonical || !reflect.DeepEqual(again, parsed) {
			t.Fatalf("%q is not canonical: %q, %v", canonical, again.Path(), err)
		}
		for _, k := range news.TopicKinds {
			v := parsed.Of(k)
			if !slices.IsSorted(v) || len(slices.Compact(slices.Clone(v))) != len(v) {
				t.Fatalf("%s of %q: %v", k, path, v)
			}
		}
		r := tagged(t, tax)
		if s.Match(tax, &r) != parsed.Match(tax, &r) {
			t.Fatalf("%q and %q select differently", path, canonical)
		}
	})
}

func TestSelection_Match(t *testing.T) {
	tax := news.DefaultTaxonomy()
	rapid.Check(t, func(t *rapid.T) {
		r := tagged(t, tax)
		for range 20 {
			s := selection(t, tax)
			if got, want := s.Match(tax, &r), oracle(tax, s, r); got != want {
				t.Fatalf("%s matches %+v: %v, want %v", s.Path(), r, got, want)
			}
		}
	})
}

func TestTouched(t *testing.T) {
	tax := news.DefaultTaxonomy()
	rapid.Check(t, func(t *rapid.T) {
		r := tagged(t, tax)
		seen := map[string]bool{}
		for _, s := range news.Touched(tax, &r) {
			path := s.Path()
			if seen[path] {
				t.Fatalf("%q is touched twice", path)
			}
			seen[path] = true
			if !s.Match(tax, &r) {
				t.Fatalf("%q is touched and does not match", path)
			}
			if parsed, err := news.ParseSelection(tax, path); err != nil || parsed.Path() != path {
				t.Fatalf("%q is not canonical: %v", path, err)
			}
		}
		front := ""
		if tax.IsRoutine(r.Type) {
			front = "routine/"
		}
		want := 1
		expect := func(path string) {
			want++
			if !seen[path] {
				t.Fatalf("%q is not touched by %+v", path, r)
			}
		}
		for _, f := range r.FieldSlugs() {
			expect(front + "field/" + f)
			for _, c := range r.CountrySlugs() {
				expect(front + "field/" + f + "/country/" + c)
			}
		}
		for _, c := range r.CountrySlugs() {
			expect(front + "country/" + c)
		}
		for _, s := range r.SourceSlugs() {
			expect(front + "source/" + s)
		}
		if r.Type != "" {
			expect("type/" + r.Type)
		}
		if r.Language != "" {
			expect(front + "language/" + r.Language)
		}
		if !seen[front+"all"] || len(seen) != want {
			t.Fatalf("touched %d, want %d: %v", len(seen), want, seen)
		}
	})
}

func TestSelection_Title(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for path, want := range map[string]string{
		"all":         "All releases",
		"routine/all": "All releases (with routine reports)",
		"field/policing+elections/country/austria/role/about": "Elections or Policing · Austria (about)",
		"source/secretariat/language/ru":                      "Secretariat · Russian",
		"country/central-asia":                                "Central Asia",
	} {
		s, err := news.ParseSelection(tax, path)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Title(tax); got != want {
			t.Errorf("%q is called %q, want %q", path, got, want)
		}
	}
}

func FuzzParseSelection(f *testing.F) {
	tax := news.DefaultTaxonomy()
	for _, s := range []string{"all", "routine/field/policing+youth/country/at/role/about", "field/+", "//", "country/central-asia+kz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s, err := news.ParseSelection(tax, path)
		if err != nil {
			if news.CodeOf(err) == "" {
				t.Fatalf("%q: an error without a code: %v", path, err)
			}
			return
		}
		again, err := news.ParseSelection(tax, s.Path())
		if err != nil || again.Path() != s.Path() {
			t.Fatalf("%q gives %q, which gives %q (%v)", path, s.Path(), again.Path(), err)
		}
	})
}
