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

// New makes Keys with the given admin key, which has at least 16 characters,
// all of them visible ASCII, because it travels in a header. White space around
// it does not count.
func New(admin string) (*Keys, error) {
	admin = strings.TrimSpace(admin)
	if strings.ContainsFunc(admin, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the admin key holds white space, control characters or letters beyond ASCII; leave it out and one is made")
	}
	if len(admin) < minKey {
		return nil, fmt.Errorf("the admin key has %d characters, it needs at least %d; leave it out and one is made", len(admin), minKey)
	}
	return &Keys{sha256.Sum256([]byte(admin))}, nil
}

// Load reads the admin key from the data folder and makes one, and the folder,
// when there is none. It returns the file's path and whether it was made now.
func Load(dir string) (k *Keys, path string, made bool, err error) {
	path = filepath.Join(dir, KeyFile)
	key, err := Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		key, made = "dl_"+rand.Text(), true
		err = create(path, key+"\n")
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

// create writes a new file (mode 0600) that is on disk when it returns. A file
// that came there in the meantime stays and is an error.
func create(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// Read returns the admin key that lies in the data folder.
func Read(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, KeyFile))
	return strings.TrimSpace(string(b)), err
}

// Require lets only requests with one header "Authorization: Bearer <key>"
// through (RFC 6750 section 2.1). Without a key the answer is 401, with a wrong
// one too; both carry WWW-Authenticate (RFC 9110 section 11.6.1), and only the
// second an error code (RFC 6750 section 3).
func (k *Keys) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		key = strings.TrimSpace(key)
		if !strings.EqualFold(scheme, "Bearer") || key == "" || len(r.Header.Values("Authorization")) > 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="dateline"`)
			Answer(w, http.StatusUnauthorized, "no key", "send the header Authorization: Bearer KEY; the first start wrote the key into the data folder", nil)
			return
		}
		sum := sha256.Sum256([]byte(key))
		if subtle.ConstantTimeCompare(sum[:], k.admin[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="dateline", error="invalid_token"`)
			Answer(w, http.StatusUnauthorized, "wrong key", "this server does not know the key; use the one in its data folder", nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}
