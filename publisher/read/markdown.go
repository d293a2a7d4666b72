package read

import (
	"bytes"
	"fmt"
	"strings"

	"dateline/publisher/news"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// Bounds of a Markdown body. The converter takes time that grows with the
// square of brackets, nesting and table cells; no release comes near these.
const (
	maxLines      = 20_000
	maxLinkStarts = 2_000
	maxMarks      = 20_000 // of each of * _ < | `
	maxColumns    = 50
	maxCells      = 100_000 // columns of the widest table, times all lines
	maxNesting    = 12      // quotes and lists opened on one line
	maxIndent     = 64
)

// markdown converts CommonMark with tables. Raw HTML passes; it is sanitised later.
type markdown struct{ converter goldmark.Markdown }

func newMarkdown() markdown {
	return markdown{goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithRendererOptions(html.WithUnsafe()))}
}

// markdownBody puts a Markdown text into s. A first-level heading that opens
// the text is the title when there is no other.
func (r *Reader) markdownBody(s sheet, text string) (sheet, error) {
	text = strings.TrimLeft(text, " \t\n")
	if heading, rest, _ := strings.Cut(text, "\n"); s.title == "" && strings.HasPrefix(heading, "# ") {
		s.title, text = strings.Trim(heading, "# "), rest
	}
	var err error
	s.body, err = r.markdown.html(text)
	return s, err
}

func (m markdown) html(text string) (string, error) {
	if err := tangled(text); err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := m.converter.Convert([]byte(text), &out); err != nil {
		return "", fmt.Errorf("convert the Markdown: %w", err)
	}
	return out.String(), nil
}

// tangled refuses Markdown that would take the converter too long.
func tangled(text string) error {
	refuse := func(what string, n int) error {
		return news.Problemf(news.Unacceptable, "the Markdown has more than %d %s; simplify it, or send it as html or text in release JSON", n, what)
	}
	if strings.Count(text, "[") > maxLinkStarts {
		return refuse(`brackets "["`, maxLinkStarts)
	}
	for _, mark := range []string{"*", "_", "<", "|", "`"} {
		if strings.Count(text, mark) > maxMarks {
			return refuse(`characters "`+mark+`"`, maxMarks)
		}
	}
	lines, columns := 0, 0
	for line := range strings.Lines(text) {
		nesting, indent := opened(line)
		columns = max(columns, strings.Count(line, "|"))
		switch lines++; {
		case lines > maxLines:
			return refuse("lines", maxLines)
		case nesting > maxNesting:
			return refuse("quotes or lists on one line", maxNesting)
		case indent > maxIndent:
			return refuse("columns of indentation", maxIndent)
		case columns > maxColumns:
			return refuse("columns in a table", maxColumns)
		case columns*lines > maxCells:
			return refuse("cells in a table", maxCells)
		}
	}
	return nil
}

// opened counts the quote and list marks that open a line, and the columns of
// white space among them. A blank line or a rule opens nothing.
func opened(line string) (nesting, indent int) {
	line = strings.TrimRight(line, "\n")
	if isRule(line) {
		return 0, 0
	}
	for line != "" {
		mark := strings.TrimLeft(line, "0123456789")
		switch {
		case line[0] == ' ':
			indent, line = indent+1, line[1:]
		case line[0] == '\t':
			indent, line = indent+4, line[1:]
		case line[0] == '>':
			nesting, line = nesting+1, line[1:]
		case mark != "" && (strings.ContainsRune("-+*", rune(mark[0])) == (len(mark) == len(line))) &&
			strings.ContainsRune("-+*.)", rune(mark[0])) && (len(mark) == 1 || mark[1] == ' ' || mark[1] == '\t'):
			nesting, line = nesting+1, mark[1:]
		default:
			return nesting, indent
		}
	}
	return nesting, indent
}

// isRule reports whether a line is blank or made of one of - * _ alone.
func isRule(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return line == "" || strings.ContainsAny(line[:1], "-*_") && strings.Trim(line, line[:1]+" \t") == ""
}
