package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// KeyFile is the name of the admin key's file in the data folder.
const KeyFile = "admin.key"

// minKey is the shortest key that is accepted from outside, in characters.
const minKey = 16

// Keys knows which keys are good.
type Keys struct{ admin [sha256.Size]byte }

// New makes Keys with the given admin key, which has at least 16 characters.
func New(admin string) (*Keys, error) {
	admin = strings.TrimSpace(admin)
	if len(admin) < minKey {
		return nil, fmt.Errorf("the admin key has %d characters, it needs at least %d; leave it out and one is made", len(admin), minKey)
	}
	return &Keys{sha256.Sum256([]byte(admin))}, nil
}

// Load reads the admin key from the data folder and makes one when there is
// none. It returns the file's path and whether it was made now.
func Load(dir string) (k *Keys, path string, made bool, err error) {
	path = filepath.Join(dir, KeyFile)
	key, err := Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		key, made = "dl_"+rand.Text(), true
		err = os.WriteFile(path, []byte(key+"\n"), 0o600)
	}
	if err != nil {
		return nil, path, false, fmt.Errorf("the admin key: %w; make the data folder writable or choose another with --data", err)
	}
	k, err = New(key)
	if err != nil {
		return nil, path, false, fmt.Errorf("%s: %w; remove the file and start again", path, err)
	}
	return k, path, made, nil
}

// Read returns the admin key that lies in the data folder.
func Read(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, KeyFile)) //nolint:gosec // the operator names the folder
	return strings.TrimSpace(string(b)), err
}

// Require lets only requests with the header "Authorization: Bearer <key>"
// through (RFC 6750 section 2.1). Without a key the answer is 401, with a wrong one too.
func (k *Keys) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || key == "" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="dateline"`)
			Answer(w, http.StatusUnauthorized, "no key", "send the header Authorization: Bearer KEY; the first start wrote the key into the data folder", nil)
			return
		}
		sum := sha256.Sum256([]byte(strings.TrimSpace(key)))
		if subtle.ConstantTimeCompare(sum[:], k.admin[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="dateline", error="invalid_token"`)
			Answer(w, http.StatusUnauthorized, "wrong key", "this server does not know the key; use the one in its data folder", nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}
