package wire

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Names of the streams; README and deploy/ speak of them too.
const (
	streamWire     = "WIRE"
	streamLater    = "LATER"
	streamDead     = "DEAD"
	streamAttempts = "ATTEMPTS"
	streamErased   = "ERASED"
	streamErasures = "ERASURES"
	streamQueue    = "DELIVER_%d"
)

// keepRecords is how long attempts and dead letters are kept.
const keepRecords = 30 * 24 * time.Hour

// AttemptsKept is how long a recorded attempt can be found again.
const AttemptsKept = keepRecords

func (w *Wire) makeStreams(ctx context.Context) error {
	for _, s := range []struct {
		into *jetstream.Stream
		cfg  jetstream.StreamConfig
	}{
		{&w.wire, jetstream.StreamConfig{
			Name: streamWire, Description: "the public log: one full-state event for each revision of a release, for ever",
			Subjects: []string{subjectRelease + "*"}, DenyPurge: true,
		}},
		{&w.later, jetstream.StreamConfig{
			Name: streamLater, Description: "wake-up schedules and the backlogs that wait for them",
			Subjects: []string{"later.*", "due.*", "held.*.*"}, MaxMsgsPerSubject: 1,
			AllowMsgSchedules: true, AllowRollup: true,
		}},
		{&w.attempts, jetstream.StreamConfig{
			Name: streamAttempts, Description: "every attempt to deliver an alert",
			Subjects: []string{subjectAttempt + ">"}, MaxAge: keepRecords, Compression: jetstream.S2Compression,
			AllowAtomicPublish: true,
		}},
		{&w.dead, jetstream.StreamConfig{
			Name: streamDead, Description: "what was given up, with the reason",
			Subjects: []string{subjectDead + ">"}, MaxAge: keepRecords,
		}},
		{&w.erased, jetstream.StreamConfig{
			Name: streamErased, Description: "the places of erased events in the chain of the log, without what they said",
			Subjects: []string{subjectErased + "*"}, MaxMsgsPerSubject: 1,
		}},
	} {
		st, err := w.makeStream(ctx, s.cfg)
		if err != nil {
			return err
		}
		*s.into = st
	}
	if w.cfg.Desk {
		if err := w.makeDesk(ctx); err != nil {
			return err
		}
		st, err := w.makeStream(ctx, jetstream.StreamConfig{
			Name: streamErasures, Description: "the releases that were erased, or are about to be",
			Subjects: []string{subjectErasure + "*"}, MaxMsgsPerSubject: 1,
		})
		if err != nil {
			return err
		}
		w.erasures = st
		if err := w.makeBuckets(ctx); err != nil {
			return err
		}
	}
	return w.makeQueues(ctx)
}

func (w *Wire) makeStream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	return w.makeStreamIn(ctx, w.js, cfg)
}

// makeStreamIn makes a stream that is missing and changes one that is not as
// cfg says. One that fits is left alone, because not everyone may do more.
func (w *Wire) makeStreamIn(ctx context.Context, js jetstream.JetStream, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	cfg.Storage, cfg.Replicas = jetstream.FileStorage, w.cfg.Replicas
	// Any replica answers a direct read, also one that lags behind; revision
	// control and delivery must see the newest state, which the leader has.
	cfg.AllowDirect = w.cfg.Replicas == 1
	st, err := patiently(ctx, func(ctx context.Context) (jetstream.Stream, error) {
		st, err := js.Stream(ctx, cfg.Name)
		if err == nil && fits(st.CachedInfo().Config, cfg) || err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return st, err
		}
		return js.CreateOrUpdateStream(ctx, cfg)
	})
	if err != nil {
		return nil, w.tooFewNodes(translate("make the stream "+cfg.Name, err))
	}
	return st, nil
}

// fits reports whether a stream is as want says. What want leaves empty is the
// server's choice.
func fits(have, want jetstream.StreamConfig) bool {
	for key, value := range want.Metadata {
		if have.Metadata[key] != value {
			return false
		}
	}
	want.Metadata = nil
	h, w := reflect.ValueOf(have), reflect.ValueOf(want)
	for i := range w.NumField() {
		if !w.Field(i).IsZero() && !reflect.DeepEqual(h.Field(i).Interface(), w.Field(i).Interface()) {
			return false
		}
	}
	return have.AllowDirect == want.AllowDirect
}

// tooFewNodes says of the refusal of so many replicas what it means.
func (w *Wire) tooFewNodes(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == codeNoCluster || api.ErrorCode == codeNoPeers) && w.cfg.Replicas > 1 {
		return fmt.Errorf("the NATS server is no cluster of %d; lower --replicas or add nodes", w.cfg.Replicas)
	}
	return err
}

// queuesKey is where the first queue says how many there are.
const queuesKey = "dateline-queues"

func (w *Wire) makeQueues(ctx context.Context) error {
	if err := w.sameNumberOfQueues(ctx); err != nil {
		return err
	}
	w.queues = nil
	for n := range w.cfg.Queues {
		st, err := w.makeStream(ctx, jetstream.StreamConfig{
			Name: fmt.Sprintf(streamQueue, n), Description: "alerts to deliver, and the fan-out's cursor",
			Subjects:  []string{fmt.Sprintf("dlv.%d.>", n), cursorSubject(n)},
			Retention: jetstream.WorkQueuePolicy, AllowRollup: true, AllowAtomicPublish: true,
			Metadata: map[string]string{queuesKey: strconv.Itoa(w.cfg.Queues)},
		})
		if err != nil {
			return err
		}
		w.queues = append(w.queues, st)
	}
	return nil
}

// sameNumberOfQueues refuses another number of queues than the log was made
// with: alerts in a queue that nobody drains would wait for ever. The first
// queue bears the number, so a crash between the first and the last is healed.
func (w *Wire) sameNumberOfQueues(ctx context.Context) error {
	st, err := patiently(ctx, func(ctx context.Context) (jetstream.Stream, error) {
		return w.js.Stream(ctx, fmt.Sprintf(streamQueue, 0))
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return translate("look at the queues", err)
	}
	if made := st.CachedInfo().Config.Metadata[queuesKey]; made != strconv.Itoa(w.cfg.Queues) {
		return fmt.Errorf("this log was made with %s delivery queues, not %d; start with that number (--queues %s)", made, w.cfg.Queues, made)
	}
	return nil
}

// Stats counts what is stored and what waits.
type Stats struct {
	Events   uint64 // in the log
	LastSeq  uint64
	Queued   uint64 // alerts waiting to be sent
	Held     uint64 // alerts waiting behind a wake-up, and the wake-ups
	Dead     uint64
	Attempts uint64

	StoreBytes uint64 // all that is stored
	StoreLimit uint64 // what may be stored; 0 when an external server does not say
}

// Stats asks the server; it takes some milliseconds.
func (w *Wire) Stats(ctx context.Context) (Stats, error) {
	var out Stats
	read := func(s jetstream.Stream, opts ...jetstream.StreamInfoOpt) (jetstream.StreamState, error) {
		info, err := s.Info(ctx, opts...)
		if err != nil {
			return jetstream.StreamState{}, translate("look at the streams", err)
		}
		return info.State, nil
	}
	st, err := read(w.wire)
	if err != nil {
		return out, err
	}
	out.Events, out.LastSeq = st.Msgs, st.LastSeq
	used, limit := w.room(ctx)
	out.StoreBytes, out.StoreLimit = uint64(used), uint64(limit)
	for _, s := range []struct {
		stream jetstream.Stream
		into   *uint64
	}{{w.later, &out.Held}, {w.dead, &out.Dead}, {w.attempts, &out.Attempts}} {
		if st, err = read(s.stream); err != nil {
			return out, err
		}
		*s.into = st.Msgs
	}
	for _, q := range w.queues {
		if st, err = read(q, jetstream.WithSubjectFilter("dlv.>")); err != nil {
			return out, err
		}
		for _, n := range st.Subjects { // a handful: one for each channel and priority
			out.Queued += n
		}
	}
	return out, nil
}
