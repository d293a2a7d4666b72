package read

import (
	"strings"
	"unicode"

	"dateline/publisher/news"

	"github.com/abadojack/whatlanggo"
)

// How the language is told, when none is stated: by the script, if it is one
// language's alone; by letters that only one language has; by the commonest
// words, if they are clear; else by trigrams, among the taxonomy's languages
// alone. What stays unclear or is too short is not guessed. Serbian, Croatian,
// Bosnian and Montenegrin in Latin letters are told apart only where a word
// gives them away.
const (
	maxSample   = 2 << 10 // bytes of a text that are looked at
	maxTrigrams = 400     // bytes of a text whose trigrams are counted, which takes long
	leastLetter = 25      // letters that a text must have for trigrams
	leastAgreed = 0.3     // confidence that trigrams must have when common words agree
	leastAlone  = 0.9     // the same, when there are none
)

// languages tells languages apart, among those of the taxonomy.
type languages struct{ options whatlanggo.Options }

func newLanguages(t *news.Taxonomy) languages {
	allowed := map[whatlanggo.Lang]bool{}
	for lang := range whatlanggo.Langs {
		_, ok := t.Topic(news.KindLanguage, lang.Iso6391())
		allowed[lang] = ok
	}
	_, bosnian := t.Topic(news.KindLanguage, "bs")
	_, serbian := t.Topic(news.KindLanguage, "sr")
	allowed[whatlanggo.Hrv] = allowed[whatlanggo.Hrv] || bosnian || serbian
	for lang, ok := range allowed {
		if !ok {
			delete(allowed, lang)
		}
	}
	return languages{whatlanggo.Options{Whitelist: allowed}}
}

// detect judges the language of a text; "" when it cannot tell.
func (l *languages) detect(text string) (lang string, e news.Evidence) {
	text = strings.ToValidUTF8(text[:min(len(text), maxSample)], "")
	var latin, cyrillic, georgian, armenian int
	for _, r := range text {
		switch {
		case r < unicode.MaxLatin1 || unicode.Is(unicode.Latin, r):
			if unicode.IsLetter(r) {
				latin++
			}
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
	lang, e = l.latin(text, latin)
	if lang == "sr" || lang == "hr" {
		lang = southSlavic(text)
	}
	if lang == "" {
		return "", news.Evidence{}
	}
	return lang, e
}

// latin judges by common words, else by trigrams, which must not contradict the
// few common words there are and be quite sure when there are none.
func (l *languages) latin(text string, letters int) (string, news.Evidence) {
	common, plain := latinLanguage(text)
	if plain {
		return common, news.Evidence{Rule: "words", Confidence: 0.9}
	}
	if letters < leastLetter || len(l.options.Whitelist) == 0 {
		return "", news.Evidence{}
	}
	info := whatlanggo.DetectWithOptions(strings.ToValidUTF8(text[:min(len(text), maxTrigrams)], ""), l.options)
	lang := info.Lang.Iso6391()
	least := leastAlone
	if lang == common || lang == "hr" && common == "sr" {
		least = leastAgreed
	}
	if info.Confidence < least || common != "" && least == leastAlone {
		return "", news.Evidence{}
	}
	return lang, news.Evidence{Rule: "trigrams", Confidence: min(0.9, info.Confidence)}
}

// southSlavic tells the languages of the Western Balkans apart that share their
// commonest words: by the vowel of old yat and by words that one alone has.
func southSlavic(text string) string {
	counts, marks := map[string]int{}, southSlavicMarks()
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !isWordRune(r) }) {
		for _, mark := range marks {
			if strings.HasPrefix(word, mark.opening) {
				counts[mark.lang]++
			}
		}
	}
	switch {
	case counts["hr"] > counts["sr"]:
		return "hr"
	case counts["sr"] > counts["ije"]:
		return "sr"
	}
	return "" // Bosnian, Montenegrin, Croatian or Serbian
}

type languageMark struct{ opening, lang string }

// southSlavicMarks are openings of words of Serbian, of Croatian, and of all but
// Serbian ("ije").
func southSlavicMarks() []languageMark {
	var out []languageMark
	for lang, openings := range map[string]string{
		"sr":  "bezbedn saopšten vreme mesto mesta deca dece deci reč posle gde ovde uvek vest izvešt savet obaveš dve celo sledeć procen hleb avgust opšt lepš lepo beležen namen primen zahtev devojč smeša svet podele preduze izmen razume strpljen uspe",
		"hr":  "tjed tisuć siječ veljač ožuj travnj svibnj lipnj srpnj kolovoz rujn listopad studenog studeni prosin izvješć priopćen tvrtk glasnogovor sudac sudionik tijek vlak zrakoplov europ",
		"ije": "vrijeme mjest djec riječ poslije gdje ovdje uvijek prije vijest izvješt savjet obavješt dvije cijel sljedeć procjen dijel vijeć lijep bilježen namjen primjen zahtjev djevoj svijet podijel vanjsk sigurnos općin opće izmjen",
	} {
		for opening := range strings.FieldsSeq(openings) {
			out = append(out, languageMark{opening, lang})
		}
	}
	return out
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

// leastCommon is how many common words make a language clear.
const leastCommon = 2

// latinLanguage counts the commonest words of some languages. plain reports
// whether the one it names has many, and far more than the next.
func latinLanguage(text string) (lang string, plain bool) {
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
	return best, counts[best] >= leastCommon && counts[best]*20 >= total && counts[best] >= 2*second
}

// commonIn lists the languages in which a word is one of the commonest.
func commonIn(word string) []string {
	switch word {
	case "the", "and", "of", "to", "for", "with", "on", "by", "that", "is", "was", "at", "from", "an", "as", "its", "has", "will", "be", "more", "than", "this",
		"are", "were", "have", "their", "they", "who", "not", "been", "how", "new", "after", "into", "under", "over", "or", "says", "said",
		"about", "up", "out", "two", "three", "but", "which", "what", "when", "first", "helps", "needs", "all", "between":
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
