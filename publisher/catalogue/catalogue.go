// Package catalogue is the list of all releases in memory: what editors look
// through by status, topic, words and time, and against which a new release is
// compared. It is made from the log and holds no texts.
//
// [Catalogue.Apply] takes events in the order of the log; everything else reads.
// A page of [Catalogue.List] continues exactly behind the one before, also when
// releases came in between: the cursor is a place in the order, not a number.
package catalogue

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"dateline/publisher/news"
)

// Catalogue is the list. All methods are safe for concurrent use.
type Catalogue struct {
	taxonomy *news.Taxonomy

	mu      sync.RWMutex
	applied uint64
	target  uint64        // where the log stood when it was first looked at
	known   bool          // target is
	moved   chan struct{} // closed and replaced with every event
	byID    map[string]*Entry
	ordered []*Entry // the newest last
}

// Entry is what the list keeps of a release.
type Entry struct {
	ID       string
	Seq      uint64 // of its newest event
	Revision int
	Status   news.Status
	Erased   bool
	// TakenBack is the newest revision that withdrew the release, 0 for none: the
	// texts up to it are gone, also when the release came back.
	TakenBack int
	Title     string
	Language  string
	Type      string
	Published time.Time
	Surfaced  time.Time
	Updated   time.Time

	fields, sources []news.Tag
	countries       []news.CountryTag
	print           fingerprint
}

// New makes an empty list.
func New(t *news.Taxonomy) *Catalogue {
	return &Catalogue{taxonomy: t, byID: map[string]*Entry{}, moved: make(chan struct{})}
}

// Expect notes where the log stands, the first time it is called.
func (c *Catalogue) Expect(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		c.known, c.target = true, seq
	}
}

// CaughtUp reports whether the log is in as far as [Catalogue.Expect] said.
func (c *Catalogue) CaughtUp() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.known && c.applied >= c.target
}

// Applied is the sequence of the last event taken in.
func (c *Catalogue) Applied() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.applied
}

// Await waits until the event with the sequence seq is in, or ctx ends.
func (c *Catalogue) Await(ctx context.Context, seq uint64) error {
	for {
		c.mu.RLock()
		applied, moved := c.applied, c.moved
		c.mu.RUnlock()
		if applied >= seq {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Apply takes the event with the sequence seq in.
func (c *Catalogue) Apply(seq uint64, e *news.Event) {
	next := entryOf(seq, &e.Release)
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq <= c.applied {
		return
	}
	c.applied = seq
	close(c.moved)
	c.moved = make(chan struct{})
	if old := c.byID[next.ID]; old != nil {
		next.ID, next.TakenBack = old.ID, max(old.TakenBack, next.TakenBack)
		if i, ok := slices.BinarySearchFunc(c.ordered, old, order); ok {
			c.ordered = slices.Delete(c.ordered, i, i+1)
		}
	}
	c.byID[next.ID] = next
	i, _ := slices.BinarySearchFunc(c.ordered, next, order)
	c.ordered = slices.Insert(c.ordered, i, next)
}

func entryOf(seq uint64, r *news.Release) *Entry {
	e := &Entry{
		ID: r.ID, Seq: seq, Revision: r.Revision, Status: r.Status, Erased: r.Erased, Title: strings.Clone(r.Title),
		Language: r.Language, Type: r.Type, Published: r.PublishedAt, Surfaced: r.SurfacedAt, Updated: r.UpdatedAt, print: printOf(r),
	}
	if r.Status == news.Withdrawn {
		e.TakenBack = r.Revision
	}
	for _, t := range r.Fields {
		e.fields = append(e.fields, news.Tag{Slug: t.Slug})
	}
	for _, t := range r.Sources {
		e.sources = append(e.sources, news.Tag{Slug: t.Slug})
	}
	for _, t := range r.Countries {
		e.countries = append(e.countries, news.CountryTag{Slug: t.Slug, Role: t.Role})
	}
	return e
}

// order sorts by surfaced time, newest last, and among equal times by id,
// smallest last: the order of feeds, read from the end.
func order(a, b *Entry) int {
	return cmp.Or(a.Surfaced.Compare(b.Surfaced), cmp.Compare(b.ID, a.ID))
}

// Find returns the entry of a release.
func (c *Catalogue) Find(id string) (Entry, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.byID[id]
	if !ok {
		return Entry{}, false
	}
	return *e, true
}

// Filter says which releases a list holds.
type Filter struct {
	Selection news.Selection
	Status    news.Status // Published or Withdrawn; empty for both
	Words     string      // every one must begin a word of the title, in any case
	// From and Before bound the release's own date; zero for no bound.
	From, Before time.Time
}

// Cursor is a place in the order: behind the release with this surfaced time and id.
type Cursor struct {
	Surfaced time.Time
	ID       string
}

// List returns up to limit releases, the newest first, that come behind the
// cursor (nil: from the top), and the cursor of the next page, nil at the end.
func (c *Catalogue) List(f Filter, after *Cursor, limit int) (page []Entry, next *Cursor) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	end := len(c.ordered)
	if after != nil {
		end, _ = slices.BinarySearchFunc(c.ordered, &Entry{Surfaced: after.Surfaced, ID: after.ID}, order)
	}
	words := wordsOf(f.Words)
	for i := end - 1; i >= 0; i-- {
		e := c.ordered[i]
		if !c.matches(&f, words, e) {
			continue
		}
		if len(page) == limit {
			last := page[limit-1]
			return page, &Cursor{last.Surfaced, last.ID}
		}
		page = append(page, *e)
	}
	return page, nil
}

func (c *Catalogue) matches(f *Filter, words []string, e *Entry) bool {
	switch {
	case f.Status != "" && f.Status != e.Status,
		!f.From.IsZero() && e.Published.Before(f.From),
		!f.Before.IsZero() && !e.Published.Before(f.Before):
		return false
	}
	if len(words) > 0 {
		title := wordsOf(e.Title)
		for _, w := range words {
			if !slices.ContainsFunc(title, func(has string) bool { return strings.HasPrefix(has, w) }) {
				return false
			}
		}
	}
	r := news.Release{Type: e.Type, Language: e.Language, Fields: e.fields, Sources: e.sources, Countries: e.countries}
	return f.Selection.Match(c.taxonomy, &r)
}

// Count is how many releases, withdrawn ones too, are filed under a topic or one
// of a group's members.
func (c *Catalogue) Count(k news.TopicKind, slug string) (n int) {
	s := news.Selection{Routine: true}
	switch k {
	case news.KindField:
		s.Fields = []string{slug}
	case news.KindCountry:
		s.Countries = []string{slug}
	case news.KindSource:
		s.Sources = []string{slug}
	case news.KindType:
		s.Types = []string{slug}
	case news.KindLanguage:
		s.Languages = []string{slug}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, e := range c.byID {
		if c.matches(&Filter{Selection: s}, nil, e) {
			n++
		}
	}
	return n
}
