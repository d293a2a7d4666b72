package feeds

import (
	"encoding/binary"

	"dateline/feeds/index"
	"dateline/feeds/render"
)

// groupSize is how many items stand in a group on average.
const groupSize = 6

// opens reports whether a release begins a group. The end of its id alone
// decides, so that the same neighbours are in one group wherever and whenever they
// stand beside each other.
func opens(e *index.Entry) bool {
	end := e.ID[len(e.ID)-2:]
	return (digit(end[0])*16+digit(end[1]))%groupSize == 0
}

// digit is the value of a hexadecimal one, in lower case as ids have them.
func digit(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 10
	}
	return int(c - '0')
}

// groups are the blocks of a document's items, for the compressed codings. From
// one release that opens a group to the next, items are compressed together,
// which makes them smaller. Those before the first and after the last stand
// alone: their groups would be other ones with every release that comes or goes.
func (f *Feeds) groups(format render.Format, c coding, entries []*index.Entry, items []*block) ([]*block, error) {
	out := make([]*block, 0, len(items))
	start := -1
	for i, e := range entries {
		if opens(e) {
			if start >= 0 {
				g, err := f.group(format, c, entries[start:i], items[start:i])
				if err != nil {
					return nil, err
				}
				out = append(out, g)
			}
			start = i
		}
		if start < 0 {
			out = append(out, items[i])
		}
	}
	if start >= 0 {
		out = append(out, items[start:]...)
	}
	return out, nil
}

// group compresses items together, or finds them compressed.
func (f *Feeds) group(format render.Format, c coding, entries []*index.Entry, items []*block) (*block, error) {
	if len(items) == 1 {
		return items[0], nil
	}
	key := make([]byte, 0, 16+9*len(entries))
	key = append(append(key, format...), c...)
	for _, e := range entries {
		key = append(binary.BigEndian.AppendUint64(key, e.Seq), byte(len(e.Kin)))
	}
	if g, ok := f.together.get(string(key)); ok {
		return g, nil
	}
	var plain []byte
	for i, item := range items {
		if i > 0 {
			plain = append(plain, format.Separator()...)
		}
		plain = append(plain, item.plain...)
	}
	g, err := f.compressFor(c, plain)
	if err != nil {
		return nil, err
	}
	f.together.put(string(key), g, len(g.deflated)+len(g.framed))
	return g, nil
}

// compressFor makes a block for one coding alone.
func (f *Feeds) compressFor(c coding, plain []byte) (*block, error) {
	if c == gzipped {
		b, err := f.compress(plain)
		if err == nil {
			b.plain = nil
		}
		return b, err
	}
	b := &block{plain: plain, length: len(plain)}
	err := f.frame([]*block{b})
	b.plain = nil
	return b, err
}
