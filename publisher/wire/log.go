package wire

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"dateline/publisher/news"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	subjectRelease = "wire.rel."
	headerKind     = "Dateline-Kind"
	headerPrev     = "Dateline-Prev" // hash of the predecessor in the log, hexadecimal
)

// Record is one event with its place in the log.
type Record struct {
	Seq   uint64
	Event news.Event
}

// Append adds an event to the log. after is the sequence of the release's last
// event (0 for its first): if the release has changed since, Append returns
// [ErrConflict] and stores nothing. Appending the same event again, for
// instance after a timeout, returns the sequence it already has. A nil error
// means that the event is on disk and noted in the head.
func (w *Wire) Append(ctx context.Context, e news.Event, after uint64) (uint64, error) {
	data, err := news.Encode(e)
	if err != nil {
		return 0, err
	}
	if limit := int(w.nc.MaxPayload()); len(data)+1024 > limit {
		return 0, news.Problemf(news.TooLarge, "the release is %d kB in the log, the NATS server takes %d kB; shorten it or raise the server's max_payload", len(data)>>10, limit>>10)
	}
	w.appendMu.Lock()
	defer w.appendMu.Unlock()
	for {
		l, err := w.appendOnce(ctx, e, data, after)
		if errors.Is(err, errTailMoved) {
			if err = w.reloadTail(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return 0, err
		}
		if l.seq > w.tail.seq {
			w.tail = l
		}
		if err := w.head.save(ctx, w.tail); err != nil {
			return 0, err
		}
		return l.seq, nil
	}
}

// errTailMoved: another publisher appended to the log; ours must be chained anew.
var errTailMoved = errors.New("the log's tail moved")

func (w *Wire) appendOnce(ctx context.Context, e news.Event, data []byte, after uint64) (link, error) {
	subject := subjectRelease + e.Release.ID
	msg := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{
		headerKind: {string(e.Kind)},
		headerPrev: {w.tail.String()},
	}}
	ack, err := w.js.PublishMsg(ctx, msg, jetstream.WithMsgID(e.ID()),
		jetstream.WithExpectLastSequence(w.tail.seq), jetstream.WithExpectLastSequencePerSubject(after))
	switch {
	case isWrongSequence(err):
		return link{}, w.whoseFault(ctx, subject, after)
	case err != nil:
		return link{}, translate("append to the log", err)
	case ack.Duplicate:
		return w.sameAsStored(ctx, ack.Sequence, data)
	}
	return chain(w.tail.hash, ack.Sequence, subject, data), nil
}

// whoseFault tells a conflict on the release from a mere move of the log's tail.
func (w *Wire) whoseFault(ctx context.Context, subject string, after uint64) error {
	var seq uint64
	m, err := w.wire.GetLastMsgForSubject(ctx, subject)
	switch {
	case err == nil:
		seq = m.Sequence
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return translate("append to the log", err)
	}
	if seq != after {
		return ErrConflict
	}
	return errTailMoved
}

// sameAsStored settles a duplicate message id: the same bytes are our own
// earlier append, other bytes are someone else's revision of that number.
func (w *Wire) sameAsStored(ctx context.Context, seq uint64, data []byte) (link, error) {
	m, err := w.wire.GetMsg(ctx, seq)
	if err != nil {
		return link{}, translate("append to the log", err)
	}
	if string(m.Data) != string(data) {
		return link{}, ErrConflict
	}
	return linkOf(m.Header, m.Sequence, m.Subject, m.Data)
}

func linkOf(h nats.Header, seq uint64, subject string, data []byte) (link, error) {
	var prev [sha256.Size]byte
	if n, err := hex.Decode(prev[:], []byte(h.Get(headerPrev))); err != nil || n != sha256.Size {
		return link{}, fmt.Errorf("%w: event %d carries no hash of its predecessor", ErrBroken, seq)
	}
	return chain(prev, seq, subject, data), nil
}

func (w *Wire) reloadTail(ctx context.Context) error {
	info, err := w.wire.Info(ctx)
	if err != nil {
		return translate("look at the log", err)
	}
	w.tail, err = w.linkAt(ctx, info.State.LastSeq)
	return err
}

func (w *Wire) linkAt(ctx context.Context, seq uint64) (link, error) {
	if seq == 0 {
		return link{}, nil
	}
	m, err := w.wire.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return link{}, fmt.Errorf("%w: event %d is not there", ErrBroken, seq)
	}
	if err != nil {
		return link{}, translate("read the log", err)
	}
	return linkOf(m.Header, m.Sequence, m.Subject, m.Data)
}

// verify compares the log with its head and moves the head over events that
// were stored but not yet noted when the process ended.
func (w *Wire) verify(ctx context.Context, acceptLoss bool) error {
	err := w.compare(ctx)
	if err != nil && acceptLoss && (errors.Is(err, ErrLost) || errors.Is(err, ErrBroken)) {
		w.log.Error().Err(err).Msg("loss accepted by --accept-loss")
		if err = w.reloadTail(ctx); err == nil {
			err = w.head.save(ctx, w.tail)
		}
	}
	return err
}

func (w *Wire) compare(ctx context.Context) error {
	head, _, err := w.head.load(ctx)
	if err != nil {
		return err
	}
	info, err := w.wire.Info(ctx)
	if err != nil {
		return translate("look at the log", err)
	}
	st := info.State
	if st.LastSeq < head.seq || (head.seq > 0 && st.Msgs == 0) {
		return fmt.Errorf("%w: it ends at event %d, but event %d was acknowledged", ErrLost, min(st.LastSeq, st.Msgs), head.seq)
	}
	if st.Msgs > 0 && (st.FirstSeq != 1 || st.NumDeleted > 0) {
		return fmt.Errorf("%w: it holds %d events of %d", ErrLost, st.Msgs, st.LastSeq)
	}
	at, err := w.linkAt(ctx, head.seq)
	if err != nil {
		return err
	}
	if at != head {
		return fmt.Errorf("%w: event %d is not the one that was acknowledged", ErrBroken, head.seq)
	}
	w.tail = at
	for seq := head.seq + 1; seq <= st.LastSeq; seq++ {
		m, err := w.wire.GetMsg(ctx, seq)
		if err != nil {
			return translate("read the log", err)
		}
		if w.tail, err = follows(w.tail, m.Header, m.Sequence, m.Subject, m.Data); err != nil {
			return err
		}
	}
	if w.tail != head {
		return w.head.save(ctx, w.tail)
	}
	return nil
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

// Last returns the newest event of a release, or [ErrNotFound].
func (w *Wire) Last(ctx context.Context, id string) (Record, error) {
	m, err := w.wire.GetLastMsgForSubject(ctx, subjectRelease+id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Record{}, ErrNotFound
	}
	if err != nil {
		return Record{}, translate("read the log", err)
	}
	e, err := news.Decode(m.Data)
	return Record{m.Sequence, e}, err
}

// History returns all events of a release up to and including sequence upTo,
// oldest first. upTo 0 means all.
func (w *Wire) History(ctx context.Context, id string, upTo uint64) ([]Record, error) {
	var out []Record
	for seq := uint64(1); upTo == 0 || seq <= upTo; {
		m, err := w.wire.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subjectRelease+id))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, translate("read the log", err)
		}
		if upTo != 0 && m.Sequence > upTo {
			break
		}
		e, err := news.Decode(m.Data)
		if err != nil {
			return nil, err
		}
		out = append(out, Record{m.Sequence, e})
		seq = m.Sequence + 1
	}
	return out, nil
}

// At returns the event with the sequence seq, or [ErrNotFound].
func (w *Wire) At(ctx context.Context, seq uint64) (news.Event, error) {
	m, err := w.wire.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return news.Event{}, ErrNotFound
	}
	if err != nil {
		return news.Event{}, translate("read the log", err)
	}
	return news.Decode(m.Data)
}

// LastSeq returns the sequence of the newest event, 0 when the log is empty.
func (w *Wire) LastSeq(ctx context.Context) (uint64, error) {
	info, err := w.wire.Info(ctx)
	if err != nil {
		return 0, translate("look at the log", err)
	}
	return info.State.LastSeq, nil
}

// Follow hands every event from sequence from on (1 for all) to fn, in order,
// first those stored and then those to come, until ctx ends (nil), fn fails
// (its error), or the log cannot be read. Each event's place in the chain of
// hashes is checked; a break ends Follow with [ErrLost] or [ErrBroken]. An
// event that cannot be decoded is parked with its reason and passed over; one
// of a newer version ends Follow, because a feed without it would be wrong.
func (w *Wire) Follow(ctx context.Context, from uint64, fn func(seq uint64, e news.Event) error) error {
	from = max(from, 1)
	prev, err := w.linkAt(ctx, from-1)
	if err != nil {
		return err
	}
	cons, err := w.wire.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
	})
	if err != nil {
		return ended(ctx, translate("follow the log", err))
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(512))
	if err != nil {
		return ended(ctx, translate("follow the log", err))
	}
	defer it.Stop()
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return ended(ctx, translate("follow the log", err))
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("follow the log: %w", err)
		}
		if prev, err = follows(prev, m.Headers(), meta.Sequence.Stream, m.Subject(), m.Data()); err != nil {
			return err
		}
		e, err := news.Decode(m.Data())
		if errors.Is(err, news.ErrNewer) {
			return fmt.Errorf("event %d: %w", prev.seq, err)
		}
		if err != nil {
			w.log.Error().Err(err).Uint64("seq", prev.seq).Msg("event cannot be read")
			if err := w.Park(ctx, "log", strings.TrimPrefix(m.Subject(), subjectRelease), err.Error(), m.Data()); err != nil {
				return err
			}
			continue
		}
		if err := fn(prev.seq, e); err != nil {
			return ended(ctx, err)
		}
	}
}

// ended is nil when the context is over, because then nobody asked for more.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
