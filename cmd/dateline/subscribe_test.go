package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answering is the address of a server that says body to everything.
func answering(t *testing.T, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestProgram_subscribe_secret(t *testing.T) {
	const kept = "secret stays the one"
	for _, tt := range []struct {
		name, body, out string
		kept            bool
	}{
		{"a new endpoint", `{"id": "a", "channel": "webhook", "secret": "whsec_abc"}`, "whsec_abc", false},
		{"an endpoint that was there", `{"id": "a", "channel": "webhook", "secret_kept": true}`, "webhook to", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, talk, code := runCommand(t, "subscribe", "webhook", "https://partner.example.org/hook", "--server", answering(t, tt.body), "--key", "0123456789abcdef")
			if code != exitOK || !strings.Contains(out, tt.out) || strings.Contains(talk, kept) != tt.kept {
				t.Errorf("exit code %d, %q, %q", code, out, talk)
			}
		})
	}
}

func TestProgram_subscriptions_failing(t *testing.T) {
	next := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	server := answering(t, `{"subscriptions": [
		{"id": "a", "channel": "webhook", "state": "active", "failing": "the endpoint answered 503", "next_try": "`+next.Format(time.RFC3339)+`"},
		{"id": "b", "channel": "webhook", "state": "active", "failing": "the endpoint answered 403"},
		{"id": "c", "channel": "webhook", "state": "disabled", "reason": "the endpoint answered 410, so it wants no more"},
		{"id": "d", "channel": "mail", "state": "active"}]}`)
	out, talk, code := runCommand(t, "subscriptions", "--server", server, "--key", "0123456789abcdef")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, talk)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, want := range []string{
		"reason", "failing   the endpoint answered 503; next try " + next.Local().Format("2006-01-02 15:04:05"),
		"failing   the endpoint answered 403", "disabled  the endpoint answered 410, so it wants no more", "active",
	} {
		if i >= len(lines) || !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %d does not end in %q:\n%s", i, want, out)
		}
	}
}
