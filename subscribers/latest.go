package subscribers

import (
	"context"
	"sync"

	"dateline/publisher/wire"
)

// latest reads releases from the log for many tries at once. Tries of one
// release share a read, but only one that began after they asked: an answer is
// never older than the question.
type latest struct {
	read    func(ctx context.Context, id string) (wire.Record, error)
	mu      sync.Mutex
	running map[string]*reading
	wg      sync.WaitGroup
}

// reading is one read; next is the one that begins when it ends.
type reading struct {
	done chan struct{}
	next *reading
	rec  wire.Record
	err  error
}

func newLatest(read func(context.Context, string) (wire.Record, error)) *latest {
	return &latest{read: read, running: map[string]*reading{}}
}

// of returns the newest event of a release. The caller must not change it.
func (l *latest) of(ctx context.Context, id string) (wire.Record, error) {
	l.mu.Lock()
	r := &reading{done: make(chan struct{})}
	switch now := l.running[id]; {
	case now == nil:
		l.running[id] = r
		l.wg.Go(func() { l.run(ctx, id, r) })
	case now.next == nil:
		now.next = r
	default:
		r = now.next
	}
	l.mu.Unlock()
	<-r.done // read ends with ctx
	return r.rec, r.err
}

func (l *latest) run(ctx context.Context, id string, r *reading) {
	for r != nil {
		r.rec, r.err = l.read(ctx, id)
		close(r.done)
		l.mu.Lock()
		r = r.next
		if r == nil {
			delete(l.running, id)
		} else {
			l.running[id] = r
		}
		l.mu.Unlock()
	}
}
