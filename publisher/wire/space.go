package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// minSpace is what the store needs to start with: below it, even the streams'
// own files do not fit.
const minSpace = 64 << 20

// storeLimit gives the store its limit in bytes: asked, or four fifths of what
// is free together with what the store already holds. The store must meet its
// own limit before the disk is full, because a really full disk answers
// nothing at all (writes time out until a restart).
func storeLimit(dir string, asked int64) (int64, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("make the store: %w; make the data folder writable or choose another with --data", plainPath(err))
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("look at the space left for the store in %s: %w", dir, err)
	}
	used, err := sizeOf(dir)
	if err != nil {
		return 0, err
	}
	room := int64(st.Bavail)*int64(st.Bsize) + used //nolint:unconvert // the types differ between systems
	limit := room / 5 * 4
	if asked > 0 {
		if asked > room {
			return 0, fmt.Errorf("--max-store is %d MiB, but only %d MiB are free for %s; lower it or free space", asked>>20, room>>20, dir)
		}
		limit = asked
	}
	if limit < minSpace {
		return 0, fmt.Errorf("only %d MiB are left for the store in %s, it needs at least %d MiB; free space or choose another folder with --data", limit>>20, dir, int64(minSpace)>>20)
	}
	return limit, nil
}

func sizeOf(dir string) (int64, error) {
	var n int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return ignoreMissing(err)
	})
	return n, err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
