package catalogue

import (
	"cmp"
	"hash/fnv"
	"math/bits"
	"slices"
	"strings"
	"unicode"

	"dateline/publisher/news"
)

// fingerprint tells texts that say nearly the same from others: a similarity
// hash over runs of words, of which near-duplicates share most bits (Charikar,
// "Similarity estimation techniques from rounding algorithms", 2002).
type fingerprint struct {
	bits  uint64
	words int // of the text; few words have no meaningful bits
	title uint64
}

const (
	run      = 3  // words in a run
	minWords = 20 // below it only titles are compared
	// nearBits of 64 differ at most in near-duplicates. Of texts with 200 words of
	// which three were changed, nine in ten are found; two texts that have nothing
	// in common pass once in twenty million times.
	nearBits  = 11
	nearLimit = 3 // so many are named
)

func printOf(r *news.Release) fingerprint {
	words := wordsOf(r.Text)
	p := fingerprint{words: len(words), title: hash(strings.Join(wordsOf(r.Title), " "))}
	var sums [64]int
	for i := 0; i+run <= len(words); i++ {
		h := hash(strings.Join(words[i:i+run], " "))
		for b := range sums {
			sums[b] += int(h>>b&1)*2 - 1
		}
	}
	for b, n := range sums {
		if n > 0 {
			p.bits |= 1 << b
		}
	}
	return p
}

// wordsOf are the words of a text in any script, in lower case, with the marks
// that some scripts write vowels with.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.In(c, unicode.Letter, unicode.Digit, unicode.Mark) })
}

func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	x := h.Sum64() // FNV alone leaves the high bits of short words alike
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// Near are up to three public releases in the same language that say nearly the
// same as r, the most alike first: nearly the same text, or the same title on
// nearly the same day. Routine series, which repeat their words every day, are
// compared by text and day together.
func (c *Catalogue) Near(r *news.Release) []Entry {
	p := printOf(r)
	c.mu.RLock()
	defer c.mu.RUnlock()
	type found struct {
		*Entry
		differ int
	}
	var near []found
	for _, e := range c.byID {
		if e.ID == r.ID || e.Status != news.Published || e.Language != r.Language {
			continue
		}
		if d, ok := p.near(e.print); ok || p.title == e.print.title && sameDays(e, r) {
			if c.taxonomy.IsRoutine(r.Type) && (!ok || !sameDays(e, r)) {
				continue
			}
			near = append(near, found{e, d})
		}
	}
	slices.SortFunc(near, func(a, b found) int { return cmp.Or(a.differ-b.differ, order(b.Entry, a.Entry)) })
	var out []Entry
	for _, f := range near[:min(nearLimit, len(near))] {
		out = append(out, *f.Entry)
	}
	return out
}

// near counts the bits in which two texts differ.
func (p fingerprint) near(q fingerprint) (differ int, ok bool) {
	differ = bits.OnesCount64(p.bits ^ q.bits)
	return differ, p.words >= minWords && q.words >= minWords && differ <= nearBits
}

// sameDays: at most three days apart.
func sameDays(e *Entry, r *news.Release) bool {
	d := e.Published.Sub(r.PublishedAt).Hours()
	return d > -72 && d < 72
}
