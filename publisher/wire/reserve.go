package wire

import (
	"context"
	"fmt"
	"sync"
	"time"

	"dateline/publisher/news"
)

// use remembers how much is stored, so that an append need not ask each time.
type use struct {
	mu          sync.Mutex
	next        time.Time // when to ask again
	sent        uint64    // bytes that this process had sent by the last answer
	used, limit int64     // in bytes; limit 0 means that none is known
}

// useAge is how long an answer about the store's use is good for.
const useAge = time.Second

// maxReserve bounds the room that is kept for withdrawals and the queues.
const maxReserve = 64 << 20

// room is how many bytes are stored and how many may be. The first figure is a
// second old at most; everything that this process has sent since counts as
// stored. When the server does not answer it is what was last known, for a
// minute without asking again.
func (w *Wire) room(ctx context.Context) (used, limit int64) {
	w.use.mu.Lock()
	defer w.use.mu.Unlock()
	sent := w.nc.Stats().OutBytes
	known := func() (int64, int64) { return w.use.used + int64(sent-w.use.sent), w.use.limit }
	if time.Now().Before(w.use.next) {
		return known()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), useAge)
	defer cancel()
	info, err := w.js.AccountInfo(ctx)
	if err != nil {
		w.use.next = time.Now().Add(time.Minute)
		return known()
	}
	tier := info.Tier
	if t, ok := info.Tiers[fmt.Sprintf("R%d", w.cfg.Replicas)]; ok {
		tier = t
	}
	w.use.next, w.use.sent = time.Now().Add(useAge), sent
	w.use.used, w.use.limit = int64(tier.Store), max(tier.Limits.MaxStore, 0)
	if w.emb != nil {
		w.use.limit = w.emb.maxStore
	}
	return w.use.used, w.use.limit
}

// InReserve reports whether no more room is left than what is kept for withdrawals
// and the queues.
func (w *Wire) InReserve(ctx context.Context) bool { return w.inReserve(ctx) }

// inReserve reports whether no more is left than the reserve.
func (w *Wire) inReserve(ctx context.Context) bool {
	used, limit := w.room(ctx)
	return limit > 0 && used > limit-min(maxReserve, limit/8)
}

func errReserve(op string) error {
	return news.Problemf(news.DiskFull, "%s: the store is full but for a reserve, which only withdrawals and the queues may use; %s, then try again", op, makeRoom)
}

// wrote translates the outcome of a write and notes whether there was room.
func (w *Wire) wrote(op string, err error) error {
	err = translate(op, err)
	if full := news.CodeOf(err) == news.DiskFull; full || err == nil {
		w.full.Store(full)
	}
	return err
}

// takes says why the store takes no new events. After a write that found no
// room it tries one, because nobody else may while we are not ready.
func (w *Wire) takes(ctx context.Context) error {
	if w.full.Load() {
		_, err := w.js.Publish(ctx, subjectAttempt+"room", nil)
		if err := w.wrote("write to the log", err); err != nil {
			return err
		}
	}
	if w.inReserve(ctx) {
		return errReserve("write to the log")
	}
	return nil
}
