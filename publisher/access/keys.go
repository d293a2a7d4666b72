package access

import (
	"context"
	"net/http"
	"sync"
	"time"

	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// Keys knows which keys are good, and what is due to each. After [New] or
// [Load] that is the admin key alone, without limits; [Keys.Open] adds the rest.
type Keys struct {
	admin hash
	cfg   Config

	ring               *ring // nil before Open
	used               *used
	answers            jetstream.KeyValue
	perKey, perAddress *limits
}

// Config says what the keys beside the admin key need.
type Config struct {
	// Wire holds the buckets: KEYS, KEYS_USED and IDEMPOTENCY. They are private
	// as the desk is. A process without the desk leaves it nil: there the admin
	// key stays the only one, and no request can be repeated.
	Wire *wire.Wire
	// Now is the clock for expiry, limits and repeats.
	Now func() time.Time
	// Rates bounds requests; what is zero stands for that of [DefaultRates].
	Rates Rates
	// Audit is told of every change of the keys before it is made: what is
	// "key.add" or "key.revoke", name is the key's, with what it may when it is
	// added; the caller is in ctx. An
	// error keeps the change from being made. It may be nil.
	Audit func(ctx context.Context, what, name string) error
	// Log takes what the operator should know; never a key.
	Log zerolog.Logger
}

// repeatable is how long the answer to a request with an Idempotency-Key is kept.
const repeatable = 24 * time.Hour

// Open makes the buckets. It belongs before the first request; keys are good
// once [Keys.Run] has loaded them.
func (k *Keys) Open(ctx context.Context, cfg Config) error {
	k.cfg = cfg
	k.perKey, k.perAddress = cfg.Rates.limits()
	if cfg.Wire == nil {
		return nil
	}
	keys, err := cfg.Wire.Bucket(ctx, "KEYS", "keys of the API: names, scopes and hashes", 0)
	if err != nil {
		return err
	}
	uses, err := cfg.Wire.Bucket(ctx, "KEYS_USED", "when each key was used last", 0)
	if err != nil {
		return err
	}
	if k.answers, err = cfg.Wire.Bucket(ctx, "IDEMPOTENCY", "answers to requests with an Idempotency-Key", repeatable); err != nil {
		return err
	}
	k.ring, k.used = newRing(keys, cfg.Log), newUsed(uses, cfg.Log)
	return nil
}

// Run keeps the keys in memory and stores when they were used, until ctx ends.
// It returns nil, at once when there are no keys to keep.
func (k *Keys) Run(ctx context.Context) error {
	if k.ring == nil {
		return nil
	}
	var parts sync.WaitGroup
	parts.Go(func() { k.ring.run(ctx) })
	parts.Go(func() { k.used.run(ctx) })
	parts.Wait()
	return nil
}

// Ready is nil once the keys are in memory.
func (k *Keys) Ready(context.Context) error {
	_, err := k.find(hash{})
	return err
}

// refuse answers with err and logs what is not the client's fault.
func (k *Keys) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if status := Refuse(w, err); status >= http.StatusInternalServerError {
		k.cfg.Log.Error().Err(err).Str("method", r.Method).Str("path", r.URL.Path).Msg("request failed")
	}
}
