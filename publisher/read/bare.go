package read

import (
	"iter"
	"slices"
	"strings"
	"time"

	"dateline/publisher/news"
)

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
