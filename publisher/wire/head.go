package wire

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go/jetstream"
)

// link is the position and hash of one message of the log. The zero link stands
// before the first message.
type link struct {
	seq  uint64
	hash [sha256.Size]byte
}

// chain returns the link of a message from its predecessor's hash: SHA-256 over
// that hash, the sequence (big endian), the subject, a zero byte and the data.
func chain(prev [sha256.Size]byte, seq uint64, subject string, data []byte) link {
	h := sha256.New()
	h.Write(prev[:])
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], seq)
	h.Write(n[:])
	io.WriteString(h, subject) //nolint:errcheck // a hash never fails
	h.Write([]byte{0})
	h.Write(data)
	l := link{seq: seq}
	h.Sum(l.hash[:0])
	return l
}

func (l link) String() string { return hex.EncodeToString(l.hash[:]) }

// headKeeper notes the last acknowledged link in a second place. Its methods
// are called one at a time.
type headKeeper interface {
	// load returns what was noted, false when nothing ever was, and [ErrBroken]
	// when what was noted cannot be read.
	load(ctx context.Context) (l link, known bool, err error)
	// save notes a link unless one that is as far on is noted. It comes after load.
	save(ctx context.Context, l link) error
	// reset notes a link whatever was noted before.
	reset(ctx context.Context, l link) error
	close() error
}

// slot is the size of one record of the head file. Two slots are written in
// turn, so that a torn write spoils the older one only.
const slot = 128

func makeSlot(l link) []byte {
	b := make([]byte, slot)
	binary.BigEndian.PutUint64(b, l.seq)
	copy(b[8:], l.hash[:])
	binary.BigEndian.PutUint32(b[slot-4:], crc32.ChecksumIEEE(b[:slot-4]))
	return b
}

func parseSlot(b []byte) (link, bool) {
	if len(b) != slot || crc32.ChecksumIEEE(b[:slot-4]) != binary.BigEndian.Uint32(b[slot-4:]) {
		return link{}, false
	}
	l := link{seq: binary.BigEndian.Uint64(b)}
	copy(l.hash[:], b[8:])
	return l, true
}

// headFile keeps the head in the data folder.
type headFile struct {
	path string
	f    *os.File // nil while there is none
	turn int64
	last link // the newest that is noted
}

func openHeadFile(path string) (*headFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &headFile{path: path}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the log's head: %w", plainPath(err))
	}
	return &headFile{path: path, f: f}, nil
}

// make makes the file when it is not there. A crash leaves it complete or absent.
func (h *headFile) make() (err error) {
	if h.f != nil {
		return nil
	}
	if err = makeHeadFile(h.path); err == nil {
		h.f, err = os.OpenFile(h.path, os.O_RDWR, 0)
	}
	return err
}

func makeHeadFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "head-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(makeSlot(link{}), makeSlot(link{})...))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func (h *headFile) load(context.Context) (link, bool, error) {
	if h.f == nil {
		return link{}, false, nil
	}
	buf := make([]byte, 2*slot)
	n, err := h.f.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return link{}, false, fmt.Errorf("read the log's head: %w", plainPath(err))
	}
	a, okA := parseSlot(buf[:min(n, slot)])
	b, okB := parseSlot(buf[min(n, slot):n])
	switch {
	case !okA && !okB:
		return link{}, true, fmt.Errorf("%w: its head in the file %s is unreadable", ErrBroken, h.path)
	case okA && (!okB || a.seq > b.seq):
		h.turn, h.last = 1, a
	default:
		h.turn, h.last = 0, b
	}
	return h.last, true, nil
}

func (h *headFile) save(_ context.Context, l link) error {
	if h.f != nil && l.seq <= h.last.seq {
		return nil
	}
	return h.write(l)
}

func (h *headFile) write(l link) error {
	err := h.make()
	if err == nil {
		_, err = h.f.WriteAt(makeSlot(l), h.turn*slot)
	}
	if err == nil {
		err = h.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the log's head: %w", plainPath(err))
	}
	h.turn, h.last = 1-h.turn, l
	return nil
}

func (h *headFile) reset(_ context.Context, l link) error {
	if err := h.write(l); err != nil {
		return err
	}
	return h.write(l)
}

func (h *headFile) close() error {
	if h.f == nil {
		return nil
	}
	return h.f.Close()
}

// headBucket keeps the head of an external server's log in a bucket of its own.
type headBucket struct {
	kv   jetstream.KeyValue
	rev  uint64 // of the newest value seen, 0 for none
	last link   // that value
}

const headKey = "wire"

func (h *headBucket) load(ctx context.Context) (link, bool, error) {
	e, err := h.kv.Get(ctx, headKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		h.rev, h.last = 0, link{}
		return link{}, false, nil
	}
	if err != nil {
		return link{}, false, translate("read the log's head", err)
	}
	l, ok := parseSlot(e.Value())
	h.rev, h.last = e.Revision(), l
	if !ok {
		return link{}, true, fmt.Errorf("%w: its head in the bucket %s is unreadable", ErrBroken, h.kv.Bucket())
	}
	return l, true, nil
}

// save moves the head forward only: several publishers write it, and the one
// that is behind gives way.
func (h *headBucket) save(ctx context.Context, l link) error {
	for h.rev == 0 || l.seq > h.last.seq {
		rev, err := h.kv.Update(ctx, headKey, makeSlot(l), h.rev) // 0 means that there is none
		if err == nil {
			h.rev, h.last = rev, l
			return nil
		}
		if !isWrongSequence(err) {
			return translate("write the log's head", err)
		}
		if _, _, err := h.load(ctx); err != nil && !errors.Is(err, ErrBroken) {
			return err
		}
	}
	return nil
}

func (h *headBucket) reset(ctx context.Context, l link) error {
	rev, err := h.kv.Put(ctx, headKey, makeSlot(l))
	if err != nil {
		return translate("write the log's head", err)
	}
	h.rev, h.last = rev, l
	return nil
}

func (h *headBucket) close() error { return nil }
