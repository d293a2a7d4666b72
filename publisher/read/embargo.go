package read

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"dateline/publisher/news"
)

// Bounds of where a notice is looked for. A page in text form may open with a
// long navigation.
const (
	maxNoticeLines = 250 // lines with text from the head
	maxNotice      = 140 // the longest line that a mere label makes a notice, in characters
)

// EmbargoNotice finds the line near the head of a text by which its author keeps
// it back, like "EMBARGOED UNTIL 10:00", "Under embargo", "Embargo: …",
// "SPERRFRIST: …" or "ЭМБАРГО ДО …", in the languages our releases come in. It
// returns the line on one line, cut to a readable length, or "" when there is
// none. Words about an embargo within a sentence are no notice, nor is "Embargo:
// none". It judges the words alone: a notice whose time is over is one too.
func EmbargoNotice(text string) string {
	var p embargoPhrases
	seen := 0
	for raw := range strings.Lines(text) {
		line := news.CleanLine(raw)
		if line == "" {
			continue
		}
		if seen++; seen > maxNoticeLines {
			return ""
		}
		if p.match(line) {
			return cutNotice(line)
		}
	}
	return ""
}

// cutNotice keeps a line that runs on into the text to a readable length.
func cutNotice(line string) string {
	if r := []rune(line); len(r) > maxNotice {
		return strings.TrimSpace(string(r[:maxNotice])) + "…"
	}
	return line
}

// embargoPhrases are compiled when a line holds a word that may begin one.
type embargoPhrases struct{ opens, label, aside, lifted *regexp.Regexp }

// embargoStems are in every line that could be a notice; looking for them first
// keeps the expressions away from almost all lines.
func embargoStems() []string {
	return []string{"embarg", "sperrfrist", "gesperrt", "эмбарго", "ембарго", "not for", "do not", "hold ", "for release", "for publication"}
}

func (p *embargoPhrases) match(line string) bool {
	lower := strings.ToLower(line[:min(len(line), 8*maxNotice)])
	found := false
	for _, stem := range embargoStems() {
		found = found || strings.Contains(lower, stem)
	}
	if !found {
		return false
	}
	if p.opens == nil {
		p.compile()
	}
	bare := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ':' && r != ')' })
	short := utf8.RuneCountInString(line) <= maxNotice
	switch {
	case short && p.lifted.MatchString(bare):
		return false
	case p.opens.MatchString(bare), p.aside.MatchString(lower):
		return true
	}
	return short && p.label.MatchString(bare)
}

// compile makes the expressions. They see a line in lower case without the
// marks around it. In RE2 \b knows only ASCII letters, hence the explicit ends.
func (p *embargoPhrases) compile() {
	const (
		until = `(?:until|till|til|to|for|before|bis|jusqu|hasta|fino|al|do|до)(?:[\s'’:\d]|$)`
		under = `(?:under|unter|sous|bajo|sotto|pod|под|під)\s+(?:a |an |strict |strictem |strengem )?(?:embargo|embargom|эмбарго|ембарго)`
		word  = `(?:embargo|эмбарго|ембарго)`
	)
	// What opens a line of any length.
	p.opens = regexp.MustCompile(`^(?:` + strings.Join([]string{
		`(?:strictly |strictement |streng )?embargoed (?:copy |material |release )?` + until,
		`embargad[oa]s? hasta`,
		word + `\s+(?:until|till|til|bis|jusqu|hasta|fino|do|до)(?:[\s'’:\d]|$)`,
		`(?:(?:this|the) .{0,60} is )?` + under + `\s+` + until,
		`sperrfrist\s+(?:bis|ende)`, `sperrfrist\s*[:\d]`, `gesperrt\s+bis`,
		`(?:strictly )?(?:not for|do not) (?:release|publish|publication|broadcast|use|distribute|distribution)(?:,? or [a-z]+)? (?:before|until|till|prior to)`,
		`hold (?:for release )?(?:until|till)`,
		`for (?:release|publication) (?:after|not before)`,
	}, "|") + `)`)
	// What makes a short line one.
	p.label = regexp.MustCompile(`^(?:` + strings.Join([]string{
		`(?:strictly |strict )?(?:embargoed|` + word + `)(?:\s*:|$|\s*\d)`,
		`(?:strict )?(?:embargoed|` + word + `)\s*[-–—(].*\d`,
		word + `\s+(?:date|time|ends?|lifts?|expires)(?:\s.*)?[:\d]`,
		`(?:(?:this|the) .{0,60} is )?` + under + `(?:\s*[:(–—-]|$)`,
		`(?:sperrfrist|sperrvermerk)(?:\s*[:–—-]|$)`,
	}, "|") + `)`)
	// What stands in brackets behind a title.
	p.aside = regexp.MustCompile(`[\[(]\s*(?:strictly )?(?:embargoed|` + word + `|` + under + `)\s*(?:[:\d\])]|` + until + `)`)
	p.lifted = regexp.MustCompile(`(?:^no\s+embargo|[\s:–—-](?:none|no|nil|n/a|lifted|expired|over|keine|aufgehoben|aucun|levé|ninguno|nessuno|нет|снято|снят|немає|nema))[.)]*$`)
}

// withoutNotice drops the notices of an embargo that stand above everything else
// in a text: they are no title, and not the end of a release before this one.
func withoutNotice(text string) string {
	rest := text
	for {
		line, after, more := strings.Cut(rest, "\n")
		switch {
		case strings.TrimSpace(line) == "" && more:
			rest = after
		case more && EmbargoNotice(line) != "":
			rest, text = after, after
		default:
			return text
		}
	}
}
