package feeds

import (
	"sync"
	"time"
)

// keptShown is how many events remember when they became visible.
const keptShown = 4096

// shown remembers when the newest events became visible here.
type shown struct {
	mu sync.Mutex
	at [keptShown]struct {
		seq  uint64
		time time.Time
	}
}

func (s *shown) note(seq uint64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[seq%keptShown].seq, s.at[seq%keptShown].time = seq, now
}

// Shown is when the event with the sequence seq became visible in its feeds, as
// far as it is remembered: of the newest 4,096 events since the start. What the
// start itself read was visible before.
func (f *Feeds) Shown(seq uint64) (time.Time, bool) {
	f.shown.mu.Lock()
	defer f.shown.mu.Unlock()
	at := f.shown.at[seq%keptShown]
	return at.time, at.seq == seq
}
