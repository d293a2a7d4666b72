package feeds

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime/debug"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// The levels are fixed: others give other bytes under the same ETag.
const (
	gzipLevel = 6
	zstdLevel = zstd.SpeedDefault
)

// packingVersion is part of every ETag. Raise it with every change of how texts
// are parted and joined.
const packingVersion = 1

// packing is all that decides about compressed bytes beside the text: the levels
// here, and the versions of what compresses.
func packing() []any {
	out := []any{packingVersion, gzipLevel, zstdLevel, zstdWindow, brotliLevel, brotliWindow, groupSize}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/klauspost/compress" || m.Path == "github.com/andybalholm/brotli" {
				out = append(out, m.Version)
			}
		}
	}
	return out
}

// block is a piece of a document with its compressed forms, which can be joined
// to others: complete DEFLATE blocks (RFC 1951) that look back at nothing before
// them, and a Zstandard frame (RFC 8878).
type block struct {
	plain    []byte // nil where only a compressed form is kept
	deflated []byte // nil in what is for zstd alone
	length   int    // of the plain text
	crc      uint32 // of the plain text
	shift    uint32 // what appending the plain text does to a crc before it; see combine

	raw     bool // not worth compressing
	framing sync.Once
	framed  []byte // filled by frame
	failed  error
}

// size is what the block holds, or will.
func (b *block) size() int { return len(b.plain) + 2*len(b.deflated) }

// compressor makes blocks. It is not safe for concurrent use.
type compressor struct {
	out bytes.Buffer
	w   *flate.Writer
	z   *zstd.Encoder
}

func newCompressor() (*compressor, error) {
	c := &compressor{}
	var err error
	if c.w, err = flate.NewWriter(&c.out, gzipLevel); err != nil {
		return nil, err
	}
	c.z, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevel), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
	return c, err
}

// zstdWindow is how far back matches go, in bytes; all readers of the web take
// eight times as much (RFC 9659).
const zstdWindow = 1 << 20

// deflate compresses a piece for gzip. The result depends on the piece alone.
func (c *compressor) deflate(plain []byte) ([]byte, error) {
	c.out.Reset()
	c.w.Reset(&c.out)
	if _, err := c.w.Write(plain); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if err := c.w.Flush(); err != nil { // ends on a byte, with history for nobody
		return nil, fmt.Errorf("compress: %w", err)
	}
	return bytes.Clone(c.out.Bytes()), nil
}

// frame compresses a piece for zstd. The result depends on the piece alone.
func (c *compressor) frame(plain []byte) []byte { return c.z.EncodeAll(plain, nil) }

func newBlock(plain, deflated []byte) *block {
	return &block{plain: plain, deflated: deflated, length: len(plain), crc: crc32.ChecksumIEEE(plain), shift: power(len(plain))}
}

// storedLimit is the most one stored DEFLATE block holds.
const storedLimit = 65535

// stored wraps a short piece that is not worth compressing (RFC 1951 section 3.2.4).
func stored(plain []byte) *block {
	var deflated []byte
	for rest := plain; len(rest) > 0; {
		n := min(len(rest), storedLimit)
		deflated = append(deflated, 0)
		deflated = binary.LittleEndian.AppendUint16(deflated, uint16(n))
		deflated = binary.LittleEndian.AppendUint16(deflated, ^uint16(n))
		deflated = append(deflated, rest[:n]...)
		rest = rest[n:]
	}
	b := newBlock(plain, deflated)
	b.raw = true
	return b
}

// storedFrame is a Zstandard frame of raw blocks (RFC 8878 section 3.1.1) that
// says how long it is and has no checksum.
func storedFrame(plain []byte) []byte {
	if len(plain) == 0 {
		return nil
	}
	const singleSegment, eightBytes = 1 << 5, 3 << 6
	frame := binary.LittleEndian.AppendUint32(nil, 0xfd2fb528)
	frame = binary.LittleEndian.AppendUint64(append(frame, singleSegment|eightBytes), uint64(len(plain)))
	for rest := plain; len(rest) > 0; {
		n := min(len(rest), storedLimit)
		header := uint32(n) << 3 // of a raw block
		if n == len(rest) {
			header |= 1 // the last one
		}
		frame = append(frame, byte(header), byte(header>>8), byte(header>>16))
		frame, rest = append(frame, rest[:n]...), rest[n:]
	}
	return frame
}

func plainLength(blocks []*block) int {
	n := 0
	for _, b := range blocks {
		n += b.length
	}
	return n
}

func zippedLength(blocks []*block) int {
	n := len(gzipHead) + len(gzipEnd) + 8
	for _, b := range blocks {
		n += len(b.deflated)
	}
	return n
}

// joinPlain appends the blocks as they are.
func joinPlain(out []byte, blocks []*block) []byte {
	for _, b := range blocks {
		out = append(out, b.plain...)
	}
	return out
}

// joinZipped appends the blocks as a gzip stream (RFC 1952) without name and time.
func joinZipped(out []byte, blocks []*block) []byte {
	out = append(out, gzipHead...)
	crc, length := uint32(0), 0
	for _, b := range blocks {
		out = append(out, b.deflated...)
		crc, length = combine(crc, b), length+b.length
	}
	out = append(out, gzipEnd...)
	out = binary.LittleEndian.AppendUint32(out, crc)
	return binary.LittleEndian.AppendUint32(out, uint32(length)) // modulo 2^32, as the format has it
}

// zstdLength and joinZstd are for blocks that are framed.
func zstdLength(blocks []*block) int {
	n := 0
	for _, b := range blocks {
		n += len(b.framed)
	}
	return n
}

// joinZstd appends the blocks as frames, which decode to the joined plain texts
// (RFC 8878 section 3).
func joinZstd(out []byte, blocks []*block) []byte {
	for _, b := range blocks {
		out = append(out, b.framed...)
	}
	return out
}

const (
	gzipHead = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" // no flags, no time, unknown system
	gzipEnd  = "\x03\x00"                                 // a last, empty block
)

// combine is the crc of what crc was made of, followed by b.
func combine(crc uint32, b *block) uint32 { return multiply(b.shift, crc) ^ b.crc }

// multiply multiplies two polynomials modulo that of CRC-32, bits reversed.
func multiply(a, b uint32) uint32 {
	p := uint32(0)
	for m := uint32(1) << 31; ; m >>= 1 {
		if a&m != 0 {
			p ^= b
			if a&(m-1) == 0 {
				return p
			}
		}
		if m == 1 {
			return p
		}
		if b&1 != 0 {
			b = b>>1 ^ crc32.IEEE
		} else {
			b >>= 1
		}
	}
}

// power is x to the power of eight times n, by which n bytes shift a crc.
func power(n int) uint32 {
	p, square := uint32(1)<<31, uint32(1)<<23 // 1, and x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			p = multiply(square, p)
		}
		square = multiply(square, square)
	}
	return p
}
