package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed words/*.json
var catalogues embed.FS

// Words is the catalogue of one language.
type Words struct {
	language string
	phrases  map[string]string
	counts   map[string]map[string]string // by key and plural category (CLDR)
	names    map[string]string            // of topics, by kind and slug
	months   []string                     // as they stand in dates
	alone    []string                     // as they stand without a day
}

// Languages lists the languages that have a catalogue, in the order in which
// pages offer them. The first is the one in which a page without a language of
// its own is written.
func Languages() []string { return []string{"en", "ru"} }

// Catalogue reads the words of a language, for instance "en".
func Catalogue(language string) (*Words, error) {
	b, err := catalogues.ReadFile("words/" + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("there is no catalogue of words for the language %q; add words/%s.json", language, language)
	}
	var file struct {
		Phrases map[string]string            `json:"phrases"`
		Counts  map[string]map[string]string `json:"counts"`
		Names   map[string]string            `json:"names"`
		Months  []string                     `json:"months"`
		Alone   []string                     `json:"months alone"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("read the words of %q: %w", language, err)
	}
	if len(file.Months) != 12 || len(file.Alone) != 12 {
		return nil, fmt.Errorf("the words of %q name %d and %d months", language, len(file.Months), len(file.Alone))
	}
	return &Words{language, file.Phrases, file.Counts, file.Names, file.Months, file.Alone}, nil
}

// Language is the language of the words (BCP 47).
func (w *Words) Language() string { return w.language }

// Say returns a phrase with its arguments filled in for {1}, {2} and so on.
func (w *Words) Say(key string, args ...any) (string, error) {
	phrase, ok := w.phrases[key]
	if !ok {
		return "", fmt.Errorf("the words of %q lack %q", w.language, key)
	}
	for i, a := range args {
		phrase = strings.ReplaceAll(phrase, "{"+strconv.Itoa(i+1)+"}", fmt.Sprint(a))
	}
	return phrase, nil
}

// Count returns a phrase about a number, in the form that belongs to it.
func (w *Words) Count(key string, n int) (string, error) {
	phrase, ok := w.counts[key][plural(w.language, n)]
	if !ok {
		return "", fmt.Errorf("the words of %q lack the form %q of %q", w.language, plural(w.language, n), key)
	}
	return strings.ReplaceAll(phrase, "{n}", w.Number(n)), nil
}

// plural is the CLDR plural category of a whole number.
func plural(language string, n int) string {
	n = max(n, -n)
	switch {
	case language != "ru":
		if n == 1 {
			return "one"
		}
		return "other"
	case n%10 == 1 && n%100 != 11:
		return "one"
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return "few"
	}
	return "many"
}

// Name is the name of a topic in this language, by the kind and slug of its
// path ("field/policing"). Where the catalogue has none, the topic's own name
// has to do.
func (w *Words) Name(path string) (string, bool) {
	name, ok := w.names[path]
	return name, ok
}

// Number writes a whole number with its thousands apart.
func (w *Words) Number(n int) string {
	apart := ","
	if w.language == "ru" {
		apart = "\u00a0"
	}
	digits := strconv.Itoa(max(n, -n))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + apart + digits[i:]
	}
	if n < 0 {
		return "-" + digits
	}
	return digits
}

// Date writes a day: "20 November 2026".
func (w *Words) Date(t time.Time) string {
	return strconv.Itoa(t.Day()) + " " + w.months[t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// Month writes a month: "November 2026".
func (w *Words) Month(t time.Time) string {
	return w.alone[t.Month()-1] + " " + strconv.Itoa(t.Year())
}
