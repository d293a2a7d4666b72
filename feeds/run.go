package feeds

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// Waits between attempts to follow the log.
const (
	firstWait = 250 * time.Millisecond
	lastWait  = 10 * time.Second
)

// follow is how far the worker is.
type follow struct {
	mu      sync.Mutex
	running bool
	known   bool          // target is
	target  uint64        // where the log stood at the start
	moved   chan struct{} // closed and replaced with every event
}

// next is closed when the next event is applied.
func (w *follow) next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moved
}

func (w *follow) move() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.moved)
	w.moved = make(chan struct{})
}

func (w *follow) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// Run replays the log and follows it until ctx ends, which gives nil. While the
// log is away it tries again, ever more slowly, and serves what it has. It
// returns [wire.ErrLost], [wire.ErrBroken] and [news.ErrNewer], because feeds
// made past them would be wrong.
func (f *Feeds) Run(ctx context.Context) error {
	f.follow.set(func() { f.follow.running = true })
	defer f.follow.set(func() { f.follow.running = false })
	wait := firstWait
	for {
		before := f.Applied()
		err := f.followOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, wire.ErrLost), errors.Is(err, wire.ErrBroken), errors.Is(err, news.ErrNewer):
			return fmt.Errorf("feeds: %w", err)
		case f.Applied() > before:
			wait = firstWait
		}
		f.cfg.Log.Warn().Err(err).Dur("wait", wait).Uint64("applied", f.Applied()).Msg("log is away")
		select {
		case <-time.After(wait):
			wait = min(2*wait, lastWait)
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *Feeds) followOnce(ctx context.Context) error {
	target, err := f.lastReadable(ctx)
	if err != nil {
		return err
	}
	f.follow.set(func() {
		if !f.follow.known {
			f.follow.known, f.follow.target = true, target
		}
	})
	return f.cfg.Wire.Follow(ctx, f.Applied()+1, func(seq uint64, e news.Event) error {
		f.apply(seq, &e, seq > target)
		return nil
	})
}

// apply makes an event visible. When it is live, it is rendered first.
func (f *Feeds) apply(seq uint64, e *news.Event, live bool) {
	if live {
		f.renderNow(seq, e)
	}
	f.index.Apply(seq, e)
	if e.Kind == news.KindWithdrawn {
		f.documents.clear() // not even as a last good copy may the text stay
	}
	f.follow.move()
}

// lastReadable is the sequence of the last event that Follow will hand out: it
// passes over those that cannot be decoded.
func (f *Feeds) lastReadable(ctx context.Context) (uint64, error) {
	seq, err := f.cfg.Wire.LastSeq(ctx)
	if err != nil {
		return 0, err
	}
	for ; seq > 0; seq-- {
		_, err := f.cfg.Wire.At(ctx, seq)
		if err == nil || errors.Is(err, news.ErrNewer) {
			break
		}
		if news.CodeOf(err) == news.Unavailable {
			return 0, err
		}
	}
	return seq, nil
}

// renderNow renders a release while it is at hand, so that no reader waits for
// it. A failure is left to the first reader, who reads the log again.
func (f *Feeds) renderNow(seq uint64, e *news.Event) {
	if old, ok := f.index.Find(e.Release.ID); ok {
		f.fragments.drop(old.Seq)
	}
	frag, err := f.render(&e.Release)
	if err != nil {
		f.cfg.Log.Error().Err(err).Str("event_id", e.ID()).Msg("release cannot be rendered")
		return
	}
	f.fragments.put(seq, frag, frag.size())
}

// Ready is nil once the log as it stood at the start is visible and Run runs.
func (f *Feeds) Ready(context.Context) error {
	f.follow.mu.Lock()
	defer f.follow.mu.Unlock()
	switch applied := f.Applied(); {
	case !f.follow.running:
		return errors.New("the feeds do not follow the log")
	case !f.follow.known:
		return errors.New("the feeds wait for the log")
	case applied < f.follow.target:
		return fmt.Errorf("the feeds have read %d of %d events", applied, f.follow.target)
	}
	return nil
}
