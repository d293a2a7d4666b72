package read

import (
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
}

// spellings lists how the taxonomy writes its places; of two that fold alike
// the first counts.
func spellings(t *news.Taxonomy) map[string]string {
	var names []string
	for _, c := range t.Topics(news.KindCountry) {
		names = append(names, c.Capital...)
	}
	for _, g := range slices.Concat(t.Places(), t.Regions()) {
		names = append(names, g.Name)
	}
	out := make(map[string]string, len(names))
	for _, name := range names {
		if key := news.Slugify(name); out[key] == "" {
			out[key] = name
		}
	}
	return out
}

// knowsPlace reports whether a name is one of a place or a country.
func (r *Reader) knowsPlace(name string) bool {
	if len(r.taxonomy.PlaceCountries(name)) > 0 {
		return true
	}
	topic, ok := r.taxonomy.Find(news.KindCountry, name)
	return ok && topic.Members == nil
}

// locate looks up "CITY" or "CITY, Country".
func (r *Reader) locate(words string) located {
	words = news.CleanLine(words)
	l := located{words: words, place: news.Place{Name: r.spell(words)}, countries: r.taxonomy.PlaceCountries(words), seat: r.taxonomy.IsSeat(words)}
	if len(l.countries) == 0 {
		if city, country, ok := cutLast(words, ","); ok {
			l.place.Name, l.seat = r.spell(city), r.taxonomy.IsSeat(city)
			if l.countries, l.explicit = r.named(country, city); !l.explicit {
				l.place.Name += ", " + country
				l.countries = r.taxonomy.PlaceCountries(city)
			}
		} else if l.countries, l.explicit = r.named(words, ""); l.explicit {
			l.place.Name = r.taxonomy.Name(news.KindCountry, l.countries[0])
		}
	}
	if len(l.countries) == 1 {
		l.place.Country = l.countries[0]
	}
	return l
}

// named finds the country of a name; of a former State the successor in which
// the city lies.
func (r *Reader) named(name, city string) ([]string, bool) {
	if topic, ok := r.taxonomy.Find(news.KindCountry, name); ok && topic.Members == nil {
		return []string{topic.Slug}, true
	}
	in := r.taxonomy.PlaceCountries(city)
	for _, slug := range r.taxonomy.Successors(name) {
		if slices.Contains(in, slug) {
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

// spell writes a place as the taxonomy does, else in title case when it stands
// in capitals.
func (r *Reader) spell(name string) string {
	if known, ok := r.spellings[news.Slugify(name)]; ok {
		return known
	}
	if !inCapitals(name) {
		return name
	}
	return titleCase(name)
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
