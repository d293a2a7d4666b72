package read

import (
	"bytes"
	"strings"
	"time"

	"dateline/publisher/news"
)

// MaxSize is the largest document that is read, in bytes.
const MaxSize = 2 << 20

// The formats a document can have.
const (
	FormatPage     = "page"     // a release's web page in text form
	FormatMarkdown = "markdown" // Markdown, with YAML front matter or a heading
	FormatJSON     = "json"     // our release JSON
)

// Proposal is a release as its document proposes it, not yet published.
type Proposal struct {
	Release news.Release
	Format  string // one of the Format constants

	// Date, Type and Language say where the release's date, type and language
	// come from. They are zero where the release has none.
	Date, Type, Language news.Evidence

	// Partial says that only the beginning of the text, or a summary, is there:
	// an entry of a listing or feed. The release's own Partial is the same.
	Partial bool

	// Proposed are the fields its words speak for, when it states none: an offer
	// that [Proposal.AcceptProposals] takes.
	Proposed []FieldProposal

	// Warnings are what an editor should look at: ambiguous places, dates that
	// differ. Each is one sentence.
	Warnings []string
}

// Reader turns documents into proposals. It may be used by many goroutines.
type Reader struct {
	taxonomy  *news.Taxonomy
	now       func() time.Time
	sanitizer *sanitizer
	markdown  markdown
	phrases   phrases
	towns     gazetteer
	fields    fieldIndex
}

// New makes a reader for the topics and places of t.
func New(t *news.Taxonomy, now func() time.Time) *Reader {
	towns := newGazetteer(t)
	return &Reader{
		taxonomy: t, now: now,
		sanitizer: newSanitizer(), markdown: newMarkdown(),
		phrases: newPhrases(t, towns), towns: towns, fields: newFieldIndex(t),
	}
}

// Read reads a document and tells its format by its content: front matter or a
// heading opens Markdown, a brace opens release JSON, all else is a page in
// text form.
func (r *Reader) Read(b []byte) (Proposal, error) {
	text, err := decode(b)
	if err != nil {
		return Proposal{}, err
	}
	text = news.Clean(text)
	start := strings.TrimLeft(text, " \t\n")
	var s sheet
	switch {
	case strings.HasPrefix(start, "{"):
		return r.JSON(b)
	case opensHTML(start):
		return Proposal{}, news.Problemf(news.Unacceptable, "this is an HTML page, which is not read yet; send its text, or Markdown with front matter")
	case hasFrontMatter(start):
		s, err = r.frontMatter(start)
	case strings.HasPrefix(start, "# "):
		s, err = r.markdownBody(sheet{format: FormatMarkdown, rule: ruleEditor}, start)
	default:
		s, err = r.page(text)
	}
	if err != nil {
		return Proposal{}, err
	}
	return r.propose(s)
}

// JSON reads release JSON: one object with the keys title, date, type,
// language, place, sources, fields, countries, summary, url, origin, and the
// text as one of body (Markdown), html or text.
func (r *Reader) JSON(b []byte) (Proposal, error) {
	text, err := decode(b)
	if err != nil {
		return Proposal{}, err
	}
	s, err := r.releaseJSON([]byte(text))
	if err != nil {
		return Proposal{}, err
	}
	return r.propose(s)
}

func opensHTML(s string) bool {
	head := strings.ToLower(string(bytes.TrimSpace([]byte(s[:min(len(s), 64)]))))
	return strings.HasPrefix(head, "<!doctype") || strings.HasPrefix(head, "<html") || strings.HasPrefix(head, "<?xml")
}
