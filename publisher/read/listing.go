package read

import (
	"strings"

	"dateline/publisher/news"
)

// maxListed is how many entries of a listing are read.
const maxListed = 1_000

// entry makes the sheet of a block, what stands above it, and its text.
func (r *Reader) entry(b block, h head, text []pageLine, listed bool) sheet {
	s := sheet{format: FormatPage, rule: ruleLabel, title: h.title}
	if listed {
		s.format = FormatListing
	}
	for key, values := range b.values {
		s.set(key, values)
	}
	if _, stated := b.values["type"]; !stated {
		s.typ = h.typ
	}
	s.setLines(text)
	return s
}

// setLines takes the lines of a text over. An entry of a listing whose text
// breaks off is partial, and so is a page with one such paragraph; a longer text
// may end in an ellipsis of its own.
func (s *sheet) setLines(text []pageLine) {
	s.body, s.plain = paragraphs(text)
	if last := lineAbove(text, 0, len(text)); last >= 0 && breaksOff(text[last].text) {
		s.partial = s.format == FormatListing || last == pastBlank(text, 0)
	}
}

// withoutPager leaves out what leads to more pages of a listing: the lines that
// say so at the end of an entry, and below the last entry all that follows
// text that breaks off at once.
func withoutPager(text []pageLine, last bool) []pageLine {
	if first := pastBlank(text, 0); last && first < len(text) && breaksOff(text[first].text) {
		return text[:first+1]
	}
	for len(text) > 0 && isPager(text[len(text)-1].text) {
		text = text[:len(text)-1]
	}
	return text
}

// isPager reports whether a line leads to more pages of a listing, or is blank.
func isPager(line string) bool {
	if len(line) > 40 {
		return false
	}
	switch strings.Trim(news.Slugify(line), "-0123456789") {
	case "", "next", "previous", "last", "first", "next-page", "last-page", "older", "older-posts", "more", "load-more", "show-more", "view-more", "see-more", "read-more",
		"pokazat-esche", "pokazat-eshche", "zagruzit-esche", "sleduyuschaya", "sleduyushchaya", "dalee", "ucitaj-jos", "prikazi-jos", "sledeca", "starije":
		return true
	}
	return false
}

// breaksOff reports whether a text ends in an ellipsis, or in the words that
// lead to the rest.
func breaksOff(text string) bool {
	text = strings.TrimRight(text, " \u00a0\n)]»”\"→›>")
	if strings.HasSuffix(text, "…") || strings.HasSuffix(text, "...") {
		return true
	}
	end := strings.ToLower(text[max(0, len(text)-40):])
	for _, words := range []string{" read more", " continue reading", " читать далее", " подробнее", " opširnije", " pročitaj više", " lire la suite", " weiterlesen", " leer más"} {
		if strings.HasSuffix(end, words) {
			return true
		}
	}
	return false
}

func errListed() error {
	return news.Problemf(news.TooLarge, "the page lists more than %d releases; split it", maxListed)
}
