package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"dateline/publisher/news"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Erase removes what a release said from the store, once its newest event says
// that it is erased (its tombstone), and is refused before that with a
// [news.Problem] of code [news.Conflict]. Overwritten and removed are:
//
//   - every earlier event of the log, of which the place in the chain stays;
//   - what waits at the desk, with its schedule; the trail stays;
//   - what recipients answered, of which the rest of the record stays, because
//     whoever got the release is told of its end;
//   - what was given up or set aside because of it, and the answers in the
//     bucket IDEMPOTENCY that name it.
//
// It may be called again and goes on where it was broken off; [Open] does so too.
// A reader in the middle of the log gets an erased event or goes on behind it.
//
// On a cluster the servers' own journals (Raft) may hold a copy until they are
// compacted, for which the servers take their time: no client can hasten it. A
// server that is killed in the midst of one removal may leave that one message in
// its file, removed but not overwritten, until the file is compacted.
func (w *Wire) Erase(ctx context.Context, id string) error {
	if w.erasures == nil {
		return errNoDesk
	}
	tomb, err := w.tombstone(ctx, id)
	if err != nil {
		return err
	}
	if err := w.list(tomb); err != nil {
		return err
	}
	if err := w.erase(ctx, tomb); err != nil {
		return err
	}
	return w.noteErasure(ctx, erasureNote{tomb, true})
}

// EraseUnpublished removes what the desk and kept answers say of a release that
// was never public, and lists it, so that a restore does not bring it back; the
// trail stays. It may be called again.
func (w *Wire) EraseUnpublished(ctx context.Context, id string, now time.Time) error {
	if w.erasures == nil {
		return errNoDesk
	}
	gone := Erasure{ID: id, Time: now.UTC().Truncate(time.Millisecond)}
	if err := w.list(gone); err != nil {
		return err
	}
	for _, step := range []func(context.Context, Erasure) error{w.eraseDesk, w.eraseDead, w.eraseKept} {
		if err := step(ctx, gone); err != nil {
			return err
		}
	}
	return w.noteErasure(ctx, erasureNote{gone, true})
}

// ForgetAnswers removes the answers kept for repeated requests that name a release.
func (w *Wire) ForgetAnswers(ctx context.Context, id string) error {
	if w.erasures == nil {
		return errNoDesk
	}
	return w.eraseKept(ctx, Erasure{ID: id})
}

func (w *Wire) erase(ctx context.Context, tomb Erasure) error {
	for _, step := range []func(context.Context, Erasure) error{w.eraseEvents, w.eraseDesk, w.eraseAnswers, w.eraseDead, w.eraseKept} {
		if err := step(ctx, tomb); err != nil {
			return err
		}
		w.between()
	}
	return nil
}

// between gives a test the chance to end the process here.
func (w *Wire) between() {
	if w.erasing != nil {
		w.erasing()
	}
}

// tombstone reads the end of an erased release.
func (w *Wire) tombstone(ctx context.Context, id string) (Erasure, error) {
	last, err := w.Last(ctx, id)
	if err != nil {
		return Erasure{}, err
	}
	if !last.Event.Release.Erased {
		return Erasure{}, news.Problemf(news.Conflict, "the newest event of release %s does not say that it is erased; append that event first", id)
	}
	return Erasure{ID: id, Seq: last.Seq, Time: last.Event.Time}, nil
}

func (w *Wire) eraseEvents(ctx context.Context, tomb Erasure) error {
	return w.each(ctx, w.wire, subjectRelease+tomb.ID, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence >= tomb.Seq {
			return errEnough
		}
		prev, _ := prevOf(m.Header) // one without starts a chain of its own, as for a reader
		l := chain(prev, m.Sequence, m.Subject, m.Data)
		if err := w.keepPlace(ctx, m.Sequence, place{Release: tomb.ID, Prev: prev, Hash: l.hash}); err != nil {
			return err
		}
		w.between()
		return w.overwrite(ctx, w.wire, m.Sequence)
	})
}

func (w *Wire) eraseDesk(ctx context.Context, tomb Erasure) error {
	// Whoever follows the desk is told first.
	if at, err := w.desk.GetLastMsgForSubject(ctx, subjectPending+tomb.ID); err == nil && len(at.Data) > 0 {
		if err := w.DropPending(ctx, tomb.ID, at.Sequence); err != nil {
			return err
		}
	} else if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return translate("look at the desk", err)
	}
	if err := w.NotDue(ctx, tomb.ID); err != nil {
		return err
	}
	return w.each(ctx, w.desk, "desk.*."+tomb.ID, func(m *jetstream.RawStreamMsg) error {
		if strings.HasPrefix(m.Subject, subjectAudit) || len(m.Data) == 0 {
			return nil
		}
		return w.overwrite(ctx, w.desk, m.Sequence)
	})
}

// memberAnswer is the member of a record that may quote what a recipient was sent.
const memberAnswer = "answer"

// eraseAnswers takes from the records of the release what recipients answered.
func (w *Wire) eraseAnswers(ctx context.Context, tomb Erasure) error {
	var quoting []uint64
	newest := map[string]uint64{} // by subject
	if err := w.scanAll(ctx, w.attempts, subjectAttempt+"*."+tomb.ID, func(m jetstream.Msg, seq uint64) {
		newest[m.Subject()] = seq
		if _, ok := withoutAnswer(m.Data()); !ok {
			quoting = append(quoting, seq)
		}
	}); err != nil {
		return err
	}
	for _, seq := range quoting {
		m, err := w.attempts.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // too old by now
		}
		if err != nil {
			return translate("read the attempts", err)
		}
		if rest, _ := withoutAnswer(m.Data); newest[m.Subject] == seq && rest != nil {
			_, err := w.js.Publish(ctx, m.Subject, rest, jetstream.WithExpectLastSequencePerSubject(seq))
			if err != nil && !isWrongSequence(err) { // a newer one does as well
				return w.wrote("record", err)
			}
		}
		if err := w.overwrite(ctx, w.attempts, seq); err != nil {
			return err
		}
	}
	return nil
}

// withoutAnswer is a record without its answer, nil when it cannot be read, and
// whether it had none anyway.
func withoutAnswer(record []byte) (rest []byte, had bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(record, &members) != nil {
		return nil, len(record) == 0
	}
	if _, ok := members[memberAnswer]; !ok {
		return record, true
	}
	delete(members, memberAnswer)
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, false
	}
	return rest, false
}

// eraseDead removes every dead letter that names the release.
func (w *Wire) eraseDead(ctx context.Context, tomb Erasure) error {
	return w.eraseNaming(ctx, w.dead, subjectDead+">", tomb.ID)
}

// eraseKept removes the answers kept for repeated requests that name the release.
func (w *Wire) eraseKept(ctx context.Context, tomb Erasure) error {
	kept, err := w.private.Stream(ctx, "KV_"+bucketAnswers)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return translate("look at the answers kept", err)
	}
	return w.eraseNaming(ctx, kept, "$KV."+bucketAnswers+".>", tomb.ID)
}

// eraseNaming removes the messages that name a release.
func (w *Wire) eraseNaming(ctx context.Context, s jetstream.Stream, subject, id string) error {
	var about []uint64
	if err := w.scanAll(ctx, s, subject, func(m jetstream.Msg, seq uint64) {
		if strings.Contains(m.Subject(), id) || bytes.Contains(m.Data(), []byte(id)) {
			about = append(about, seq)
		}
	}); err != nil {
		return err
	}
	for _, seq := range about {
		if err := w.overwrite(ctx, s, seq); err != nil {
			return err
		}
	}
	return nil
}

// overwrite removes a message and what it said, or finds it gone.
func (w *Wire) overwrite(ctx context.Context, s jetstream.Stream, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := s.SecureDeleteMsg(ctx, seq)
	if err != nil {
		if _, look := s.GetMsg(ctx, seq); errors.Is(look, jetstream.ErrMsgNotFound) {
			err = nil
		}
	}
	w.between()
	return translate("erase from "+s.CachedInfo().Config.Name, err)
}

// each hands the messages with a subject to fn one by one, for a few of many;
// errEnough ends it.
func (w *Wire) each(ctx context.Context, s jetstream.Stream, subject string, fn func(*jetstream.RawStreamMsg) error) error {
	for seq := uint64(1); ; {
		m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return translate("read "+s.CachedInfo().Config.Name, err)
		}
		if err := fn(m); err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
		seq = m.Sequence + 1
	}
}

// scanAll hands the messages with a subject that are there now to fn, in order,
// for many at a time.
func (w *Wire) scanAll(ctx context.Context, s jetstream.Stream, subject string, fn func(m jetstream.Msg, seq uint64)) error {
	op := "read " + s.CachedInfo().Config.Name
	cons, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: subject, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return translate(op, err)
	}
	defer forget(ctx, s, cons)
	if cons.CachedInfo().NumPending == 0 {
		return nil
	}
	var delivered uint64
	return translate(op, w.pull(ctx, cons, readAhead, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if delivered++; meta.Sequence.Consumer != delivered {
			return nats.ErrStaleConnection // something was dropped on the way
		}
		fn(m, meta.Sequence.Stream)
		if meta.NumPending == 0 {
			return errEnough
		}
		return nil
	}))
}
