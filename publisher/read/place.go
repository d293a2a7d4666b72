package read

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"dateline/publisher/news"
)

// located is a place looked up.
type located struct {
	words     string // as it stood
	place     news.Place
	explicit  bool     // the country was named beside the city
	seat      bool     // a source has its seat there
	countries []string // where a place of that name lies; several when ambiguous
	note      string   // what an editor should hear about it
	unsure    bool     // it is a guess at a misspelt name
}

// knowsPlace reports whether a name is one of a place or a country.
func (r *Reader) knowsPlace(name string) bool {
	if len(r.towns[news.Slugify(name)]) > 0 {
		return true
	}
	topic, ok := r.taxonomy.Find(news.KindCountry, name)
	return ok && topic.Members == nil
}

// locate looks up "CITY" or "CITY, Country".
func (r *Reader) locate(words string) located {
	words = news.CleanLine(words)
	l := located{words: words, place: news.Place{Name: r.spell(words)}}
	city, country, pair := cutLast(words, ",")
	switch {
	case r.towns[news.Slugify(words)] != nil || !pair && !r.isCountry(words):
		r.locateTown(&l, words)
	case !pair:
		l.countries, l.explicit = r.named(words, "")
		l.place.Name = r.taxonomy.Name(news.KindCountry, l.countries[0])
	default:
		r.locatePair(&l, city, country)
	}
	if len(l.countries) == 1 {
		l.place.Country = l.countries[0]
	}
	return l
}

// isCountry reports whether a name is one of a single country.
func (r *Reader) isCountry(name string) bool {
	countries, ok := r.named(name, "")
	return ok && len(countries) == 1
}

// locateTown looks up a town without its country.
func (r *Reader) locateTown(l *located, city string) {
	l.seat = r.taxonomy.IsSeat(city)
	var namesakes []string
	l.countries, namesakes = r.towns.find(city)
	switch {
	case len(l.countries) > 1:
		l.note = ambiguous(r.taxonomy, city, l.countries)
	case len(namesakes) > 0:
		l.note = fmt.Sprintf("%s is taken for the one in %s; there is one in %s too", quote(city), r.taxonomy.Name(news.KindCountry, l.countries[0]), r.countryNames(namesakes))
	case len(l.countries) == 0:
		if t, ok := r.towns.misspelt(city); ok {
			l.countries, l.unsure = []string{t.country}, true
			l.note = fmt.Sprintf("%s is unknown and taken for %s", quote(city), t.name)
		}
	}
}

// locatePair looks up a town with the country that is named behind it. A large
// town that lies elsewhere belies the name: "ATLANTA, Georgia".
func (r *Reader) locatePair(l *located, city, country string) {
	l.place.Name = r.spell(city)
	l.countries, l.explicit = r.named(country, city)
	if !l.explicit {
		l.place.Name += ", " + country
		r.locateTown(l, city)
		return
	}
	l.seat = r.taxonomy.IsSeat(city)
	if elsewhere, _ := r.towns.find(city); r.towns.large(city) && !r.towns.liesIn(city, l.countries[0]) {
		l.note = fmt.Sprintf("%s names %s, but the town of that name is in %s; name the country that is meant", quote(l.words), r.taxonomy.Name(news.KindCountry, l.countries[0]), r.countryNames(elsewhere))
		l.countries, l.explicit = slices.Concat(elsewhere, l.countries), false
	}
}

func (r *Reader) countryNames(slugs []string) string {
	names := make([]string, len(slugs))
	for i, slug := range slugs {
		names[i] = r.taxonomy.Name(news.KindCountry, slug)
	}
	return strings.Join(names, " and in ")
}

// named finds the country of a name; of a former State the successor in which
// the city lies.
func (r *Reader) named(name, city string) ([]string, bool) {
	if topic, ok := r.taxonomy.Find(news.KindCountry, name); ok && topic.Members == nil {
		return []string{topic.Slug}, true
	}
	for _, slug := range r.taxonomy.Successors(name) {
		if r.towns.liesIn(city, slug) {
			return []string{slug}, true
		}
	}
	return nil, false
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+len(sep):]), true
}

// spell writes a place as the taxonomy or the gazetteer does, else in title case when it stands
// in capitals.
func (r *Reader) spell(name string) string {
	if towns := r.towns[news.Slugify(name)]; len(towns) > 0 && isCyrillic(towns[0].name) == isCyrillic(name) {
		return towns[0].name
	}
	if !inCapitals(name) {
		return name
	}
	return titleCase(name)
}

func isCyrillic(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.Is(unicode.Cyrillic, r)
}

// titleCase writes a name in capitals with initial capitals: "BAD ISCHL AN DER
// TRAUN" becomes "Bad Ischl an der Traun". Abbreviations with full stops stay.
func titleCase(name string) string {
	words := strings.Fields(name)
	for i, w := range words {
		switch lower := strings.ToLower(w); {
		case strings.Count(w, ".") > 1:
		case i > 0 && isSmallWord(lower):
			words[i] = lower
		default:
			words[i] = capitalise(lower)
		}
	}
	return strings.Join(words, " ")
}

// capitalise raises the first letter and those after a hyphen, slash or, as in
// L'Aquila, an apostrophe behind a single letter.
func capitalise(word string) string {
	var b strings.Builder
	up := true
	for i, r := range word {
		if up {
			r = unicode.ToUpper(r)
		}
		up = r == '-' || r == '/' || (r == '\'' || r == '’') && i <= utf8.UTFMax && utf8.RuneCountInString(word[:i]) == 1
		b.WriteRune(r)
	}
	return b.String()
}

func isSmallWord(w string) bool {
	switch w {
	case "im", "am", "an", "auf", "bei", "ob", "in", "der", "die", "das", "dem", "den", "und", "van", "von", "zu",
		"de", "del", "della", "di", "da", "do", "du", "des", "la", "le", "les", "el", "sur", "sous", "en", "et", "aux",
		"of", "on", "the", "upon", "and", "by", "nad", "pod", "na", "pri", "u", "на", "в", "у":
		return true
	}
	return false
}
