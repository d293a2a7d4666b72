package subscribers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/subscribers/match"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// register is the bucket of recipients in memory, with the match index over
// their wishes. It only ever changes by what the bucket's watch brings.
type register struct {
	bucket   jetstream.KeyValue
	taxonomy *news.Taxonomy
	log      zerolog.Logger
	gone     func(id string) // told of every recipient that is no more

	mu         sync.RWMutex
	recipients map[string]*recipient
	owners     map[string]string // subscription id to recipient id
	index      *match.Index
	slots      []slot
	unused     []int
	taken      map[string][]int // recipient id to its slots
	disabled   int
	before     past
	seen       uint64        // bucket's revision up to which all is in
	moved      chan struct{} // closed and made anew when seen moves
}

// past is what was there when the process began: the bucket of recipients up to
// revision, and the log up to end. Nothing of that time is newer than the log,
// even when it says so because the log lost its end since.
type past struct{ revision, end uint64 }

// slot is one wish in the index.
type slot struct {
	to    *recipient
	after uint64
}

func newRegister(bucket jetstream.KeyValue, t *news.Taxonomy, log zerolog.Logger) *register {
	return &register{
		bucket: bucket, taxonomy: t, log: log, recipients: map[string]*recipient{}, owners: map[string]string{},
		index: match.New(t), taken: map[string][]int{}, moved: make(chan struct{}),
	}
}

// follow brings every change of the bucket into memory until ctx ends.
func (r *register) follow(ctx context.Context) error {
	last, err := r.lastRevision(ctx)
	if err != nil {
		return err
	}
	w, err := r.bucket.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch the subscriptions: %w", err)
	}
	defer w.Stop() //nolint:errcheck // the context may have ended it
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Updates():
			switch {
			case !ok && ctx.Err() != nil:
				return nil
			case !ok:
				return errors.New("the watch of the subscriptions ended")
			case e == nil: // everything that was there is in
				r.advance(max(last, 1))
			default:
				r.take(e)
			}
		}
	}
}

func (r *register) take(e jetstream.KeyValueEntry) {
	var next *recipient
	if e.Operation() == jetstream.KeyValuePut {
		var err error
		if next, err = readRecipient(r.taxonomy, e.Key(), e.Value()); err != nil {
			r.log.Error().Err(err).Str("recipient", headOf(e.Key())).Msg("a recipient's record cannot be used")
		} else if e.Revision() <= r.before.revision {
			next.notAfter(r.before.end)
		}
	}
	r.mu.Lock()
	r.replace(e.Key(), next)
	r.mu.Unlock()
	if next == nil {
		r.gone(e.Key())
	}
	r.advance(e.Revision())
}

// replace puts next (nil: nobody) into the place of the recipient with that id.
func (r *register) replace(id string, next *recipient) {
	if old := r.recipients[id]; old != nil {
		for _, n := range r.taken[id] {
			r.index.Remove(n)
			r.slots[n] = slot{}
			r.unused = append(r.unused, n)
		}
		for _, f := range old.Wishes {
			delete(r.owners, f.ID)
		}
		if old.Disabled != "" {
			r.disabled--
		}
		delete(r.taken, id)
		delete(r.recipients, id)
	}
	if next == nil {
		return
	}
	r.recipients[id] = next
	for _, f := range next.Wishes {
		r.owners[f.ID] = id
	}
	if next.Disabled != "" {
		r.disabled++
		return
	}
	for i := range next.Wishes {
		r.fill(next, &next.Wishes[i])
	}
}

func (r *register) fill(to *recipient, f *follows) {
	n := len(r.slots)
	if k := len(r.unused); k > 0 {
		n, r.unused = r.unused[k-1], r.unused[:k-1]
	} else {
		r.slots = append(r.slots, slot{})
	}
	r.slots[n] = slot{to, f.After}
	r.index.Add(n, &f.Selection)
	r.taken[to.id] = append(r.taken[to.id], n)
}

func (r *register) advance(revision uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if revision > r.seen {
		r.seen = revision
		close(r.moved)
		r.moved = make(chan struct{})
	}
}

// catchUp returns when everything is in memory that was stored before the call.
func (r *register) catchUp(ctx context.Context) error {
	last, err := r.lastRevision(ctx)
	if err != nil {
		return err
	}
	for {
		r.mu.RLock()
		seen, moved := r.seen, r.moved
		r.mu.RUnlock()
		if seen >= max(last, 1) {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *register) lastRevision(ctx context.Context) (uint64, error) {
	st, err := r.bucket.Status(ctx)
	if err != nil {
		return 0, fmt.Errorf("%w (%w)", news.Problemf(news.Unavailable, "the subscriptions do not answer; try again in a moment"), err)
	}
	if b, ok := st.(*jetstream.KeyValueBucketStatus); ok {
		return b.StreamInfo().State.LastSeq, nil
	}
	return 0, errors.New("the bucket of subscriptions tells no revision")
}

// loaded reports whether the bucket's content is in memory.
func (r *register) loaded() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.seen > 0
}

// of returns a recipient, nil when there is none by that id.
func (r *register) of(id string) *recipient {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.recipients[id]
}

// owner returns the recipient of a subscription, nil when there is none.
func (r *register) owner(subscription string) *recipient {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.recipients[r.owners[subscription]]
}

// all returns every recipient, in the order of their ids.
func (r *register) all() []*recipient {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.SortedFunc(maps.Values(r.recipients), func(a, b *recipient) int { return strings.Compare(a.id, b.id) })
}

// matching adds to into the active recipients with a wish that the release is
// in and that is older than the event with the sequence seq.
func (r *register) matching(rel *news.Release, seq uint64, into map[string]*recipient) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.index.Match(rel, func(n int) {
		if s := r.slots[n]; s.after < seq {
			into[s.to.id] = s.to
		}
	})
}

// matchingEarlier adds to into the active recipients that earlier events of a
// release may have alerted: in the state of the event, or in that of a minor
// revision made while it was held, as long as it can have been.
func (r *register) matchingEarlier(history []wire.Record, into map[string]*recipient) {
	for i := range history {
		if h := &history[i]; h.Event.Alerts() || revisedWithin(&h.Event, MaxHold) {
			r.matching(&h.Event.Release, h.Seq, into)
		}
	}
}

// active adds to into those of the recipients that are there and active.
func (r *register) active(ids iter.Seq[string], into map[string]*recipient) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for id := range ids {
		if to := r.recipients[id]; to != nil && to.Disabled == "" {
			into[id] = to
		}
	}
}

func (r *register) counts() (recipients, subscriptions, disabled int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.recipients), len(r.owners), r.disabled
}

// following counts the subscriptions that name a topic.
func (r *register) following(k news.TopicKind, slug string) (n int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, to := range r.recipients {
		for i := range to.Wishes {
			if slices.Contains(to.Wishes[i].Selection.Of(k), slug) {
				n++
			}
		}
	}
	return n
}
