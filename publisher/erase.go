package publisher

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// Erased is the outcome of an erasure.
const Erased Outcome = "erased"

// eraser is the name in the trail of an erasure that is repeated because a
// restore brought the release back.
const eraser = "erasures"

// Erase removes a release from the log for good: a tombstone, which is a
// withdrawal without any word of the release, becomes its newest event, and
// everything earlier is overwritten, in the log, at the desk, and in what was
// tried and given up. Its id stays taken. Erasing again finishes an erasure that
// was interrupted.
func (p *Publisher) Erase(ctx context.Context, id, reason string) (news.Event, Outcome, error) {
	reason = strings.TrimSpace(news.Clean(reason))
	if reason == "" {
		return news.Event{}, "", news.Problemf(news.Unacceptable, "an erasure needs a reason, which readers will see; give one that does not repeat what is erased")
	}
	prev, err := p.current(ctx, id, 0)
	if news.CodeOf(err) == news.NotFound && news.ValidID(id) {
		return news.Event{}, Erased, p.eraseUnpublished(ctx, id)
	}
	if err != nil {
		return news.Event{}, "", err
	}
	e, outcome := prev.Event, Unchanged
	if !e.Release.Erased {
		next := prev.Event.Release
		next.Reason, next.Erased = reason, true
		outcome = Erased
		if e, err = p.append(ctx, prev, &prev.Event.Release, next, news.KindWithdrawn, false); err != nil {
			return e, "", err
		}
	}
	p.notDue(ctx, id)
	if err := p.cfg.Wire.Rewrite(ctx, id, bare); err != nil {
		return e, "", err
	}
	if err := p.cfg.Wire.Erase(ctx, id); err != nil {
		return e, "", err
	}
	p.cfg.Log.Info().Str("release_id", id).Msg("erased")
	return e, outcome, nil
}

// eraseUnpublished removes what the desk and the trail keep of a release that
// was never public. It needs no tombstone: nobody has seen it.
func (p *Publisher) eraseUnpublished(ctx context.Context, id string) error {
	w, err := p.waiting(ctx, id)
	if err != nil {
		return err
	}
	notes, err := p.cfg.Wire.Notes(ctx, id)
	if err != nil {
		return err
	}
	if w.Seq == 0 && len(notes) == 0 {
		return news.Problemf(news.NotFound, "there is no release %s, and nothing is kept of one; dateline list and dateline desk show which there are", id)
	}
	if _, err := p.note(ctx, id, Entry{What: "erased"}); err != nil {
		return err
	}
	if err := p.cfg.Wire.EraseUnpublished(ctx, id, p.cfg.Now()); err != nil {
		return deskConflict(id, err)
	}
	if err := p.cfg.Wire.Rewrite(ctx, id, bare); err != nil {
		return err
	}
	p.cfg.Log.Info().Str("release_id", id).Msg("erased")
	return nil
}

// bare is an entry of the trail without any word of the release: who did what
// and when stays.
func bare(b []byte) []byte {
	var e Entry
	if json.Unmarshal(b, &e) != nil {
		return nil
	}
	if e.What != "erased" {
		e.Changes, e.Why, e.Refused, e.Hash = nil, "", "", ""
		for _, s := range []*State{e.Before, e.After} {
			if s != nil {
				s.Title = ""
			}
		}
	}
	out, err := json.Marshal(e)
	if err != nil {
		return nil
	}
	return out
}

// EraseAgain erases what a restore of an older state has brought back. It belongs
// before [Publisher.Run] and before anything is read of the log, because the
// words are there until it returns.
func (p *Publisher) EraseAgain(ctx context.Context) error {
	ctx = As(ctx, eraser)
	for _, id := range p.cfg.Wire.ToErase() {
		_, _, err := p.Erase(ctx, id, "Erased before; a restore had brought it back.")
		if err != nil && news.CodeOf(err) != news.NotFound {
			return err
		}
	}
	return nil
}

func (p *Publisher) deleteRelease(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err == nil {
		err = access.Need(r.Context(), access.Admin)
	}
	if err != nil {
		return err
	}
	e, outcome, err := p.Erase(r.Context(), r.PathValue("id"), q.Get("reason"))
	if err != nil {
		return err
	}
	if e.Release.Revision == 0 { // it was never public
		w.Header().Set(HeaderOutcome, string(outcome))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return p.answer(w, outcome, e, nil)
}

// getErasures lists what was erased: what a restore of a backup must erase again.
func (p *Publisher) getErasures(w http.ResponseWriter, r *http.Request) error {
	_, err := query(r)
	if err == nil {
		err = access.Need(r.Context(), access.Admin)
	}
	if err != nil {
		return err
	}
	list, err := p.cfg.Wire.Erasures(r.Context())
	if err != nil {
		return err
	}
	if list == nil {
		list = []wire.Erasure{}
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", map[string]any{"erasures": list})
	return nil
}
