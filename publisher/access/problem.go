package access

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"dateline/publisher/news"
)

// problem is the body of a refusal (RFC 9457 section 3).
type problem struct {
	Type   string   `json:"type"`
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail,omitempty"`
	Errors []string `json:"errors,omitempty"`
}

var statuses = map[news.Code]struct {
	status int
	title  string
}{
	news.BadRequest:   {http.StatusBadRequest, "the request cannot be read"},
	news.Forbidden:    {http.StatusForbidden, "not with this key"},
	news.NotFound:     {http.StatusNotFound, "not found"},
	news.Gone:         {http.StatusGone, "gone"},
	news.Conflict:     {http.StatusConflict, "not possible"},
	news.Stale:        {http.StatusPreconditionFailed, "changed in the meantime"},
	news.NeedsMatch:   {http.StatusPreconditionRequired, "If-Match is missing"},
	news.TooLarge:     {http.StatusRequestEntityTooLarge, "too large"},
	news.Unsupported:  {http.StatusUnsupportedMediaType, "not a kind of document that is read here"},
	news.Unacceptable: {http.StatusUnprocessableEntity, "refused"},
	news.RateLimited:  {http.StatusTooManyRequests, "too many requests"},
	news.Unavailable:  {http.StatusServiceUnavailable, "the log is away"},
	news.DiskFull:     {http.StatusInsufficientStorage, "the store is full"},
}

// StatusGone is what Refuse returns when the client went away before the
// answer: nobody reads it, and nothing failed here.
const StatusGone = 499

// Refuse answers with the status and body that belong to err: those of a
// [news.Problem], 413 for a body beyond its limit, and 500 without details for
// everything else. It returns the status, so that the caller can log what is
// not the client's fault.
func Refuse(w http.ResponseWriter, err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = news.Problemf(news.TooLarge, "the body is larger than %d kB; shorten it", tooLarge.Limit>>10)
	}
	var p *news.Problem
	if !errors.As(err, &p) {
		if errors.Is(err, context.Canceled) {
			w.WriteHeader(StatusGone)
			return StatusGone
		}
		Answer(w, http.StatusInternalServerError, "something failed here", "the server's log says more", nil)
		return http.StatusInternalServerError
	}
	s, known := statuses[p.Code]
	if !known {
		s.status, s.title = http.StatusInternalServerError, "something failed here"
	}
	if p.Code == news.Unavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "5")
	}
	Answer(w, s.status, s.title, p.Detail, p.Items)
	return s.status
}

// Answer writes a problem (RFC 9457) of type about:blank.
func Answer(w http.ResponseWriter, status int, title, detail string, items []string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{"about:blank", title, status, detail, items}) // the client may be gone
}

// JSON answers with v as JSON.
func JSON(w http.ResponseWriter, status int, contentType string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		Refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
