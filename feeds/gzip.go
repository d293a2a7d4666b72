package feeds

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// level is fixed: another one gives other bytes under the same ETag.
const level = 6

// block is a piece of a document with its compressed form, which can be joined
// to others: complete DEFLATE blocks (RFC 1951) that look back at nothing before them.
type block struct {
	plain    []byte
	deflated []byte
	crc      uint32 // of plain
	shift    uint32 // what appending plain does to a crc before it; see combine
}

func (b *block) size() int { return len(b.plain) + len(b.deflated) }

// compressor makes blocks. It is not safe for concurrent use.
type compressor struct {
	out bytes.Buffer
	w   *flate.Writer
}

func newCompressor() (*compressor, error) {
	c := &compressor{}
	w, err := flate.NewWriter(&c.out, level)
	c.w = w
	return c, err
}

// block compresses a piece. The result depends on the piece alone.
func (c *compressor) block(plain []byte) (block, error) {
	c.out.Reset()
	c.w.Reset(&c.out)
	if _, err := c.w.Write(plain); err != nil {
		return block{}, fmt.Errorf("compress: %w", err)
	}
	if err := c.w.Flush(); err != nil { // ends on a byte, with history for nobody
		return block{}, fmt.Errorf("compress: %w", err)
	}
	return newBlock(plain, bytes.Clone(c.out.Bytes())), nil
}

func newBlock(plain, deflated []byte) block {
	return block{plain, deflated, crc32.ChecksumIEEE(plain), power(len(plain))}
}

// storedLimit is the most one stored DEFLATE block holds.
const storedLimit = 65535

// stored wraps a short piece that is not worth compressing (RFC 1951 section 3.2.4).
func stored(plain []byte) block {
	var deflated []byte
	for rest := plain; len(rest) > 0; {
		n := min(len(rest), storedLimit)
		deflated = append(deflated, 0)
		deflated = binary.LittleEndian.AppendUint16(deflated, uint16(n))
		deflated = binary.LittleEndian.AppendUint16(deflated, ^uint16(n))
		deflated = append(deflated, rest[:n]...)
		rest = rest[n:]
	}
	return newBlock(plain, deflated)
}

func plainLength(blocks []*block) int {
	n := 0
	for _, b := range blocks {
		n += len(b.plain)
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
		crc, length = combine(crc, b), length+len(b.plain)
	}
	out = append(out, gzipEnd...)
	out = binary.LittleEndian.AppendUint32(out, crc)
	return binary.LittleEndian.AppendUint32(out, uint32(length)) // modulo 2^32, as the format has it
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
