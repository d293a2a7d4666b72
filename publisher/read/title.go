package read

import (
	"slices"
	"strings"

	"dateline/publisher/news"
)

// titleCountries returns the mentions in the title that are topics, and apart
// from them those of groups of countries.
func (r *Reader) titleCountries(s subject) (topics, groups []mention, warnings []string) {
	words := wordsOf(s.title)
	var unclear []mention
	for _, m := range r.phrases.find(words, s.title, s.language) {
		switch {
		case m.kind == phraseGroup:
			groups = append(groups, m)
		case r.belied(m, words, s.title):
		case m.kind == phraseCity && (m.seat || namesText(words, m.to)), namesLanguage(words, m):
		case len(m.countries) > 1 && m.kind == phraseCity:
			unclear = append(unclear, m)
		case r.isChair(s, words, m), isAppointment(words, s.title, m), m.isCity() && slices.Contains(m.countries, r.taxonomy.Chair(s.year)) && speaksOfChair(words):
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
	hosts := r.hosts(s)
	others := slices.DeleteFunc(slices.Clone(topics), func(m mention) bool {
		hosted := slices.ContainsFunc(m.countries, func(c string) bool { return slices.Contains(hosts, c) })
		return !hosted && (inPassing(words, s.title, m) || r.isChairsMinister(s, words, m))
	})
	if len(others)+len(hosts) > 0 {
		topics = others
	}
	return topics, groups, warnings
}

// hosts are the countries of the field operations that issued the release.
func (r *Reader) hosts(s subject) []string {
	var out []string
	for _, source := range s.sources {
		if topic, _ := r.taxonomy.Topic(news.KindSource, source); topic.Host != "" {
			out = append(out, topic.Host)
		}
	}
	return out
}

// belied reports whether the town before a name shows that the name means
// something else: "Atlanta, Georgia".
func (r *Reader) belied(m mention, words []word, title string) bool {
	if m.kind != phraseName || len(m.countries) != 1 || m.from == 0 || title[words[m.from-1].end:words[m.from].start] != ", " {
		return false
	}
	for from := m.from - 1; from >= max(0, m.from-maxTownWords) && words[from].upper; from-- {
		if town := title[words[from].start:words[m.from-1].end]; r.towns.large(town) && !r.towns.liesIn(town, m.countries[0]) {
			return true
		}
	}
	return false
}

func (m mention) isCity() bool { return m.kind == phraseCity || m.kind == phraseTown }

// inPassing reports whether a mention is likely to be a person's nationality
// ("Finnish MP"), an ethnic group ("Kosovo Serbs", "ethnic Greeks"), a venue
// ("in Tbilisi"), a donor ("US-funded") or the goal of a study visit.
func inPassing(words []word, title string, m mention) bool {
	if wordAt(words, m.to, []string{"funding", "grant", "donation", "aid", "money"}) {
		return true
	}
	if m.kind == phraseDemonym {
		return wordAt(words, m.to, personWords()) || m.from > 0 && wordAt(words, m.from-1, []string{"ethnic"}) || m.joined
	}
	if strings.HasPrefix(title[words[m.to-1].end:], "-") && wordAt(words, m.to, []string{"funded", "financed", "sponsored", "supported", "based"}) {
		return true
	}
	if m.isCity() && wordAt(words, m.from-1, []string{"in", "at"}) {
		return true
	}
	if wordAt(words, m.to, []string{"donates", "donate", "funds", "finances", "sponsors", "contributes"}) ||
		m.from <= 1 && wordAt(words, m.to, []string{"supports", "backs", "helps", "assists"}) {
		return true
	}
	if m.from > 1 && wordAt(words, m.from-1, []string{"by", "from"}) && wordAt(words, m.from-2, []string{"funded", "financed", "donated", "sponsored", "donation", "contribution", "grant"}) {
		return true
	}
	for i := range m.from { // "Moldovan judges visit courts of Latvia"
		if i > 1 && wordAt(words, i, []string{"visit", "tour"}) && !words[i-1].upper && strings.HasSuffix(words[i-1].text, "s") {
			return true
		}
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

// isAppointment reports whether a mention only says where somebody comes from
// who got a post: "Sweden's Berg named head of section".
func isAppointment(words []word, title string, m mention) bool {
	if m.kind != phraseDemonym && !possessive(title, words, m) || m.to >= len(words) || !words[m.to].upper {
		return false
	}
	for i := m.to + 1; i < min(len(words), m.to+4); i++ {
		if wordAt(words, i, []string{"named", "appointed", "elected"}) {
			return true
		}
	}
	return false
}

// isChairsMinister reports whether a mention is likely only the nationality of
// the chair's minister: "Slovenian Foreign Minister visits Tajikistan".
func (r *Reader) isChairsMinister(s subject, words []word, m mention) bool {
	return slices.Contains(m.countries, r.taxonomy.Chair(s.year)) && (m.kind == phraseDemonym || possessive(s.title, words, m)) &&
		hasMinister(words[m.to:min(len(words), m.to+3)])
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
		"minority", "minorities", "community", "communities", "speakers", "judge", "prosecutor", "lawyer", "correspondent", "professor",
		"lawmaker", "senator", "envoy", "university"}
}

// wordAt reports whether the word at i is one of the list, whatever its case.
func wordAt(words []word, i int, list []string) bool {
	return i >= 0 && i < len(words) && slices.Contains(list, strings.ToLower(words[i].text))
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

// namesLanguage reports whether a demonym is a language: "Russian-language
// media", "Russian language", "Albanian-speaking".
func namesLanguage(words []word, m mention) bool {
	return m.kind == phraseDemonym && wordAt(words, m.to, []string{"language", "languages", "speaking", "speakers", "version", "translation"})
}

func ambiguous(t *news.Taxonomy, words string, countries []string) string {
	names := make([]string, len(countries))
	for i, c := range countries {
		names[i] = t.Name(news.KindCountry, c)
	}
	return "there is a " + quote(words) + " in " + strings.Join(names, " and in ") + "; name the country that is meant"
}
