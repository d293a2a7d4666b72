package render

import (
	"html"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"dateline/publisher/news"
)

// clean is [news.Clean] with a short way for plain ASCII. Whatever is in the
// log, a document stays well-formed.
func clean(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return news.Clean(s)
		}
	}
	return s
}

func cleanLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// xmlText is a text that is escaped by hexadecimal references, which readers
// and the W3C validator take for text where they suspect markup behind &lt;.
type xmlText struct {
	Type string `xml:"type,attr,omitempty"`
	Text string `xml:",innerxml"`
}

// hex escapes for XML. No reference helps against a closing tag, which
// validators take for markup however it is written; a word joiner, which nobody
// sees, does.
var (
	hex     = strings.NewReplacer("&", "&#x26;", "<", "&#x3C;", ">", "&#x3E;")
	hexOpen = strings.NewReplacer("&", "&#x26;", "</", "&#x3C;\u2060/", "<", "&#x3C;", ">", "&#x3E;")
)

// untyped is for RSS, which cannot say whether a text is HTML.
func untyped(s string) xmlText { return xmlText{Text: hexOpen.Replace(s)} }

// typed is for Atom, which can (RFC 4287 section 3.1.1).
func typed(s string) xmlText {
	if strings.Contains(s, "</") {
		return xmlText{"html", hex.Replace(html.EscapeString(s))}
	}
	return xmlText{"text", hex.Replace(s)}
}

// address is a URL with everything escaped that may not stand in one, or ""
// when it is none.
func address(s string) string {
	u, err := url.Parse(clean(s))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.String()
}

func title(rel *news.Release) string {
	if rel.Status == news.Withdrawn {
		return "Withdrawn: " + cleanLine(rel.Title)
	}
	return cleanLine(rel.Title)
}

// maxSummary is where a summary made from the text ends, in characters.
const maxSummary = 300

// Summary is the release's own summary, or the opening of its text cut between
// words; for a withdrawn release the notice. It is one line of plain text.
func Summary(rel *news.Release) string {
	switch {
	case rel.Status == news.Withdrawn:
		return withdrawal(rel)
	case rel.Summary != "":
		return cleanLine(rel.Summary)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(clean(rel.Text)), "\n\n")
	first = strings.Join(strings.Fields(first), " ")
	if utf8.RuneCountInString(first) <= maxSummary {
		return first
	}
	cut := string([]rune(first)[:maxSummary])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return cut + " …"
}

func withdrawal(rel *news.Release) string {
	return "This release was withdrawn on " + day(rel.UpdatedAt) + ". Reason: " + cleanLine(rel.Reason)
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// Body is the full text as HTML, the note of a correction first. A withdrawn
// release has nothing but the notice.
func Body(rel *news.Release) string {
	if rel.Status == news.Withdrawn {
		return "<p>" + html.EscapeString(withdrawal(rel)) + "</p>"
	}
	body := clean(rel.HTML)
	if body == "" {
		body = paragraphs(clean(rel.Text))
	}
	if rel.Note == "" {
		return body
	}
	return "<p><strong>Correction, " + day(rel.NoteTime()) + ":</strong> " + html.EscapeString(cleanLine(rel.Note)) + "</p>\n" + body
}

// content is Body; a withdrawn release leads on to the one that took its place.
func (r *Renderer) content(rel *news.Release) string {
	body := Body(rel)
	if rel.Status == news.Withdrawn && rel.ReplacedBy != "" {
		address := html.EscapeString(news.ReleaseURL(r.base, rel.ReplacedBy, ""))
		body += "\n" + `<p>Read instead: <a href="` + address + `">` + address + `</a></p>`
	}
	return body
}

// instead says the same in plain text.
func (r *Renderer) instead(rel *news.Release) string {
	if rel.Status != news.Withdrawn || rel.ReplacedBy == "" {
		return ""
	}
	return " Read instead: " + news.ReleaseURL(r.base, rel.ReplacedBy, "")
}

func paragraphs(s string) string {
	var b strings.Builder
	for p := range strings.SplitSeq(s, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(p), "\n", "<br>\n") + "</p>\n")
		}
	}
	return b.String()
}
