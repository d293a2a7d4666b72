package wire

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

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

// step is follows, but passes erased events and breaks that the operator has
// accepted.
func (w *Wire) step(ctx context.Context, prev link, h nats.Header, seq uint64, subject string, data []byte) (link, error) {
	l, err := follows(prev, h, seq, subject, data)
	if err == nil {
		return l, nil
	}
	if prev, err = w.passErased(ctx, prev, seq, w.accepted); err != nil {
		return link{}, err
	}
	if l, err = follows(prev, h, seq, subject, data); err == nil {
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

// linkAt is the link of the message at seq, also of one that was erased. In a
// gap that the operator accepted it is the sequence alone of the gap's end.
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
	if p, found, err := w.placeOf(ctx, seq); err != nil || found {
		return p.link(seq), err
	}
	behind, lookErr := w.behind(ctx, seq)
	if lookErr != nil {
		return link{}, lookErr
	}
	accepted, acceptErr := w.accepted(ctx, behind)
	if acceptErr != nil {
		return link{}, acceptErr
	}
	if !accepted {
		return link{}, fmt.Errorf("%w: event %d cannot be read (%w)", ErrLost, seq, err)
	}
	return link{seq: behind - 1}, nil
}

// behind is the first sequence behind a gap at seq: that of the next event
// there is or was before it was erased, or of the next one to come.
func (w *Wire) behind(ctx context.Context, seq uint64) (uint64, error) {
	m, err := w.wire.GetMsg(ctx, seq+1, jetstream.WithGetMsgSubject(subjectRelease+"*"))
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, translate("read the log", err)
	}
	var next uint64
	if err == nil {
		next = m.Sequence
	} else if next, err = w.LastSeq(ctx); err == nil {
		next = max(next, seq) + 1
	}
	if err != nil {
		return 0, err
	}
	between, err := w.placesBetween(ctx, seq, next)
	if err != nil || len(between) == 0 {
		return next, err
	}
	return between[0], nil
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
	head, known, err := w.head.load(ctx)
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
	if !known && st.LastSeq > 0 {
		return fmt.Errorf("%w: it holds events, but its head is noted nowhere, so that nobody can tell whether all are there", ErrBroken)
	}
	erased, err := w.erased.Info(ctx)
	if err != nil {
		return translate("look at the erased events", err)
	}
	from := head
	if st.Msgs+erased.State.Msgs != st.LastSeq { // something else is missing; was it accepted?
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
	return w.found(ctx, w.tail)
}

// found notes where the log ends, in the second place that all share only by
// who publishes: others need not have the right.
func (w *Wire) found(ctx context.Context, tail link) error {
	if w.cfg.Desk || w.emb != nil {
		return w.head.save(ctx, tail)
	}
	if h, ok := w.head.(*witnessed); ok {
		h.noted(h.own.save(ctx, tail))
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
