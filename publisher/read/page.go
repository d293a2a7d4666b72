package read

import (
	stdhtml "html"
	"iter"
	"slices"
	"strings"
	"time"

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

// Bounds of a page in text form.
const (
	maxPageLines = 50_000
	maxListed    = 1_000 // entries of a listing
)

// maxLabelValue is the longest line that is still a value and not text, in bytes.
const maxLabelValue = 250

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
			s := r.entry(b, r.headAbove(lines, from, b.from), lines[b.to:to], len(blocks) > 1)
			if !yield(s, nil) {
				return
			}
			from = b.to
		}
	}
}

// entry makes the sheet of a block, what stands above it, and its text.
func (r *Reader) entry(b block, h head, text []pageLine, listed bool) sheet {
	s := sheet{format: FormatPage, rule: ruleLabel, title: h.title}
	if listed {
		s.format = FormatListing
		text = upToEllipsis(text)
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

// setLines takes the lines of a text over. A single paragraph that breaks off is
// the beginning of one that is not there.
func (s *sheet) setLines(text []pageLine) {
	s.body, s.plain = paragraphs(text)
	if only := pastBlank(text, 0); only < len(text) && pastBlank(text, only+1) == len(text) {
		s.partial = breaksOff(text[only].text)
	}
}

// upToEllipsis ends an entry's text where it breaks off; below stand the next
// pages of the listing.
func upToEllipsis(text []pageLine) []pageLine {
	for i, l := range text {
		if breaksOff(l.text) {
			return text[:i+1]
		}
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

func refused(err error) iter.Seq2[sheet, error] {
	return func(yield func(sheet, error) bool) { yield(sheet{}, err) }
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

const hintNoRelease = "no release is found here: there are neither labels (Date:, Place:, Source:, …) nor a dateline like VIENNA, 17 May 2017 –, so there is no date anywhere; add them, or write front matter with title and date above the text"

// bare reads a page without labels, with one release or several: the text of
// each begins with the first line that opens with a dateline and goes on, its
// title stands above. A line that is a dateline alone is passed when another
// follows.
func (r *Reader) bare(lines []pageLine) iter.Seq2[sheet, error] {
	starts := r.starts(lines)
	switch {
	case len(starts) == 0:
		return refused(news.Problemf(news.Unacceptable, "%s", hintNoRelease))
	case len(starts) > maxListed:
		return refused(errListed())
	}
	return func(yield func(sheet, error) bool) {
		for i, start := range starts {
			s := sheet{format: FormatPage, rule: ruleLabel, title: start.head.title, typ: start.head.typ, date: start.date}
			to := len(lines)
			if i+1 < len(starts) {
				to = starts[i+1].head.from
			}
			text := slices.Clone(lines[start.line:to])
			text[0].text = text[0].text[start.prefix:]
			if len(starts) > 1 {
				s.format = FormatListing
			}
			s.setLines(upToDisclaimer(text))
			if !yield(s, nil) {
				return
			}
		}
	}
}

// start is where the text of a release without labels begins.
type start struct {
	head   head
	line   int
	date   string // what a redistributor put before the dateline
	prefix int    // length of it
}

// starts finds the first dateline, and others with a full date below a line
// that looks like a title.
func (r *Reader) starts(lines []pageLine) []start {
	var out []start
	least := 0
	for i := 0; i < len(lines) && len(out) <= maxListed; i++ {
		s, line, ok := r.startAt(lines, i)
		if !ok {
			continue
		}
		if s.head = r.headAbove(lines, least, i); len(out) == 0 {
			if line.day.Day == 0 && s.head.title == "" {
				continue
			}
		} else if line.day.Year == 0 || !looksLikeTitle(s.head.title) {
			continue
		}
		if alone := line.length == len(lines[i].text); alone && s.head.title != "" {
			next := pastBlank(lines, i+1)
			if _, again, ok := r.startAt(lines, next); ok && again.day == line.day {
				s.line = next
			}
		}
		out = append(out, s)
		i, least = s.line, s.line+1
	}
	return out
}

// startAt reads the dateline that opens a line, perhaps behind the word "date"
// and a date as redistributors write it.
func (r *Reader) startAt(lines []pageLine, i int) (start, opening, bool) {
	if i >= len(lines) || lines[i].text == "" || lines[i].bullet {
		return start{}, opening{}, false
	}
	s := start{line: i}
	text := lines[i].text
	if rest, ok := strings.CutPrefix(text, "date "); ok && len(rest) > len(time.DateOnly) {
		if _, _, isDate := isoDate(rest[:len(time.DateOnly)]); isDate {
			s.date = rest[:len(time.DateOnly)]
			text = strings.TrimSpace(rest[len(time.DateOnly):])
			s.prefix = len(lines[i].text) - len(text)
		}
	}
	line, ok := parseDateline(text, r.knowsPlace)
	line.length += s.prefix
	return s, line, ok
}

// secondRelease is the line with which another release begins in the text of
// one: a title with a dateline below, once the first dateline is past.
func (r *Reader) secondRelease(text []pageLine) string {
	for i := pastBlank(text, 0) + 1; i < len(text); i++ {
		above := lineAbove(text, 0, i)
		if above <= 0 || text[above].bullet || !looksLikeTitle(text[above].text) {
			continue
		}
		if _, line, ok := r.startAt(text, i); ok && line.day.Year > 0 {
			return text[above].text
		}
	}
	return ""
}

// looksLikeTitle reports whether a line may be a title: short, and no sentence.
func looksLikeTitle(line string) bool {
	return line != "" && len(line) <= maxLabelValue && !strings.ContainsAny(line[len(line)-1:], ".:;,")
}

// upToDisclaimer leaves out what a redistributor puts below.
func upToDisclaimer(text []pageLine) []pageLine {
	for i, l := range text {
		if strings.EqualFold(l.text, "Legal Disclaimer:") {
			return text[:i]
		}
	}
	return text
}

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
