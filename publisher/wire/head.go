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
	"os"

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

// headKeeper notes the last acknowledged link in a second place.
type headKeeper interface {
	load(ctx context.Context) (l link, found bool, err error)
	save(ctx context.Context, l link) error
	close() error
}

// slot is the size of one record of the head file. Two slots are written in
// turn, so that a torn write spoils the older one only.
const slot = 128

// headFile keeps the head beside an embedded store.
type headFile struct {
	f    *os.File
	turn int64
}

func openHeadFile(path string) (*headFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log's head: %w", plainPath(err))
	}
	return &headFile{f: f}, nil
}

func (h *headFile) load(context.Context) (link, bool, error) {
	buf := make([]byte, 2*slot)
	n, err := h.f.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return link{}, false, fmt.Errorf("read the log's head: %w", plainPath(err))
	}
	var best link
	var found bool
	for i := range int64(2) {
		if int64(n) < (i+1)*slot {
			break
		}
		if l, ok := parseSlot(buf[i*slot : (i+1)*slot]); ok && (!found || l.seq > best.seq) {
			best, found, h.turn = l, true, 1-i
		}
	}
	if !found && n > 0 {
		return link{}, false, fmt.Errorf("%w: the file %s is unreadable; restore it from a backup, or start once with --accept-loss", ErrBroken, h.f.Name())
	}
	return best, found, nil
}

func parseSlot(b []byte) (link, bool) {
	body, sum := b[:slot-4], binary.BigEndian.Uint32(b[slot-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return link{}, false
	}
	l := link{seq: binary.BigEndian.Uint64(body)}
	copy(l.hash[:], body[8:])
	return l, true
}

func (h *headFile) save(_ context.Context, l link) error {
	b := make([]byte, slot)
	binary.BigEndian.PutUint64(b, l.seq)
	copy(b[8:], l.hash[:])
	binary.BigEndian.PutUint32(b[slot-4:], crc32.ChecksumIEEE(b[:slot-4]))
	if _, err := h.f.WriteAt(b, h.turn*slot); err != nil {
		return fmt.Errorf("write the log's head: %w", plainPath(err))
	}
	if err := h.f.Sync(); err != nil {
		return fmt.Errorf("write the log's head: %w", plainPath(err))
	}
	h.turn = 1 - h.turn
	return nil
}

func (h *headFile) close() error { return h.f.Close() }

// headBucket keeps the head of an external server's log in a bucket of its own.
type headBucket struct{ kv jetstream.KeyValue }

const headKey = "wire"

func (h headBucket) load(ctx context.Context) (link, bool, error) {
	e, err := h.kv.Get(ctx, headKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return link{}, false, nil
	}
	if err != nil {
		return link{}, false, translate("read the log's head", err)
	}
	l, ok := parseSlot(e.Value())
	if !ok {
		return link{}, false, fmt.Errorf("%w: its head in bucket %s is unreadable", ErrBroken, h.kv.Bucket())
	}
	return l, true, nil
}

// save moves the head forward only: several publishers write it, and the one
// that is behind gives way.
func (h headBucket) save(ctx context.Context, l link) error {
	b := make([]byte, slot)
	binary.BigEndian.PutUint64(b, l.seq)
	copy(b[8:], l.hash[:])
	binary.BigEndian.PutUint32(b[slot-4:], crc32.ChecksumIEEE(b[:slot-4]))
	for {
		var err error
		e, getErr := h.kv.Get(ctx, headKey)
		switch {
		case errors.Is(getErr, jetstream.ErrKeyNotFound):
			_, err = h.kv.Create(ctx, headKey, b)
		case getErr != nil:
			return translate("write the log's head", getErr)
		default:
			if old, ok := parseSlot(e.Value()); ok && old.seq >= l.seq {
				return nil
			}
			_, err = h.kv.Update(ctx, headKey, b, e.Revision())
		}
		if err == nil {
			return nil
		}
		if !isWrongSequence(err) && !errors.Is(err, jetstream.ErrKeyExists) {
			return translate("write the log's head", err)
		}
	}
}

func (h headBucket) close() error { return nil }
