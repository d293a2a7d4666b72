package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const (
	subjectAttempt = "att."
	subjectDead    = "dead."
)

// Record keeps what was tried for a recipient and a release, both single subject
// words. It returns when the record is on disk; concurrent records share one
// flush. When ctx ends first it is unknown whether the record was kept. The member
// "answer" of a JSON object, which may quote the release, goes when that is erased.
func (w *Wire) Record(ctx context.Context, recipient, release string, data []byte) error {
	if !token(recipient) || !token(release) {
		return errors.New("record: recipient or release is no word of letters, digits and dashes")
	}
	if limit := int(w.nc.MaxPayload()); len(data)+headerRoom > limit { // it would spoil the batch of others
		return fmt.Errorf("record: %d kB are too much for one record", len(data)>>10)
	}
	return w.records.add(ctx, &nats.Msg{Subject: subjectAttempt + recipient + "." + release, Data: data})
}

// LastRecord returns the newest record for a recipient and a release, or
// [ErrNotFound].
func (w *Wire) LastRecord(ctx context.Context, recipient, release string) ([]byte, error) {
	m, err := w.attempts.GetLastMsgForSubject(ctx, subjectAttempt+recipient+"."+release)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, translate("read the attempts", err)
	}
	return m.Data, nil
}

// Park keeps what was given up under dead.<kind>.<name>, with the reason in the
// header Dateline-Reason. Kind and name are single subject tokens.
func (w *Wire) Park(ctx context.Context, kind, name, reason string, data []byte) error {
	if !token(kind) || !token(name) {
		return errors.New("park: kind or name is no word of letters, digits and dashes")
	}
	_, err := w.js.PublishMsg(ctx, parked(kind, name, reason, data))
	return w.wrote("park", err)
}

func parked(kind, name, reason string, data []byte) *nats.Msg {
	return &nats.Msg{
		Subject: subjectDead + kind + "." + name, Data: data,
		Header: nats.Header{"Dateline-Reason": {headerSafe(reason)}},
	}
}

// headerSafe keeps a reason on one line, and so short that it fits beside the
// largest event.
func headerSafe(s string) string {
	b := []byte(s[:min(len(s), headerRoom/2)])
	for i, c := range b {
		if c < ' ' || c == 0x7f {
			b[i] = ' '
		}
	}
	return string(b)
}

// journal writes messages to one stream so that those that come at the same
// time share a flush: an atomic batch is the store's only way to do that.
type journal struct {
	w    *Wire
	in   chan entry
	quit chan struct{}
	done chan struct{}
	once sync.Once
}

type entry struct {
	msg  *nats.Msg
	done chan error
}

// journalBatch bounds a batch; the server takes at most 1000.
const journalBatch = 500

func newJournal(w *Wire) *journal {
	j := &journal{w: w, in: make(chan entry, journalBatch), quit: make(chan struct{}), done: make(chan struct{})}
	go j.run()
	return j
}

func (j *journal) add(ctx context.Context, m *nats.Msg) error {
	e := entry{m, make(chan error, 1)}
	select {
	case j.in <- e:
	case <-ctx.Done():
		return translate("record", ctx.Err())
	case <-j.quit:
		return translate("record", nats.ErrConnectionClosed)
	}
	select {
	case err := <-e.done:
		return j.w.wrote("record", err)
	case <-ctx.Done():
		return translate("record", ctx.Err())
	case <-j.done:
	}
	select { // it may have been among the last that were written
	case err := <-e.done:
		return j.w.wrote("record", err)
	default:
		return translate("record", nats.ErrConnectionClosed)
	}
}

func (j *journal) run() {
	defer close(j.done)
	for {
		select {
		case <-j.quit:
			return
		case e := <-j.in:
			batch := []entry{e}
		more:
			for len(batch) < journalBatch {
				select {
				case e := <-j.in:
					batch = append(batch, e)
				default:
					break more
				}
			}
			err := j.write(batch)
			for _, e := range batch {
				e.done <- err
			}
		}
	}
}

func (j *journal) write(batch []entry) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if len(batch) == 1 {
		_, err := j.w.js.PublishMsg(ctx, batch[0].msg)
		return err
	}
	b, err := jetstreamext.NewBatchPublisher(j.w.js)
	if err != nil {
		return err
	}
	for _, e := range batch[:len(batch)-1] {
		if err := b.AddMsg(e.msg); err != nil {
			return err
		}
	}
	_, err = b.CommitMsg(ctx, batch[len(batch)-1].msg)
	return err
}

func (j *journal) close() {
	j.once.Do(func() { close(j.quit) })
	<-j.done
}
