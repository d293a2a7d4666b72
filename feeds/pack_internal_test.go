package feeds

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

// TestJoin shows that joined blocks are one gzip stream and one run of
// Zstandard frames of the joined plain texts, for any texts.
func TestJoin(t *testing.T) {
	c, err := newCompressor()
	if err != nil {
		t.Fatal(err)
	}
	unframed, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unframed.Close()
	rapid.Check(t, func(rt *rapid.T) {
		var blocks []*block
		var want []byte
		for range rapid.IntRange(0, 6).Draw(rt, "blocks") {
			text := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(rt, "text"), rapid.SampledFrom([]int{0, 1, 30, 2000}).Draw(rt, "times"))
			b := stored(text)
			b.framed = storedFrame(text)
			if rapid.Bool().Draw(rt, "compressed") {
				deflated, err := c.deflate(text)
				if err != nil {
					rt.Fatal(err)
				}
				b = newBlock(text, deflated)
				b.framed = c.frame(text)
				again, err := c.deflate(text)
				if err != nil || !bytes.Equal(again, b.deflated) || !bytes.Equal(c.frame(text), b.framed) {
					rt.Fatal("the same text is compressed in two ways", err)
				}
			}
			blocks, want = append(blocks, b), append(want, text...)
		}
		if !bytes.Equal(joinPlain(nil, blocks), want) {
			rt.Fatal("the plain text is not what went in")
		}
		zipped := joinZipped(nil, blocks)
		if len(zipped) != zippedLength(blocks) || len(want) != plainLength(blocks) {
			rt.Fatalf("%d and %d bytes were announced, %d and %d came", plainLength(blocks), zippedLength(blocks), len(want), len(zipped))
		}
		frames := joinZstd(nil, blocks)
		if len(frames) != zstdLength(blocks) {
			rt.Fatalf("%d bytes of frames were announced, %d came", zstdLength(blocks), len(frames))
		}
		if plain, err := unframed.DecodeAll(frames, nil); err != nil || !bytes.Equal(plain, want) {
			rt.Fatalf("the frames hold %d bytes, want %d: %v", len(plain), len(want), err)
		}
		r, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil {
			rt.Fatal(err)
		}
		got, err := io.ReadAll(r) // checks crc and length
		if err != nil || !bytes.Equal(got, want) {
			rt.Fatalf("unzipped %d bytes, want %d: %v", len(got), len(want), err)
		}
	})
}

// TestFeeds_brotli shows that a writer that was used before gives the bytes of a
// new one.
func TestFeeds_brotli(t *testing.T) {
	used := &Feeds{}
	rapid.Check(t, func(rt *rapid.T) {
		plain := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(rt, "text"), rapid.SampledFrom([]int{1, 30, 9000}).Draw(rt, "times"))
		a, b := &body{blocks: []*block{{plain: plain}}}, &body{blocks: []*block{{plain: plain}}}
		got, err := used.brotli(a)
		if err != nil {
			rt.Fatal(err)
		}
		want, err := (&Feeds{}).brotli(b)
		if err != nil || !bytes.Equal(got, want) {
			rt.Fatalf("%d bytes, want %d: %v", len(got), len(want), err)
		}
		if text, err := io.ReadAll(brotli.NewReader(bytes.NewReader(got))); err != nil || !bytes.Equal(text, plain) {
			rt.Fatalf("it decodes to %d bytes, want %d: %v", len(text), len(plain), err)
		}
	})
}
