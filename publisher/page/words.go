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
	months   []string
}

// Catalogue reads the words of a language, for instance "en".
func Catalogue(language string) (*Words, error) {
	b, err := catalogues.ReadFile("words/" + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("there is no catalogue of words for the language %q; add words/%s.json", language, language)
	}
	var file struct {
		Phrases map[string]string            `json:"phrases"`
		Counts  map[string]map[string]string `json:"counts"`
		Months  []string                     `json:"months"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("read the words of %q: %w", language, err)
	}
	if len(file.Months) != 12 {
		return nil, fmt.Errorf("the words of %q name %d months", language, len(file.Months))
	}
	return &Words{language, file.Phrases, file.Counts, file.Months}, nil
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
	return strings.ReplaceAll(phrase, "{n}", strconv.Itoa(n)), nil
}

// plural is the CLDR plural category of a whole number. A language with other
// categories than English needs its rule here.
func plural(_ string, n int) string {
	if n == 1 {
		return "one"
	}
	return "other"
}

// Date writes a day: "20 November 2026".
func (w *Words) Date(t time.Time) string {
	return strconv.Itoa(t.Day()) + " " + w.months[t.Month()-1] + " " + strconv.Itoa(t.Year())
}
