package subscribers

import (
	"sync"
	"time"
)

// stallTime is how long something may stand still before it shows.
const stallTime = 30 * time.Second

// stalls are operations that fail and are tried again.
type stalls struct {
	mu    sync.Mutex
	begun map[*time.Time]bool
}

// begin notes an operation that has failed; end says that it fails no more.
func (s *stalls) begin(at time.Time) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun == nil {
		s.begun = map[*time.Time]bool{}
	}
	s.begun[&at] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.begun, &at)
	}
}

// longest is how long the oldest one has been failing; 0 when there is none.
func (s *stalls) longest(now time.Time) (d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := range s.begun {
		d = max(d, now.Sub(*at))
	}
	return d
}

// progress watches a follower of the log by looking at it now and then.
type progress struct {
	mu     sync.Mutex
	behind bool
	seen   uint64
	since  time.Time // it stood there, before the end
}

// stuck takes a look: where the follower is, and where the log ends.
func (p *progress) stuck(at, last uint64, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	behind := at < last
	if !behind || !p.behind || at != p.seen {
		p.behind, p.seen, p.since = behind, at, now
	}
	return behind && now.Sub(p.since) > stallTime
}
