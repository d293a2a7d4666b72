package feeds

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/andybalholm/brotli"
)

// body is what a document says, ready in every coding.
type body struct {
	blocks []*block
	// zipped and framed are the blocks that gzip and zstd are joined from, where
	// these are others: items that are compressed together.
	zipped, framed func() ([]*block, error)

	whole [len(allCodings)]whole
}

// whole is a body joined in one coding. It is put together in a borrowed buffer
// for the first who asks, and kept from the second on: most documents change
// before anybody asks twice.
type whole struct {
	asked  atomic.Bool
	kept   atomic.Pointer[[]byte]
	making sync.Mutex
}

// size is what keeping the body costs at most, beside the fragments.
func (b *body) size() int {
	n := 1 << 10 // itself
	for _, part := range b.blocks {
		n += part.size() + len(part.plain) // brotli may be as long
	}
	return n
}

// encoded is a body that is ready to be sent in a coding.
type encoded struct {
	coding coding
	length int
	whole  *whole
	join   func(out []byte) []byte
}

// encode makes a document ready for a coding.
func (f *Feeds) encode(d *document, c coding) (encoded, error) {
	e := encoded{coding: c, whole: d.in(c)}
	switch c {
	case gzipped:
		parts, err := d.parts(d.zipped)
		e.length, e.join = zippedLength(parts), func(out []byte) []byte { return joinZipped(out, parts) }
		return e, err
	case zstandard:
		parts, err := d.parts(d.framed)
		if err == nil {
			err = f.frame(parts)
		}
		e.length, e.join = zstdLength(parts), func(out []byte) []byte { return joinZstd(out, parts) }
		return e, err
	case brotlied:
		kept, err := f.brotli(&d.body)
		e.length = len(kept)
		return e, err
	}
	e.length, e.join = plainLength(d.blocks), func(out []byte) []byte { return joinPlain(out, d.blocks) }
	return e, nil
}

func (b *body) parts(others func() ([]*block, error)) ([]*block, error) {
	if others == nil {
		return b.blocks, nil
	}
	return others()
}

func (b *body) in(c coding) *whole { return &b.whole[slices.Index(allCodings[:], c)] }

// Fixed, too: others give other bytes under the same ETag. The window, two to
// the power of this, holds a document.
const (
	brotliLevel  = 5
	brotliWindow = 18
)

// brotli compresses the body as one, for the first who asks; the others wait.
func (f *Feeds) brotli(b *body) ([]byte, error) {
	w := b.in(brotlied)
	w.making.Lock()
	defer w.making.Unlock()
	if kept := w.kept.Load(); kept != nil {
		return *kept, nil
	}
	var out bytes.Buffer
	z, ok := f.brotlis.Get().(*brotli.Writer)
	if !ok {
		z = brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: brotliLevel, LGWin: brotliWindow})
	}
	defer f.brotlis.Put(z)
	z.Reset(&out)
	for _, part := range b.blocks {
		if _, err := z.Write(part.plain); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	made := out.Bytes()
	w.kept.Store(&made)
	return made, nil
}

// send writes a document with its length.
func (f *Feeds) send(w http.ResponseWriter, r *http.Request, status int, e encoded) {
	if e.coding != identity {
		w.Header().Set("Content-Encoding", string(e.coding))
	}
	w.Header().Set("Content-Length", strconv.Itoa(e.length))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	kept := e.whole.kept.Load()
	switch {
	case kept != nil:
	case e.whole.asked.Swap(true):
		joined := e.join(make([]byte, 0, e.length))
		kept = &joined
		e.whole.kept.Store(kept)
	default:
		kept, _ = f.buffers.Get().(*[]byte)
		if kept == nil {
			kept = new([]byte)
		}
		*kept = e.join((*kept)[:0])
		defer f.buffers.Put(kept)
	}
	_, _ = w.Write(*kept) // the client may be gone
}
