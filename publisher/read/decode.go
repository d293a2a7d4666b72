package read

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"dateline/publisher/news"
)

// decode turns the bytes of a document into text: UTF-8 with or without a byte
// order mark, or UTF-16 with one. Anything else is refused, because letters
// guessed wrong are worse than a question.
func decode(b []byte) (string, error) {
	if len(b) > MaxSize {
		return "", news.Problemf(news.TooLarge, "the document has %d kB, at most %d kB are read; shorten it", len(b)>>10, MaxSize>>10)
	}
	var text string
	switch {
	case bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}):
		text = string(b[3:])
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		text = fromUTF16(b[2:], binary.LittleEndian)
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		text = fromUTF16(b[2:], binary.BigEndian)
	default:
		text = string(b)
	}
	if i := bytes.IndexByte([]byte(text), 0); i >= 0 {
		return "", news.Problemf(news.Unacceptable, "this is no text: byte %d is zero; send a page in text form, Markdown with front matter, or release JSON", i+1)
	}
	if !utf8.ValidString(text) {
		return "", news.Problemf(news.Unacceptable, "this is not UTF-8 text: byte %d does not belong there; save the document as UTF-8", firstInvalid(text)+1)
	}
	if len(bytes.TrimSpace([]byte(text))) == 0 {
		return "", news.Problemf(news.Unacceptable, "the document is empty; send a page in text form, Markdown with front matter, or release JSON")
	}
	return text, nil
}

func fromUTF16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return string(utf16.Decode(units))
}

func firstInvalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return len(s)
}
