package publisher

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// desk is what waits, in memory: the list that editors see, and what the timer
// looks at. Decisions are made on what the stream says.
type desk struct {
	mu     sync.RWMutex
	waits  map[string]wire.Waits
	loaded chan struct{} // closed when everything that was there is in
	once   sync.Once
}

func newDesk() *desk { return &desk{waits: map[string]wire.Waits{}, loaded: make(chan struct{})} }

func (d *desk) take(id string, at wire.Waits, gone bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case id == "":
		d.once.Do(func() { close(d.loaded) })
	case gone:
		delete(d.waits, id)
	default:
		d.waits[id] = at
	}
	return nil
}

// all lists what waits, what is due first, drafts behind by their last change.
func (d *desk) all() []news.Pending {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]news.Pending, 0, len(d.waits))
	for _, w := range d.waits {
		out = append(out, w.Pending)
	}
	slices.SortFunc(out, func(a, b news.Pending) int {
		return cmp.Or(cmp.Compare(b.State, a.State), a.Until.Compare(b.Until), b.Changed.Compare(a.Changed), strings.Compare(a.Release.ID, b.Release.ID))
	})
	return out
}

// DeskStats counts what waits.
type DeskStats struct {
	Drafts, Embargoed int
	Stalled           int // of Drafts: those that were not published when their embargo was over
}

// DeskStats is a snapshot for metrics.
func (p *Publisher) DeskStats() (out DeskStats) {
	for _, w := range p.desk.all() {
		switch {
		case w.State == news.Embargoed:
			out.Embargoed++
		case w.Stalled != "":
			out.Stalled++
			out.Drafts++
		default:
			out.Drafts++
		}
	}
	return out
}

// overdue lists the releases whose embargo was over, or whose publishing had
// begun, before a time.
func (d *desk) overdue(before time.Time) (ids []string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for id, w := range d.waits {
		since := w.Pending.Until
		if !w.Pending.Leaving.IsZero() {
			since = w.Pending.Leaving
		}
		if !since.IsZero() && since.Before(before) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Waiting returns what waits at the desk for a release, to callers who may see it.
func (p *Publisher) Waiting(ctx context.Context, id string) (news.Pending, error) {
	w, err := p.waiting(ctx, id)
	if err == nil && (w.Seq == 0 || !maySee(ctx, &w.Pending)) {
		err = nothingThere(id)
	}
	return w.Pending, err
}

// AllWaiting lists what waits at the desk and the caller may see.
func (p *Publisher) AllWaiting(ctx context.Context) ([]news.Pending, error) {
	select {
	case <-p.desk.loaded:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(loadTime):
		return nil, news.Problemf(news.Unavailable, "the desk is still being read; try again in a moment")
	}
	return slices.DeleteFunc(p.desk.all(), func(w news.Pending) bool { return !maySee(ctx, &w) }), nil
}

// loadTime is how long a request waits for what is being read at the start.
const loadTime = 5 * time.Second

// waits is what waits for a release: nothing when Seq is 0, and then the number
// of the last version that did is all that is known.
type waits struct{ wire.Waits }

func (w *waits) pending() *news.Pending {
	if w.Seq == 0 {
		return nil
	}
	return &w.Pending
}

func (p *Publisher) waiting(ctx context.Context, id string) (waits, error) {
	if !news.ValidID(id) {
		return waits{}, nil
	}
	w, err := p.cfg.Wire.PendingOf(ctx, id)
	if errors.Is(err, wire.ErrNotFound) {
		err = nil
	}
	return waits{w}, err
}
