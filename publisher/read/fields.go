package read

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"dateline/publisher/news"
)

// How fields are proposed. Every field has terms with weights, and sources that
// speak for it, in the taxonomy (see [news.Taxonomy.FieldTerms]). A term found
// in the title counts in full, in the first paragraph by half, further below by
// a quarter, wherever it stands first; what comes again counts no more. The
// names of sources are taken out first, because "Office for Democratic
// Institutions and Human Rights" says who speaks, not of what: a source that is
// named counts as a half of one that issued the release. The sums rank the
// fields; below leastScore nothing is proposed, nor what has less than half of
// the first.
const (
	inTitle     = 1.0
	inLead      = 0.5
	inText      = 0.25
	namedSource = 0.5

	leastScore   = 2.5
	maxProposals = 3
	maxScanned   = 16 << 10 // bytes of a text in which terms are looked for
	maxTermWords = 3        // terms that the evidence names
)

// ruleTerms is the rule by which fields are proposed.
const ruleTerms = "terms"

// FieldProposal is a field a release is likely to belong to. It is an offer to
// the editor and no tag until it is accepted.
type FieldProposal struct {
	Slug     string        `json:"slug"`
	Evidence news.Evidence `json:"evidence"` // the rule is "terms", the words are those that count most
}

// AcceptProposals makes tags of the proposed fields, if the release has no
// field of its own.
func (p *Proposal) AcceptProposals() {
	if len(p.Release.Fields) > 0 {
		return
	}
	for _, f := range p.Proposed {
		p.Release.Fields = append(p.Release.Fields, news.Tag(f))
	}
	p.Proposed = nil
}

// fieldTerm is a term of the taxonomy, ready to be compared.
type fieldTerm struct {
	field  string
	text   string
	words  []string // folded
	open   []bool   // the word may go on: "journalist*"
	weight float64
}

// fieldIndex finds the terms of all fields and the names of sources in a text.
type fieldIndex struct {
	terms   map[string][]fieldTerm // by the first letters of the first word
	hints   map[string][]fieldTerm // by the source's slug
	sources map[string]string      // folded names to slugs
	starts  map[string]int         // first words of sources' names to the words of the longest
}

// headLetters is how many letters of a term's first word are its key.
const headLetters = 4

func newFieldIndex(t *news.Taxonomy) fieldIndex {
	x := fieldIndex{map[string][]fieldTerm{}, map[string][]fieldTerm{}, map[string]string{}, map[string]int{}}
	for _, f := range t.Topics(news.KindField) {
		for text, weight := range t.FieldTerms(f.Slug) {
			if source, ok := strings.CutPrefix(text, news.SourceTerm); ok {
				x.hints[source] = append(x.hints[source], fieldTerm{field: f.Slug, text: t.Name(news.KindSource, source), weight: weight})
				continue
			}
			term := fieldTerm{field: f.Slug, text: text, weight: weight}
			for _, w := range wordsOf(text) {
				term.words = append(term.words, w.fold())
				term.open = append(term.open, strings.HasPrefix(text[w.end:], "*"))
			}
			if len(term.words) > 0 && term.words[0] != "" {
				key := term.words[0][:min(headLetters, len(term.words[0]))]
				x.terms[key] = append(x.terms[key], term)
			}
		}
	}
	for _, s := range t.Topics(news.KindSource) {
		for _, name := range append([]string{s.Name}, s.Aliases...) {
			x.addSource(s.Slug, name)
		}
	}
	return x
}

// addSource adds a name that cannot be taken for anything else: of several
// words, or an acronym of four letters and more.
func (x *fieldIndex) addSource(slug, name string) {
	words := wordsOf(name)
	if len(words) > 1 || len(words) == 1 && len(name) >= 4 && strings.ToUpper(name) == name {
		x.sources[joinWords(words, word.fold)] = slug
		x.starts[words[0].fold()] = max(x.starts[words[0].fold()], len(words))
	}
}

// found is the weight of a field's terms so far.
type found struct {
	score float64
	terms []weighed
}

type weighed struct {
	words string // as they stand
	score float64
}

// tally collects what speaks for the fields of one release.
type tally struct {
	index  *fieldIndex
	fields map[string]*found
	seen   map[string]bool // fields with terms and sources that have counted
}

// ProposeFields proposes fields for a release from its title, text and sources,
// the likeliest first; none when nothing speaks clearly for one.
func (r *Reader) ProposeFields(rel *news.Release) []FieldProposal {
	t := tally{&r.fields, map[string]*found{}, map[string]bool{}}
	for _, source := range rel.SourceSlugs() {
		t.source(source, 1)
	}
	lead, rest, _ := strings.Cut(rel.Text[:min(len(rel.Text), maxScanned)], "\n\n")
	t.scan(rel.Title, inTitle)
	t.scan(lead, inLead)
	t.scan(rest, inText)
	return t.proposals()
}

func (t *tally) source(slug string, share float64) {
	for _, hint := range t.index.hints[slug] {
		t.count(hint, hint.text, share)
	}
}

func (t *tally) count(term fieldTerm, words string, share float64) {
	key := term.field + "\n" + term.text
	if t.seen[key] {
		return
	}
	t.seen[key] = true
	if t.fields[term.field] == nil {
		t.fields[term.field] = &found{}
	}
	f := t.fields[term.field]
	f.score += term.weight * share
	f.terms = append(f.terms, weighed{words, term.weight * share})
}

// scan counts the terms of a text. Of the terms of one field that begin at a
// word the heaviest counts, and those within it do not.
func (t *tally) scan(text string, share float64) {
	words := wordsOf(text)
	until := map[string]int{} // where a field's last term ends
	for i := 0; i < len(words); i++ {
		if slug, n := t.index.sourceAt(words[i:]); n > 0 {
			t.source(slug, share*namedSource)
			i += n - 1
			continue
		}
		best := map[string]fieldTerm{}
		w := words[i].fold()
		for n := 2; n <= min(headLetters, len(w)); n++ {
			for _, term := range t.index.terms[w[:n]] {
				if i >= until[term.field] && term.matches(words[i:]) && term.heavier(best[term.field]) {
					best[term.field] = term
				}
			}
		}
		for _, term := range best {
			until[term.field] = i + len(term.words)
			t.count(term, text[words[i].start:words[i+len(term.words)-1].end], share)
		}
	}
}

// heavier reports whether a term goes before another one of its field that is
// met at the same word.
func (f *fieldTerm) heavier(than fieldTerm) bool {
	return cmp.Or(cmp.Compare(f.weight, than.weight), cmp.Compare(len(f.words), len(than.words)), strings.Compare(f.text, than.text)) > 0
}

func (f *fieldTerm) matches(words []word) bool {
	if len(words) < len(f.words) {
		return false
	}
	for i, want := range f.words {
		got := words[i].fold()
		if got != want && (!f.open[i] || !strings.HasPrefix(got, want)) {
			return false
		}
	}
	return true
}

// sourceAt is the source whose name opens a run of words, and the name's length.
func (x *fieldIndex) sourceAt(words []word) (string, int) {
	for n := min(x.starts[words[0].fold()], len(words)); n > 0; n-- {
		if slug := x.sources[joinWords(words[:n], word.fold)]; slug != "" && words[0].upper {
			return slug, n
		}
	}
	return "", 0
}

// proposals ranks the fields.
func (t *tally) proposals() []FieldProposal {
	var slugs []string
	for slug, f := range t.fields {
		if f.score >= leastScore {
			slugs = append(slugs, slug)
		}
	}
	slices.SortFunc(slugs, func(a, b string) int {
		return cmp.Or(cmp.Compare(t.fields[b].score, t.fields[a].score), strings.Compare(a, b))
	})
	var out []FieldProposal
	for _, slug := range slugs[:min(len(slugs), maxProposals)] {
		f := t.fields[slug]
		if f.score < t.fields[slugs[0]].score/2 {
			break
		}
		out = append(out, FieldProposal{slug, news.Evidence{Rule: ruleTerms, Words: f.words(), Confidence: sureOfScore(f.score)}})
	}
	return out
}

// words are the terms that count most, as they stand.
func (f *found) words() string {
	slices.SortFunc(f.terms, func(a, b weighed) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(a.words, b.words))
	})
	var out []string
	for _, term := range f.terms[:min(len(f.terms), maxTermWords)] {
		out = append(out, term.words)
	}
	return strings.Join(out, ", ")
}

// sureOfScore grows with the score and stays below what labels give.
func sureOfScore(score float64) float64 {
	return math.Round(100*min(0.9, 0.4+score/20)) / 100
}
