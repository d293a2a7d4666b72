package index

import (
	"cmp"
	"slices"

	"dateline/publisher/news"
)

// Entry is what the index keeps of a release: the state after its newest event.
type Entry struct {
	ID        string
	Seq       uint64 // of the newest event, from which the text can be read again
	Revision  int
	Withdrawn bool
	Language  string
	Original  string // id of the release this is a translation of
	Routine   bool
	Surfaced  int64 // milliseconds since 1970, UTC; orders feeds
	Updated   int64 // milliseconds since 1970, UTC; time of the newest event
	Published int64 // milliseconds since 1970, UTC; the archive of its month holds the entry
	Size      int   // bytes of text a full entry carries
	// Filed is the sequence of the event that gave the entry its topics and its
	// month, and FiledAt that event's time, milliseconds since 1970, UTC.
	Filed   uint64
	FiledAt int64
	// Kin are the versions in other languages that were there when the newest
	// event came, none of them withdrawn then or erased since.
	Kin []Kin

	title string
	lists []*list
	// first and weight are Surfaced and Size as they were at first: they part
	// months into documents, and no correction may move a boundary.
	first  int64
	weight int
	// shelved is the entry as archives show it, when that is an earlier state.
	shelved *Entry
}

// Archived is the entry as archives show it: the newest revision but minor ones,
// which change no archive. One that files the release elsewhere is not minor.
func (e *Entry) Archived() *Entry {
	if e.shelved != nil {
		return e.shelved
	}
	return e
}

// Slug is that of the title, for the address of the release's page. It is made
// when it is asked for, because few are and a start would make them all.
func (e *Entry) Slug() string { return news.Slugify(e.title) }

// order sorts by surfaced time, newest last, and among equal times by id,
// smallest last: the order of feeds, read from the end.
func order(a, b *Entry) int {
	if c := cmp.Compare(a.Surfaced, b.Surfaced); c != 0 {
		return c
	}
	return cmp.Compare(b.ID, a.ID)
}

// sizeOf is the number of bytes that count against a window's limit.
func sizeOf(r *news.Release) int {
	return max(len(r.HTML), len(r.Text)) + len(r.Summary) + len(r.Title) + len(r.Note) + len(r.Reason)
}

// list is the releases of one topic, the newest last.
type list struct {
	number     int // place in the index's numbering, for sets
	entries    []*Entry
	shelves    []shelf     // the same entries by month, the oldest first
	arrivals   []*Entry    // each as it was filed here, in the order of the log
	departures []departure // in the order of the log
	touched    uint64      // sequence of the last event that changed an entry here
	shown      int         // releases that are not withdrawn
	plain      int         // those among them that belong to no routine series
}

// departure remembers that an event took an entry from where it was filed.
type departure struct {
	seq uint64
	at  int64  // time of the event, milliseconds since 1970
	old *Entry // as it was before
}

func (l *list) insert(e *Entry) {
	i := len(l.entries)
	if i > 0 && order(l.entries[i-1], e) > 0 {
		i, _ = slices.BinarySearchFunc(l.entries, e, order)
	}
	l.entries = slices.Insert(l.entries, i, e)
	l.shelve(e)
	l.count(e, 1)
}

func (l *list) remove(e *Entry) {
	if i, ok := slices.BinarySearchFunc(l.entries, e, order); ok {
		l.entries = slices.Delete(l.entries, i, i+1)
		l.unshelve(e)
		l.count(e, -1)
	}
}

func (l *list) count(e *Entry, n int) {
	if e.Withdrawn {
		return
	}
	l.shown += n
	if !e.Routine {
		l.plain += n
	}
}
