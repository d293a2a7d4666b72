package read_test

import (
	"slices"
	"strings"
	"testing"

	"dateline/publisher/news"
	"dateline/publisher/read"
)

// readPlace reads a release with a place and returns the countries of that role.
func readPlace(t *testing.T, place string) (p read.Proposal, countries []string) {
	t.Helper()
	p, err := newReader().Read([]byte("---\ntitle: A title\ndate: 2017-05-17\nlanguage: en\nplace: \"" + place + "\"\n---\nText."))
	if err != nil {
		t.Fatal(err)
	}
	return p, p.Release.CountrySlugs(news.PlaceRole)
}

func TestReader_Read_gazetteer(t *testing.T) {
	t.Parallel()
	for place, want := range map[string]string{
		"GOSTIVAR": "north-macedonia", "Gjilan": "kosovo", "TERMEZ": "uzbekistan", "TERMIZ": "uzbekistan", "BEOGRAD": "serbia",
		"LIENZ": "austria", "DAUGAVPILS": "latvia", "TROMSØ": "norway", "READING, United Kingdom": "united-kingdom", "BREST, Belarus": "belarus",
		"ТЕРМЕЗ": "uzbekistan", "МОСКВА": "russian-federation", "KULYAB": "tajikistan", "SKOPE": "north-macedonia", "YERAVAN": "armenia",
		"ASHGABAD": "turkmenistan", "KURGAN-TYUBE": "tajikistan", "PRISHTINË/PRIŠTINA": "kosovo", "BĂLŢI": "moldova", "ST. PETERSBURG": "russian-federation",
		"Nowhere-upon-Sea": "", "VIENNA": "", "ВЕНА": "", "VIENNA, Austria": "austria", "NICE": "france", "SUPHAN BURI": "thailand",
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			if p, got := readPlace(t, place); strings.Join(got, " ") != want {
				t.Errorf("it lies in %v, want %q; %v", got, want, p.Warnings)
			}
		})
	}
}

func TestReader_Read_ambiguousPlaces(t *testing.T) {
	t.Parallel()
	for place, tc := range map[string]struct {
		want  string // country, "" when it must not be told
		words []string
	}{
		"DONETSK":                      {"", []string{"DONETSK", "Ukraine", "Russian Federation"}},
		"DONETSK, Ukraine":             {"ukraine", nil},
		"READING":                      {"", []string{"United Kingdom", "United States"}},
		"CAMBRIDGE":                    {"", []string{"United Kingdom", "United States"}},
		"ATLANTA, Georgia":             {"", []string{"names Georgia", "United States"}},
		"BAR":                          {"montenegro", []string{"taken for the one in Montenegro", "Ukraine"}},
		"BELGRADE":                     {"serbia", nil}, // the one in Montana is clearly smaller
		"PARIS":                        {"france", nil},
		"BISHKEC":                      {"kyrgyzstan", []string{"unknown and taken for Bishkek"}},
		"DONETSK, Republic of Nowhere": {"", []string{"Ukraine", "Russian Federation"}},
	} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			p, got := readPlace(t, place)
			if strings.Join(got, " ") != tc.want {
				t.Errorf("it lies in %v, want %q", got, tc.want)
			}
			all := strings.Join(p.Warnings, "\n")
			for _, word := range tc.words {
				if !strings.Contains(all, word) {
					t.Errorf("%q is not in the warnings %q", word, all)
				}
			}
			if tc.words == nil && all != "" {
				t.Errorf("the warnings are %q, want none", all)
			}
		})
	}
}

// Every capital and every place of the taxonomy is found in its country, in
// the gazetteer too.
func TestReader_Read_capitals(t *testing.T) {
	t.Parallel()
	taxonomy := news.DefaultTaxonomy()
	r := newReader()
	for _, c := range taxonomy.Topics(news.KindCountry) {
		for _, city := range c.Capital {
			if got := r.Towns(city); !slices.Contains(got, c.Slug) {
				t.Errorf("%s lies in %v, want %s", city, got, c.Slug)
			}
		}
	}
	count := map[string]int{}
	for _, slug := range r.TownCountries() {
		count[slug]++
	}
	for _, c := range taxonomy.Topics(news.KindCountry) {
		if count[c.Slug] < 2 {
			t.Errorf("there are %d towns of %s", count[c.Slug], c.Slug)
		}
	}
}
