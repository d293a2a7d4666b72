package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// mark is what is kept of a source. It holds no address: those may hold secrets.
type mark struct {
	Since    time.Time  `json:"since,omitzero"`     // the first pull that was answered
	Next     time.Time  `json:"next"`               // the source is not asked before
	Failures int        `json:"failures,omitempty"` // in a row
	ETag     string     `json:"etag,omitempty"`
	Modified string     `json:"last_modified,omitempty"`
	Final    string     `json:"final,omitempty"`  // hash of the address that gave the validators
	Body     string     `json:"body,omitempty"`   // hash of the body that was read last
	TTL      int        `json:"ttl,omitempty"`    // seconds, as the feed says
	Reread   *time.Time `json:"reread,omitempty"` // when to look again at entries that were refused

	revision uint64 // of the stored mark, against another process
}

var errClaimed = errors.New("another process is at this source")

// store keeps marks, and what was seen of the entries of each source.
type store struct{ kv jetstream.KeyValue }

// load reads the mark of a source; one that is not there, or cannot be read any
// more, is that of a new source.
func (s store) load(ctx context.Context, id string) (mark, error) {
	e, err := s.kv.Get(ctx, id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, storeAway(err)
	}
	var m mark
	if json.Unmarshal(e.Value(), &m) != nil {
		m = mark{}
	}
	m.revision = e.Revision()
	return m, nil
}

// save stores a mark in place of the one that was loaded or saved last, else it
// returns errClaimed.
func (s store) save(ctx context.Context, id string, m mark) (mark, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	rev, err := s.kv.Update(ctx, id, b, m.revision)
	if isConflict(err) {
		return m, errClaimed
	}
	if err != nil {
		return m, storeAway(err)
	}
	m.revision = rev
	return m, nil
}

// loadEntries reads what was seen of a source's entries.
func (s store) loadEntries(ctx context.Context, id string) (entryMarks, error) {
	e, err := s.kv.Get(ctx, id+".entries")
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return entryMarks{}, nil
	}
	if err != nil {
		return nil, storeAway(err)
	}
	return decodeEntries(e.Value()), nil
}

func (s store) saveEntries(ctx context.Context, id string, marks entryMarks) error {
	if _, err := s.kv.Put(ctx, id+".entries", marks.encode()); err != nil {
		return storeAway(err)
	}
	return nil
}

func isConflict(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

func storeAway(err error) error {
	return fmt.Errorf("%w: the list of sources does not answer: %w", errAway, err)
}

// entryKey and entrySum are the beginnings of hashes; two entries of one source
// that share a key would only be published less often than they change.
type (
	entryKey [8]byte
	entrySum [8]byte
)

// entryMark is what was seen of an entry.
type entryMark struct {
	sum   entrySum // of its content
	again bool     // it was refused for a reason that may pass
}

type entryMarks map[entryKey]entryMark

// entrySize is the length of one entry's mark: key, sum, flag.
const entrySize = 17

func (m entryMarks) encode() []byte {
	out := make([]byte, 0, len(m)*entrySize)
	for key, e := range m {
		flag := byte(0)
		if e.again {
			flag = 1
		}
		out = append(append(append(out, key[:]...), e.sum[:]...), flag)
	}
	return out
}

func decodeEntries(b []byte) entryMarks {
	m := make(entryMarks, len(b)/entrySize)
	for ; len(b) >= entrySize; b = b[entrySize:] {
		m[entryKey(b[:8])] = entryMark{sum: entrySum(b[8:16]), again: b[16] != 0}
	}
	return m
}
