package index

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// month is a calendar month in UTC, counted from the year 0.
type month int

// never is after every month.
const never month = math.MaxInt

func monthOf(ms int64) month {
	t := time.UnixMilli(ms).UTC()
	return month(t.Year()*12 + int(t.Month()) - 1)
}

func (m month) part(number int) Part { return Part{int(m) / 12, time.Month(m%12 + 1), number} }

// month of the zero Part is before every other.
func (p Part) month() month {
	if p == (Part{}) {
		return math.MinInt
	}
	return month(p.Year*12 + int(p.Month) - 1)
}

// shelf is the entries of a list that were published in one month, in the order
// in which they came.
type shelf struct {
	month   month
	entries []*Entry
}

// coming orders by the time at which entries surfaced first: for a back-fill
// the published date, otherwise the time of the event.
func coming(a, b *Entry) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.ID, b.ID))
}

// shelf is the place of the first shelf that is not before m.
func (l *list) shelf(m month) int {
	i, _ := slices.BinarySearchFunc(l.shelves, m, func(s shelf, m month) int { return cmp.Compare(s.month, m) })
	return i
}

// of are the entries of a month.
func (l *list) of(m month) []*Entry {
	if i := l.shelf(m); i < len(l.shelves) && l.shelves[i].month == m {
		return l.shelves[i].entries
	}
	return nil
}

func (l *list) shelve(e *Entry) {
	m := monthOf(e.Published)
	i := l.shelf(m)
	if i == len(l.shelves) || l.shelves[i].month != m {
		l.shelves = slices.Insert(l.shelves, i, shelf{month: m})
	}
	s := &l.shelves[i]
	at, _ := slices.BinarySearchFunc(s.entries, e, coming)
	s.entries = slices.Insert(s.entries, at, e)
}

func (l *list) unshelve(e *Entry) {
	i := l.shelf(monthOf(e.Published))
	s := &l.shelves[i]
	if at, ok := slices.BinarySearchFunc(s.entries, e, coming); ok {
		s.entries = slices.Delete(s.entries, at, at+1)
	}
	if len(s.entries) == 0 {
		l.shelves = slices.Delete(l.shelves, i, i+1)
	}
}
