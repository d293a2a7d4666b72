package subscribers

import (
	"sync/atomic"
	"time"
)

// Stats is a snapshot of what was done since the start, and of what there is.
type Stats struct {
	Recipients, Subscriptions, Disabled int
	// FannedOut is the sequence of the newest event whose alerts are queued.
	FannedOut uint64
	// Held is the number of events at the end of the log whose alerts are not
	// queued yet because the oldest of them is held; HeldSince is its time. Of a
	// healthy process FannedOut and Held together reach the end of the log.
	Held      uint64
	HeldSince time.Time
	Queued    uint64             // alerts put into the queues
	Accepted  map[Channel]uint64 // messages that the other side took
	Failed    map[Channel]uint64 // tries that failed and will be repeated
	GivenUp   map[Channel]uint64 // messages parked with their reason
	Skipped   map[Channel]uint64 // tasks that needed no message any more
	Late      map[Channel]uint64 // alerts of events older than MaxAge: recorded, not sent
	Waiting   int                // recipients that wait for a wake-up
	Dialled   uint64             // connections to endpoints
	Refused   uint64             // connections the guard refused
}

type counts struct {
	fannedOut, queued                        atomic.Uint64
	accepted, failed, givenUp, skipped, late perChannel
}

// perChannel is one number for each channel.
type perChannel struct{ mail, webhook atomic.Uint64 }

func (p *perChannel) add(c Channel) {
	if c == Mail {
		p.mail.Add(1)
	} else {
		p.webhook.Add(1)
	}
}

func (p *perChannel) load() map[Channel]uint64 {
	return map[Channel]uint64{Mail: p.mail.Load(), Webhook: p.webhook.Load()}
}

// Stats takes the snapshot; it is cheap.
func (s *Subscribers) Stats() Stats {
	c := &s.counts
	out := Stats{
		FannedOut: c.fannedOut.Load(), Queued: c.queued.Load(), Waiting: s.delivery.waiting.len(),
		Accepted: c.accepted.load(), Failed: c.failed.load(), GivenUp: c.givenUp.load(),
		Skipped: c.skipped.load(), Late: c.late.load(),
	}
	if h, ok := s.fanout.holding(); ok {
		out.Held, out.HeldSince = max(s.fanout.ahead.at.Load()+1, h.seq+1)-h.seq, h.at
	}
	out.Recipients, out.Subscriptions, out.Disabled = s.register.counts()
	g := s.guard.Stats()
	out.Dialled, out.Refused = g.Dialled, g.Refused
	return out
}
