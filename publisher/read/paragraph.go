package read

import (
	stdhtml "html"
	"strings"
)

// paragraphs makes HTML and plain text of the lines of a text: each is a
// paragraph, bulleted ones are a list. They are what the sanitizer would make of
// the HTML, at a fraction of its cost.
func paragraphs(lines []pageLine) (body, plain string) {
	var b, t strings.Builder
	list := false
	for _, l := range lines {
		if l.text == "" {
			continue
		}
		switch {
		case t.Len() == 0:
		case list && l.bullet:
			t.WriteByte('\n')
		default:
			t.WriteString("\n\n")
		}
		if l.bullet != list {
			list = l.bullet
			b.WriteString(map[bool]string{true: "<ul>\n", false: "</ul>\n"}[list])
		}
		tag, mark := "p", ""
		if list {
			tag, mark = "li", "- "
		}
		b.WriteString("<" + tag + ">" + stdhtml.EscapeString(l.text) + "</" + tag + ">\n")
		t.WriteString(mark)
		writeWords(&t, l.text)
	}
	if list {
		b.WriteString("</ul>\n")
	}
	return strings.TrimSpace(b.String()), t.String()
}

// writeWords writes the words of a text with one space between.
func writeWords(b *strings.Builder, text string) {
	first := true
	for word := range strings.FieldsSeq(text) {
		if !first {
			b.WriteByte(' ')
		}
		first = false
		b.WriteString(word)
	}
}
