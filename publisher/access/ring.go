package access

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// ring holds the bucket of keys in memory. It changes by what the bucket's
// watch brings, and by what this process stored itself a moment before.
type ring struct {
	bucket jetstream.KeyValue
	log    zerolog.Logger

	mu     sync.RWMutex
	loaded bool
	byName map[string]held
	byHash map[hash]string
}

// held is a key in memory; record is nil when it cannot be used.
type held struct {
	record   *record
	hash     hash
	revision uint64
}

func newRing(bucket jetstream.KeyValue, log zerolog.Logger) *ring {
	return &ring{bucket: bucket, log: log, byName: map[string]held{}, byHash: map[hash]string{}}
}

// watchPause is how long a watch that broke off rests before the next.
const watchPause = time.Second

// run brings every change of the bucket into memory until ctx ends.
func (r *ring) run(ctx context.Context) {
	for {
		err := r.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		r.log.Warn().Err(err).Msg("the watch of the keys was interrupted, starting again")
		select {
		case <-time.After(watchPause):
		case <-ctx.Done():
			return
		}
	}
}

func (r *ring) follow(ctx context.Context) error {
	w, err := r.bucket.WatchAll(ctx)
	if err != nil {
		return wire.Explain("watch the keys", err)
	}
	defer w.Stop() //nolint:errcheck // the context may have ended it
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return errors.New("the watch of the keys ended")
			case e == nil: // everything that was there is in
				r.mu.Lock()
				r.loaded = true
				r.mu.Unlock()
			case e.Operation() == jetstream.KeyValuePut:
				r.take(e.Key(), e.Value(), e.Revision())
			default:
				r.put(e.Key(), held{revision: e.Revision()})
			}
		}
	}
}

// take reads a stored record. One that cannot be read opens nothing.
func (r *ring) take(name string, value []byte, revision uint64) {
	h := held{revision: revision}
	rec, sum, err := readRecord(name, value)
	if err != nil {
		r.log.Error().Err(err).Str("key_name", name).Msg("a key cannot be used; remove it from the bucket KEYS")
	} else {
		h.record, h.hash = &rec, sum
	}
	r.put(name, h)
}

// put takes what is newer than what is there: a watch that starts again brings
// what was true before, and a revoked key must not work even for a moment.
func (r *ring) put(name string, h held) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.byName[name]
	if old.revision >= h.revision {
		return
	}
	if old.record != nil {
		delete(r.byHash, old.hash)
	}
	r.byName[name] = h
	if h.record != nil {
		r.byHash[h.hash] = name
	}
}

// notLoaded says that no key can be judged yet.
func notLoaded() error {
	return news.Problemf(news.Unavailable, "the keys are still being loaded; try again in a moment")
}

// find returns the key with a hash, nil when there is none.
func (r *ring) find(sum hash) (*Key, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.loaded {
		return nil, notLoaded()
	}
	name, ok := r.byHash[sum]
	if !ok {
		return nil, nil //nolint:nilnil // no key is no error
	}
	return &r.byName[name].record.Key, nil
}

// all returns the keys that can be used, the oldest first.
func (r *ring) all() ([]Key, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.loaded {
		return nil, notLoaded()
	}
	var out []Key
	for h := range maps.Values(r.byName) {
		if h.record != nil {
			out = append(out, h.record.Key)
		}
	}
	slices.SortFunc(out, func(a, b Key) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// has reports whether a name is taken, as far as memory tells.
func (r *ring) has(name string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byName[name].record != nil
}

func isConflict(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, jetstream.ErrKeyExists) || ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
