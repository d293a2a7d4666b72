package wire

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Held is a task put aside behind its recipient's wake-up.
type Held struct {
	Recipient, Key string
	Payload        []byte
	seq            uint64
}

// Hold puts a payload aside for a recipient under key, a token of letters,
// digits and dashes. A second payload under the same key takes the first one's place.
func (w *Wire) Hold(ctx context.Context, recipient, key string, payload []byte) error {
	_, err := w.js.Publish(ctx, "held."+recipient+"."+key, payload)
	return translate("put aside", err)
}

// WakeAt schedules the recipient's wake-up; a later call takes the place of an
// earlier one. It fires within 250 ms of its time, also when that time passed
// while nothing was running.
func (w *Wire) WakeAt(ctx context.Context, recipient string, at time.Time) error {
	_, err := w.js.Publish(ctx, "later."+recipient, nil,
		jetstream.WithScheduleAt(at), jetstream.WithScheduleTarget("due."+recipient))
	return translate("schedule", err)
}

// Wakes hands each wake-up that is due to fn, as a job whose Recipient is set.
func (w *Wire) Wakes(ctx context.Context, inFlight int, fn func(*Job)) error {
	return w.consume(ctx, w.later, jetstream.ConsumerConfig{Durable: "wakes", FilterSubject: "due.*"}, inFlight, fn,
		func(ctx context.Context, m jetstream.Msg) error {
			meta, err := m.Metadata()
			if err != nil {
				return err
			}
			if err := m.DoubleAck(ctx); err != nil {
				return err
			}
			return ignoreGone(w.later.DeleteMsg(ctx, meta.Sequence.Stream))
		})
}

func cutDue(subject string) (string, bool) { return strings.CutPrefix(subject, "due.") }

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
	return translate("remove what was put aside", ignoreGone(w.later.DeleteMsg(ctx, h.seq)))
}

func ignoreGone(err error) error {
	var api *jetstream.APIError
	if errors.Is(err, jetstream.ErrMsgNotFound) || errors.As(err, &api) && api.ErrorCode == 10043 { // no message found to delete
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
