package wire

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/news"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// heartbeat is how often an idle consumer tells that it is alive; two
	// missing ones mean that it must be made anew.
	heartbeat = 2 * time.Second
	// readAhead bounds the messages a reader asks for at once. What they hold is
	// bounded by the largest message a server takes, twice.
	readAhead = 512
)

// Follow hands every event from sequence from on (1 for all) to fn, in order,
// first those stored and then those to come, until ctx ends (nil), fn fails
// (its error), or the log cannot be read. While the server is away Follow waits
// for it. Each event's place in the chain of hashes is checked; a break ends
// Follow with [ErrLost] or [ErrBroken] that names the event and what to do; a
// from behind the log's end is an [ErrLost] too. An event that cannot be decoded is parked
// once, with its reason, and passed over; one of a newer version ends Follow,
// because a feed without it would be wrong.
func (w *Wire) Follow(ctx context.Context, from uint64, fn func(seq uint64, e news.Event) error) error {
	prev, started := link{}, false
	err := w.keepOn(ctx, "follow the log", func() (err error) {
		if !started {
			if prev, err = w.startAt(ctx, max(from, 1)-1); err != nil {
				return err
			}
			started = true
		}
		return w.read(ctx, prev.seq+1, 0, func(m jetstream.Msg, seq uint64) error {
			l, err := w.step(ctx, prev, m.Headers(), seq, m.Subject(), m.Data())
			if err != nil {
				return err
			}
			if err := w.handOut(ctx, m, seq, fn); err != nil {
				return err
			}
			prev = l
			return nil
		})
	})
	if damaged(err) && news.CodeOf(err) == "" {
		return fmt.Errorf("%w; stop, and restore %s, or start once with --accept-loss to pass it", err, w.where())
	}
	return err
}

// startAt is the link behind which a reader begins.
func (w *Wire) startAt(ctx context.Context, seq uint64) (link, error) {
	l, err := w.linkAt(ctx, seq)
	if !errors.Is(err, ErrLost) {
		return l, err
	}
	if last, lastErr := w.LastSeq(ctx); lastErr == nil && seq > last {
		return l, fmt.Errorf("%w (%w)", news.Problemf(news.NotFound, "there is no event %d to go on from; the log ends at event %d", seq, last), ErrLost)
	}
	return l, err
}

func (w *Wire) handOut(ctx context.Context, m jetstream.Msg, seq uint64, fn func(uint64, news.Event) error) error {
	e, err := w.decode(m.Data())
	if errors.Is(err, news.ErrNewer) {
		return fmt.Errorf("event %d: %w", seq, err)
	}
	if err != nil {
		w.log.Error().Err(err).Uint64("seq", seq).Msg("event cannot be read")
		return w.parkEvent(ctx, m, seq, err)
	}
	if err := fn(seq, e); err != nil {
		return final{err}
	}
	return nil
}

// parkEvent parks an event of the log, once for all who meet it.
func (w *Wire) parkEvent(ctx context.Context, m jetstream.Msg, seq uint64, reason error) error {
	name := strings.TrimPrefix(m.Subject(), subjectRelease) + "-" + strconv.FormatUint(seq, 10)
	_, err := w.js.PublishMsg(ctx, parked("log", name, reason.Error(), m.Data()), jetstream.WithExpectLastSequencePerSubject(0))
	if isWrongSequence(err) {
		return nil
	}
	return w.wrote("park", err)
}

// final marks an error of a caller's function, which ends reading.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// keepOn runs a reader again and again while the server is away, until ctx
// ends (nil) or the reader fails otherwise.
func (w *Wire) keepOn(ctx context.Context, op string, read func() error) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := read()
		var f final
		switch {
		case errors.As(err, &f):
			return ended(ctx, f.error)
		case ctx.Err() != nil:
			return nil
		case !away(err) || w.nc.IsClosed():
			return translate(op, err)
		}
		w.log.Warn().Err(err).Str("op", op).Msg("reading broke off, will go on")
		select {
		case <-ctx.Done():
			return nil
		case <-w.closed:
		case <-time.After(wait):
		}
	}
}

// read hands the log's messages from sequence from on to fn: up to and including
// last, or without end when last is 0. It stops at the first error.
func (w *Wire) read(ctx context.Context, from, last uint64, fn func(m jetstream.Msg, seq uint64) error) error {
	cons, err := w.wire.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: 5 * time.Minute,
	})
	if err != nil {
		return err
	}
	defer forget(ctx, w.wire, cons)
	if last > 0 && cons.CachedInfo().NumPending == 0 {
		return nil
	}
	var delivered uint64
	return w.pull(ctx, cons, readAhead, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if delivered++; meta.Sequence.Consumer != delivered {
			return nats.ErrStaleConnection // something was dropped on the way: begin again behind the last one
		}
		seq := meta.Sequence.Stream
		if seq > last && last > 0 {
			return errEnough
		}
		if err := fn(m, seq); err != nil {
			return err
		}
		if last > 0 && (seq == last || meta.NumPending == 0) {
			return errEnough
		}
		return nil
	})
}

// errEnough ends pull without an error.
var errEnough = errors.New("enough")

// forget removes a consumer that nobody reads any more, without insisting: it
// would go by itself after five minutes.
func forget(ctx context.Context, st jetstream.Stream, cons jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = st.DeleteConsumer(ctx, cons.CachedInfo().Name)
}

// pull hands what a consumer delivers to fn until ctx ends or something fails.
// The library's iterator would do, but its buffer is no larger than what was
// asked for, and what the server says in between overflows it.
func (w *Wire) pull(ctx context.Context, cons jetstream.Consumer, ahead int, fn func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	msgs, failed := make(chan jetstream.Msg), make(chan error, 1)
	cc, err := cons.Consume(
		func(m jetstream.Msg) {
			select {
			case msgs <- m:
			case <-ctx.Done():
			}
		},
		jetstream.PullMaxMessagesWithBytesLimit(ahead, 2*int(max(w.nc.MaxPayload(), maxPayload))),
		jetstream.PullHeartbeat(heartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			if !away(err) && !errors.Is(err, jetstream.ErrBadRequest) {
				return // the consumer goes on by itself, under a new leader for instance
			}
			select {
			case failed <- err:
			default:
			}
		}))
	if err != nil {
		return err
	}
	defer cc.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case m := <-msgs:
			meta, err := m.Metadata()
			if err != nil {
				return err
			}
			switch err := fn(m, meta); {
			case errors.Is(err, errEnough):
				return nil
			case err != nil:
				return err
			}
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
