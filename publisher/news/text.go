package news

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text fit for XML, JSON, mail and terminals: it drops invalid
// UTF-8, control characters but line feed and tab, byte order marks and the
// bidirectional overrides that can disguise text, and turns all line ends into
// line feeds.
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case unfit(r):
			return -1
		}
		return r
	}, s)
}

// isClean spares text that needs no cleaning, which is nearly all, a copy.
func isClean(s string) bool {
	for _, r := range s {
		if r == '\r' || r == '\u2028' || r == '\u2029' || unfit(r) {
			return false
		}
	}
	return true
}

func unfit(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r >= ' ' && r < 0x7f:
		return false
	case r == utf8.RuneError, unicode.IsControl(r), r == 0xFEFF, r == 0xFFFE, r == 0xFFFF,
		r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r >= 0xFDD0 && r <= 0xFDEF, r >= 0xE000 && r <= 0xF8FF:
		return true
	}
	return false
}

// maxShort is how much of a stranger's text an error repeats, in characters.
const maxShort = 80

// short makes a stranger's text fit to be repeated in an error.
func short(s string) string {
	if len(s) > 4*maxShort {
		s = s[:4*maxShort]
	}
	s = CleanLine(s)
	if r := []rune(s); len(r) > maxShort {
		s = string(r[:maxShort]) + "…"
	}
	return s
}

// CleanLine is Clean for a single line: all white space becomes single spaces.
func CleanLine(s string) string { return strings.Join(strings.Fields(Clean(s)), " ") }

// maxSlug keeps slugs readable in a URL, in characters.
const maxSlug = 80

// Slugify turns a name or title into a slug: lower-case ASCII letters, digits
// and single dashes, Latin accents dropped and Cyrillic transliterated, at most
// 80 characters, cut between words. It may be empty.
func Slugify(s string) string {
	s = fold(s)
	if len(s) <= maxSlug {
		return s
	}
	cut := strings.LastIndexByte(s[:maxSlug+1], '-')
	if cut <= 0 {
		cut = maxSlug
	}
	return s[:cut]
}

// composed joins the letters whose mark changes how they are spelled; all other
// marks can be dropped.
var composed = strings.NewReplacer("и\u0306", "й", "И\u0306", "й", "і\u0308", "ї", "І\u0308", "ї", "г\u0301", "ѓ", "Г\u0301", "ѓ", "к\u0301", "ќ", "К\u0301", "ќ")

// silent are characters within a word that no letter stands for.
const silent = "'’ʻʼ‘ьъЬЪ"

// fold is Slugify without a limit: two names that fold alike are one name.
func fold(s string) string {
	if isASCII(s) {
		return foldASCII(s)
	}
	var b strings.Builder
	dash := false
	for _, r := range composed.Replace(s) {
		t := spell(unicode.ToLower(r))
		if t == "" && !unicode.Is(unicode.Mn, r) && !strings.ContainsRune(silent, r) {
			dash = true
		}
		if t == "" {
			continue
		}
		if dash && b.Len() > 0 {
			b.WriteByte('-')
		}
		dash = false
		b.WriteString(t)
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldASCII is fold for the many names that need nothing but lower case.
func foldASCII(s string) string {
	b := make([]byte, 0, len(s))
	dash := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '\'' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		default:
			dash = true
			continue
		}
		if c == '\'' {
			continue
		}
		if dash && len(b) > 0 {
			b = append(b, '-')
		}
		dash = false
		b = append(b, c)
	}
	return string(b)
}

// spell writes one lower-case letter or digit in ASCII; "" for anything else.
func spell(r rune) string {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return string(r)
	}
	if i := strings.IndexRune(accented, r); i >= 0 {
		return string(plain[utf8.RuneCountInString(accented[:i])])
	}
	return spelled[r]
}

// accented and plain stand letter under letter.
const (
	accented = "àáâãåāăąçćĉċčďđèéêëēĕėęěĝğġģĥħìíîïĩīĭįıĵķĺļľŀłñńņňŋòóôõøōŏőŕŗřśŝşšșţťŧțùúûũūŭůűųŵýŷÿźżžəäöü"
	plain    = "aaaaaaaacccccddeeeeeeeeegggghhiiiiiiiiijklllllnnnnnoooooooorrrsssssttttuuuuuuuuuwyyyzzzaaou"
)

var spelled = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'þ': "th", 'ð': "d",
	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ё': "e", 'ж': "zh", 'з': "z", 'и': "i", 'й': "y",
	'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f",
	'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "shch", 'ы': "y", 'э': "e", 'ю': "yu", 'я': "ya",
	'і': "i", 'ї': "yi", 'є': "ye", 'ґ': "g", 'ў': "u", 'ѕ': "dz", 'ѐ': "e", 'ѝ': "i",
	'ә': "a", 'ғ': "g", 'қ': "k", 'ң': "n", 'ө': "o", 'ұ': "u", 'ү': "u", 'һ': "h", 'ҳ': "h", 'ҷ': "j", 'ӣ': "i", 'ӯ': "u",
	'ј': "j", 'љ': "lj", 'њ': "nj", 'ћ': "c", 'ђ': "dj", 'џ': "dz", 'ѓ': "gj", 'ќ': "kj",
}

// ReleaseURL is where people read a release: base + /releases/{id}/{slug}. The
// slug is for the eye only and is left out when the title gives none.
func ReleaseURL(base, id, title string) string {
	u := base + "/releases/" + id
	if s := Slugify(title); s != "" {
		u += "/" + s
	}
	return u
}
