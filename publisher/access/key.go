package access

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyFile is the name of the admin key's file in the data folder.
const KeyFile = "admin.key"

// minKey is the shortest key that is accepted from outside, in characters.
const minKey = 16

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
	return &Keys{admin: sha256.Sum256([]byte(admin))}, nil
}

// Load reads the admin key from the data folder and makes one, and the folder,
// when there is none. It returns the file's path and whether it was made now.
func Load(dir string) (k *Keys, path string, made bool, err error) {
	path = filepath.Join(dir, KeyFile)
	key, err := Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		key, made = newKey(), true
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

// newKey is a key with 130 random bits.
func newKey() string { return "dl_" + rand.Text() }

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
