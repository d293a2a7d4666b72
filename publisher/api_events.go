package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire"
)

const (
	maxWait   = 30 * time.Second
	maxEvents = 200
	// maxEventBytes ends an answer with the event that reaches it.
	maxEventBytes = 4 << 20
)

// errEnough ends a Follow that has found what one answer holds.
var errEnough = errors.New("enough events")

// getEvents answers with the events after a cursor, as CloudEvents in order,
// and the cursor to ask with next. With wait, an answer without events is held
// back up to that long for the first to come.
func (p *Publisher) getEvents(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "after", "wait")
	if err != nil {
		return err
	}
	last, err := p.cfg.Wire.LastSeq(r.Context())
	if err != nil {
		return err
	}
	after := last
	if v := q.Get("after"); v != "" {
		if after, err = strconv.ParseUint(v, 10, 64); err != nil {
			return news.Problemf(news.BadRequest, "after=%s is not a cursor from an earlier answer; use after=0 for all events", v)
		}
		if after > last {
			return news.Problemf(news.BadRequest, "after=%s lies beyond the newest event, %d; the log may have been restored, so start again from after=0", v, last)
		}
	}
	var wait time.Duration
	if v := q.Get("wait"); v != "" {
		if wait, err = time.ParseDuration(v); err != nil || wait < 0 {
			return news.Problemf(news.BadRequest, "wait=%s is not a duration like 20s", v)
		}
	}
	events, next, err := p.eventsAfter(r.Context(), after, last, min(wait, maxWait))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", map[string]any{"events": events, "next": strconv.FormatUint(next, 10)})
	return nil
}

func (p *Publisher) eventsAfter(ctx context.Context, after, last uint64, wait time.Duration) ([]json.RawMessage, uint64, error) {
	events, next, size := []json.RawMessage{}, after, 0
	if after >= last && wait == 0 {
		return events, next, nil
	}
	if after < last {
		wait = maxWait // what is stored comes at once, unless it cannot be read and is passed over
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := p.cfg.Wire.Follow(ctx, after+1, func(seq uint64, e news.Event) error {
		e, err := p.asOfNow(ctx, e, last)
		if err != nil {
			return err
		}
		b, err := news.CloudEvent(p.cfg.Taxonomy, p.cfg.BaseURL, e)
		if err != nil {
			return err
		}
		events, next = append(events, b), seq
		size += len(b)
		if seq >= last || len(events) >= maxEvents || size >= maxEventBytes {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, 0, err
	}
	return events, next, nil
}

// asOfNow is the event without its text when its release was withdrawn since, at
// the event last of the log: the text is gone everywhere, and does not come back
// with the release.
func (p *Publisher) asOfNow(ctx context.Context, e news.Event, last uint64) (news.Event, error) {
	var back int
	if p.list.Applied() >= last {
		now, _ := p.list.Find(e.Release.ID)
		back = now.TakenBack
	} else {
		history, err := p.cfg.Wire.History(ctx, e.Release.ID, last)
		if err != nil {
			return e, err
		}
		back = takenBack(history)
	}
	if back > e.Release.Revision {
		e.Release = e.Release.WithoutText()
	}
	return e, nil
}

// takenBack is the newest revision in a history that withdrew the release, 0 for none.
func takenBack(history []wire.Record) (back int) {
	for _, h := range history {
		if h.Event.Kind == news.KindWithdrawn {
			back = h.Event.Release.Revision
		}
	}
	return back
}
