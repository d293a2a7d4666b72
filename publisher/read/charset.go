package read

import (
	"bytes"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/charmap"
)

// maxDeclaration is how far into a document its encoding may be declared, in bytes.
const maxDeclaration = 4096

// declared is the encoding an XML declaration or an HTML meta element names, ""
// when none does or it is UTF-8 or UTF-16, which this document plainly is not.
func declared(b []byte) string {
	head := b[:min(len(b), maxDeclaration)]
	name := xmlEncoding(head)
	if name == "" && bytes.Contains(bytes.ToLower(head), []byte("<meta")) {
		name = metaCharset(head)
	}
	if _, canonical := charset.Lookup(name); !strings.HasPrefix(canonical, "utf-") && canonical != "replacement" {
		return canonical
	}
	return ""
}

func xmlEncoding(head []byte) string {
	head = bytes.TrimLeft(head, " \t\r\n")
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	declaration, _, _ := bytes.Cut(head, []byte("?>"))
	_, value, ok := bytes.Cut(declaration, []byte("encoding="))
	if !ok || len(value) < 2 {
		return ""
	}
	name, _, _ := bytes.Cut(value[1:], value[:1])
	return string(name)
}

// metaCharset reads <meta charset="…"> and <meta http-equiv … content="…; charset=…">.
func metaCharset(head []byte) string {
	z := html.NewTokenizer(bytes.NewReader(head))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if token.Data != "meta" {
				continue
			}
			for _, a := range token.Attr {
				if a.Key == "charset" {
					return strings.TrimSpace(a.Val)
				}
				if _, name, ok := strings.Cut(strings.ToLower(a.Val), "charset="); ok && a.Key == "content" {
					return strings.TrimSpace(name)
				}
			}
		}
	}
}

// guess tells Windows-1251 from Windows-1252 by the words with letters beyond
// ASCII: nearly all of them must look like words in the one and not in the
// other. It is "" where that is not so: other encodings of Cyrillic and of
// Central Europe end here.
func guess(b []byte) string {
	b = b[:min(len(b), 1<<18)]
	cyrillic, latin, words := 0, 0, 0
	for word := range bytes.FieldsFuncSeq(b, func(r rune) bool { return r < 0x80 && !unicode.IsLetter(r) }) {
		high := 0
		for _, c := range word {
			if c >= 0x80 && !isMark(c) {
				high++
			}
		}
		if high == 0 || len(word) == 1 { // one byte alone is a word in both, or a sign
			continue
		}
		words++
		if isCyrillicWord(charmap.Windows1251.DecodeByte, word) {
			cyrillic++
		}
		if isLatinWord(charmap.Windows1252.DecodeByte, word) {
			latin++
		}
	}
	switch {
	case words == 0:
		return "windows-1252" // quotes and dashes alone, which both encode alike
	case cyrillic*10 >= words*9 && cyrillic > latin*2:
		return "windows-1251"
	case latin*10 >= words*9 && latin > cyrillic*2:
		return "windows-1252"
	}
	return ""
}

// isMark reports whether a byte is punctuation that Windows-1251 and 1252 share.
func isMark(c byte) bool {
	return bytes.IndexByte([]byte("\x82\x84\x85\x86\x87\x89\x8b\x91\x92\x93\x94\x95\x96\x97\x99\x9b\xa0\xa6\xa7\xa9\xab\xac\xad\xae\xb0\xb1\xb5\xb6\xb7\xbb"), c) >= 0
}

// isCyrillicWord reports whether all letters are Cyrillic and only the first is
// a capital, or all are.
func isCyrillicWord(decode func(byte) rune, word []byte) bool {
	return caseFits(decode, word, func(r rune, _ int) bool { return unicode.Is(unicode.Cyrillic, r) })
}

// western are the letters beyond ASCII of the languages that write
// Windows-1252. Those of Icelandic are left out, because in text from Central
// Europe or Turkey they are far more often other letters read wrong.
const western = "àáâãäåæçèéêëìíîïñòóôõöøùúûüßœ"

// isLatinWord reports whether all letters are Latin ones of Western Europe, with
// never more than two beyond ASCII in a row.
func isLatinWord(decode func(byte) rune, word []byte) bool {
	return caseFits(decode, word, func(r rune, row int) bool {
		return r < 0x80 || row <= 2 && strings.ContainsRune(western, unicode.ToLower(r))
	})
}

// caseFits decodes a word and checks every letter. Marks may stand before,
// behind and within; another sign is no part of a word.
func caseFits(decode func(byte) rune, word []byte, fits func(r rune, row int) bool) bool {
	upper, lower, row := 0, 0, 0
	for _, c := range word {
		if isMark(c) {
			upper, lower = 0, 0 // as in «Слово» and d’État
			continue
		}
		r := decode(c)
		if row++; c < 0x80 {
			row = 0
		}
		if strings.ContainsRune("€£¡¿²³¹¼½¾", r) {
			continue
		}
		if !unicode.IsLetter(r) || !fits(r, row) {
			return false
		}
		if unicode.IsUpper(r) {
			if upper++; lower > 0 {
				return false
			}
			continue
		}
		if lower++; upper > 1 {
			return false
		}
	}
	return true
}
