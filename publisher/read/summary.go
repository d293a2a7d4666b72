package read

import (
	"strings"
	"unicode/utf8"
)

// maxSummary is the length of a summary made here, in characters.
const maxSummary = 300

// summary is the first paragraph, without its dateline, up to the last sentence
// that ends within 300 characters; where none does, up to a word, with an
// ellipsis. A paragraph without words gives way to the next.
func summary(first, rest string) string {
	p := strings.Join(strings.Fields(first), " ")
	for p == "" && rest != "" {
		first, rest, _ = strings.Cut(rest, "\n\n")
		p = strings.Join(strings.Fields(first), " ")
	}
	if utf8.RuneCountInString(p) <= maxSummary {
		return p
	}
	sentence, word, count := 0, 0, 0
	for i, r := range p {
		if count++; count > maxSummary {
			break
		}
		if r == ' ' {
			word = i
			if endsSentence(p[:i]) {
				sentence = i
			}
		}
	}
	if sentence > 0 {
		return p[:sentence]
	}
	if word > 0 {
		return strings.TrimRight(p[:word], " ,;:–—-") + "…"
	}
	return string([]rune(p)[:maxSummary]) + "…"
}

// endsSentence reports whether s ends in a full stop, question or exclamation
// mark that belongs to no abbreviation.
func endsSentence(s string) bool {
	bare := strings.TrimRight(s, `"”“»)’'`)
	if strings.HasSuffix(bare, "!") || strings.HasSuffix(bare, "?") {
		return true
	}
	bare, stopped := strings.CutSuffix(bare, ".")
	last := strings.TrimLeft(bare[strings.LastIndexByte(bare, ' ')+1:], `"“„«(‘'`)
	if !stopped || utf8.RuneCountInString(last) < 2 || strings.Contains(last, ".") {
		return false
	}
	switch strings.ToLower(last) {
	case "mr", "mrs", "ms", "dr", "prof", "amb", "gen", "col", "lt", "sen", "rep", "st", "no", "nos", "art", "para", "vs", "cf", "approx":
		return false
	}
	return true
}
