package subscribers

import "sync/atomic"

// Stats is a snapshot of what was done since the start, and of what there is.
type Stats struct {
	Recipients, Subscriptions, Disabled int
	// FannedOut is the sequence of the newest event whose alerts are queued.
	FannedOut uint64
	Queued    uint64 // alerts put into the queues
	// Accepted counts messages that the other side took, by channel.
	Accepted map[Channel]uint64
	Failed   uint64 // tries that failed and will be repeated
	GivenUp  uint64 // messages parked with their reason
	Skipped  uint64 // tasks that needed no message any more
	Late     uint64 // alerts of events older than MaxAge: recorded, not sent
	Waiting  int    // recipients that wait for a wake-up
	Dialled  uint64 // connections to endpoints
	Refused  uint64 // connections the guard refused
}

type counts struct {
	fannedOut, queued, mail, webhook, failed, givenUp, skipped, late atomic.Uint64
}

func (c *counts) accepted(ch Channel) {
	if ch == Mail {
		c.mail.Add(1)
	} else {
		c.webhook.Add(1)
	}
}

// Stats takes the snapshot; it is cheap.
func (s *Subscribers) Stats() Stats {
	c := &s.counts
	out := Stats{
		FannedOut: c.fannedOut.Load(), Queued: c.queued.Load(), Failed: c.failed.Load(), GivenUp: c.givenUp.Load(),
		Skipped: c.skipped.Load(), Late: c.late.Load(), Waiting: s.delivery.waiting.len(),
		Accepted: map[Channel]uint64{Mail: c.mail.Load(), Webhook: c.webhook.Load()},
	}
	out.Recipients, out.Subscriptions, out.Disabled = s.register.counts()
	g := s.guard.Stats()
	out.Dialled, out.Refused = g.Dialled, g.Refused
	return out
}
