package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dateline/publisher/access"
)

func TestClient_send(t *testing.T) {
	t.Run("waits for its turn and sends the same again", func(t *testing.T) {
		var bodies []string
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(b))
			if len(bodies) < 3 {
				w.Header().Set("Retry-After", "0")
				access.Answer(w, http.StatusTooManyRequests, "too many requests", "", nil)
			}
		}))
		defer srv.Close()
		c := &client{base: srv.URL, http: srv.Client()}
		res, err := c.send(t.Context(), http.MethodPost, "/", nil, []byte("body"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if got := strings.Join(bodies, " "); got != "body body body" {
			t.Errorf("the server got %q", got)
		}
	})
	for name, after := range map[string]string{"an hour is too long to wait": "3600", "without a time it is over": ""} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", after)
				access.Answer(w, http.StatusTooManyRequests, "too many requests", "", nil)
			}))
			defer srv.Close()
			c := &client{base: srv.URL, http: srv.Client()}
			if _, err := c.send(t.Context(), http.MethodGet, "/", nil, nil); err == nil || !strings.Contains(err.Error(), "too many requests") {
				t.Error(err)
			}
		})
	}
}
