package subscribers

import (
	"context"
	"net/http"
	"slices"

	"dateline/publisher/access"
	"dateline/publisher/news"
)

// MaxBody is the largest body the API of subscriptions takes, in bytes.
const MaxBody = 64 << 10

// HeaderOutcome tells what subscribing did: created, unchanged or resumed.
const HeaderOutcome = "Dateline-Outcome"

const path = "/api/v1/subscriptions"

// Handler serves the API of subscriptions:
//
//	POST   /api/v1/subscriptions        a Wish; 201 for a new subscription, 200 for one that was there
//	GET    /api/v1/subscriptions        {"subscriptions": […]}, oldest first
//	GET    /api/v1/subscriptions/{id}
//	DELETE /api/v1/subscriptions/{id}   204
//
// Whoever mounts it sees to the keys. It answers once [Subscribers.Run] has
// loaded the subscriptions, and 503 before.
func (s *Subscribers) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, s.serve(s.post))
	mux.HandleFunc("GET "+path, s.serve(s.list))
	mux.HandleFunc("GET "+path+"/{id}", s.serve(s.one))
	mux.HandleFunc("DELETE "+path+"/{id}", s.serve(s.remove))
	return access.Routes(mux)
}

func (s *Subscribers) serve(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		w.Header().Set("Cache-Control", "no-store")
		_, err := access.Query(r)
		if err == nil {
			err = h(w, r)
		}
		if err == nil {
			return
		}
		if status := access.Refuse(w, err); status >= http.StatusInternalServerError {
			s.cfg.Log.Error().Err(err).Str("method", r.Method).Str("path", r.URL.Path).Msg("request failed")
		}
	}
}

func (s *Subscribers) post(w http.ResponseWriter, r *http.Request) error {
	var wish Wish
	if err := access.Body(r, &wish, `the body is not a subscription like {"channel":"mail","address":"name@example.org","selection":{"fields":["policing"]}}`); err != nil {
		return err
	}
	made, outcome, err := s.Subscribe(r.Context(), wish)
	if err != nil {
		return err
	}
	if err := s.caughtUp(r.Context()); err != nil {
		s.cfg.Log.Warn().Err(err).Str("subscription_id", made.ID).Msg("a new subscription is stored but not yet in memory")
	}
	status := http.StatusOK
	w.Header().Set(HeaderOutcome, string(outcome))
	if outcome == Created {
		status = http.StatusCreated
		w.Header().Set("Location", s.cfg.BaseURL+path+"/"+made.ID)
	}
	access.JSON(w, status, "application/json", made)
	return nil
}

// caughtUp waits, within bounds, for the memory to hold everything stored.
func (s *Subscribers) caughtUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	if err := s.current(ctx); err != nil {
		return news.Problemf(news.Unavailable, "the subscriptions are still being loaded; try again in a moment")
	}
	return nil
}

func (s *Subscribers) list(w http.ResponseWriter, r *http.Request) error {
	if err := s.caughtUp(r.Context()); err != nil {
		return err
	}
	out := s.Subscriptions()
	access.JSON(w, http.StatusOK, "application/json", map[string]any{"subscriptions": out})
	return nil
}

// Subscriptions lists all subscriptions, the oldest first.
func (s *Subscribers) Subscriptions() []Subscription {
	out := []Subscription{}
	for _, r := range s.register.all() {
		for i := range r.Wishes {
			out = append(out, s.shown(r, &r.Wishes[i]))
		}
	}
	slices.SortStableFunc(out, func(a, b Subscription) int { return a.Created.Compare(b.Created) })
	return out
}

func (s *Subscribers) one(w http.ResponseWriter, r *http.Request) error {
	if err := s.caughtUp(r.Context()); err != nil {
		return err
	}
	id := r.PathValue("id")
	if owner := s.register.owner(id); owner != nil {
		for i := range owner.Wishes {
			if f := &owner.Wishes[i]; f.ID == id {
				access.JSON(w, http.StatusOK, "application/json", s.shown(owner, f))
				return nil
			}
		}
	}
	return noSuch(id)
}

func (s *Subscribers) remove(w http.ResponseWriter, r *http.Request) error {
	if err := s.caughtUp(r.Context()); err != nil {
		return err
	}
	if err := s.Unsubscribe(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	if err := s.caughtUp(r.Context()); err != nil {
		s.cfg.Log.Warn().Err(err).Msg("a removed subscription is still in memory")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
