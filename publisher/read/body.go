package read

import (
	"slices"
	"strings"

	"dateline/publisher/news"
)

// How a text is asked for its countries, when title and sources name none. Only
// the first paragraphs are looked at. Each sentence gives points: two for a
// country's name, a region or a process, one for its people or a town that is
// no seat; half of it below the first paragraph. Nothing is given for the
// chair's country beside the chair, for persons' nationalities, for donors, and
// for sentences that list many countries, because those list participants. The
// place of the dateline gets two points, if it speaks for itself. Countries
// with two points and more are proposed, unless there are many.
const (
	maxLooked     = 4 << 10 // bytes of a text
	maxParagraphs = 3
	enoughPoints  = 2
	manyListed    = 4 // countries in a sentence that make a list
	mostByText    = 3 // countries that one text may be about
)

// point is what a text says for a country.
type point struct {
	country string
	points  float64
	words   string
}

// aboutByText adds the countries that the text and the dateline speak for.
func (r *Reader) aboutByText(a *about, s subject) {
	var points []point
	give := func(country, words string, n float64) {
		for i := range points {
			if points[i].country == country {
				points[i].points += n
				return
			}
		}
		points = append(points, point{country, n, words})
	}
	for i, paragraph := range leading(s.text) {
		share := 1.0
		if i > 0 {
			share = 0.5
		}
		for _, sentence := range sentences(paragraph) {
			for _, m := range r.speaking(s, sentence) {
				for _, c := range m.countries {
					give(c, m.words, share*m.points())
				}
			}
		}
	}
	best := r.byDateline(s, points)
	for _, p := range best {
		a.add(p.evidence, p.country)
	}
}

type reasoned struct {
	country  string
	evidence news.Evidence
}

// byDateline adds the dateline's points and returns the countries with enough.
func (r *Reader) byDateline(s subject, points []point) []reasoned {
	var out []reasoned
	for _, p := range points {
		if p.points >= enoughPoints {
			out = append(out, reasoned{p.country, news.Evidence{Rule: "text", Words: p.words, Confidence: sureText}})
		}
	}
	if len(out) > mostByText {
		out = nil
	}
	for _, l := range s.places {
		if !r.speaksForItself(l, s) {
			continue
		}
		country := l.countries[0]
		i := slices.IndexFunc(out, func(p reasoned) bool { return p.country == country })
		switch {
		case i >= 0:
			out[i].evidence = news.Evidence{Rule: "dateline", Words: l.words, Confidence: sureText}
		case len(out) == 0 || slices.ContainsFunc(points, func(p point) bool { return p.country == country }):
			out = append(out, reasoned{country, news.Evidence{Rule: "dateline", Words: l.words, Confidence: sureGuess}})
		}
	}
	return out
}

func (m mention) points() float64 {
	switch m.kind {
	case phraseDemonym, phraseCity, phraseTown:
		return 1
	}
	return enoughPoints
}

// speaking returns the mentions of a sentence that say something of its topic.
func (r *Reader) speaking(s subject, sentence string) []mention {
	words := wordsOf(sentence)
	inSentence := subject{title: sentence, language: s.language, year: s.year, sources: s.sources}
	var out []mention
	var listed []string
	for _, m := range r.phrases.find(words, sentence, s.language) {
		if m.kind == phraseGroup || len(m.countries) > 1 && m.kind != phraseTerm && m.kind != phraseFormer {
			continue
		}
		for _, c := range m.countries {
			if !slices.Contains(listed, c) {
				listed = append(listed, c)
			}
		}
		switch {
		case m.seat, m.kind == phraseCity && namesText(words, m.to), namesLanguage(words, m),
			inPassing(words, sentence, m), r.isChair(inSentence, words, m), r.isChairsMinister(inSentence, words, m), isDonor(words, m), isOffice(words, m):
			continue
		}
		out = append(out, m)
	}
	if len(listed) >= manyListed {
		return nil
	}
	return out
}

// isDonor reports whether a mention says who paid: "funded by the Government of
// Norway", "with the support of Sweden".
func isDonor(words []word, m mention) bool {
	paying := []string{"funded", "financed", "donated", "sponsored", "support", "supported", "contribution", "contributions", "donation", "grant", "thanks"}
	for i := max(0, m.from-6); i < m.from; i++ {
		if wordAt(words, i, paying) && (wordAt(words, i+1, []string{"by", "from", "of", "to"})) {
			return true
		}
	}
	return false
}

// isOffice reports whether a mention says which office a person holds outside:
// "Ambassador of Italy", "Finnish President of the Assembly".
func isOffice(words []word, m mention) bool {
	if m.from > 1 && wordAt(words, m.from-1, []string{"of", "to", "from"}) && wordAt(words, m.from-2, []string{"ambassador", "ambassadors", "embassy", "representative", "delegation", "experts", "expert", "participants", "speakers", "diplomats"}) {
		return true
	}
	return m.kind == phraseDemonym && wordAt(words, m.to, []string{"president", "chair", "embassy", "ambassador", "diplomats", "expert", "experts"}) &&
		(wordAt(words, m.to+1, []string{"of"}) || !wordAt(words, m.to, []string{"president"}))
}

// otherSides adds the other side of something that is between a country tagged
// already and one more: "the agreement between Serbia and Romania".
func (r *Reader) otherSides(a *about, s subject) {
	if len(a.tags) == 0 {
		return
	}
	for _, paragraph := range leading(s.text) {
		words := wordsOf(paragraph)
		mentions := r.phrases.find(words, paragraph, s.language)
		for i := 1; i < len(mentions); i++ {
			one, two := mentions[i-1], mentions[i]
			if !one.isSide() || !two.isSide() || two.from-one.to < 1 || two.from-one.to > 3 || !wordAt(words, one.to, []string{"and"}) || !isBetween(words, one) {
				continue
			}
			with := slices.ContainsFunc(one.countries, a.has) || slices.ContainsFunc(two.countries, a.has)
			if with && len(one.countries) == 1 {
				a.add(news.Evidence{Rule: "between", Words: one.words + " and " + two.words, Confidence: sureGuess}, one.countries...)
			}
			if with && len(two.countries) == 1 {
				a.add(news.Evidence{Rule: "between", Words: one.words + " and " + two.words, Confidence: sureGuess}, two.countries...)
			}
		}
	}
}

func (m mention) isSide() bool { return m.kind == phraseName || m.kind == phraseFormer }

// isBetween reports whether "between" or "both" stands before a mention, with
// an article at most between them.
func isBetween(words []word, m mention) bool {
	for i := max(0, m.from-2); i < m.from; i++ {
		if wordAt(words, i, []string{"between"}) {
			return true
		}
	}
	return false
}

// leading are the first paragraphs of a text.
func leading(text string) []string {
	text = strings.ToValidUTF8(text[:min(len(text), maxLooked)], "")
	paragraphs := strings.SplitN(text, "\n\n", maxParagraphs+1)
	return paragraphs[:min(len(paragraphs), maxParagraphs)]
}

// sentences parts a paragraph where a sentence ends.
func sentences(paragraph string) []string {
	var out []string
	from := 0
	for i := 0; i < len(paragraph); i++ {
		if paragraph[i] == ' ' && i > 0 && strings.IndexByte(".!?;", paragraph[i-1]) >= 0 && endsSentence(paragraph[from:i]) {
			out = append(out, paragraph[from:i])
			from = i + 1
		}
	}
	return append(out, paragraph[from:])
}
