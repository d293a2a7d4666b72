package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/news"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Names and subjects of what is not public. Credentials of feeds and
// subscribers reach none of it.
const (
	streamDesk    = "DESK"
	streamEmbargo = "EMBARGO"

	subjectPending = "desk.rel."
	subjectAudit   = "desk.audit."
	subjectAt      = "emb.at."
	subjectDue     = "emb.due."
)

func (w *Wire) makeDesk(ctx context.Context) (err error) {
	if w.desk, err = w.makeStreamIn(ctx, w.private, jetstream.StreamConfig{
		Name: streamDesk, Description: "drafts, versions under embargo, and who did what: not public",
		Subjects: []string{subjectPending + "*", subjectAudit + "*"},
	}); err != nil {
		return err
	}
	// A stream of its own, because schedules force roll-up and their target
	// lies in the same stream. It holds ids and times only.
	w.embargo, err = w.makeStreamIn(ctx, w.private, jetstream.StreamConfig{
		Name: streamEmbargo, Description: "when embargoes are over, by id",
		Subjects: []string{subjectAt + "*", subjectDue + "*"}, MaxMsgsPerSubject: 1,
		AllowMsgSchedules: true, AllowRollup: true,
	})
	return err
}

// Waits is a version at the desk with its place there.
type Waits struct {
	Seq     uint64
	Pending news.Pending
}

// errNoDesk answers a process that was opened without [Config.Desk].
var errNoDesk = errors.New("this process does not publish, so it has no desk")

// KeepPending puts a version of a release at the desk, in the place of the one
// with the sequence after (0: nothing waits). When something else has come in
// between, it stores nothing and returns [ErrConflict]. Earlier versions stay in
// the stream until nothing waits any more.
func (w *Wire) KeepPending(ctx context.Context, p news.Pending, after uint64) (uint64, error) {
	if w.desk == nil {
		return 0, errNoDesk
	}
	data, err := news.EncodePending(p)
	if err != nil {
		return 0, err
	}
	if limit := int(w.deskConn.MaxPayload()); len(data)+headerRoom > limit {
		return 0, news.Problemf(news.TooLarge, "the release is %d kB at the desk, the NATS server takes %d kB; shorten it or raise the server's max_payload", len(data)>>10, limit>>10)
	}
	if w.inReserve(ctx) {
		return 0, errReserve("keep a version at the desk")
	}
	return w.putPending(ctx, &nats.Msg{Subject: subjectPending + p.Release.ID, Data: data}, after, p.Version)
}

// headerVersion stands in the empty message that a version which was taken away
// leaves behind: its number.
const headerVersion = "Dateline-Version"

// versionOf is the number that an empty message bears, 0 where there is none.
func versionOf(h nats.Header) int {
	n, _ := strconv.Atoi(h.Get(headerVersion))
	return n
}

// DropPending takes the version with the sequence after from the desk, or
// returns [ErrConflict] when it is not there any more. It and the versions before
// it are overwritten on disk; a process that ends in between may leave them there.
// The number of the version is kept, so that it is not given to another.
func (w *Wire) DropPending(ctx context.Context, id string, after uint64) error {
	if w.desk == nil {
		return errNoDesk
	}
	empty := &nats.Msg{Subject: subjectPending + id, Header: nats.Header{}}
	if m, err := w.desk.GetMsg(ctx, after); err == nil {
		if p, err := w.decodePending(m.Data); err == nil {
			empty.Header.Set(headerVersion, strconv.Itoa(p.Version))
		}
	} else if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return translate("look at the desk", err)
	}
	gone, err := w.putPending(ctx, empty, after, 0)
	if err != nil {
		return err
	}
	err = w.each(ctx, w.desk, subjectPending+id, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence >= gone {
			return errEnough
		}
		return w.overwrite(ctx, w.desk, m.Sequence)
	})
	if err != nil {
		w.log.Warn().Err(err).Str("release_id", id).Msg("versions that left the desk are not overwritten yet")
	}
	return nil
}

// putPending puts a message at the desk behind the one with the sequence after.
// With after 0 it goes behind nothing, or what a version left that is gone; follows
// is then the number of the new version, 0 for none.
func (w *Wire) putPending(ctx context.Context, msg *nats.Msg, after uint64, follows int) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if after == 0 {
		// What was there before may have left an empty message behind.
		m, err := w.desk.GetLastMsgForSubject(ctx, msg.Subject)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
		case err != nil:
			return 0, translate("look at the desk", err)
		case len(m.Data) > 0, follows > 0 && versionOf(m.Header) != follows-1:
			return 0, ErrConflict // another version came, and may have gone again
		default:
			after = m.Sequence
		}
	}
	// The client sends a message again whose answer does not come. Its id tells
	// our own from that of another who took the same from the desk.
	once := rand.Text()
	ack, err := w.private.PublishMsg(ctx, msg, jetstream.WithMsgID(once), jetstream.WithExpectLastSequencePerSubject(after))
	if isWrongSequence(err) {
		m, err := w.desk.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(msg.Subject))
		switch {
		case err == nil && m.Header.Get(jetstream.MsgIDHeader) == once:
			return m.Sequence, nil
		case err == nil, errors.Is(err, jetstream.ErrMsgNotFound):
			return 0, ErrConflict
		}
		return 0, translate("look at the desk", err)
	}
	if err != nil {
		return 0, w.wrote("keep a version at the desk", err)
	}
	return ack.Sequence, w.wrote("", nil)
}

// PendingOf returns what waits at the desk for a release, or [ErrNotFound] and
// the number of the last version that did.
func (w *Wire) PendingOf(ctx context.Context, id string) (Waits, error) {
	if w.desk == nil {
		return Waits{}, errNoDesk
	}
	m, err := w.desk.GetLastMsgForSubject(ctx, subjectPending+id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Waits{}, ErrNotFound
	}
	if err == nil && len(m.Data) == 0 {
		return Waits{Pending: news.Pending{Version: versionOf(m.Header)}}, ErrNotFound
	}
	if err != nil {
		return Waits{}, translate("look at the desk", err)
	}
	p, err := w.decodePending(m.Data)
	return Waits{m.Sequence, p}, err
}

// FollowDesk hands what waits at the desk to fn, the newest version of each
// release, and then every change, until ctx ends (nil) or fn fails. gone means
// that nothing waits for the release any more. When all that was there at the
// start has been handed over, fn is called once with an empty id.
func (w *Wire) FollowDesk(ctx context.Context, fn func(id string, at Waits, gone bool) error) error {
	if w.desk == nil {
		return errNoDesk
	}
	from, told := uint64(0), false
	return w.keepOn(ctx, "follow the desk", func() error {
		cfg := jetstream.ConsumerConfig{
			DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, AckPolicy: jetstream.AckNonePolicy, FilterSubject: subjectPending + "*",
			MemoryStorage: true, Replicas: 1, InactiveThreshold: 5 * time.Minute,
		}
		if from > 0 {
			cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, from+1
		}
		cons, err := w.desk.CreateConsumer(ctx, cfg)
		if err != nil {
			return err
		}
		defer forget(ctx, w.desk, cons)
		if !told && cons.CachedInfo().NumPending == 0 {
			told = true
			if err := fn("", Waits{}, false); err != nil {
				return final{err}
			}
		}
		return w.pull(ctx, cons, readAhead, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
			id, at := strings.TrimPrefix(m.Subject(), subjectPending), Waits{Seq: meta.Sequence.Stream}
			var err error
			if len(m.Data()) > 0 {
				if at.Pending, err = w.decodePending(m.Data()); errors.Is(err, news.ErrNewer) {
					return final{err}
				} else if err != nil {
					w.log.Error().Err(err).Str("release_id", id).Msg("a version at the desk cannot be read")
				}
			}
			if err == nil {
				err = fn(id, at, len(m.Data()) == 0)
			}
			if err != nil && news.ValidID(at.Pending.Release.ID) {
				return final{err}
			}
			from = at.Seq
			if !told && meta.NumPending == 0 {
				told = true
				if err := fn("", Waits{}, false); err != nil {
					return final{err}
				}
			}
			return nil
		})
	})
}

// Note adds an entry to the trail of a release, or of another subject of one
// word. It is on disk when Note returns.
func (w *Wire) Note(ctx context.Context, about string, entry []byte) error {
	if w.desk == nil {
		return errNoDesk
	}
	if !token(about) {
		return errors.New("note: what it is about is no word of letters, digits and dashes")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := w.private.Publish(ctx, subjectAudit+about, entry)
	return w.wrote("note who did what", err)
}

// Notes returns the trail of a release or other subject, oldest first.
func (w *Wire) Notes(ctx context.Context, about string) ([][]byte, error) {
	if w.desk == nil {
		return nil, errNoDesk
	}
	var out [][]byte
	for seq := uint64(1); ; {
		m, err := w.desk.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subjectAudit+about))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return out, nil
		}
		if err != nil {
			return nil, translate("read who did what", err)
		}
		out, seq = append(out, m.Data), m.Sequence+1
	}
}

// Rewrite replaces every entry of a trail by what edit makes of it, nil for
// nothing, and overwrites the old one on disk. An entry that is as it should be
// is left alone, so that a Rewrite that was interrupted can be repeated; an
// entry may then stand twice, with the same content.
func (w *Wire) Rewrite(ctx context.Context, about string, edit func([]byte) []byte) error {
	if w.desk == nil {
		return errNoDesk
	}
	info, err := w.desk.Info(ctx)
	if err != nil {
		return translate("rewrite the trail", err)
	}
	for seq := uint64(1); seq <= info.State.LastSeq; seq++ {
		m, err := w.desk.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subjectAudit+about))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return translate("rewrite the trail", err)
		}
		if seq = m.Sequence; seq > info.State.LastSeq {
			return nil
		}
		next := edit(m.Data)
		if bytes.Equal(next, m.Data) {
			continue
		}
		if next != nil {
			if err := w.Note(ctx, about, next); err != nil {
				return err
			}
		}
		if err := w.desk.SecureDeleteMsg(ctx, seq); err != nil {
			return translate("rewrite the trail", err)
		}
	}
	return nil
}

// DueAt schedules the end of a release's embargo; a later call takes the place
// of an earlier one. The message holds the id alone. It fires at its time, or up
// to a quarter of a second later, and soon after the start when the time passed
// while nothing was running.
func (w *Wire) DueAt(ctx context.Context, id string, at time.Time) error {
	if w.embargo == nil {
		return errNoDesk
	}
	if !news.ValidID(id) {
		return fmt.Errorf("schedule an embargo: %q is no id of a release", id)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := w.private.PublishMsg(ctx, scheduleAt(subjectAt+id, subjectDue+id, at))
	return w.wrote("schedule an embargo", err)
}

// NotDue takes a schedule back, if it has not fired.
func (w *Wire) NotDue(ctx context.Context, id string) error {
	if w.embargo == nil {
		return errNoDesk
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return translate("take back the schedule of an embargo", w.embargo.Purge(ctx, jetstream.WithPurgeSubject(subjectAt+id)))
}

// Dues hands each release whose embargo is over to fn, as a job whose Recipient
// is the id. What is not Done comes again.
func (w *Wire) Dues(ctx context.Context, inFlight int, fn func(*Job)) error {
	if w.embargo == nil {
		return errNoDesk
	}
	return w.consume(ctx, w.embargo, jetstream.ConsumerConfig{Durable: "due", FilterSubject: subjectDue + "*"}, inFlight, fn,
		func(ctx context.Context, m jetstream.Msg) error {
			meta, err := m.Metadata()
			if err != nil {
				return err
			}
			if err := remove(ctx, w.embargo, meta.Sequence.Stream); err != nil {
				return err
			}
			return m.DoubleAck(ctx)
		})
}
