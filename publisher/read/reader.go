package read

import (
	"iter"
	"time"

	"dateline/publisher/news"
)

// MaxSize is the largest document with one release that is read, in bytes.
const MaxSize = 2 << 20

// Proposal is a release as its document proposes it, not yet published.
type Proposal struct {
	Release news.Release `json:"release"`
	Format  string       `json:"format"` // one of the Format constants

	// Date, Type and Language say where the release's date, type and language
	// come from. They are zero where the release has none.
	Date     news.Evidence `json:"date,omitzero"`
	Type     news.Evidence `json:"type,omitzero"`
	Language news.Evidence `json:"language,omitzero"`

	// Partial says that only the beginning of the text, or a summary, is there:
	// an entry of a listing or feed. The release's own Partial is the same.
	Partial bool `json:"partial,omitempty"`

	// Proposed are the fields its words speak for, when it states none: an offer
	// that [Proposal.AcceptProposals] takes.
	Proposed []FieldProposal `json:"proposed_fields,omitempty"`

	// Warnings are what an editor should look at: ambiguous places, dates that
	// differ. Each is one sentence.
	Warnings []string `json:"warnings,omitempty"`
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
	languages languages
}

// New makes a reader for the topics and places of t.
func New(t *news.Taxonomy, now func() time.Time) *Reader {
	towns := newGazetteer(t)
	return &Reader{
		taxonomy: t, now: now,
		sanitizer: newSanitizer(), markdown: newMarkdown(),
		phrases: newPhrases(t, towns), towns: towns, fields: newFieldIndex(t), languages: newLanguages(t),
	}
}

// Read reads a document with one release and tells its format by its content.
// One with several is refused; [Reader.Each] reads those.
func (r *Reader) Read(b []byte) (Proposal, error) {
	text, err := decode(b, MaxSize)
	if err != nil {
		return Proposal{}, err
	}
	return r.one(r.sheets(withoutNotice(text)))
}

// one proposes the only release of a document.
func (r *Reader) one(sheets iter.Seq2[sheet, error]) (Proposal, error) {
	var only sheet
	var failed error
	n := 0
	for s, err := range sheets {
		if n++; n == 1 {
			only, failed = s, err
		}
	}
	switch {
	case n > 1:
		return Proposal{}, news.Problemf(news.Unacceptable, "this %s lists %d releases; bring them in with dateline import, or publish each from its own page", nounOf(only.format), n)
	case failed != nil:
		return Proposal{}, failed
	case n == 0:
		return Proposal{}, errEmpty()
	}
	return r.propose(only)
}

// JSON reads JSON with one release: ninjs, or our release JSON, which is one
// object with the keys title, date, type, language, place, sources, fields,
// countries, summary, url, origin, and the text as one of body (Markdown), html
// or text.
func (r *Reader) JSON(b []byte) (Proposal, error) {
	text, err := decode(b, MaxSize)
	if err != nil {
		return Proposal{}, err
	}
	if kindOfJSON([]byte(text)) != FormatJSON {
		return r.one(r.jsonValues(text))
	}
	s, err := r.releaseJSON([]byte(text))
	if err != nil {
		return Proposal{}, err
	}
	return r.propose(s)
}
