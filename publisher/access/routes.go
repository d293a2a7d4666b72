package access

import (
	"fmt"
	"net/http"
)

// Routes serves mux, and answers what none of its routes takes, an unknown path
// or another method, with a problem (RFC 9457) instead of the library's bare
// text. A wrong method gets 405 with Allow (RFC 9110 section 15.5.6).
func Routes(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		bare := &statusOnly{header: http.Header{}}
		h.ServeHTTP(bare, r)
		if bare.status != http.StatusMethodNotAllowed {
			Answer(w, http.StatusNotFound, "not found", fmt.Sprintf("there is nothing at %s in this API", r.URL.Path), nil)
			return
		}
		w.Header().Set("Allow", bare.header.Get("Allow"))
		Answer(w, bare.status, "not with this method", fmt.Sprintf("%s is not possible here; use %s", r.Method, bare.header.Get("Allow")), nil)
	})
}

// statusOnly keeps what an answer would be and drops its text.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
