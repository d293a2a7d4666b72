package read

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dateline/publisher/news"
)

// day is a date as people write it. Year is 0 where it is not given.
type day struct{ Year, Month, Day int }

// time is midnight UTC of a day with a year.
func (d day) time() time.Time {
	return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
}

// exists reports whether the calendar has the day; 29 February passes without a year.
func (d day) exists() bool {
	if d.Year == 0 {
		d.Year = 2000
	}
	t := d.time()
	return d.Year >= 1000 && t.Day() == d.Day && t.Month() == time.Month(d.Month)
}

// parseDate reads a whole date, in the languages of [month]:
//
//	2017-05-17      2017-05-17T10:30:00+02:00     20170517T083000Z
//	17 May 2017     Wed, 17 May 2017 10:30 CEST   May 17, 2017 at 10:30 a.m. UTC
//	17.05.2017      13. marta 2013. godine        17 de mayo de 2017
//
// Where only a day is given, or a time without a zone that is known, dayOnly is
// set and the time is midnight UTC. A date that reads two ways, 12/05/2025, is
// none.
func parseDate(s string) (t time.Time, dayOnly, ok bool) {
	s = strings.TrimSpace(s)
	if t, dayOnly, ok = isoDate(s); ok {
		return t, dayOnly, true
	}
	d, rest, ok := cutDay(s)
	if !ok || d.Year == 0 {
		return time.Time{}, false, false
	}
	at, zoned, ok := parseClock(rest)
	switch {
	case !ok:
		return time.Time{}, false, false
	case !zoned:
		return d.time(), true, true
	}
	return time.Date(d.Year, time.Month(d.Month), d.Day, at.hour, at.minute, at.second, 0, at.zone), false, true
}

// parseDay reads a day without year: "17 May", "Среда, 17 мая".
func parseDay(s string) (day, bool) {
	d, rest, ok := cutDay(strings.TrimSpace(s))
	return d, ok && d.Year == 0 && strings.Trim(rest, " .,") == ""
}

// cutDay passes a weekday and the date behind it.
func cutDay(s string) (d day, rest string, ok bool) {
	if weekday, after, found := strings.Cut(s, ", "); found && month(weekday) == 0 && !strings.ContainsFunc(weekday, unicode.IsDigit) {
		s = after
	}
	if d, n := numericDay(s); n > 0 {
		return d, s[n:], true
	}
	d, n := dayAt(s)
	return d, s[n:], n > 0
}

func isoDate(s string) (t time.Time, dayOnly, ok bool) {
	if len(s) < 8 || len(s) > 40 || s[0] < '0' || s[0] > '9' {
		return time.Time{}, false, false
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700",
		"2006-01-02 15:04:05 MST", "20060102T150405Z0700",
	} {
		if t, err := time.Parse(layout, s); err == nil && (!strings.Contains(layout, "MST") || strings.HasSuffix(s, "UTC") || strings.HasSuffix(s, "GMT")) {
			return t, false, true
		}
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "20060102T150405", "20060102"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Truncate(24 * time.Hour), true, true
		}
	}
	return time.Time{}, false, false
}

// numericDay reads 17.05.2017, 17/05/2017 and 17-05-2017. Of two numbers parted
// by a slash or dash one must be greater than twelve, or both be equal.
func numericDay(s string) (day, int) {
	c := cursor{s: s}
	first := c.number(1, 2)
	mark := c.s[c.at:min(c.at+1, len(c.s))]
	if first == 0 || mark != "." && mark != "/" && mark != "-" {
		return day{}, 0
	}
	c.at++
	c.spaces()
	second := c.number(1, 2)
	if second == 0 || !c.skip(mark) {
		return day{}, 0
	}
	c.spaces()
	d := day{c.number(4, 4), second, first}
	if d.Year == 0 {
		return day{}, 0
	}
	if mark != "." {
		if first <= 12 && second <= 12 && first != second {
			return day{}, 0
		}
		if second > 12 {
			d.Month, d.Day = first, second
		}
	}
	if d.Month > 12 || !d.exists() {
		return day{}, 0
	}
	c.pastYear()
	return d, c.at
}

// dayAt reads the date that opens s and returns its length in bytes, 0 when
// there is none.
func dayAt(s string) (day, int) {
	c := cursor{s: s}
	d := day{}
	if d.Day = c.number(1, 2); d.Day > 0 {
		c.skip("st", "nd", "rd", "th", "er", "º", ".")
		if !c.skip("-") { // 17-May-2017
			c.spaces()
		}
		c.skip("de ", "of ")
		if d.Month = month(c.word()); d.Month == 0 {
			return day{}, 0
		}
	} else {
		if d.Month = month(c.word()); d.Month == 0 {
			return day{}, 0
		}
		c.skip(".")
		c.spaces()
		if d.Day = c.number(1, 2); d.Day == 0 {
			return day{}, 0
		}
		c.skip("st", "nd", "rd", "th")
	}
	end := c.at
	c.skip(".")
	c.skip(",", "-")
	c.spaces()
	c.skip("de ", "del ")
	if d.Year = c.number(4, 4); d.Year > 0 {
		c.pastYear()
		end = c.at
	}
	if !d.exists() {
		return day{}, 0
	}
	return d, end
}

// pastYear passes what Slavic languages put behind a year.
func (c *cursor) pastYear() {
	end := c.at
	c.skip(".")
	c.spaces()
	if !c.skip("godine", "god.", "године", "год.", "года", "год", "г.", "ж.") {
		c.at = end
	}
}

// cursor walks along a string.
type cursor struct {
	s  string
	at int
}

func (c *cursor) spaces() {
	for {
		r, n := utf8.DecodeRuneInString(c.s[c.at:])
		if n == 0 || !unicode.IsSpace(r) {
			return
		}
		c.at += n
	}
}

// skip passes the first of the words that stands here.
func (c *cursor) skip(words ...string) bool {
	for _, w := range words {
		if strings.HasPrefix(c.s[c.at:], w) {
			c.at += len(w)
			return true
		}
	}
	return false
}

// number passes a number of least to most digits and returns it, or 0 when
// there is none here.
func (c *cursor) number(least, most int) int {
	end := c.at
	for end < len(c.s) && c.s[end] >= '0' && c.s[end] <= '9' {
		end++
	}
	if n := end - c.at; n < least || n > most {
		return 0
	}
	n, err := strconv.Atoi(c.s[c.at:end])
	if err != nil {
		return 0
	}
	c.at = end
	return n
}

// word passes the letters that stand here.
func (c *cursor) word() string {
	start := c.at
	for {
		r, n := utf8.DecodeRuneInString(c.s[c.at:])
		if n == 0 || !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) {
			return c.s[start:c.at]
		}
		c.at += n
	}
}

// month is the number of a month from its name in English, French, German,
// Spanish, Italian, Russian or Serbian (Latin or Cyrillic), 0 for other words.
func month(word string) int {
	if word == "" || len(word) > 24 {
		return 0
	}
	switch news.Slugify(word) {
	case "january", "jan", "janvier", "januar", "januara", "janner", "jaenner", "enero", "gennaio", "yanvar", "yanvarya", "yanv", "janv", "ene":
		return 1
	case "february", "feb", "fevrier", "februar", "februara", "febrero", "febbraio", "fevral", "fevralya", "fev", "fevr":
		return 2
	case "march", "mar", "mars", "marz", "maerz", "marzo", "mart", "marta":
		return 3
	case "april", "apr", "avril", "abril", "aprile", "aprila", "aprel", "aprelya", "abr":
		return 4
	case "may", "mai", "mayo", "maggio", "maj", "maja", "maya":
		return 5
	case "june", "jun", "juin", "juni", "junio", "giugno", "juna", "iyun", "iyunya":
		return 6
	case "july", "jul", "juillet", "juli", "julio", "luglio", "jula", "iyul", "iyulya", "juil":
		return 7
	case "august", "aug", "aout", "agosto", "avgust", "avgusta", "avg", "ago":
		return 8
	case "september", "sep", "sept", "septembre", "septiembre", "setiembre", "settembre", "septembar", "septembra", "sentyabr", "sentyabrya", "sent":
		return 9
	case "october", "oct", "octobre", "octubre", "ottobre", "oktober", "oktobar", "oktobra", "oktyabr", "oktyabrya", "okt":
		return 10
	case "november", "nov", "novembre", "noviembre", "novembar", "novembra", "noyabr", "noyabrya", "noya":
		return 11
	case "december", "dec", "decembre", "dezember", "diciembre", "dicembre", "decembar", "decembra", "detsembar", "detsembra", "dekabr", "dekabrya", "dek", "dez", "dic":
		return 12
	}
	return 0
}
