package wire

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// MaxRecords is the number of records that one call of Records returns.
const MaxRecords = 10_000

// Kept is a record with the recipient it was kept for.
type Kept struct {
	Recipient string
	Data      []byte
}

// Records returns what was kept for a release, for all recipients, oldest
// first. more says that there are further records than the MaxRecords returned.
func (w *Wire) Records(ctx context.Context, release string) (out []Kept, more bool, err error) {
	err = w.scanRecords(ctx, release, jetstream.DeliverAllPolicy, func(k Kept) error {
		if len(out) == MaxRecords {
			more = true
			return errEnough
		}
		out = append(out, k)
		return nil
	})
	return out, more, err
}

// LastRecords returns the newest record of each recipient for a release.
func (w *Wire) LastRecords(ctx context.Context, release string) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := w.scanRecords(ctx, release, jetstream.DeliverLastPerSubjectPolicy, func(k Kept) error {
		out[k.Recipient] = k.Data
		return nil
	})
	return out, err
}

// scanRecords hands the records of a release that are there now to fn, in order.
func (w *Wire) scanRecords(ctx context.Context, release string, which jetstream.DeliverPolicy, fn func(Kept) error) error {
	if !token(release) {
		return errors.New("read the attempts: the release is no word of letters, digits and dashes")
	}
	cons, err := w.attempts.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: which, FilterSubject: subjectAttempt + "*." + release, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return translate("read the attempts", err)
	}
	defer forget(ctx, w.attempts, cons)
	if cons.CachedInfo().NumPending == 0 {
		return nil
	}
	var delivered uint64
	return translate("read the attempts", w.pull(ctx, cons, readAhead, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if delivered++; meta.Sequence.Consumer != delivered {
			return nats.ErrStaleConnection // something was dropped on the way
		}
		recipient := strings.TrimSuffix(strings.TrimPrefix(m.Subject(), subjectAttempt), "."+release)
		if err := fn(Kept{recipient, m.Data()}); err != nil {
			return err
		}
		if meta.NumPending == 0 {
			return errEnough
		}
		return nil
	}))
}

// HeldWith lists what is put aside under keys that begin with prefix, for all
// recipients.
func (w *Wire) HeldWith(ctx context.Context, prefix string) ([]Held, error) {
	info, err := w.later.Info(ctx, jetstream.WithSubjectFilter("held.*.*"))
	if err != nil {
		return nil, translate("look at what was put aside", err)
	}
	var out []Held
	for subject := range info.State.Subjects {
		word := strings.Split(subject, ".")
		if !strings.HasPrefix(word[2], prefix) {
			continue
		}
		m, err := w.later.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // it was seen to in between
		}
		if err != nil {
			return nil, translate("read what was put aside", err)
		}
		out = append(out, Held{Recipient: word[1], Key: word[2], Payload: m.Data, seq: m.Sequence})
	}
	return out, nil
}
