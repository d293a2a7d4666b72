package subscribers

import (
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"time"

	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

const (
	leaseKey  = "delivery"
	leaseTime = 15 * time.Second // a holder that is silent for so long has lost the lease
	leaseBeat = 3 * time.Second
)

// lease lets one of the processes that share a NATS server work at a time. The
// server forgets it when its holder is silent for leaseTime. A holder that is
// cut off stops sending before that; one that was frozen and comes back after it
// may finish what it was sending, beside the new holder.
type lease struct {
	bucket  jetstream.KeyValue // nil where there is one process only
	me      string
	grace   time.Duration // what the work needs to stop
	log     zerolog.Logger
	standby atomic.Bool
}

func newLease(ctx context.Context, w *wire.Wire, grace time.Duration, log zerolog.Logger) (*lease, error) {
	l := &lease{me: rand.Text(), grace: grace, log: log}
	if w.Embedded() {
		return l, nil // the data folder's lock sees to it
	}
	l.standby.Store(true)
	var err error
	l.bucket, err = w.Bucket(ctx, "LEASES", "who fans out and delivers", leaseTime)
	return l, err
}

// run runs work while this process holds the lease, until ctx ends (nil) or
// work fails. Meanwhile it stands by.
func (l *lease) run(ctx context.Context, work func(context.Context) error) error {
	if l.bucket == nil {
		return work(ctx)
	}
	beat := time.NewTicker(leaseBeat)
	defer beat.Stop()
	for {
		revision, err := l.bucket.Create(ctx, leaseKey, []byte(l.me))
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			l.log.Info().Msg("this process fans out and delivers")
			l.standby.Store(false)
			err = l.hold(ctx, revision, beat.C, work)
			l.standby.Store(true)
			if err != nil || ctx.Err() != nil {
				return err
			}
			l.log.Warn().Msg("this process has lost the lease and stands by")
		case !errors.Is(err, jetstream.ErrKeyExists):
			l.log.Warn().Err(err).Msg("the lease cannot be asked for")
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// hold keeps the lease until work has ended, which it brings about when the
// lease is lost.
func (l *lease) hold(ctx context.Context, revision uint64, beat <-chan time.Time, work func(context.Context) error) error {
	working, end := context.WithCancel(ctx)
	defer end()
	done := make(chan error, 1)
	go func() { done <- work(working) }()
	ctx = context.WithoutCancel(ctx) // the work may end some time after ctx
	for kept := time.Now(); ; {
		select {
		case err := <-done:
			ctx, cancel := context.WithTimeout(ctx, leaseBeat)
			defer cancel()
			_ = l.bucket.Purge(ctx, leaseKey, jetstream.LastRevision(revision)) // or it is forgotten in a while
			return err
		case <-beat:
			next, err := l.renew(ctx, revision)
			if err == nil {
				revision, kept = next, time.Now()
			} else if errors.Is(err, errTaken) || time.Since(kept) > max(leaseTime-l.grace-leaseBeat, leaseBeat) {
				end()
			}
		}
	}
}

var errTaken = errors.New("another process holds the lease")

// renew gives the new revision. When it is unclear whether an earlier renewal
// took place, the stored value tells.
func (l *lease) renew(ctx context.Context, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseBeat/2)
	defer cancel()
	next, err := l.bucket.Update(ctx, leaseKey, []byte(l.me), revision)
	if err == nil || !isConflict(err) {
		return next, err
	}
	e, err := l.bucket.Get(ctx, leaseKey)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), err == nil && string(e.Value()) != l.me:
		return 0, errTaken
	case err != nil:
		return 0, err
	}
	return e.Revision(), nil
}
