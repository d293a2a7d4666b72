package page_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dateline/publisher/news"
	"dateline/publisher/page"
)

// catalogue is a file of words as translators see it.
type catalogue struct {
	Phrases map[string]string
	Counts  map[string]map[string]string
	Names   map[string]string
}

func readCatalogue(t *testing.T, language string) catalogue {
	t.Helper()
	b, err := os.ReadFile("words/" + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var c catalogue
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

var slot = regexp.MustCompile(`\{[^}]*\}`)

func slots(phrase string) []string {
	found := slot.FindAllString(phrase, -1)
	slices.Sort(found)
	return found
}

// A word that one language lacks, or that another has for itself, is a mistake.
func TestCatalogue_alike(t *testing.T) {
	first := readCatalogue(t, page.Languages()[0])
	for _, language := range page.Languages()[1:] {
		other := readCatalogue(t, language)
		for key, phrase := range first.Phrases {
			translated, ok := other.Phrases[key]
			if !ok || strings.TrimSpace(translated) == "" {
				t.Errorf("%s lacks %q", language, key)
				continue
			}
			if !slices.Equal(slots(phrase), slots(translated)) {
				t.Errorf("%s: %q has other places to fill in: %s", language, key, translated)
			}
		}
		for key := range other.Phrases {
			if _, ok := first.Phrases[key]; !ok {
				t.Errorf("%s has %q for itself", language, key)
			}
		}
		for key := range first.Counts {
			if _, ok := other.Counts[key]; !ok {
				t.Errorf("%s lacks the forms of %q", language, key)
			}
		}
		for key := range other.Counts {
			if _, ok := first.Counts[key]; !ok {
				t.Errorf("%s has the forms of %q for itself", language, key)
			}
		}
	}
}

// Every form that a number can ask for is there: the numbers to 200 ask for all.
func TestWords_Count_everyForm(t *testing.T) {
	keys := readCatalogue(t, page.Languages()[0]).Counts
	for _, language := range page.Languages() {
		words, err := page.Catalogue(language)
		if err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			for n := range 200 {
				if _, err := words.Count(key, n); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestWords_Count(t *testing.T) {
	for language, wants := range map[string]map[int]string{
		"en": {0: "0 releases", 1: "1 release", 2: "2 releases", 21: "21 releases", 1234567: "1,234,567 releases"},
		"ru": {
			0: "0 сообщений", 1: "1 сообщение", 2: "2 сообщения", 4: "4 сообщения", 5: "5 сообщений", 11: "11 сообщений", 12: "12 сообщений", 14: "14 сообщений",
			21: "21 сообщение", 22: "22 сообщения", 25: "25 сообщений", 100: "100 сообщений", 101: "101 сообщение", 111: "111 сообщений", 112: "112 сообщений",
			122: "122 сообщения", 1001: "1\u00a0001 сообщение",
		},
	} {
		words, err := page.Catalogue(language)
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range wants {
			if got, err := words.Count("releases", n); err != nil || got != want {
				t.Errorf("%d is %q, want %q (%v)", n, got, want, err)
			}
		}
	}
}

// The built-in topics have a name in every language but the first, which is the
// taxonomy's own; and no name stands for nothing.
func TestWords_Name(t *testing.T) {
	taxonomy := news.DefaultTaxonomy()
	for _, language := range page.Languages()[1:] {
		words, err := page.Catalogue(language)
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for _, k := range news.TopicKinds {
			for _, topic := range slices.Concat(taxonomy.Topics(k), taxonomy.Groups(k)) {
				path := string(k) + "/" + topic.Slug
				known[path] = true
				if name, ok := words.Name(path); !ok || name != news.CleanLine(name) || name == "" {
					t.Errorf("%s: %s is called %q", language, path, name)
				}
			}
		}
		for path := range readCatalogue(t, language).Names {
			if !known[path] {
				t.Errorf("%s names %s, which is no topic", language, path)
			}
		}
	}
}
