package read

import (
	"slices"
	"strings"

	"dateline/publisher/news"
)

// The rules by which a document states something itself.
const (
	ruleEditor = "editor" // front matter or release JSON
	ruleLabel  = "label"  // a label of a page
)

// sheet is what a document says about itself, before any of it is looked up.
type sheet struct {
	format string
	rule   string // ruleEditor or ruleLabel

	title, date, typ, language string
	summary, url, origin       string
	translationOf              string
	places, sources, fields    []string
	countries                  []string
	editedCountries            bool   // the document lists its countries, perhaps none
	body                       string // HTML, not yet sanitised
	plain                      string // the text of body, when body is our own making and clean

	// foreign says that another system chose the words: one that is no topic is
	// warned of, not refused. labels are its words that may name a topic of any kind.
	foreign bool
	labels  []string
	partial bool // the text is only the beginning
}

// set fills in the value of a key. A key that holds one line takes a single value.
func (s *sheet) set(key string, values []string) {
	first := ""
	if len(values) > 0 {
		first = values[0]
	}
	switch key {
	case "title":
		s.title = first
	case "date":
		s.date = first
	case "type":
		s.typ = first
	case "language":
		s.language = first
	case "summary":
		s.summary = first
	case "url":
		s.url = first
	case "origin":
		s.origin = first
	case "translation_of":
		s.translationOf = first
	case "place":
		s.places = values
	case "sources":
		s.sources = values
	case "fields":
		s.fields = values
	case "countries":
		s.countries, s.editedCountries = values, true
	}
}

// headKeys are the keys that an editor may write, in front matter and in JSON.
func headKeys() []string {
	return []string{"title", "date", "type", "language", "place", "sources", "fields", "countries", "summary", "url", "origin", "translation_of"}
}

// isList reports whether a key may hold several values.
func isList(key string) bool {
	return key == "place" || key == "sources" || key == "fields" || key == "countries"
}

// unknownKey says what is wrong with a key that is none of known. where may be empty.
func unknownKey(key, where string, known []string) string {
	start := strings.ToLower(key[:min(len(key), 40)]) // a key may be as long as the document
	best := slices.MinFunc(known, func(a, b string) int { return news.Distance(start, a) - news.Distance(start, b) })
	msg := "there is no key " + quote(key) + where
	if d := news.Distance(start, best); d <= 2 || d <= len(start)/2 {
		return msg + "; perhaps " + best
	}
	return msg + "; the keys are " + strings.Join(known, ", ")
}

// quote puts a document's own words into a message, cut to a readable length.
func quote(s string) string {
	s = news.CleanLine(s)
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return `"` + s + `"`
}

// refusal is nil without problems, else one Problem that lists them all.
func refusal(items []string) error {
	switch len(items) {
	case 0:
		return nil
	case 1:
		return &news.Problem{Code: news.Unacceptable, Detail: items[0]}
	}
	return &news.Problem{Code: news.Unacceptable, Detail: "the document cannot be read as a release", Items: items}
}
