package wire

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// privateBuckets lie where the desk lies, out of reach of feeds and subscribers.
func privateBuckets() []string {
	return []string{"KEYS", "KEYS_USED", bucketAnswers, "ORIGINS", "PULL"}
}

// bucketAnswers holds answers to requests that may be repeated.
const bucketAnswers = "IDEMPOTENCY"

// bucket is one that a process which does not publish needs and may not make.
type bucket struct {
	name, description string
	ttl               time.Duration
}

func sharedBuckets() []bucket {
	return []bucket{
		{"SUBSCRIPTIONS", "recipients with what they follow", 0},
		{"SUBSCRIBER_KEYS", "the key that turns addresses into recipients' ids", 0},
		{"LEASES", "who fans out and delivers", 15 * time.Second},
	}
}

// makeBuckets makes, on an external server, the buckets of others.
func (w *Wire) makeBuckets(ctx context.Context) error {
	if w.emb != nil {
		return nil
	}
	for _, b := range sharedBuckets() {
		if _, err := patiently(ctx, func(ctx context.Context) (jetstream.KeyValue, error) {
			return w.Bucket(ctx, b.name, b.description, b.ttl)
		}); err != nil {
			return err
		}
	}
	return nil
}

// Bucket gives a key-value bucket that keeps the newest value of each key,
// making it when it is not there. A ttl above 0 lets each key expire. The
// buckets KEYS, KEYS_USED, IDEMPOTENCY, ORIGINS and PULL lie where the desk lies, and
// only a process with [Config.Desk] gets them.
func (w *Wire) Bucket(ctx context.Context, name, description string, ttl time.Duration) (jetstream.KeyValue, error) {
	js := w.js
	if slices.Contains(privateBuckets(), name) {
		if js = w.private; js == nil {
			return nil, errNoDesk
		}
	}
	ctx, done := w.refused.watch(ctx)
	defer done()
	kv, err := w.makeBucket(ctx, js, jetstream.KeyValueConfig{
		Bucket: name, Description: description, History: 1, TTL: ttl, Replicas: w.cfg.Replicas,
	})
	if why := context.Cause(ctx); err != nil && errors.Is(why, nats.ErrPermissionViolation) {
		return nil, w.mayNot(why)
	}
	return kv, translate("make the bucket "+name, err)
}

// makeBucket is makeStreamIn for buckets.
func (w *Wire) makeBucket(ctx context.Context, js jetstream.JetStream, cfg jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	st, err := js.Stream(ctx, "KV_"+cfg.Bucket)
	switch {
	case err == nil && st.CachedInfo().Config.MaxAge == cfg.TTL && st.CachedInfo().Config.Replicas == cfg.Replicas:
		return js.KeyValue(ctx, cfg.Bucket)
	case err != nil && !errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, err
	case cfg.Bucket != bucketAnswers:
		return js.CreateOrUpdateKeyValue(ctx, cfg)
	}
	// As the library makes it, but for DenyDelete, which no erasure could pass.
	if _, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "KV_" + cfg.Bucket, Description: cfg.Description, Subjects: []string{"$KV." + cfg.Bucket + ".>"},
		MaxMsgsPerSubject: int64(cfg.History), MaxAge: cfg.TTL, Duplicates: duplicates(cfg.TTL), Discard: jetstream.DiscardNew,
		Storage: jetstream.FileStorage, Replicas: cfg.Replicas, AllowRollup: true, AllowDirect: true,
	}); err != nil {
		return nil, err
	}
	return js.KeyValue(ctx, cfg.Bucket)
}

// duplicates is the window for message ids of a bucket, which may not outlast its values.
func duplicates(ttl time.Duration) time.Duration {
	const usual = 2 * time.Minute
	if ttl > 0 {
		return min(ttl, usual)
	}
	return usual
}
