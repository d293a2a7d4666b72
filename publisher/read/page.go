package read

import (
	stdhtml "html"
	"strings"

	"dateline/publisher/news"
)

// A release's page in text form is: navigation; the content type on a line of
// its own (in one layout); the title; a block of labels, each with its value
// behind the colon or on bulleted lines below, in any order; the text. Older
// pages have no labels: there the text begins with the first dateline, and the
// title stands above it. The navigation is what stands before; it is not looked
// at, because it changes with the site.

// pageLine is a line without its bullet.
type pageLine struct {
	text   string
	bullet bool
}

// maxLabelValue is the longest line that is still a value and not text, in bytes.
const maxLabelValue = 250

// block is a run of labels and their values: lines from to to, the end not included.
type block struct {
	from, to int
	style    string // the first label as it stands; all entries of a listing have the same
	values   map[string][]string
}

func (r *Reader) page(text string) (sheet, error) {
	lines := pageLines(text)
	blocks := r.blocks(lines)
	s := sheet{format: FormatPage, rule: ruleLabel}
	if len(blocks) > 1 {
		return s, news.Problemf(news.Unacceptable, "this page lists %d releases; publish each from its own page", len(blocks))
	}
	if len(blocks) == 0 {
		return r.bare(s, lines)
	}
	b := blocks[0]
	for key, values := range b.values {
		s.set(key, values)
	}
	if _, stated := b.values["type"]; !stated {
		s.typ = r.typeAbove(lines, b.from)
	}
	s.title = r.titleAbove(lines, b.from)
	s.body = paragraphs(lines[b.to:])
	return s, nil
}

func pageLines(text string) []pageLine {
	var out []pageLine
	for raw := range strings.Lines(text) {
		line := strings.TrimSpace(raw)
		l := pageLine{text: line}
		for _, bullet := range []string{"- ", "• ", "* ", "·"} {
			if rest, ok := strings.CutPrefix(line, bullet); ok {
				l = pageLine{strings.TrimSpace(rest), true}
				break
			}
		}
		if line == "-" {
			l = pageLine{"", true}
		}
		out = append(out, l)
	}
	return out
}

// blocks finds the label blocks that open a release. One stands for the whole
// page; more of the same style are the entries of a listing. Labels of another
// style are text, for instance the "Date:" of an invitation.
func (r *Reader) blocks(lines []pageLine) []block {
	var out []block
	for i := 0; i < len(lines); {
		b, ok := r.blockAt(lines, i)
		if !ok {
			i++
			continue
		}
		if len(out) == 0 || b.style == out[0].style && b.dated() {
			out = append(out, b)
		}
		i = b.to
	}
	return out
}

// blockAt reads the block that begins at line i. A block has a date or a type,
// or two labels at least: a lone "Source:" is text.
func (r *Reader) blockAt(lines []pageLine, i int) (block, bool) {
	first, ok := parseLabel(lines[i])
	if !ok {
		return block{}, false
	}
	b := block{from: i, to: i, values: map[string][]string{}, style: first.style()}
	for b.to < len(lines) {
		next := pastBlank(lines, b.to)
		if next == len(lines) {
			break
		}
		l, ok := parseLabel(lines[next])
		if !ok {
			break
		}
		if _, twice := b.values[l.key]; twice {
			break
		}
		var values []string
		values, b.to = r.valuesOf(lines, next, l)
		b.values[l.key] = values
	}
	_, dated := b.values["date"]
	_, typed := b.values["type"]
	return b, dated || typed || len(b.values) > 1
}

// dated reports whether the block states a date that can be read, or none.
func (b block) dated() bool {
	values := b.values["date"]
	if len(values) == 0 {
		return true
	}
	_, _, ok := parseDate(values[0])
	return ok
}

// pastBlank is the next line from i on that holds text.
func pastBlank(lines []pageLine, i int) int {
	for i < len(lines) && lines[i].text == "" {
		i++
	}
	return i
}

// valuesOf returns the values of the label at line i and the line after them:
// behind the colon, else the bulleted lines below, else one plain line below
// that is plainly a value.
func (r *Reader) valuesOf(lines []pageLine, i int, l label) (values []string, next int) {
	i++
	if l.value != "" {
		return []string{l.value}, i
	}
	i = pastBlank(lines, i)
	for i < len(lines) && lines[i].bullet && len(lines[i].text) <= maxLabelValue {
		if _, ok := parseLabel(lines[i]); ok {
			break
		}
		if lines[i].text != "" {
			values = append(values, lines[i].text)
		}
		i++
	}
	if len(values) == 0 && i < len(lines) && !lines[i].bullet && r.isValue(l.key, lines[i].text) {
		return []string{lines[i].text}, i + 1
	}
	return values, i
}

// isValue reports whether a plain line is one that the label can have.
func (r *Reader) isValue(key, line string) bool {
	if line == "" || len(line) > maxLabelValue {
		return false
	}
	switch key {
	case "date":
		_, _, ok := parseDate(line)
		return ok
	case "place":
		_, ok := splitPlaces(line, r.knowsPlace, false)
		return ok
	}
	kind := map[string]news.TopicKind{"sources": news.KindSource, "fields": news.KindField, "type": news.KindType, "language": news.KindLanguage}[key]
	for _, name := range r.names(kind, line) {
		if !r.knows(kind, name) {
			return false
		}
	}
	return true
}

// titleAbove is the line with text above line i; "" when that is navigation.
func (r *Reader) titleAbove(lines []pageLine, i int) string {
	for i--; i >= 0; i-- {
		if lines[i].text == "" && !lines[i].bullet {
			continue
		}
		if _, isType := r.taxonomy.Find(news.KindType, lines[i].text); lines[i].bullet || isType {
			return ""
		}
		return lines[i].text
	}
	return ""
}

// typeAbove is the content type that stands on a line of its own above the
// title, with no more than one line between.
func (r *Reader) typeAbove(lines []pageLine, i int) string {
	for seen := 0; i > 0 && seen < 3; {
		i--
		if lines[i].bullet {
			return ""
		}
		if lines[i].text == "" {
			continue
		}
		if _, ok := r.taxonomy.Find(news.KindType, lines[i].text); ok {
			return lines[i].text
		}
		seen++
	}
	return ""
}

// bare reads a page without labels: its text begins with the first line that
// opens with a dateline and goes on. A line that is a dateline alone is passed.
func (r *Reader) bare(s sheet, lines []pageLine) (sheet, error) {
	title := ""
	for i, l := range lines {
		if l.text == "" || l.bullet {
			continue
		}
		line, ok := parseDateline(l.text, r.knowsPlace)
		if ok && line.day.Day > 0 && line.length == len(l.text) && title != "" {
			continue
		}
		if ok && (line.day.Day > 0 || title != "") {
			s.title, s.typ = title, r.typeAbove(lines, i)
			s.body = paragraphs(lines[i:])
			return s, nil
		}
		title = l.text
	}
	s.body = paragraphs(lines)
	return s, news.Problemf(news.Unacceptable, "no release is found here: there are neither labels (Date:, Place:, Source:, …) nor a dateline like VIENNA, 17 May 2017 –, so there is no date anywhere; add them, or write front matter with title and date above the text")
}

// paragraphs makes HTML of the lines of a text: each is a paragraph, bulleted
// ones are a list.
func paragraphs(lines []pageLine) string {
	var b strings.Builder
	list := false
	for _, l := range lines {
		if l.text == "" {
			continue
		}
		if l.bullet != list {
			list = l.bullet
			b.WriteString(map[bool]string{true: "<ul>\n", false: "</ul>\n"}[list])
		}
		tag := "p"
		if list {
			tag = "li"
		}
		b.WriteString("<" + tag + ">" + stdhtml.EscapeString(l.text) + "</" + tag + ">\n")
	}
	if list {
		b.WriteString("</ul>\n")
	}
	return b.String()
}
