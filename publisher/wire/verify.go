package wire

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// damaged reports whether err says that the log is not what was acknowledged.
func damaged(err error) bool { return errors.Is(err, ErrLost) || errors.Is(err, ErrBroken) }

// prevOf reads the hash of the predecessor that a message carries.
func prevOf(h nats.Header) (hash [sha256.Size]byte, ok bool) {
	s := h.Get(headerPrev)
	if len(s) != hex.EncodedLen(sha256.Size) {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(s))
	return hash, err == nil
}

// linkOf is the link of a message by what it carries itself.
func linkOf(h nats.Header, seq uint64, subject string, data []byte) (link, error) {
	prev, ok := prevOf(h)
	if !ok {
		return link{}, fmt.Errorf("%w: event %d carries no hash of its predecessor", ErrBroken, seq)
	}
	return chain(prev, seq, subject, data), nil
}

// follows checks that a message is the successor of prev and returns its link.
func follows(prev link, h nats.Header, seq uint64, subject string, data []byte) (link, error) {
	if seq != prev.seq+1 {
		return link{}, fmt.Errorf("%w: event %d is followed by event %d", ErrLost, prev.seq, seq)
	}
	if got := h.Get(headerPrev); got != prev.String() {
		return link{}, fmt.Errorf("%w: event %d does not carry the hash of event %d", ErrBroken, seq, prev.seq)
	}
	return chain(prev.hash, seq, subject, data), nil
}

// step is follows, but passes a break that the operator has accepted.
func (w *Wire) step(ctx context.Context, prev link, h nats.Header, seq uint64, subject string, data []byte) (link, error) {
	l, err := follows(prev, h, seq, subject, data)
	if err == nil {
		return l, nil
	}
	accepted, acceptErr := w.accepted(ctx, seq)
	if acceptErr != nil {
		return link{}, acceptErr
	}
	if !accepted {
		return link{}, err
	}
	before, _ := prevOf(h) // a message that carries none starts a chain of its own
	return chain(before, seq, subject, data), nil
}

// linkAt is the link of the message at seq. Where the operator accepted that
// the log goes on without it, that is its sequence alone.
func (w *Wire) linkAt(ctx context.Context, seq uint64) (link, error) {
	if seq == 0 {
		return link{}, nil
	}
	m, err := w.wire.GetMsg(ctx, seq)
	switch {
	case err == nil:
		return linkOf(m.Header, m.Sequence, m.Subject, m.Data)
	case away(err):
		return link{}, translate("read the log", err)
	}
	accepted, acceptErr := w.accepted(ctx, seq+1)
	if acceptErr != nil {
		return link{}, acceptErr
	}
	if !accepted {
		return link{}, fmt.Errorf("%w: event %d cannot be read (%w)", ErrLost, seq, err)
	}
	return link{seq: seq}, nil
}

// reloadTail moves the tail behind what others have appended.
func (w *Wire) reloadTail(ctx context.Context) error {
	last, err := w.LastSeq(ctx)
	if err == nil {
		w.tail, err = w.linkAt(ctx, last)
	}
	return err
}

// verify compares the log with its head and moves the head over events that
// were stored but not yet noted when the process ended.
func (w *Wire) verify(ctx context.Context, acceptLoss bool) error {
	err := w.compare(ctx)
	if !acceptLoss {
		return err
	}
	if err == nil { // the damage may be one that only a reader of the whole log meets
		_, err = w.scan(ctx, link{}, w.tail.seq, func(prev link, m jetstream.Msg, seq uint64) (link, error) {
			return w.step(ctx, prev, m.Headers(), seq, m.Subject(), m.Data())
		})
	}
	if damaged(err) {
		w.log.Error().Err(err).Msg("loss accepted by --accept-loss")
		return w.accept(ctx)
	}
	return err
}

func (w *Wire) compare(ctx context.Context) error {
	head, err := w.head.load(ctx)
	if err != nil {
		return err
	}
	info, err := w.wire.Info(ctx)
	if err != nil {
		return translate("look at the log", err)
	}
	st := info.State
	if st.LastSeq < head.seq {
		return fmt.Errorf("%w: the log ends at event %d, but event %d was acknowledged", ErrLost, st.LastSeq, head.seq)
	}
	from := head
	if st.Msgs != st.LastSeq { // something is missing; was it accepted?
		from = link{}
	} else if at, err := w.linkAt(ctx, head.seq); err != nil {
		return err
	} else if at != head {
		return fmt.Errorf("%w: event %d is not the one that was acknowledged", ErrBroken, head.seq)
	}
	w.tail, err = w.scan(ctx, from, st.LastSeq, func(prev link, m jetstream.Msg, seq uint64) (link, error) {
		l, err := w.step(ctx, prev, m.Headers(), seq, m.Subject(), m.Data())
		if err == nil && seq == head.seq && l != head {
			err = fmt.Errorf("%w: event %d is not the one that was acknowledged", ErrBroken, seq)
		}
		return l, err
	})
	if err != nil {
		return err
	}
	if w.tail, err = w.closeGap(ctx, w.tail, st.LastSeq); err != nil {
		return err
	}
	if w.tail.seq > head.seq {
		return w.head.save(ctx, w.tail)
	}
	return nil
}

// closeGap accounts for events behind tail that are not there any more.
func (w *Wire) closeGap(ctx context.Context, tail link, last uint64) (link, error) {
	if tail.seq >= last {
		return tail, nil
	}
	return w.linkAt(ctx, last)
}

// accept makes what is left of the log the whole log: every break in it is
// noted as accepted, and its end becomes the head.
func (w *Wire) accept(ctx context.Context) error {
	info, err := w.wire.Info(ctx)
	if err != nil {
		return translate("look at the log", err)
	}
	last := info.State.LastSeq
	tail, err := w.scan(ctx, link{}, last, func(prev link, m jetstream.Msg, seq uint64) (link, error) {
		if l, err := follows(prev, m.Headers(), seq, m.Subject(), m.Data()); err == nil {
			return l, nil
		}
		if err := w.noteAccepted(ctx, seq); err != nil {
			return link{}, err
		}
		before, _ := prevOf(m.Headers())
		return chain(before, seq, m.Subject(), m.Data()), nil
	})
	if err != nil {
		return err
	}
	if tail.seq < last {
		if err := w.noteAccepted(ctx, last+1); err != nil {
			return err
		}
		tail = link{seq: last}
	}
	w.tail = tail
	return w.head.reset(ctx, tail)
}

// scan reads the log from behind prev up to and including last.
func (w *Wire) scan(ctx context.Context, prev link, last uint64, fn func(prev link, m jetstream.Msg, seq uint64) (link, error)) (link, error) {
	if prev.seq >= last {
		return prev, nil
	}
	err := w.read(ctx, prev.seq+1, last, func(m jetstream.Msg, seq uint64) (err error) {
		prev, err = fn(prev, m, seq)
		return err
	})
	return prev, translate("read the log", err)
}

// losses is the bucket of accepted breaks: each key is the sequence of the
// first event behind one. It exists only where a loss was accepted.
const losses = "LOSSES"

func (w *Wire) accepted(ctx context.Context, seq uint64) (bool, error) {
	kv, err := w.js.KeyValue(ctx, losses)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return false, nil
	}
	if err != nil {
		return false, translate("read the accepted losses", err)
	}
	_, err = kv.Get(ctx, strconv.FormatUint(seq, 10))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return false, nil
	}
	return err == nil, translate("read the accepted losses", err)
}

func (w *Wire) noteAccepted(ctx context.Context, seq uint64) error {
	kv, err := w.Bucket(ctx, losses, "breaks of the log that the operator accepted", 0)
	if err != nil {
		return err
	}
	_, err = kv.PutString(ctx, strconv.FormatUint(seq, 10), "accepted")
	return translate("note the accepted loss", err)
}
