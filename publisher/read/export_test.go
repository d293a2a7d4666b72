package read

// Opening is a parsed dateline, for tests.
type Opening struct {
	Raw              string
	Places           []string
	Year, Month, Day int
	Length           int
}

// ParseDateline is parseDateline.
func ParseDateline(line string, known func(string) bool) (Opening, bool) {
	o, ok := parseDateline(line, known)
	return Opening{o.raw, o.places, o.day.Year, o.day.Month, o.day.Day, o.length}, ok
}

// ParseDate is parseDate.
var ParseDate = parseDate

// Summary is summary.
var Summary = summary

// DetectLanguage is the language that is told.
func (r *Reader) DetectLanguage(text string) string {
	lang, _ := r.languages.detect(text)
	return lang
}

// Spell is the spelling of a place.
func (r *Reader) Spell(name string) string { return r.spell(name) }

// PageBody is the HTML and text of a page's lines, and what the sanitizer makes
// of that HTML.
func (r *Reader) PageBody(text string) (body, plain, wantBody, wantPlain string, err error) {
	body, plain = paragraphs(pageLines(text))
	wantBody, wantPlain, err = r.sanitizer.clean(body)
	return body, plain, wantBody, wantPlain, err
}

// Towns are the countries in which a place of that name lies.
func (r *Reader) Towns(name string) []string {
	countries, _ := r.towns.find(name)
	return countries
}

// TownCountries are the countries of all towns.
func (r *Reader) TownCountries() (out []string) {
	for _, towns := range r.towns {
		for _, t := range towns {
			out = append(out, t.country)
		}
	}
	return out
}
