// Package alert is what the delivery hands to a sender and what a sender
// answers: the message for one recipient about one release, and the two kinds
// of failure that the delivery tells apart.
package alert

import (
	"errors"
	"time"

	"dateline/publisher/news"
)

// Message is one alert for one recipient, however many of its subscriptions
// the release matches. A sender may get the same message twice (after a
// crash, or when the outcome of the first try is unknown); ID and Recipient are
// then the same, and what is sent must carry the same id.
type Message struct {
	ID        string // "<release id>:<revision that surfaced>"; minor revisions do not change it
	Recipient string // an opaque token
	Address   string // e-mail address or URL
	Secret    string // webhooks: the endpoint's key, "whsec_…"
	// Event is the release as it is now, under the kind of the event that surfaced.
	Event news.Event
	// Matching are the recipient's selections that the release is in, in
	// words; Following all of its selections. Matching is empty when a
	// correction or withdrawal took the release out of all of them.
	Matching, Following []string
	// Earlier are the ids of the events the recipient may have been told of
	// before, oldest first. When there are any, this is a notice of change.
	Earlier []string
	Attempt int       // 1 for the first try of this event
	Now     time.Time // the time of this try
}

// Permanent is a failure that another try would not mend. Reason is one line
// for the record, without the recipient's address and without the words of the
// other side.
type Permanent struct {
	Reason string
	Gone   bool // the recipient says that it wants nothing any more (like HTTP 410)
}

func (e *Permanent) Error() string { return e.Reason }

// Temporary is a failure that may pass. After is what the other side asked to
// wait at least; 0 when it said nothing. Unknown means that the message may
// have arrived all the same. Whole means that any other message would have
// fared no better: the recipient is not reached at all or asks to be left alone.
type Temporary struct {
	Reason  string
	After   time.Duration
	Unknown bool
	Whole   bool
}

func (e *Temporary) Error() string { return e.Reason }

// Reason is err's line for the record; errors that are neither kind give away
// nothing but that they happened.
func Reason(err error) string {
	if p, ok := errors.AsType[*Permanent](err); ok {
		return p.Reason
	}
	if t, ok := errors.AsType[*Temporary](err); ok {
		return t.Reason
	}
	return "the sender failed"
}
