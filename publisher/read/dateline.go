package read

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxOpening = 200 // bytes at the start of a line in which a dateline is looked for
	maxPlaces  = 3
	maxCity    = 60 // bytes of one place
)

// opening is the dateline that opens a text.
type opening struct {
	raw    string   // as it stands, with what parts it from the text
	places []string // one to three, as they stand: "VIENNA", "ST JOHANN IM PONGAU, Austria"
	day    day      // zero when no date is given; Year is 0 when only the year is missing
	length int      // bytes of the line before the text begins
}

// parseDateline reads the dateline that opens a line:
//
//	VIENNA, 17 May 2017 – …      TASHKENT 29 March 2001 …       SKOPJE, 9 April, 2004- …
//	VIENNA / BERLIN, 13 June …   GENEVA – 6 October 2020. …     ST JOHANN IM PONGAU, Austria, 17 May …
//	BEOGRAD, 13. marta 2013. godine – …                         TIRANA -- …
//
// Cities stand in capitals, or are known. Without a date they must be known and
// a dash must follow, because other texts open with capitals too. known says
// whether there is a place or country of that name; it may be nil.
func parseDateline(line string, known func(string) bool) (opening, bool) {
	if known == nil {
		known = func(string) bool { return false }
	}
	head := line[:min(len(line), maxOpening)]
	for i := 0; i < len(head); i++ {
		if i > 0 && !strings.ContainsRune(" ,-/.", rune(head[i-1])) && head[i-1] < utf8.RuneSelf {
			continue
		}
		if !utf8.RuneStart(head[i]) {
			continue
		}
		d, n := dayAt(head[i:])
		if n == 0 {
			continue
		}
		places, ok := splitPlaces(head[:i], known, false)
		if !ok {
			return opening{}, false
		}
		length := i + n + separator(head[i+n:])
		return opening{strings.TrimSpace(line[:length]), places, d, length}, true
	}
	return undated(line, head, known)
}

// undated reads a dateline of places alone.
func undated(line, head string, known func(string) bool) (opening, bool) {
	at := -1
	for _, dash := range []string{" – ", " — ", " - ", "--", " —", "– ", "- "} {
		if i := strings.Index(head, dash); i > 0 && (at < 0 || i < at) {
			at = i
		}
	}
	if at < 0 {
		return opening{}, false
	}
	places, ok := splitPlaces(head[:at], known, true)
	if !ok {
		return opening{}, false
	}
	length := at + separator(head[at:])
	return opening{strings.TrimSpace(line[:length]), places, day{}, length}, true
}

// separator is the length of what stands between a dateline and the text.
func separator(s string) int {
	return len(s) - len(strings.TrimLeft(s, " \u00a0\t.,:-–—−"))
}

// splitPlaces parts "VIENNA / BERLIN" and checks that each is a place. A name
// that holds a slash itself stays whole when it is known.
func splitPlaces(s string, known func(string) bool, strict bool) ([]string, bool) {
	s = strings.Trim(s, " \u00a0\t,:-–—−")
	var places []string
	parts := strings.Split(s, "/")
	if len(parts) > 2*maxPlaces {
		return nil, false
	}
	for i := 0; i < len(parts); i++ {
		part := strings.TrimSpace(parts[i])
		if i+1 < len(parts) && known(part+"/"+strings.TrimSpace(parts[i+1])) {
			part += "/" + strings.TrimSpace(parts[i+1])
			i++
		}
		if !isPlace(part, known, strict) {
			return nil, false
		}
		places = append(places, part)
	}
	return places, len(places) <= maxPlaces
}

// isPlace reports whether the city of "CITY" or "CITY, Country" stands in
// capitals or is known; both when strict.
func isPlace(s string, known func(string) bool, strict bool) bool {
	city, _, _ := strings.Cut(s, ",")
	if len(s) > 2*maxCity || len(city) > maxCity || strings.ContainsFunc(s, unicode.IsDigit) {
		return false
	}
	is := known(s) || known(city)
	if strict {
		return is && inCapitals(city)
	}
	return is || inCapitals(city)
}

// inCapitals reports whether all letters are capitals and there are two at least.
func inCapitals(s string) bool {
	letters := 0
	for _, r := range s {
		switch {
		case unicode.IsLower(r):
			return false
		case unicode.IsLetter(r):
			letters++
		}
	}
	return letters >= 2
}
