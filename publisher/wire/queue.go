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
	if err := checkTasks(tasks); err != nil {
		return from, err
	}
	head := &nats.Msg{Subject: cursorSubject(queue), Data: data, Header: nats.Header{
		jetstream.MsgRollup:                 {jetstream.MsgRollupSubject},
		jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(from.rev, 10)},
	}}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if len(tasks) == 0 {
		ack, err := w.js.PublishMsg(ctx, head)
		if err != nil {
			return from, w.enqueued(err)
		}
		to.rev = ack.Sequence
		return to, w.enqueued(nil)
	}
	last, err := w.batch(ctx, queue, head, tasks)
	if err != nil {
		return from, w.enqueued(err)
	}
	to.rev = last - uint64(len(tasks))
	return to, w.enqueued(nil)
}

// Put stores tasks in a queue beside its cursor, all or none of them. After an
// error they may be stored all the same, so whoever tries again may store them
// twice.
func (w *Wire) Put(ctx context.Context, queue int, tasks []Task) error {
	if len(tasks) > MaxTasks {
		return fmt.Errorf("enqueue: %d tasks, at most %d fit", len(tasks), MaxTasks)
	}
	if err := checkTasks(tasks); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	switch len(tasks) {
	case 0:
		return nil
	case 1:
		_, err := w.js.PublishMsg(ctx, tasks[0].message(queue))
		return w.enqueued(err)
	}
	_, err := w.batch(ctx, queue, tasks[0].message(queue), tasks[1:])
	return w.enqueued(err)
}

func checkTasks(tasks []Task) error {
	for _, t := range tasks {
		if !token(t.Channel) || !token(t.Priority) {
			return fmt.Errorf("enqueue: channel %q or priority %q is no word of letters, digits and dashes", t.Channel, t.Priority)
		}
	}
	return nil
}

func (t *Task) message(queue int) *nats.Msg {
	return &nats.Msg{Subject: "dlv." + strconv.Itoa(queue) + "." + t.Channel + "." + t.Priority, Data: t.Payload}
}

// batch stores head and then tasks, at least one, all or none. It returns the
// sequence of the last.
func (w *Wire) batch(ctx context.Context, queue int, head *nats.Msg, tasks []Task) (uint64, error) {
	b, err := jetstreamext.NewBatchPublisher(w.js)
	if err != nil {
		return 0, err
	}
	if err := b.AddMsg(head); err != nil {
		return 0, err
	}
	last := len(tasks) - 1
	for i := range last {
		if err := b.AddMsg(tasks[i].message(queue)); err != nil {
			return 0, err
		}
	}
	ack, err := b.CommitMsg(ctx, tasks[last].message(queue))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

func (w *Wire) enqueued(err error) error {
	if isWrongSequence(err) {
		return ErrStale
	}
	return w.wrote("enqueue", err)
}

// Job is a task that was taken from a queue. Unless Done is called it comes
// again: to another process when this one dies, to this one when Drain is
// called anew. As long as Drain runs it stays with whom it was given to.
type Job struct {
	Payload     []byte
	Recipient   string // of a wake-up; of an embargo that is over, the release
	Redelivered bool   // it was handed out before and not Done: an earlier try may have had its effect

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
// inFlight unfinished at a time (over all processes that share the queue), and
// hands each to fn, which returns at once and sees to Done. It ends with ctx
// (nil) or when the queue cannot be read; while the server is away it waits. In
// one process there is one Drain for a queue, channel and priority at a time.
func (w *Wire) Drain(ctx context.Context, queue int, channel, priority string, inFlight int, fn func(*Job)) error {
	return w.consume(ctx, w.queues[queue], jetstream.ConsumerConfig{
		Durable:       channel + "-" + priority,
		FilterSubject: fmt.Sprintf("dlv.%d.%s.%s", queue, channel, priority),
	}, inFlight, fn, func(ctx context.Context, m jetstream.Msg) error { return m.DoubleAck(ctx) })
}

func (w *Wire) consume(ctx context.Context, st jetstream.Stream, cfg jetstream.ConsumerConfig, inFlight int, fn func(*Job), finish func(context.Context, jetstream.Msg) error) error {
	cfg.AckPolicy, cfg.AckWait, cfg.MaxAckPending = jetstream.AckExplicitPolicy, ackWait, inFlight
	alive := newAlive(ctx)
	defer alive.stop()
	handedOut, taken := uint64(0), false
	return w.keepOn(ctx, "take from the queue", func() (err error) {
		if w.emb != nil && !taken {
			if handedOut, err = takeOver(ctx, st, cfg.Durable); err != nil {
				return err
			}
			taken = true
		}
		cons, err := st.CreateOrUpdateConsumer(ctx, cfg)
		if err != nil {
			return err
		}
		return w.pull(ctx, cons, min(inFlight, 256), func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
			j := &Job{
				Payload: m.Data(), Redelivered: meta.NumDelivered > 1 || meta.Sequence.Stream <= handedOut,
				finish: func(ctx context.Context) error { return finish(ctx, m) },
			}
			j.Recipient = dueFor(m.Subject())
			j.forget = alive.add(m)
			fn(j)
			return nil
		})
	})
}

// takeOver removes a durable consumer that an earlier run left, and says up to
// which sequence that one had handed out. The folder's lock makes this process
// the only one, so what was left unfinished need not wait for the server's
// patience. Nothing is lost: what is not Done is still in the queue, and the
// next consumer begins at its first message.
func takeOver(ctx context.Context, st jetstream.Stream, durable string) (handedOut uint64, err error) {
	cons, err := st.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	handedOut = cons.CachedInfo().Delivered.Stream
	if err := st.DeleteConsumer(ctx, durable); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, err
	}
	return handedOut, nil
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
