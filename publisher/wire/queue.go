package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// Cursor says how far the fan-out into one queue has come: every event up to
// and including Seq-1 is done, and of event Seq every recipient up to and
// including After, in the order of their ids. After "" with Done set means
// that all of Seq is done.
type Cursor struct {
	Seq   uint64 `json:"seq"`
	After string `json:"after,omitempty"`
	Done  bool   `json:"done,omitempty"`

	rev uint64 // sequence of the stored cursor, for fencing
}

// Next is the first event that is not wholly done.
func (c Cursor) Next() uint64 {
	if c.Done || c.Seq == 0 {
		return c.Seq + 1
	}
	return c.Seq
}

// Task is one alert to put into a queue.
type Task struct {
	Channel  string // "mail", "webhook"
	Priority string // "urgent", "normal"
	Payload  []byte
}

// MaxTasks is the number of tasks that fit in one call of Enqueue.
const MaxTasks = 999

// Cursor reads where the fan-out into a queue stands.
func (w *Wire) Cursor(ctx context.Context, queue int) (Cursor, error) {
	m, err := w.queues[queue].GetLastMsgForSubject(ctx, cursorSubject(queue))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Cursor{}, nil
	}
	if err != nil {
		return Cursor{}, translate("read the fan-out's cursor", err)
	}
	var c Cursor
	if err := json.Unmarshal(m.Data, &c); err != nil {
		return Cursor{}, fmt.Errorf("read the fan-out's cursor of queue %d: %w", queue, err)
	}
	c.rev = m.Sequence
	return c, nil
}

func cursorSubject(queue int) string { return "fan." + strconv.Itoa(queue) }

// Enqueue stores tasks and moves the cursor from one place to the next, both
// or neither. It returns the new cursor to hand in next time. When another
// process has moved the cursor in between it stores nothing and returns [ErrStale].
func (w *Wire) Enqueue(ctx context.Context, queue int, from, to Cursor, tasks []Task) (Cursor, error) {
	if len(tasks) > MaxTasks {
		return from, fmt.Errorf("enqueue: %d tasks, at most %d fit", len(tasks), MaxTasks)
	}
	data, err := json.Marshal(to)
	if err != nil {
		return from, fmt.Errorf("enqueue: %w", err)
	}
	head := &nats.Msg{Subject: cursorSubject(queue), Data: data, Header: nats.Header{
		jetstream.MsgRollup:                 {jetstream.MsgRollupSubject},
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(from.rev, 10)},
	}}
	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	if len(tasks) == 0 {
		ack, err := w.js.PublishMsg(ctx, head)
		if err != nil {
			return from, enqueueError(err)
		}
		to.rev = ack.Sequence
		return to, nil
	}
	b, err := jetstreamext.NewBatchPublisher(w.js)
	if err != nil {
		return from, fmt.Errorf("enqueue: %w", err)
	}
	if err := b.AddMsg(head); err != nil {
		return from, enqueueError(err)
	}
	last := len(tasks) - 1
	for i, t := range tasks {
		subject := "dlv." + strconv.Itoa(queue) + "." + t.Channel + "." + t.Priority
		if i < last {
			err = b.Add(subject, t.Payload)
			if err == nil {
				continue
			}
			return from, enqueueError(err)
		}
		ack, err := b.Commit(ctx, subject, t.Payload)
		if err != nil {
			return from, enqueueError(err)
		}
		to.rev = ack.Sequence - uint64(last) - 1
	}
	return to, nil
}

func enqueueError(err error) error {
	if isWrongSequence(err) {
		return ErrStale
	}
	return translate("enqueue", err)
}

// Job is a task that was taken from a queue. It comes again, to this process
// or another, unless Done is called.
type Job struct {
	Payload     []byte
	Recipient   string // of a wake-up
	Redelivered bool   // an earlier try ended without Done, so its effect is unknown

	finish func(ctx context.Context) error
	forget func()
}

// Done says that the job's effect is durable. The job does not come again.
func (j *Job) Done(ctx context.Context) error {
	defer j.forget()
	return translate("acknowledge", j.finish(ctx))
}

// ackWait is how long the server waits for a sign of life of a job.
const ackWait = 30 * time.Second

// Drain takes the tasks of one channel and priority from a queue, at most
// inFlight unfinished at a time, and hands each to fn, which returns at once and
// sees to Done. It ends with ctx (nil) or when the queue cannot be read.
func (w *Wire) Drain(ctx context.Context, queue int, channel, priority string, inFlight int, fn func(*Job)) error {
	return w.consume(ctx, w.queues[queue], jetstream.ConsumerConfig{
		Durable:       channel + "-" + priority,
		FilterSubject: fmt.Sprintf("dlv.%d.%s.%s", queue, channel, priority),
	}, inFlight, fn, func(ctx context.Context, m jetstream.Msg) error { return m.DoubleAck(ctx) })
}

func (w *Wire) consume(ctx context.Context, st jetstream.Stream, cfg jetstream.ConsumerConfig, inFlight int, fn func(*Job), finish func(context.Context, jetstream.Msg) error) error {
	cfg.AckPolicy, cfg.AckWait, cfg.MaxAckPending = jetstream.AckExplicitPolicy, ackWait, inFlight
	if w.emb != nil {
		// The folder's lock makes this process the only one: what an earlier
		// process left unfinished need not wait for the server's patience.
		if err := st.DeleteConsumer(ctx, cfg.Durable); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return ended(ctx, translate("take from the queue", err))
		}
	}
	cons, err := st.CreateOrUpdateConsumer(ctx, cfg)
	if err != nil {
		return ended(ctx, translate("take from the queue", err))
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(min(inFlight, 256)))
	if err != nil {
		return ended(ctx, translate("take from the queue", err))
	}
	defer it.Stop()
	alive := newAlive(ctx)
	defer alive.stop()
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return ended(ctx, translate("take from the queue", err))
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("take from the queue: %w", err)
		}
		j := &Job{
			Payload: m.Data(), Redelivered: meta.NumDelivered > 1,
			finish: func(ctx context.Context) error { return finish(ctx, m) },
		}
		if rest, ok := cutDue(m.Subject()); ok {
			j.Recipient = rest
		}
		j.forget = alive.add(m)
		fn(j)
	}
}

// alive tells the server, for each unfinished job, that it is still in work.
type alive struct {
	mu   sync.Mutex
	jobs map[jetstream.Msg]bool
	end  context.CancelFunc
	done chan struct{}
}

func newAlive(ctx context.Context) *alive {
	ctx, end := context.WithCancel(ctx)
	a := &alive{jobs: map[jetstream.Msg]bool{}, end: end, done: make(chan struct{})}
	go a.beat(ctx)
	return a
}

func (a *alive) add(m jetstream.Msg) (forget func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs[m] = true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.jobs, m)
	}
}

func (a *alive) beat(ctx context.Context) {
	defer close(a.done)
	tick := time.NewTicker(ackWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		a.mu.Lock()
		for m := range a.jobs {
			_ = m.InProgress() // a lost beat is made good by the next; two lost ones bring the job again
		}
		a.mu.Unlock()
	}
}

func (a *alive) stop() { a.end(); <-a.done }
