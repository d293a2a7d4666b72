package wire

import (
	"context"
	"errors"

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
	Hash  string // SHA-256 of the event as it is stored, hexadecimal
}

// Append adds an event to the log. after is the sequence of the release's last
// event (0 for its first): if the release has changed since, Append returns
// [ErrConflict] and stores nothing. Appending the same event again, for
// instance after a timeout, returns the sequence it already has. A nil error
// means that the event is on disk and noted in the head. Without an answer from
// the server Append gives up after five seconds, the wait for other appends
// included; the event may then be stored all the same.
//
// The last of the store's room is kept for withdrawals and for what is queued:
// once it is reached, Append refuses every other event with a [news.Problem] of
// code [news.DiskFull].
func (w *Wire) Append(ctx context.Context, e news.Event, after uint64) (uint64, error) {
	data, err := news.Encode(e)
	if err != nil {
		return 0, err
	}
	if limit := int(w.nc.MaxPayload()); len(data)+headerRoom > limit {
		return 0, news.Problemf(news.TooLarge, "the release is %d kB in the log, the NATS server takes %d kB; shorten it or raise the server's max_payload", len(data)>>10, limit>>10)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	select {
	case w.appending <- struct{}{}:
	case <-ctx.Done():
		return 0, translate("append to the log", ctx.Err())
	case <-w.closed:
		return 0, translate("append to the log", nats.ErrConnectionClosed)
	}
	defer func() { <-w.appending }()
	if err := w.reserved(ctx, e, data, after); err != nil {
		return 0, err
	}
	if err := w.intend(ctx, e); err != nil {
		return 0, err
	}
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

// headerRoom is more than the headers of any message of ours take, in bytes.
const headerRoom = 1024

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
		return w.whoseFault(ctx, subject, data, after)
	case err != nil:
		return link{}, w.wrote("append to the log", err)
	case ack.Duplicate:
		m, err := w.wire.GetMsg(ctx, ack.Sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return link{}, ErrConflict // it was erased since
		}
		if err != nil {
			return link{}, translate("append to the log", err)
		}
		return sameAsStored(m, data)
	}
	return chain(w.tail.hash, ack.Sequence, subject, data), w.wrote("", nil)
}

// whoseFault tells a conflict on the release from a mere move of the log's tail,
// and both from our own earlier append of the same event.
func (w *Wire) whoseFault(ctx context.Context, subject string, data []byte, after uint64) (link, error) {
	var last uint64
	m, err := w.wire.GetLastMsgForSubject(ctx, subject)
	switch {
	case err == nil:
		last = m.Sequence
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return link{}, translate("append to the log", err)
	}
	switch {
	case last == after:
		return link{}, errTailMoved
	case last < after:
		return link{}, ErrConflict
	}
	next, err := w.wire.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return link{}, ErrConflict // it was erased in between
	}
	if err != nil {
		return link{}, translate("append to the log", err)
	}
	return sameAsStored(next, data)
}

// reserved refuses an event that would go into the store's reserve, unless it is a
// withdrawal, or stored already: asking again must give the same answer.
func (w *Wire) reserved(ctx context.Context, e news.Event, data []byte, after uint64) error {
	if e.Kind == news.KindWithdrawn || !w.inReserve(ctx) {
		return nil
	}
	m, err := w.wire.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(subjectRelease+e.Release.ID))
	if err == nil && string(m.Data) == string(data) {
		return nil
	}
	return errReserve("append to the log")
}

// sameAsStored settles who stored the message that has our place: the same
// bytes are our own earlier append, other bytes are someone else's revision.
func sameAsStored(m *jetstream.RawStreamMsg, data []byte) (link, error) {
	if string(m.Data) != string(data) {
		return link{}, ErrConflict
	}
	return linkOf(m.Header, m.Sequence, m.Subject, m.Data)
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
	e, err := w.decode(m.Data)
	return Record{m.Sequence, e, digest(m.Data)}, err
}

// History returns all events of a release up to and including sequence upTo,
// oldest first, of an erased one the tombstone alone. upTo 0 means all.
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
		e, err := w.decode(m.Data)
		if err != nil {
			return nil, err
		}
		out = append(out, Record{m.Sequence, e, digest(m.Data)})
		seq = m.Sequence + 1
	}
	return out, nil
}

// At returns the event with the sequence seq, or [ErrNotFound], also for one that
// was erased.
func (w *Wire) At(ctx context.Context, seq uint64) (news.Event, error) {
	m, err := w.wire.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return news.Event{}, ErrNotFound
	}
	if err != nil {
		return news.Event{}, translate("read the log", err)
	}
	return w.decode(m.Data)
}

// LastSeq returns the sequence of the newest event, 0 when the log is empty.
func (w *Wire) LastSeq(ctx context.Context) (uint64, error) {
	info, err := w.wire.Info(ctx)
	if err != nil {
		return 0, translate("look at the log", err)
	}
	return info.State.LastSeq, nil
}
