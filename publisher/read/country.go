package read

import (
	"slices"
	"strconv"
	"strings"

	"dateline/publisher/news"
)

// How countries are proposed. A release gets a country in the role of place
// from its dateline or its Place label (see [Reader.place]). What it is about
// is told by these rules; the first that finds something ends the search, but
// title and host go together:
//
//	title      a country, its people, a city, a region or a process that the
//	           title names. Left out are the chair's own country, cities where
//	           sources sit, languages and names of texts ("Bangkok Rules"); left
//	           out when another country is named or a host issued the release:
//	           persons' nationalities, venues, donors, goals of study visits
//	host       the country of a field operation that issued the release
//	chair      the country in the chair, when the title is about its programme
//	region     each member of a group of countries that the title names
//	text       countries that the first paragraphs name clearly: see body.go
//	dateline   where the release was issued, if the organisation works there
//	between    the other side, when the first paragraphs speak of something
//	           between it and a country that is tagged already
//
// The figures say how sure each rule is; 1 is an editor's own tag. They are
// estimates that rank the rules by how often they are right on labelled
// releases ("dateline eval" measures that).
const (
	sureLabel    = 0.99
	sureDateline = 0.97
	sureName     = 0.95
	sureDemonym  = 0.9
	sureCity     = 0.85
	sureHost     = 0.85
	sureChair    = 0.8
	sureText     = 0.75
	sureGuess    = 0.7
	sureRegion   = 0.6
)

// subject is what the rules for the countries of a release look at.
type subject struct {
	title    string
	text     string // without the dateline
	language string
	year     int
	sources  []string // slugs
	places   []located
}

// about collects the countries a release treats of.
type about struct{ tags []news.CountryTag }

func (a *about) add(e news.Evidence, slugs ...string) {
	for _, slug := range slugs {
		if !a.has(slug) {
			a.tags = append(a.tags, news.CountryTag{Slug: slug, Role: news.About, Evidence: e})
		}
	}
}

func (a *about) has(slug string) bool {
	return slices.ContainsFunc(a.tags, func(t news.CountryTag) bool { return t.Slug == slug })
}

// aboutCountries proposes the countries a release treats of.
func (r *Reader) aboutCountries(s subject) (tags []news.CountryTag, warnings []string) {
	var a about
	mentions, groups, warnings := r.titleCountries(s)
	for _, m := range mentions {
		a.add(news.Evidence{Rule: "title", Words: m.words, Confidence: m.confidence()}, m.countries...)
	}
	for _, source := range s.sources {
		if topic, _ := r.taxonomy.Topic(news.KindSource, source); topic.Host != "" {
			a.add(news.Evidence{Rule: "host", Words: topic.Name, Confidence: sureHost}, topic.Host)
		}
	}
	if words, country := r.chairsProgramme(s); len(a.tags) == 0 && country != "" {
		a.add(news.Evidence{Rule: "chair", Words: words, Confidence: sureChair}, country)
	}
	if len(a.tags) == 0 {
		for _, m := range groups {
			a.add(news.Evidence{Rule: "region", Words: m.words, Confidence: sureRegion}, m.countries...)
		}
	}
	if len(a.tags) == 0 {
		r.aboutByText(&a, s)
	}
	r.otherSides(&a, s)
	return a.tags, warnings
}

func (m mention) confidence() float64 {
	switch m.kind {
	case phraseDemonym:
		return sureDemonym
	case phraseCity, phraseTown, phraseRegion:
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

// chairsProgramme finds the country whose chair a title presents: "programme of
// the 2025 Chairpersonship", "priorities of the incoming Chair". A year in the
// title counts more than the release's.
func (r *Reader) chairsProgramme(s subject) (words, country string) {
	list := wordsOf(s.title)
	if !speaksOfChair(list) {
		return "", ""
	}
	year := s.year
	for _, w := range list {
		if n, err := strconv.Atoi(w.text); err == nil && isYear(w.text) {
			year = n
		}
		if strings.EqualFold(w.text, "incoming") {
			year = s.year + 1
		}
	}
	for i := range list {
		if wordAt(list, i, []string{"priorities", "programme", "program"}) {
			return list[i].text, r.taxonomy.Chair(year)
		}
	}
	return "", ""
}
