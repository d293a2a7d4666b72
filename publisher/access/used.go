package access

import (
	"context"
	"maps"
	"sync"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

const (
	usedEvery = time.Minute     // how often a key's last use is stored at most
	usedTime  = 5 * time.Second // for storing one
)

// used keeps when keys were used last. Requests only note it in memory; run
// stores it.
type used struct {
	bucket jetstream.KeyValue
	log    zerolog.Logger
	wake   chan struct{} // holds a token while something is due

	mu     sync.Mutex
	last   map[string]time.Time
	stored map[string]time.Time
	due    map[string]time.Time
}

func newUsed(bucket jetstream.KeyValue, log zerolog.Logger) *used {
	return &used{
		bucket: bucket, log: log, wake: make(chan struct{}, 1),
		last: map[string]time.Time{}, stored: map[string]time.Time{}, due: map[string]time.Time{},
	}
}

// note notes a use. It never waits for the bucket.
func (u *used) note(name string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last[name] = now
	if before, ok := u.stored[name]; ok && now.Sub(before) < usedEvery {
		return
	}
	u.stored[name], u.due[name] = now, now
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// run stores what is due until ctx ends. What cannot be stored is dropped; the
// next use a minute later is stored again.
func (u *used) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.wake:
		}
		u.mu.Lock()
		due := u.due
		u.due = map[string]time.Time{}
		u.mu.Unlock()
		for name, at := range due {
			if err := u.store(ctx, name, at); err != nil && ctx.Err() == nil {
				u.log.Warn().Err(err).Str("key_name", name).Msg("the last use of a key was not stored")
			}
		}
	}
}

func (u *used) store(ctx context.Context, name string, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, usedTime)
	defer cancel()
	_, err := u.bucket.PutString(ctx, name, at.UTC().Format(time.RFC3339))
	return wire.Explain("store the last use of a key", err)
}

// all says when each key was used last: on this process to the second, on
// others to the minute.
func (u *used) all(ctx context.Context) (map[string]time.Time, error) {
	w, err := u.bucket.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, wire.Explain("read the last use of the keys", err)
	}
	defer w.Stop() //nolint:errcheck // the context may have ended it
	u.mu.Lock()
	out := maps.Clone(u.last)
	u.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return nil, wire.Explain("read the last use of the keys", ctx.Err())
		case e, ok := <-w.Updates():
			if !ok {
				return nil, news.Problemf(news.Unavailable, "the last use of the keys cannot be read now; try again in a moment")
			}
			if e == nil {
				return out, nil
			}
			if at, err := time.Parse(time.RFC3339, string(e.Value())); err == nil && at.After(out[e.Key()]) {
				out[e.Key()] = at
			}
		}
	}
}
