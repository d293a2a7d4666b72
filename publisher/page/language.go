package page

import "strings"

// A page is written in one language, which follows from its address, so that
// one address is one document for every cache. What is about one language only
// speaks it: a release, and a selection that names no other. Everything else
// speaks the first of [Languages] at its plain path, and each other one behind
// a prefix: "/topics", "/ru/topics".

// SplitLanguage parts the language that stands in front of a path from the rest,
// which begins with a slash. Without one the language is empty.
func SplitLanguage(path string) (language, rest string) {
	for _, l := range Languages()[1:] {
		if behind, ok := strings.CutPrefix(path, "/"+l); ok && (behind == "" || behind[0] == '/') {
			return l, "/" + strings.TrimLeft(behind, "/") // a second slash would lead elsewhere
		}
	}
	return "", path
}

// InLanguage is the path of a page in a language: with a prefix, unless the page
// has a language of its own or the language needs none. Query and fragment stay.
func InLanguage(language, path string) string {
	if language == Languages()[0] || !hasTwins(path) {
		return path
	}
	return "/" + language + path
}

// hasTwins reports whether what stands at a plain path is written in every
// language of the catalogues.
func hasTwins(path string) bool {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	switch path {
	case "/", "/topics", "/about-feeds", "/feeds":
		return true
	}
	selection, ok := strings.CutPrefix(path, "/feeds/")
	selection, _, _ = strings.Cut(selection, "/archive/")
	return ok && !strings.Contains(path, ".") && OwnLanguage(selection) == ""
}

// OwnLanguage is the language of the catalogues that alone a selection asks for,
// given its canonical path below /feeds/; empty when there is none.
func OwnLanguage(selection string) string {
	for _, l := range Languages() {
		if strings.HasSuffix("/"+selection, "/language/"+l) {
			return l
		}
	}
	return ""
}

// LanguageOf is the language in which a page about a text of some language
// speaks to its readers.
func LanguageOf(text string) string {
	primary, _, _ := strings.Cut(text, "-")
	for _, l := range Languages() {
		if l == primary {
			return l
		}
	}
	return Languages()[0]
}
