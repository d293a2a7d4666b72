package read

import (
	"strings"
	"time"
)

// clock is a time of day with its zone.
type clock struct {
	hour, minute, second int
	zone                 *time.Location
}

// parseClock reads what may stand behind a date: nothing, or a time of day like
// "10:30", ", 10:30:15 +0200", "at 10:30 p.m. (CET)". zoned says that there is a
// time whose zone is known; ok is false for other words.
func parseClock(s string) (at clock, zoned, ok bool) {
	s = strings.Trim(s, " \u00a0,.")
	for _, word := range []string{"at ", "um ", "à ", "a las ", "alle ", "u ", "в ", "– ", "- ", "| "} {
		if rest, found := strings.CutPrefix(s, word); found {
			s = rest
			break
		}
	}
	if s == "" {
		return clock{}, false, true
	}
	c := cursor{s: s}
	if at, ok = c.clock(); !ok {
		return clock{}, false, false
	}
	zone := strings.Trim(s[c.at:], " \u00a0()")
	if at.zone = zoneOf(zone); at.zone != nil {
		return at, true, true
	}
	return at, false, zone == "" || strings.HasSuffix(zone, " time")
}

// clock passes hours and minutes, perhaps seconds.
func (c *cursor) clock() (at clock, ok bool) {
	from := c.at
	at.hour = c.number(1, 2)
	if c.at == from || !c.skip(":", "h") {
		return clock{}, false
	}
	if from = c.at; c.at+2 > len(c.s) {
		return clock{}, false
	}
	if at.minute = c.number(2, 2); c.at == from {
		return clock{}, false
	}
	if c.skip(":") {
		at.second = c.number(2, 2)
	}
	c.spaces()
	switch {
	case c.skip("am", "AM", "a.m."):
		at.hour %= 12
	case c.skip("pm", "PM", "p.m."):
		at.hour = at.hour%12 + 12
	default:
		c.skip("Uhr", "hrs", "hours", "h")
	}
	return at, at.hour < 24 && at.minute < 60 && at.second < 60
}

// zoneOf is the zone of an offset, of UTC, or of an abbreviation that means one
// zone only in Europe, or in RFC 5322 (section 4.3); nil for others.
func zoneOf(s string) *time.Location {
	switch s {
	case "":
		return nil
	case "Z", "UTC", "GMT", "UT", "WET":
		return time.UTC
	}
	hours := map[string]int{
		"CET": 1, "MEZ": 1, "WEST": 1, "BST": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "МСК": 3,
		"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	}
	if h, ok := hours[s]; ok {
		return time.FixedZone(s, h*3600)
	}
	offset := strings.TrimPrefix(strings.TrimPrefix(s, "UTC"), "GMT")
	if len(offset) == 2 { // UTC+2
		offset = offset[:1] + "0" + offset[1:]
	}
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if t, err := time.Parse(layout, offset); err == nil {
			_, seconds := t.Zone()
			return time.FixedZone("", seconds)
		}
	}
	return nil
}
