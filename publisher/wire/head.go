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
	// load returns the zero link when nothing was noted yet, and [ErrBroken]
	// when what was noted cannot be read.
	load(ctx context.Context) (link, error)
	// save notes a link that is further on.
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

// headFile keeps the head beside an embedded store.
type headFile struct {
	f    *os.File
	turn int64
}

// openHeadFile opens the file, and makes it whole when it is not there: a crash
// leaves it complete or absent.
func openHeadFile(path string) (*headFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeHeadFile(path); err == nil {
			f, err = os.OpenFile(path, os.O_RDWR, 0)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the log's head: %w", plainPath(err))
	}
	return &headFile{f: f}, nil
}

func makeHeadFile(path string) error {
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
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (h *headFile) load(context.Context) (link, error) {
	buf := make([]byte, 2*slot)
	n, err := h.f.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return link{}, fmt.Errorf("read the log's head: %w", plainPath(err))
	}
	a, okA := parseSlot(buf[:min(n, slot)])
	b, okB := parseSlot(buf[min(n, slot):n])
	switch {
	case !okA && !okB:
		return link{}, fmt.Errorf("%w: its head in the file %s is unreadable", ErrBroken, h.f.Name())
	case okA && (!okB || a.seq > b.seq):
		h.turn = 1
		return a, nil
	default:
		h.turn = 0
		return b, nil
	}
}

func (h *headFile) save(_ context.Context, l link) error {
	_, err := h.f.WriteAt(makeSlot(l), h.turn*slot)
	if err == nil {
		err = h.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the log's head: %w", plainPath(err))
	}
	h.turn = 1 - h.turn
	return nil
}

func (h *headFile) reset(ctx context.Context, l link) error {
	if err := h.save(ctx, l); err != nil {
		return err
	}
	return h.save(ctx, l)
}

func (h *headFile) close() error { return h.f.Close() }

// headBucket keeps the head of an external server's log in a bucket of its own.
type headBucket struct {
	kv  jetstream.KeyValue
	rev uint64 // of the newest value seen, 0 for none
}

const headKey = "wire"

func (h *headBucket) load(ctx context.Context) (link, error) {
	e, err := h.kv.Get(ctx, headKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		h.rev = 0
		return link{}, nil
	}
	if err != nil {
		return link{}, translate("read the log's head", err)
	}
	h.rev = e.Revision()
	l, ok := parseSlot(e.Value())
	if !ok {
		return link{}, fmt.Errorf("%w: its head in the bucket %s is unreadable", ErrBroken, h.kv.Bucket())
	}
	return l, nil
}

// save moves the head forward only: several publishers write it, and the one
// that is behind gives way.
func (h *headBucket) save(ctx context.Context, l link) error {
	for {
		rev, err := h.kv.Update(ctx, headKey, makeSlot(l), h.rev) // 0 means that there is none
		if err == nil {
			h.rev = rev
			return nil
		}
		if !isWrongSequence(err) {
			return translate("write the log's head", err)
		}
		old, err := h.load(ctx)
		if err != nil && !errors.Is(err, ErrBroken) {
			return err
		}
		if err == nil && old.seq >= l.seq {
			return nil
		}
	}
}

func (h *headBucket) reset(ctx context.Context, l link) error {
	rev, err := h.kv.Put(ctx, headKey, makeSlot(l))
	if err != nil {
		return translate("write the log's head", err)
	}
	h.rev = rev
	return nil
}

func (h *headBucket) close() error { return nil }
