package wire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Held is a task put aside behind its recipient's wake-up.
type Held struct {
	Recipient, Key string
	Payload        []byte
	seq            uint64
}

// Hold puts a payload aside for a recipient under key, both words of letters,
// digits and dashes. A second payload under the same key takes the first one's place.
func (w *Wire) Hold(ctx context.Context, recipient, key string, payload []byte) error {
	if !token(recipient) || !token(key) {
		return fmt.Errorf("put aside: recipient or key is no word of letters, digits and dashes")
	}
	_, err := w.js.Publish(ctx, "held."+recipient+"."+key, payload)
	return w.wrote("put aside", err)
}

// WakeAt schedules the recipient's wake-up; a later call takes the place of an
// earlier one that has not fired yet. It fires at its time, to the millisecond,
// or up to a quarter of a second later, and soon after the start when that time
// passed while nothing was running.
func (w *Wire) WakeAt(ctx context.Context, recipient string, at time.Time) error {
	if !token(recipient) {
		return fmt.Errorf("schedule: the recipient is no word of letters, digits and dashes")
	}
	_, err := w.js.PublishMsg(ctx, scheduleAt("later."+recipient, "due."+recipient, at))
	return w.wrote("schedule", err)
}

// scheduleAt is a message that becomes one on the subject target at a time.
func scheduleAt(subject, target string, at time.Time) *nats.Msg {
	// The client's own option cuts the time to the second, which would be early.
	at = at.UTC().Add(time.Millisecond - 1).Truncate(time.Millisecond)
	return &nats.Msg{Subject: subject, Header: nats.Header{
		jetstream.ScheduleHeader:       {"@at " + at.Format(time.RFC3339Nano)},
		jetstream.ScheduleTargetHeader: {target},
	}}
}

// token reports whether s is one word of a subject: letters, digits, dashes and
// underscores.
func token(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// Wakes hands each wake-up that is due to fn, as a job whose Recipient is set.
func (w *Wire) Wakes(ctx context.Context, inFlight int, fn func(*Job)) error {
	return w.consume(ctx, w.later, jetstream.ConsumerConfig{Durable: "wakes", FilterSubject: "due.*"}, inFlight, fn,
		func(ctx context.Context, m jetstream.Msg) error {
			meta, err := m.Metadata()
			if err != nil {
				return err
			}
			// The removal comes first: a wake-up that is acknowledged and still
			// there would look scheduled for ever.
			if err := w.removeLater(ctx, meta.Sequence.Stream); err != nil {
				return err
			}
			return m.DoubleAck(ctx)
		})
}

// dueFor is the recipient of a wake-up, or the release whose embargo is over.
func dueFor(subject string) string {
	for _, prefix := range []string{"due.", subjectDue} {
		if to, ok := strings.CutPrefix(subject, prefix); ok {
			return to
		}
	}
	return ""
}

// HeldFor lists what is put aside for a recipient, in the order it was put there.
func (w *Wire) HeldFor(ctx context.Context, recipient string) ([]Held, error) {
	var out []Held
	for seq := uint64(1); ; {
		m, err := w.later.GetMsg(ctx, seq, jetstream.WithGetMsgSubject("held."+recipient+".*"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return out, nil
		}
		if err != nil {
			return nil, translate("read what was put aside", err)
		}
		out = append(out, Held{
			Recipient: recipient, Key: strings.TrimPrefix(m.Subject, "held."+recipient+"."),
			Payload: m.Data, seq: m.Sequence,
		})
		seq = m.Sequence + 1
	}
}

// Unhold removes what was put aside, unless something newer has taken its place.
func (w *Wire) Unhold(ctx context.Context, h Held) error {
	return translate("remove what was put aside", w.removeLater(ctx, h.seq))
}

// removeLater removes a message, or finds it gone: something newer on its
// subject has taken its place. The client library hides the server's code for
// that, so a failure is followed by a look.
func (w *Wire) removeLater(ctx context.Context, seq uint64) error { return remove(ctx, w.later, seq) }

func remove(ctx context.Context, st jetstream.Stream, seq uint64) error {
	err := st.DeleteMsg(ctx, seq)
	if err == nil {
		return nil
	}
	if _, look := st.GetMsg(ctx, seq); errors.Is(look, jetstream.ErrMsgNotFound) {
		return nil
	}
	return err
}

// Waiting lists the recipients with something put aside, and says of each
// whether a wake-up is scheduled or due.
func (w *Wire) Waiting(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	for _, filter := range []string{"held.*.*", "later.*", "due.*"} {
		info, err := w.later.Info(ctx, jetstream.WithSubjectFilter(filter))
		if err != nil {
			return nil, translate("look at what was put aside", err)
		}
		for subject := range info.State.Subjects {
			recipient := strings.Split(subject, ".")[1]
			if filter == "held.*.*" {
				out[recipient] = false
			} else if _, held := out[recipient]; held {
				out[recipient] = true
			}
		}
	}
	return out, nil
}
