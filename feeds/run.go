package feeds

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"dateline/feeds/index"
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
	whole   atomic.Bool   // target was reached
}

// next is closed when the next event is applied.
func (w *follow) next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moved
}

func (w *follow) move(applied uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.moved)
	w.moved = make(chan struct{})
	w.arrive(applied)
}

func (w *follow) arrive(applied uint64) {
	if w.known && applied >= w.target {
		w.whole.Store(true)
	}
}

// start notes where the log stood, the first time it is known.
func (w *follow) start(target, applied uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.known {
		w.known, w.target = true, target
	}
	w.arrive(applied)
}

// caughtUp reports whether the log as it stood at the start is visible. It
// stays so: what comes later is late, but nothing is missing in between.
func (w *follow) caughtUp() bool { return w.whole.Load() }

func (w *follow) run(running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = running
}

// Run replays the log and follows it until ctx ends, which gives nil. While the
// log is away it tries again, ever more slowly, and serves what it has. It
// returns [wire.ErrLost], [wire.ErrBroken] and [news.ErrNewer], because feeds
// made past them would be wrong.
func (f *Feeds) Run(ctx context.Context) error {
	f.follow.run(true)
	defer f.follow.run(false)
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
	f.follow.start(target, f.Applied())
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
		f.items.clear()
		f.together.clear()
		if e.Release.Erased {
			f.fragments.clear() // earlier revisions are among them
		}
	}
	if live {
		f.shown.note(seq, f.cfg.Now())
	}
	f.follow.move(seq)
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
	r := &e.Release
	if old, ok := f.index.Find(r.ID); ok && e.Kind != news.KindRevised { // archives go on showing it
		f.fragments.drop(keyOf(old))
		f.fragments.drop(keyOf(old.Archived()))
	}
	var kin []index.Kin
	if r.Status != news.Withdrawn {
		kin = f.index.Kin(r.ID, r.Language, r.TranslationOf)
	}
	frag, err := f.render(r, kin)
	if err != nil {
		f.cfg.Log.Error().Err(err).Str("event_id", e.ID()).Msg("release cannot be rendered")
		return
	}
	f.fragments.put(fragmentKey{seq, len(kin)}, frag, frag.size())
}

// Ready is nil once the log as it stood at the start is visible and Run runs.
func (f *Feeds) Ready(context.Context) error {
	f.follow.mu.Lock()
	defer f.follow.mu.Unlock()
	switch {
	case !f.follow.running:
		return errors.New("the feeds do not follow the log")
	case !f.follow.known:
		return errors.New("the feeds wait for the log")
	case !f.follow.caughtUp():
		return fmt.Errorf("the feeds have read %d of %d events", f.Applied(), f.follow.target)
	}
	return nil
}
