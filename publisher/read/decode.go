package read

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"dateline/publisher/news"

	"golang.org/x/net/html/charset"
)

const hintFormats = "send a page in text form, HTML, Markdown with front matter, release JSON, ninjs, RSS, Atom or JSON Feed"

// decode turns the bytes of a document, most at most, into UTF-8: from UTF-8,
// from UTF-16 with a byte order mark, from the encoding that an XML or HTML
// document declares, or from Windows-1251 or 1252 where its words leave no doubt
// which. Anything else is refused, because letters guessed wrong are worse than
// a question.
func decode(b []byte, most int) (string, error) {
	if len(b) > most {
		return "", news.Problemf(news.TooLarge, "the document has %d kB, at most %d kB are read; shorten it", len(b)>>10, most>>10)
	}
	if kind := binaryKind(b); kind != "" {
		return "", news.Problemf(news.Unacceptable, "this is %s, which is not read; %s", kind, hintFormats)
	}
	text, err := decoded(b)
	if err != nil {
		return "", err
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return "", news.Problemf(news.Unacceptable, "this is no text: byte %d is zero; %s", i+1, hintFormats)
	}
	if strings.TrimSpace(text) == "" {
		return "", news.Problemf(news.Unacceptable, "the document is empty; %s", hintFormats)
	}
	return text, nil
}

// binaryKind names the kinds of files that people send in place of text.
func binaryKind(b []byte) string {
	for _, k := range []struct{ opens, name string }{
		{"%PDF-", "a PDF"}, {"{\\rtf", "an RTF document"}, {"PK\x03\x04", "an archive or a Word document"},
		{"\xD0\xCF\x11\xE0", "an old Word document"}, {"\x1f\x8b", "a gzip archive"}, {"\x89PNG", "a picture"}, {"\xff\xd8\xff", "a picture"},
	} {
		if bytes.HasPrefix(b, []byte(k.opens)) {
			return k.name
		}
	}
	return ""
}

func decoded(b []byte) (string, error) {
	switch {
	case bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}):
		b = b[3:]
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		return fromUTF16(b[2:], binary.LittleEndian), nil
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		return fromUTF16(b[2:], binary.BigEndian), nil
	}
	if utf8.Valid(b) {
		return string(b), nil
	}
	at := firstInvalid(b)
	if len(b)-at < utf8.UTFMax && !utf8.FullRune(b[at:]) {
		return string(b[:at]), nil // cut in the middle of the last letter
	}
	if i := controlByte(b); i >= 0 {
		return "", news.Problemf(news.Unacceptable, "this is no text: byte %d is a control character; %s", i+1, hintFormats)
	}
	broken := news.Problemf(news.Unacceptable, "this is not UTF-8 text: byte %d does not belong there, and no other encoding is certain; save the document as UTF-8", at+1)
	if mostlyUTF8(b) {
		return "", broken
	}
	name := declared(b)
	if name == "" {
		name = guess(b)
	}
	e, _ := charset.Lookup(name)
	if name == "" || e == nil {
		return "", broken
	}
	text, err := e.NewDecoder().Bytes(b)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", news.Problemf(news.Unacceptable, "this is not %s text, though it looks or says so; save the document as UTF-8", quote(name))
	}
	return string(text), nil
}

func fromUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return string(utf16.Decode(units))
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// controlByte is the place of the first byte that no single-byte text holds, or -1.
func controlByte(b []byte) int {
	return bytes.IndexFunc(b, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f'
	})
}

// mostlyUTF8 reports whether more letters of several bytes than broken ones are there.
func mostlyUTF8(b []byte) bool {
	good, bad := 0, 0
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case n > 1:
			good++
		case r == utf8.RuneError:
			bad++
		}
		b = b[n:]
	}
	return good > bad
}
