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

// parseDate reads a whole date: 2017-05-17, RFC 3339, 17 May 2017, May 17, 2017,
// 17.05.2017, and the like in the languages of [month]. Where only a day is
// given, dayOnly is set and the time is midnight UTC.
func parseDate(s string) (t time.Time, dayOnly, ok bool) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, false, true
		}
	}
	for _, layout := range []string{time.DateOnly, "2.1.2006", "2.1.2006."} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true, true
		}
	}
	if weekday, rest, found := strings.Cut(s, ", "); found && month(weekday) == 0 && !strings.ContainsFunc(weekday, unicode.IsDigit) {
		s = rest
	}
	d, n := dayAt(s)
	if n == 0 || d.Year == 0 || strings.Trim(s[n:], " .,") != "" {
		return time.Time{}, false, false
	}
	return d.time(), true, true
}

// dayAt reads the date that opens s and returns its length in bytes, 0 when
// there is none.
func dayAt(s string) (day, int) {
	c := cursor{s: s}
	d := day{}
	if d.Day = c.number(1, 2); d.Day > 0 {
		c.skip("st", "nd", "rd", "th", ".")
		c.spaces()
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
	c.skip(",")
	c.spaces()
	if d.Year = c.number(4, 4); d.Year > 0 {
		end = c.at
		c.skip(".")
		c.spaces()
		if c.skip("godine", "god.", "године", "года", "год", "г.", "ж.") {
			end = c.at
		}
	}
	if !d.exists() {
		return day{}, 0
	}
	return d, end
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
// Russian or Serbian (Latin or Cyrillic), 0 for other words.
func month(word string) int {
	if word == "" || len(word) > 24 {
		return 0
	}
	switch news.Slugify(word) {
	case "january", "jan", "janvier", "januar", "januara", "yanvar", "yanvarya":
		return 1
	case "february", "feb", "fevrier", "februar", "februara", "fevral", "fevralya":
		return 2
	case "march", "mar", "mars", "marz", "maerz", "mart", "marta":
		return 3
	case "april", "apr", "avril", "aprila", "aprel", "aprelya":
		return 4
	case "may", "mai", "maj", "maja", "maya":
		return 5
	case "june", "jun", "juin", "juni", "juna", "iyun", "iyunya":
		return 6
	case "july", "jul", "juillet", "juli", "jula", "iyul", "iyulya":
		return 7
	case "august", "aug", "aout", "avgust", "avgusta":
		return 8
	case "september", "sep", "sept", "septembre", "septembar", "septembra", "sentyabr", "sentyabrya":
		return 9
	case "october", "oct", "octobre", "oktober", "oktobar", "oktobra", "oktyabr", "oktyabrya":
		return 10
	case "november", "nov", "novembre", "novembar", "novembra", "noyabr", "noyabrya":
		return 11
	case "december", "dec", "decembre", "dezember", "decembar", "decembra", "detsembar", "detsembra", "dekabr", "dekabrya":
		return 12
	}
	return 0
}
