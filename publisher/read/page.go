package read

import (
	"iter"
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

const (
	maxPageLines  = 50_000
	maxLabelValue = 250 // the longest line that is still a value and not text, in bytes
)

// block is a run of labels and their values: lines from to to, the end not included.
type block struct {
	from, to int
	style    string // the first label as it stands; all entries of a listing have the same
	values   map[string][]string
}

// pages reads the release of a page, or the entries of a listing. An entry is a
// title above its labels and the text below them up to the next one's title.
func (r *Reader) pages(text string) iter.Seq2[sheet, error] {
	if strings.Count(text, "\n") > maxPageLines {
		return refused(news.Problemf(news.TooLarge, "the page has more than %d lines; shorten it", maxPageLines))
	}
	lines := pageLines(text)
	blocks := r.blocks(lines)
	if len(blocks) > maxListed {
		return refused(errListed())
	}
	if len(blocks) == 0 {
		return r.bare(lines)
	}
	if len(blocks) == 1 {
		if line := r.secondRelease(lines[blocks[0].to:]); line != "" {
			return refused(news.Problemf(news.Unacceptable, "a second release begins on this page with %s; publish each from its own page", quote(line)))
		}
	}
	return func(yield func(sheet, error) bool) {
		from := 0 // where the entry may begin
		for i, b := range blocks {
			to := len(lines)
			if i+1 < len(blocks) {
				to = r.headAbove(lines, b.to, blocks[i+1].from).from
			}
			h, text := r.headAbove(lines, from, b.from), lines[b.to:to]
			if len(blocks) > 1 {
				text = withoutPager(text, i == len(blocks)-1)
			}
			if !yield(r.entry(b, h, text, len(blocks) > 1), nil) {
				return
			}
			from = b.to
		}
	}
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
	for i := 0; i < len(lines) && len(out) <= maxListed; {
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
// behind the colon, else the bulleted lines below, else plain lines below that
// are plainly values.
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
	for plain := 0; len(values) == plain && (plain == 0 || isList(l.key) && plain < maxNames); plain++ {
		next := pastBlank(lines, i)
		if next == len(lines) || lines[next].bullet || !r.isValue(l.key, lines[next].text) {
			break
		}
		values, i = append(values, lines[next].text), next+1
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

// head is what stands above the labels of a release, from line from on.
type head struct {
	title, typ string
	from       int
}

// headAbove is the line with text above line i, unless that is navigation, and
// the content type on a line of its own above it, with no more than one line
// between. It does not look above line least.
func (r *Reader) headAbove(lines []pageLine, least, i int) head {
	h := head{from: i}
	at := lineAbove(lines, least, i)
	if at < 0 || lines[at].bullet {
		return h
	}
	if r.isType(lines[at].text) {
		return head{"", lines[at].text, at}
	}
	h.title, h.from = lines[at].text, at
	for range 2 {
		if at = lineAbove(lines, least, at); at < 0 || lines[at].bullet {
			break
		}
		if r.isType(lines[at].text) {
			h.typ, h.from = lines[at].text, at
			break
		}
	}
	return h
}

// lineAbove is the next line above i that holds text or a bullet, -1 when there is none.
func lineAbove(lines []pageLine, least, i int) int {
	for i--; i >= least; i-- {
		if lines[i].text != "" || lines[i].bullet {
			return i
		}
	}
	return -1
}

func (r *Reader) isType(line string) bool {
	if len(line) > maxName {
		return false
	}
	_, ok := r.taxonomy.Find(news.KindType, line)
	return ok
}
