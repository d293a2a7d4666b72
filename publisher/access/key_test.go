package access_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dateline/publisher/access"
)

const good = "dl_ABCDEFGHIJKLMNOP"

func TestNew(t *testing.T) {
	for name, tc := range map[string]struct{ key, says string }{
		"good":            {good, ""},
		"white around it": {" \n" + good + "\n", ""},
		"16 characters":   {strings.Repeat("k", 16), ""},
		"15 characters":   {"SECRETSECRETSEC", "has 15 characters, it needs at least 16"},
		"empty":           {"", "has 0 characters"},
		"white only":      {strings.Repeat(" ", 20), "has 0 characters"},
		"white within":    {"SECRET SECRET SECRET", "white space"},
		"line within":     {"SECRETSECRET\nSECRET", "white space"},
		"beyond ASCII":    {"SECRETSECRETSECRÉT", "beyond ASCII"},
		"control":         {"SECRETSECRETSEC\x7fRET", "control"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := access.New(tc.key)
			if (err != nil) != (tc.says != "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Error("the error holds the key")
			}
		})
	}
}

func TestLoad(t *testing.T) {
	t.Run("makes a key and its folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "a", "b")
		_, path, made, err := access.Load(dir)
		if err != nil || !made || path != filepath.Join(dir, access.KeyFile) {
			t.Fatal(path, made, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		if info, err = os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("folder's mode %v, %v", info.Mode(), err)
		}
		first, err := access.Read(dir)
		if err != nil || len(first) < 26 || !strings.HasPrefix(first, "dl_") {
			t.Errorf("key of %d characters, %v", len(first), err)
		}
		k, _, made, err := access.Load(dir)
		if err != nil || made {
			t.Fatal("the second start made another key", err)
		}
		if got := ask(t, k, "Bearer "+first); got.StatusCode != http.StatusNoContent {
			t.Errorf("the key in the file is answered by %d", got.StatusCode)
		}
	})
	t.Run("every key is another", func(t *testing.T) {
		seen := map[string]bool{}
		for range 20 {
			dir := t.TempDir()
			if _, _, _, err := access.Load(dir); err != nil {
				t.Fatal(err)
			}
			key, err := access.Read(dir)
			if err != nil || seen[key] {
				t.Fatal("a key twice", err)
			}
			seen[key] = true
		}
	})
	t.Run("a spoilt file", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, access.KeyFile), []byte("SECRET\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, _, err := access.Load(dir)
		if err == nil || !strings.Contains(err.Error(), "remove the file and start again") || strings.Contains(err.Error(), "SECRET") {
			t.Error(err)
		}
	})
	t.Run("a folder that cannot be", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, _, err := access.Load(filepath.Join(file, "data"))
		if err == nil || !strings.Contains(err.Error(), "choose another with --data") {
			t.Error(err)
		}
	})
}

// ask sends a request with the given Authorization headers to a guarded handler.
func ask(t *testing.T, k *access.Keys, authorization ...string) *http.Response {
	t.Helper()
	h := k.Require(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/releases", nil)
	r.Header["Authorization"] = authorization
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

func TestKeys_Require(t *testing.T) {
	k, err := access.New(good)
	if err != nil {
		t.Fatal(err)
	}
	const absent, wrong = `Bearer realm="dateline"`, `Bearer realm="dateline", error="invalid_token"`
	for name, tc := range map[string]struct {
		headers   []string
		challenge string // "" when let through
	}{
		"right":                {[]string{"Bearer " + good}, ""},
		"scheme in lower case": {[]string{"bearer " + good}, ""},
		"several spaces":       {[]string{"BEARER   " + good + " "}, ""},
		"none":                 {nil, absent},
		"empty":                {[]string{""}, absent},
		"scheme only":          {[]string{"Bearer"}, absent},
		"scheme and white":     {[]string{"Bearer   "}, absent},
		"another scheme":       {[]string{"Basic " + good}, absent},
		"key without scheme":   {[]string{good}, absent},
		"no space":             {[]string{"Bearer" + good}, absent},
		"two headers":          {[]string{"Bearer " + good, "Bearer " + good}, absent},
		"wrong":                {[]string{"Bearer dl_ABCDEFGHIJKLMNOQ"}, wrong},
		"front part":           {[]string{"Bearer " + good[:len(good)-1]}, wrong},
		"longer":               {[]string{"Bearer " + good + "x"}, wrong},
		"in lower case":        {[]string{"Bearer " + strings.ToLower(good)}, wrong},
		"a list":               {[]string{"Bearer " + good + ", Bearer " + good}, wrong},
		"a megabyte":           {[]string{"Bearer " + strings.Repeat("x", 1<<20)}, wrong},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(t, k, tc.headers...)
			if tc.challenge == "" {
				if got.StatusCode != http.StatusNoContent {
					t.Errorf("status %d", got.StatusCode)
				}
				return
			}
			if got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") != tc.challenge {
				t.Errorf("status %d, challenge %q", got.StatusCode, got.Header.Get("WWW-Authenticate"))
			}
			p := problemOf(t, got)
			if p.Status != http.StatusUnauthorized || p.Detail == "" || strings.Contains(p.Detail, "dl_") {
				t.Errorf("problem %+v", p)
			}
		})
	}
}

type problem struct {
	Type, Title, Detail string
	Status              int
	Errors              []string
}

func problemOf(t *testing.T, r *http.Response) problem {
	t.Helper()
	defer r.Body.Close()
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("cache control %q", got)
	}
	var p problem
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if p.Type != "about:blank" || p.Title == "" || p.Status != r.StatusCode {
		t.Errorf("problem %+v for the status %d", p, r.StatusCode)
	}
	return p
}
