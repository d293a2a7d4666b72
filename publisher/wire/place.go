package wire

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// place is what is kept of an erased event: where it stood in the chain of
// hashes. It is written before the event is removed, so that whoever meets the
// hole finds it, and a hole without one is a loss.
type place struct {
	Release string  `json:"release"`
	Prev    hexHash `json:"prev"`
	Hash    hexHash `json:"hash"`
}

func (p place) link(seq uint64) link { return link{seq: seq, hash: p.Hash} }

// hexHash is a hash that is written in hexadecimal.
type hexHash [sha256.Size]byte

// MarshalText writes 64 digits.
func (h hexHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads 64 digits and refuses everything else.
func (h *hexHash) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("a hash has %d digits, not %d", hex.EncodedLen(len(h)), len(b))
	}
	_, err := hex.Decode(h[:], b)
	return err
}

// subjectErased is where the place of the erased event with a sequence lies.
const subjectErased = "erased."

// places remembers the places of erased events. They are never changed, so only
// what has come since the last look is read.
type places struct {
	mu   sync.Mutex
	at   map[uint64]place
	read uint64 // sequence in ERASED
}

// placeOf is the place of an erased event.
func (w *Wire) placeOf(ctx context.Context, seq uint64) (place, bool, error) {
	w.places.mu.Lock()
	defer w.places.mu.Unlock()
	p, ok := w.places.at[seq]
	if ok {
		return p, true, nil
	}
	err := w.readPlaces(ctx)
	p, ok = w.places.at[seq]
	return p, ok, err
}

// placesBetween are the sequences of the erased events between two others, in order.
func (w *Wire) placesBetween(ctx context.Context, after, before uint64) ([]uint64, error) {
	if after+1 >= before {
		return nil, nil
	}
	w.places.mu.Lock()
	defer w.places.mu.Unlock()
	if err := w.readPlaces(ctx); err != nil {
		return nil, err
	}
	var out []uint64
	if before-after-1 <= uint64(len(w.places.at)) {
		for seq := after + 1; seq < before; seq++ {
			if _, ok := w.places.at[seq]; ok {
				out = append(out, seq)
			}
		}
		return out, nil
	}
	for seq := range w.places.at {
		if seq > after && seq < before {
			out = append(out, seq)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (w *Wire) readPlaces(ctx context.Context) error {
	if w.places.at == nil {
		w.places.at = map[uint64]place{}
	}
	for {
		m, err := w.erased.GetMsg(ctx, w.places.read+1, jetstream.WithGetMsgSubject(subjectErased+"*"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return translate("look at the erased events", err)
		}
		seq, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, subjectErased), 10, 64)
		var p place
		if err == nil {
			err = json.Unmarshal(m.Data, &p)
		}
		if err != nil {
			return fmt.Errorf("%w: the place of an erased event, %s, cannot be read: %w", ErrBroken, m.Subject, err)
		}
		w.places.at[seq] = p
		w.places.read = m.Sequence
	}
}

// keepPlace notes the place of an event that is about to be erased.
func (w *Wire) keepPlace(ctx context.Context, seq uint64, p place) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = w.js.Publish(ctx, subjectErased+strconv.FormatUint(seq, 10), data, jetstream.WithExpectLastSequencePerSubject(0))
	if isWrongSequence(err) {
		return nil // it was noted before
	}
	return w.wrote("note the place of an erased event", err)
}

// passErased moves prev over the erased events before seq. Where the chain does
// not lead on to one of them, something is lost; when accept agrees to that, it
// goes on behind it, else prev stays where it is.
func (w *Wire) passErased(ctx context.Context, prev link, seq uint64, accept func(ctx context.Context, seq uint64) (bool, error)) (link, error) {
	between, err := w.placesBetween(ctx, prev.seq, seq)
	if err != nil {
		return prev, err
	}
	for _, at := range between {
		p, _, err := w.placeOf(ctx, at)
		if err != nil {
			return prev, err
		}
		if at != prev.seq+1 || p.Prev != prev.hash {
			if ok, err := accept(ctx, at); err != nil || !ok {
				return prev, err
			}
		}
		prev = p.link(at)
	}
	return prev, nil
}
