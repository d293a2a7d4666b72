package read

import (
	"slices"
	"strings"

	"dateline/publisher/news"
)

// How sure the rules are; 1 is an editor's own tag. The figures are estimates
// that rank the rules by how often they are right; they are not measured.
const (
	sureLabel    = 0.99
	sureDateline = 0.97
	sureName     = 0.95
	sureDemonym  = 0.9
	sureCity     = 0.85
	sureHost     = 0.85
	sureGuess    = 0.7
)

// subject is what the rules for the countries of a release look at.
type subject struct {
	title   string
	year    int
	sources []string // slugs
	places  []located
}

// aboutCountries proposes the countries a release treats of: those its title
// names; and the host of a field operation that issued it; else where its
// dateline is, if that is no seat and a country the organisation works in.
func (r *Reader) aboutCountries(s subject) (tags []news.CountryTag, warnings []string) {
	add := func(slug string, e news.Evidence) {
		if !slices.ContainsFunc(tags, func(t news.CountryTag) bool { return t.Slug == slug }) {
			tags = append(tags, news.CountryTag{Slug: slug, Role: news.About, Evidence: e})
		}
	}
	mentions, warnings := r.titleCountries(s)
	for _, m := range mentions {
		for _, slug := range m.countries {
			add(slug, news.Evidence{Rule: "title", Words: m.words, Confidence: m.confidence()})
		}
	}
	for _, source := range s.sources {
		if topic, _ := r.taxonomy.Topic(news.KindSource, source); topic.Host != "" {
			add(topic.Host, news.Evidence{Rule: "host", Words: topic.Name, Confidence: sureHost})
		}
	}
	if len(tags) > 0 {
		return tags, warnings
	}
	for _, l := range s.places {
		if r.speaksForItself(l, s) {
			add(l.countries[0], news.Evidence{Rule: "dateline", Words: l.words, Confidence: sureGuess})
		}
	}
	return tags, warnings
}

func (m mention) confidence() float64 {
	switch m.kind {
	case phraseDemonym:
		return sureDemonym
	case phraseCity, phraseRegion:
		return sureCity
	}
	return sureName
}

// speaksForItself reports whether a release is likely about the place of its
// dateline: not where sources sit, not the chair's own country, and only where
// the organisation has or had a field operation, if it has any at all, because
// others are venues.
func (r *Reader) speaksForItself(l located, s subject) bool {
	if l.seat || len(l.countries) != 1 {
		return false
	}
	country := l.countries[0]
	if country == r.taxonomy.Chair(s.year) && (slices.Contains(s.sources, chairSource) || speaksOfChair(wordsOf(s.title))) {
		return false
	}
	hosts := false
	for _, source := range r.taxonomy.Topics(news.KindSource) {
		if source.Host == country {
			return true
		}
		hosts = hosts || source.Host != ""
	}
	return !hosts
}

// chairSource is the source of what the chair says itself.
const chairSource = "chairpersonship"

// titleCountries returns the mentions in the title that are topics.
func (r *Reader) titleCountries(s subject) (topics []mention, warnings []string) {
	words := wordsOf(s.title)
	var unclear []mention
	for _, m := range r.phrases.find(words, s.title) {
		switch {
		case m.kind == phraseCity && (m.seat || namesText(words, m.to)), namesLanguage(words, s.title, m):
		case len(m.countries) > 1 && m.kind == phraseCity:
			unclear = append(unclear, m)
		case r.isChair(s, words, m):
		default:
			topics = append(topics, m)
		}
	}
	for _, m := range unclear {
		if !slices.ContainsFunc(topics, func(t mention) bool { return slices.Contains(m.countries, t.countries[0]) }) {
			warnings = append(warnings, ambiguous(r.taxonomy, m.words, m.countries))
		}
	}
	// With another country at hand, what is said in passing is not the topic.
	others := slices.DeleteFunc(slices.Clone(topics), func(m mention) bool { return inPassing(words, s.title, m) })
	if len(others) > 0 {
		topics = others
	}
	return topics, warnings
}

// inPassing reports whether a mention is likely to be a person's nationality
// ("Finnish MP"), an ethnic group ("Kosovo Serbs", "ethnic Greeks"), a donor
// ("US-funded") or the goal of a study visit.
func inPassing(words []word, title string, m mention) bool {
	if m.kind == phraseDemonym {
		return wordAt(words, m.to, personWords()) || m.from > 0 && wordAt(words, m.from-1, []string{"ethnic"}) || m.joined
	}
	if strings.HasPrefix(title[words[m.to-1].end:], "-") && wordAt(words, m.to, []string{"funded", "financed", "sponsored", "supported", "based"}) {
		return true
	}
	for i := range m.from {
		if wordAt(words, i, []string{"study"}) && wordAt(words[:m.from], i+1, []string{"visit", "visits", "tour", "tours", "trip", "trips"}) {
			return true
		}
	}
	return false
}

// isChair reports whether a mention only says whose chair it is: "Spanish
// Chairmanship", "Finland's 2025 OSCE Chairpersonship", "Chairman-in-Office,
// Minister for Foreign Affairs of Slovenia".
func (r *Reader) isChair(s subject, words []word, m mention) bool {
	next := m.to
	for next < len(words) && next < m.to+3 && (words[next].letters() == r.taxonomy.Organisation() || isYear(words[next].text) || strings.EqualFold(words[next].text, "incoming")) {
		next++
	}
	if wordAt(words, next, chairWords()) && (m.kind == phraseDemonym || possessive(s.title, words, m)) {
		return true
	}
	if !slices.Contains(m.countries, r.taxonomy.Chair(s.year)) || !speaksOfChair(words) {
		return false
	}
	if m.kind == phraseDemonym || possessive(s.title, words, m) {
		return hasMinister(words[m.to:min(len(words), m.to+3)])
	}
	return m.from > 0 && words[m.from-1].text == "of" && hasMinister(words[max(0, m.from-5):m.from])
}

func hasMinister(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool { return strings.EqualFold(w.text, "minister") })
}

// possessive reports whether a genitive ending follows the mention.
func possessive(title string, words []word, m mention) bool {
	rest := title[words[m.to-1].end:]
	return strings.HasPrefix(rest, "'") || strings.HasPrefix(rest, "’")
}

func speaksOfChair(words []word) bool {
	for i := range words {
		if wordAt(words, i, chairWords()) {
			return true
		}
	}
	return false
}

func chairWords() []string {
	return []string{"chair", "chairman", "chairwoman", "chairperson", "chairmanship", "chairpersonship", "cio"}
}

// personWords follow a demonym that is a person's or a group's.
func personWords() []string {
	return []string{"mp", "mps", "parliamentarian", "parliamentarians", "ambassador", "diplomat", "diplomats", "expert", "experts",
		"minority", "minorities", "community", "communities", "speakers"}
}

// wordAt reports whether the word at i is one of the list, whatever its case.
func wordAt(words []word, i int, list []string) bool {
	return i < len(words) && slices.Contains(list, strings.ToLower(words[i].text))
}

func isYear(s string) bool {
	return len(s) == 4 && (s[:2] == "19" || s[:2] == "20")
}

// namesText reports whether the words from i on make a city the name of a text
// or a format: "Bangkok Rules", "Helsinki Final Act", "Minsk Group".
func namesText(words []word, i int) bool {
	list := []string{"act", "accord", "accords", "agreement", "agreements", "charter", "convention", "declaration", "discussions",
		"document", "format", "group", "guidelines", "mechanism", "memorandum", "package", "principles", "process", "protocol",
		"protocols", "recommendations", "rules", "treaty"}
	for j := i; j < min(i+2, len(words)); j++ {
		if !words[j].upper {
			return false
		}
		if wordAt(words, j, list) {
			return true
		}
	}
	return false
}

// namesLanguage reports whether a demonym is a language: "Russian-language media".
func namesLanguage(words []word, title string, m mention) bool {
	return m.kind == phraseDemonym && strings.HasPrefix(title[words[m.to-1].end:], "-") && wordAt(words, m.to, []string{"language", "speaking"})
}

func ambiguous(t *news.Taxonomy, words string, countries []string) string {
	names := make([]string, len(countries))
	for i, c := range countries {
		names[i] = t.Name(news.KindCountry, c)
	}
	return "there is a " + quote(words) + " in " + strings.Join(names, " and in ") + "; name the country that is meant"
}
