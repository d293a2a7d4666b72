// Package topics keeps what was changed in the taxonomy while the server ran:
// topics that were renamed, merged or retired. The taxonomy that a process works
// with is the one it was started with, and these changes behind it, in order.
//
// The changes lie in one key of a bucket, so that two that are made at the same
// time cannot both be based on the same state. Every process that watches is
// told of a change and makes its parts anew; the log is never rewritten: what was
// filed under an old slug is read under the present one.
package topics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
)

// Change is one change with who made it and when.
type Change struct {
	news.TopicChange
	Time time.Time `json:"time"` // UTC
	By   string    `json:"by"`   // name of the key
}

// Store is the changes of one log.
type Store struct {
	kv   jetstream.KeyValue
	base *news.Taxonomy

	mu       sync.Mutex
	revision uint64 // of the bucket's key that current was made of
	changes  []Change
	current  *news.Taxonomy
}

const key = "changes"

// Open reads the changes of the log and applies them to base. Changes that do
// not go with base are an error that names the first one.
func Open(ctx context.Context, w *wire.Wire, base *news.Taxonomy) (*Store, error) {
	kv, err := w.Bucket(ctx, "TAXONOMY", "topics that were renamed, merged or retired", 0)
	if err != nil {
		return nil, err
	}
	s := &Store{kv: kv, base: base, current: base}
	return s, s.load(ctx)
}

// Current is the taxonomy with all changes that are known here.
func (s *Store) Current() *news.Taxonomy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Changes lists the changes, oldest first.
func (s *Store) Changes() []Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Change{}, s.changes...)
}

func (s *Store) load(ctx context.Context) error {
	e, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w (%w)", news.Problemf(news.Unavailable, "the changes of the taxonomy do not answer; try again in a moment"), err)
	}
	return s.take(e)
}

// take applies what the bucket holds, unless that is known.
func (s *Store) take(e jetstream.KeyValueEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Revision() <= s.revision {
		return nil
	}
	var changes []Change
	if err := json.Unmarshal(e.Value(), &changes); err != nil {
		return fmt.Errorf("read the changes of the taxonomy: %w", err)
	}
	next, err := apply(s.base, changes)
	if err != nil {
		return err
	}
	s.revision, s.changes, s.current = e.Revision(), changes, next
	return nil
}

func apply(t *news.Taxonomy, changes []Change) (*news.Taxonomy, error) {
	for i, c := range changes {
		next, err := t.With(c.TopicChange)
		if err != nil {
			return nil, fmt.Errorf("change %d of the taxonomy (%s %s %s) does not go with the taxonomy this server was started with: %w", i+1, c.Op, c.Kind, c.Slug, err)
		}
		t = next
	}
	return t, nil
}

// Try is the taxonomy as the change would make it. Nothing is changed.
func (s *Store) Try(c news.TopicChange) (*news.Taxonomy, error) { return s.Current().With(c) }

// Make stores a change. When another one came first it is refused with a
// [news.Problem] of code [news.Conflict], and so is one that changes nothing.
func (s *Store) Make(ctx context.Context, c Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := s.current.With(c.TopicChange)
	if err != nil {
		return err
	}
	if next == s.current {
		return news.Problemf(news.Conflict, "%s %s is so already", c.Kind, c.Slug)
	}
	changes := append(append([]Change{}, s.changes...), c)
	b, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("encode the changes of the taxonomy: %w", err)
	}
	revision, err := s.kv.Update(ctx, key, b, s.revision) // 0 means that there is none
	switch api, ok := errors.AsType[*jetstream.APIError](err); {
	case errors.Is(err, jetstream.ErrKeyExists), ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		return news.Problemf(news.Conflict, "the taxonomy was changed by someone else at the same moment; look at it again and repeat the change")
	case err != nil:
		return fmt.Errorf("%w (%w)", news.Problemf(news.Unavailable, "the changes of the taxonomy do not answer; try again in a moment"), err)
	}
	s.revision, s.changes, s.current = revision, changes, next
	return nil
}

// Run calls changed, one call at a time, whenever the taxonomy is another than
// the one from, until ctx ends, which gives nil. A change that cannot be applied
// here ends it with an error.
func (s *Store) Run(ctx context.Context, from *news.Taxonomy, changed func(*news.Taxonomy) error) error {
	for {
		err := s.watch(ctx, func() error {
			now := s.Current()
			if now == from {
				return nil
			}
			from = now
			return changed(now)
		})
		var broken *final
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &broken):
			return broken.error
		}
		select {
		case <-time.After(time.Second): // the server is away, and so is everything else
		case <-ctx.Done():
			return nil
		}
	}
}

// final marks an error that does not pass.
type final struct{ error }

func (s *Store) watch(ctx context.Context, look func() error) error {
	w, err := s.kv.Watch(ctx, key)
	if err != nil {
		return err
	}
	defer w.Stop() //nolint:errcheck // the context may have ended it
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Updates():
			if !ok {
				return errors.New("the watch of the taxonomy ended")
			}
			if e != nil && e.Operation() == jetstream.KeyValuePut {
				if err := s.take(e); err != nil {
					return &final{err}
				}
			}
			if err := look(); err != nil {
				return &final{err}
			}
		}
	}
}
