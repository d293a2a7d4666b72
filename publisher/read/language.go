package read

import (
	"strings"
	"unicode"

	"dateline/publisher/news"
)

// maxSample is how much of a text, in bytes, its language is judged from.
const maxSample = 2 << 10

// detectLanguage judges the language of a text by its script, its letters and
// its commonest words. It returns "" when it cannot tell.
func detectLanguage(text string) (lang string, e news.Evidence) {
	text = text[:min(len(text), maxSample)]
	var latin, cyrillic, georgian, armenian int
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Latin, r):
			latin++
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic++
		case unicode.Is(unicode.Georgian, r):
			georgian++
		case unicode.Is(unicode.Armenian, r):
			armenian++
		}
	}
	switch most := max(latin, cyrillic, georgian, armenian); most {
	case 0:
		return "", news.Evidence{}
	case georgian:
		return "ka", news.Evidence{Rule: "script", Words: "Georgian", Confidence: 0.99}
	case armenian:
		return "hy", news.Evidence{Rule: "script", Words: "Armenian", Confidence: 0.99}
	case cyrillic:
		return cyrillicLanguage(text)
	}
	return latinLanguage(text)
}

// cyrillicLanguage tells languages apart by letters that only they have.
func cyrillicLanguage(text string) (string, news.Evidence) {
	for _, l := range []struct{ lang, letters string }{
		{"mk", "ѓќѕЃЌЅ"}, {"sr", "ђћЂЋ"}, {"mk", "љњџјЉЊЏЈ"}, {"be", "ўЎ"}, {"tg", "ҷӣӯҳҶӢӮҲ"},
		{"kk", "әұқғӘҰҚҒ"}, {"mn", "өүӨҮ"}, {"uk", "їєґіЇЄҐІ"},
	} {
		if i := strings.IndexAny(text, l.letters); i >= 0 {
			lang := l.lang
			switch {
			case lang == "mn" && strings.ContainsAny(text, "ңҢ"):
				lang = "ky"
			case lang == "mk" && (strings.Contains(text, " је ") || strings.Contains(text, " у ")):
				lang = "sr"
			}
			return lang, news.Evidence{Rule: "letters", Words: firstRune(text[i:]), Confidence: 0.9}
		}
	}
	return "ru", news.Evidence{Rule: "script", Words: "Cyrillic", Confidence: 0.9}
}

// latinLanguage counts the commonest words of some languages.
func latinLanguage(text string) (string, news.Evidence) {
	counts := map[string]int{}
	total := 0
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !isWordRune(r) }) {
		total++
		for _, lang := range commonIn(word) {
			counts[lang]++
		}
	}
	best, second := "", 0
	for _, lang := range []string{"en", "fr", "de", "es", "it", "sr", "sq", "ro", "tr"} {
		switch n := counts[lang]; {
		case n > counts[best]:
			best, second = lang, counts[best]
		case n > second:
			second = n
		}
	}
	if best == "" || counts[best]*20 < total || counts[best] == second {
		return "", news.Evidence{}
	}
	return best, news.Evidence{Rule: "words", Confidence: 0.9}
}

// commonIn lists the languages in which a word is one of the commonest.
func commonIn(word string) []string {
	switch word {
	case "the", "and", "of", "to", "for", "with", "on", "by", "that", "is", "was", "at", "from", "an", "as", "its", "has", "will", "be", "more", "than", "this":
		return []string{"en"}
	case "in":
		return []string{"en", "de", "it"}
	case "le", "les", "du", "des", "et", "dans", "est", "pour", "aux", "une":
		return []string{"fr"}
	case "la":
		return []string{"fr", "es", "it", "ro"}
	case "de":
		return []string{"fr", "es", "ro"}
	case "der", "die", "das", "und", "den", "von", "mit", "für", "zu", "dem":
		return []string{"de"}
	case "el", "los", "las", "y", "del", "por", "una", "con":
		return []string{"es"}
	case "il", "di", "che", "per", "della", "delle", "gli":
		return []string{"it"}
	case "i", "u", "na", "je", "za", "da", "od", "su", "sa", "koji", "o":
		return []string{"sr"}
	case "të", "dhe", "në", "për", "me", "që", "një", "është":
		return []string{"sq"}
	case "și", "şi", "în", "din", "cu", "pentru", "pe", "al":
		return []string{"ro"}
	case "ve", "bir", "bu", "için", "ile", "olarak":
		return []string{"tr"}
	}
	return nil
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
