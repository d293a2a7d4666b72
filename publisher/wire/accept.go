package wire

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// accept makes what is left of the log the whole log: every break in it is
// noted as accepted, and its end becomes the head. Sequences are not given
// twice: whoever knows an event that is lost finds a gap in its place, and not
// another event.
func (w *Wire) accept(ctx context.Context) error {
	info, err := w.wire.Info(ctx)
	if err != nil {
		return translate("look at the log", err)
	}
	last := info.State.LastSeq
	note := func(ctx context.Context, seq uint64) (bool, error) { return true, w.noteAccepted(ctx, seq) }
	tail, err := w.scan(ctx, link{}, last, func(prev link, m jetstream.Msg, seq uint64) (link, error) {
		prev, err := w.passErased(ctx, prev, seq, note)
		if err != nil {
			return link{}, err
		}
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
	known, err := w.everKnown(ctx)
	if err != nil {
		return err
	}
	end := max(last, known)
	if tail, err = w.passErased(ctx, tail, end+1, note); err != nil {
		return err
	}
	if tail.seq < end {
		if err := w.noteAccepted(ctx, end+1); err != nil {
			return err
		}
		tail = link{seq: end}
	}
	if err := w.raise(ctx, info.State, end); err != nil {
		return err
	}
	if err := w.passCursors(ctx, last, end); err != nil {
		return err
	}
	w.tail = tail
	return w.head.reset(ctx, tail)
}

// everKnown is the highest sequence that the head, as far as it can be read, or
// a cursor knows.
func (w *Wire) everKnown(ctx context.Context) (uint64, error) {
	head, _, err := w.head.load(ctx)
	if err != nil && !damaged(err) {
		return 0, err
	}
	seq := head.seq
	for queue := range w.queues {
		c, err := w.Cursor(ctx, queue)
		if err != nil {
			return 0, err
		}
		seq = max(seq, c.Seq)
	}
	return seq, nil
}

// raise makes end the log's last sequence. A stream can be told its first
// sequence only when it is made, so one that is not empty is filled with
// messages that are removed at once.
func (w *Wire) raise(ctx context.Context, st jetstream.StreamState, end uint64) error {
	if st.LastSeq >= end {
		return nil
	}
	if st.Msgs == 0 {
		return w.makeAnew(ctx, end+1)
	}
	for seq := st.LastSeq + 1; seq <= end; seq++ {
		filler := &nats.Msg{Subject: subjectRelease + "lost", Header: nats.Header{headerKind: {"lost"}}}
		if _, err := w.js.PublishMsg(ctx, filler, jetstream.WithExpectLastSequence(seq-1)); err != nil {
			return translate("pass the lost sequences", err)
		}
		if err := w.wire.DeleteMsg(ctx, seq); err != nil {
			return translate("pass the lost sequences", err)
		}
	}
	return nil
}

// makeAnew replaces the empty log by one that begins with the sequence first.
func (w *Wire) makeAnew(ctx context.Context, first uint64) error {
	cfg := w.wire.CachedInfo().Config
	cfg.FirstSeq = first
	err := w.js.DeleteStream(ctx, streamWire)
	if err == nil || errors.Is(err, jetstream.ErrStreamNotFound) {
		w.wire, err = patiently(ctx, func(ctx context.Context) (jetstream.Stream, error) { return w.js.CreateOrUpdateStream(ctx, cfg) })
	}
	return translate("make the log anew", err)
}

// passCursors moves every cursor that stands at a lost event, behind the log's
// last one, to the log's new end.
func (w *Wire) passCursors(ctx context.Context, last, end uint64) error {
	for queue := range w.queues {
		c, err := w.Cursor(ctx, queue)
		if err != nil {
			return err
		}
		if c.Seq <= last {
			continue
		}
		if _, err := w.Enqueue(ctx, queue, c, Cursor{Seq: end, Done: true}, nil); err != nil {
			return fmt.Errorf("move the fan-out's cursor of queue %d: %w", queue, err)
		}
	}
	return nil
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

// Lost reports whether the event with the sequence seq is gone and the operator
// accepted that. One that was erased is not lost.
func (w *Wire) Lost(ctx context.Context, seq uint64) (bool, error) {
	if seq == 0 {
		return false, nil
	}
	_, err := w.wire.GetMsg(ctx, seq)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, translate("read the log", err)
	}
	if _, erased, err := w.placeOf(ctx, seq); err != nil || erased {
		return false, err
	}
	behind, err := w.behind(ctx, seq)
	if err != nil {
		return false, err
	}
	return w.accepted(ctx, behind)
}
