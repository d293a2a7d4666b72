package access_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dateline/publisher/access"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /a", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("yes")) })
	h := access.Routes(mux)
	for _, c := range []struct {
		method, path string
		status       int
		allow, says  string
	}{
		{"GET", "/a", 200, "", "yes"},
		{"HEAD", "/a", 200, "", ""},
		{"DELETE", "/a", 405, "GET, HEAD", "DELETE is not possible here"},
		{"GET", "/b", 404, "", "there is nothing at /b"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || w.Header().Get("Allow") != c.allow || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d, Allow %q, %s", c.method, c.path, w.Code, w.Header().Get("Allow"), w.Body)
		}
		if c.status >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %s", c.method, c.path, w.Header().Get("Content-Type"))
		}
	}
}
