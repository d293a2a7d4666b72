package read

import (
	"time"

	"dateline/publisher/news"
)

const hintDate = "write it like 2017-05-17, 17 May 2017 or 2017-05-17T10:00:00+02:00"

const (
	maxApart = 3 * 24 * time.Hour  // between publishing and dateline without a warning
	maxNear  = 60 * 24 * time.Hour // within which a date beside lends its year to a day without
)

// date settles the publishing date: what the document states, else its
// dateline. Where one of them lacks the year, the other lends it if the two are
// within 60 days.
func (r *Reader) date(d *draft, s sheet, line day) {
	rel := &d.Release
	stated := news.CleanLine(s.date)
	switch {
	case stated != "":
		t, dayOnly, ok := parseDate(stated)
		if !ok {
			t, ok = lendYear(stated, line)
			dayOnly = ok
		}
		if _, bare := parseDay(stated); !ok && bare {
			d.bad("the date %s has no year, and nothing beside it says which; %s", quote(stated), hintDate)
			return
		}
		if !ok {
			d.bad("the date %s cannot be read; %s", quote(stated), hintDate)
			return
		}
		rel.PublishedAt, rel.DayOnly = t, dayOnly
		d.Date = news.Evidence{Rule: s.rule, Words: stated, Confidence: sureOf(s.rule)}
		r.compare(d, line)
	case line.Year > 0:
		rel.PublishedAt, rel.DayOnly = line.time(), true
		d.Date = news.Evidence{Rule: "dateline", Words: rel.Dateline.Raw, Confidence: sureDateline}
	case line.Day > 0:
		d.bad("there is no date with a year; the dateline %s gives the day alone: state the date, %s", quote(rel.Dateline.Raw), hintDate)
		return
	default:
		d.bad("there is no date anywhere; state one, or open the text with a dateline like VIENNA, 17 May 2017 –")
		return
	}
	if rel.PublishedAt.After(r.now().Add(24 * time.Hour)) {
		d.warn("the date %s lies in the future and will be refused", rel.PublishedAt.Format(time.DateOnly))
	}
}

// compare sets the publishing date beside the dateline's.
func (r *Reader) compare(d *draft, line day) {
	published := d.Release.PublishedAt
	switch {
	case line.Day == 0:
	case line.Year == 0:
		if at, ok := line.near(published); ok {
			d.Release.Dateline.Date = at.Format(time.DateOnly)
		} else {
			d.warn("the date %s is far from the dateline's %s", published.Format(time.DateOnly), quote(d.Release.Dateline.Raw))
		}
	case apart(published, line.time()) > maxApart:
		d.warn("the date %s differs from the dateline's %s by more than %d days", published.Format(time.DateOnly), d.Release.Dateline.Date, maxApart/(24*time.Hour))
	}
}

// lendYear reads a stated date without year beside a dateline that has one.
func lendYear(stated string, line day) (time.Time, bool) {
	d, ok := parseDay(stated)
	if !ok || line.Year == 0 {
		return time.Time{}, false
	}
	return d.near(line.time())
}

// near is the day, which has no year, in the year that brings it within 60 days
// of t.
func (d day) near(t time.Time) (time.Time, bool) {
	for _, year := range []int{t.Year(), t.Year() - 1, t.Year() + 1} {
		d.Year = year
		if d.exists() && apart(d.time(), t) <= maxNear {
			return d.time(), true
		}
	}
	return time.Time{}, false
}

func apart(a, b time.Time) time.Duration { return a.Sub(b).Abs() }
