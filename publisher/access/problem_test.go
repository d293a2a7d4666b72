package access_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"dateline/publisher/access"
	"dateline/publisher/news"
)

func TestRefuse_EveryCode(t *testing.T) {
	for code, status := range map[news.Code]int{
		news.BadRequest: 400, news.NotFound: 404, news.Conflict: 409, news.Stale: 412, news.TooLarge: 413, news.Unsupported: 415,
		news.Forbidden: 403, news.Unacceptable: 422, news.NeedsMatch: 428, news.RateLimited: 429, news.Unavailable: 503, news.DiskFull: 507, "no such code": 500,
	} {
		t.Run(string(code), func(t *testing.T) {
			rec := httptest.NewRecorder()
			inner := &news.Problem{Code: code, Detail: "what is wrong", Items: []string{"one", "two"}}
			if got := access.Refuse(rec, fmt.Errorf("SECRET: %w (%w)", inner, errors.New("SECRET cause"))); got != status || rec.Code != status {
				t.Errorf("status %d and %d, want %d", got, rec.Code, status)
			}
			if strings.Contains(rec.Body.String(), "SECRET") {
				t.Errorf("the cause is told: %s", rec.Body)
			}
			p := problemOf(t, rec.Result())
			if p.Detail != "what is wrong" || !slices.Equal(p.Errors, inner.Items) {
				t.Errorf("problem %+v", p)
			}
			if got := rec.Header().Get("Retry-After"); (got != "") != (code == news.Unavailable) {
				t.Errorf("Retry-After %q", got)
			}
		})
	}
}

func TestRefuse_Others(t *testing.T) {
	t.Run("an error without a code tells nothing", func(t *testing.T) {
		rec := httptest.NewRecorder()
		if got := access.Refuse(rec, errors.New("SECRET path /data")); got != http.StatusInternalServerError {
			t.Errorf("status %d", got)
		}
		if p := problemOf(t, rec.Result()); strings.Contains(p.Detail+p.Title, "SECRET") || p.Errors != nil {
			t.Errorf("problem %+v", p)
		}
	})
	t.Run("a body beyond the limit", func(t *testing.T) {
		rec := httptest.NewRecorder()
		_, err := io.ReadAll(http.MaxBytesReader(rec, io.NopCloser(strings.NewReader(strings.Repeat("x", 3000))), 2048))
		if got := access.Refuse(rec, fmt.Errorf("read: %w", err)); got != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", got)
		}
		if p := problemOf(t, rec.Result()); !strings.Contains(p.Detail, "larger than 2 kB") {
			t.Errorf("problem %+v", p)
		}
	})
	t.Run("the client went away", func(t *testing.T) {
		rec := httptest.NewRecorder()
		if got := access.Refuse(rec, fmt.Errorf("append: %w", context.Canceled)); got != access.StatusGone || rec.Body.Len() != 0 {
			t.Errorf("status %d, body %q", got, rec.Body)
		}
	})
}

func TestJSON(t *testing.T) {
	rec := httptest.NewRecorder()
	access.JSON(rec, http.StatusCreated, "application/json", map[string]int{"a": 1})
	if rec.Code != http.StatusCreated || rec.Body.String() != "{\"a\":1}\n" || rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	rec = httptest.NewRecorder()
	access.JSON(rec, http.StatusOK, "application/json", func() {})
	if rec.Code != http.StatusInternalServerError {
		t.Errorf("what is no JSON is answered by %d", rec.Code)
	}
}
