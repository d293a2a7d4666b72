package read

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"dateline/publisher/news"
)

// phraseKind says what a phrase of the index is. The order decides between
// equal phrases: "Luxembourg" is first of all a country.
type phraseKind int

const (
	phraseName phraseKind = iota
	phraseFormer
	phraseRegion
	phraseDemonym
	phraseCity
)

// phrase is a word or words that stand for countries.
type phrase struct {
	kind      phraseKind
	countries []string
	exact     string // of an acronym: how it must be written
	doubtful  bool   // a short town's name that may be an English word: "Bar", "Split"
	seat      bool
}

// phrases is the index of all of them by their folded words, parted by spaces.
type phrases struct {
	byKey  map[string]phrase
	byStem map[string]phrase // Cyrillic names without their endings
	most   int               // words of the longest
}

func newPhrases(t *news.Taxonomy) phrases {
	p := phrases{byKey: map[string]phrase{}, byStem: map[string]phrase{}}
	for _, c := range t.Topics(news.KindCountry) {
		one := []string{c.Slug}
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			p.add(name, phrase{kind: phraseName, countries: one})
		}
		for _, d := range c.Demonyms {
			p.add(d, phrase{kind: phraseDemonym, countries: one})
		}
		for _, city := range c.Capital {
			p.add(city, phrase{kind: phraseCity, countries: t.PlaceCountries(city), seat: t.IsSeat(city)})
		}
	}
	for _, f := range t.FormerStates() {
		ph := phrase{kind: phraseFormer, countries: t.Successors(f)}
		if len(f) <= maxAcronym {
			ph.exact = strings.ToUpper(f)
		}
		p.add(f, ph)
	}
	for _, g := range t.Regions() {
		p.add(g.Name, phrase{kind: phraseRegion, countries: []string{g.Country}})
	}
	for _, g := range t.Places() {
		short := utf8.RuneCountInString(g.Name) <= 5
		p.add(g.Name, phrase{kind: phraseCity, countries: t.PlaceCountries(g.Name), seat: t.IsSeat(g.Name), doubtful: short})
	}
	return p
}

func (p *phrases) add(name string, ph phrase) {
	words := wordsOf(name)
	if len(words) == 0 {
		return
	}
	if len(words) == 1 && isAcronym(words[0].letters()) {
		ph.exact = words[0].letters()
	}
	if key := joinWords(words, word.fold); better(p.byKey, key, ph) {
		p.byKey[key] = ph
	}
	if key := joinWords(words, word.stem); words[0].cyrillic && better(p.byStem, key, ph) {
		p.byStem[key] = ph
	}
	p.most = max(p.most, len(words))
}

func better(index map[string]phrase, key string, ph phrase) bool {
	old, ok := index[key]
	return !ok || ph.kind < old.kind
}

const maxAcronym = 3

// isAcronym: "US", "UK", "BiH" must be written as they are, because "us" is a word.
func isAcronym(s string) bool {
	capitals := 0
	for _, r := range s {
		if unicode.IsUpper(r) {
			capitals++
		}
	}
	return capitals >= 2 && utf8.RuneCountInString(s) <= maxAcronym
}

// mention is a phrase found in a text.
type mention struct {
	phrase
	words    string // as it stands
	from, to int    // first word and the one after the last
	joined   bool   // it follows another one with nothing but a space between: "Kosovo Serbs"
}

// find returns the phrases in a text: the longest at each place, without overlap.
func (p *phrases) find(words []word, text string) []mention {
	var out []mention
	for i := 0; i < len(words); {
		n := 1
		for length := min(p.most, len(words)-i); length > 0; length-- {
			ph, ok := p.lookup(words[i:i+length], words[:i])
			if ok {
				run := words[i : i+length]
				joined := len(out) > 0 && out[len(out)-1].to == i && text[words[i-1].end:run[0].start] == " "
				out = append(out, mention{ph, text[run[0].start:run[length-1].end], i, i + length, joined})
				n = length
				break
			}
		}
		i += n
	}
	return out
}

func (p *phrases) lookup(run, before []word) (phrase, bool) {
	first, last := run[0], run[len(run)-1]
	if !first.upper || !last.upper {
		return phrase{}, false
	}
	ph, ok := p.byKey[joinWords(run, word.fold)]
	if !ok {
		ph, ok = p.inflected(run)
	}
	switch {
	case !ok:
		return phrase{}, false
	case ph.exact != "" && ph.exact != first.letters():
		return phrase{}, false
	case ph.doubtful && len(run) == 1 && !afterPreposition(before):
		return phrase{}, false
	}
	return ph, true
}

// inflected finds "Austrians" and "Crimean", and Cyrillic words in other cases.
func (p *phrases) inflected(run []word) (phrase, bool) {
	key := joinWords(run, word.fold)
	if ph, ok := p.byKey[strings.TrimSuffix(key, "s")]; ok && ph.kind == phraseDemonym {
		return ph, true
	}
	if ph, ok := p.byKey[strings.TrimSuffix(key, "n")]; ok && ph.kind == phraseRegion {
		return ph, true
	}
	if last := run[len(run)-1]; !last.cyrillic {
		return phrase{}, false
	}
	stem := joinWords(run, word.stem)
	if ph, ok := p.byStem[stem]; ok {
		return ph, true
	}
	for _, key := range []string{stem, stem + "a"} { // a city, transliterated
		if ph, ok := p.byKey[key]; ok && ph.kind == phraseCity {
			return ph, true
		}
	}
	return phrase{}, false
}

func afterPreposition(before []word) bool {
	return len(before) > 0 && slices.Contains([]string{"in", "from", "at", "near", "of", "to", "around"}, before[len(before)-1].text)
}

// word is a word of a title.
type word struct {
	text       string // without a genitive's 's
	start, end int    // in the text
	upper      bool   // begins with a capital
	cyrillic   bool
}

// letters is the word without the full stops of an abbreviation.
func (w word) letters() string { return strings.ReplaceAll(w.text, ".", "") }

// fold is the word in lower-case ASCII.
func (w word) fold() string {
	for i := range len(w.text) {
		if w.text[i] >= utf8.RuneSelf || w.text[i] == '.' {
			return news.Slugify(w.letters())
		}
	}
	return strings.ToLower(w.text)
}

// stem is fold, of a Russian word without its case ending.
func (w word) stem() string {
	if !w.cyrillic {
		return w.fold()
	}
	lower := strings.ToLower(w.text)
	for _, ending := range []string{"ами", "ями", "ого", "его", "ому", "ему", "ая", "яя", "ое", "ее", "ой", "ей", "ую", "юю", "ом", "ем", "ым", "им", "ах", "ях", "ия", "ии", "ию", "а", "я", "у", "ю", "е", "и", "ы", "о", "й", "ь"} {
		if stem := strings.TrimSuffix(lower, ending); stem != lower && utf8.RuneCountInString(stem) >= 4 {
			return news.Slugify(stem)
		}
	}
	return news.Slugify(lower)
}

func joinWords(run []word, form func(word) string) string {
	if len(run) == 1 {
		return form(run[0])
	}
	var b strings.Builder
	for i, w := range run {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(form(w))
	}
	return b.String()
}

// wordsOf parts a text into words: letters and digits, with full stops between
// single letters as in "U.S.", and without a genitive ending.
func wordsOf(text string) []word {
	var out []word
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if !isWordRune(r) {
			i += n
			continue
		}
		end := i
		for end < len(text) {
			r, n := utf8.DecodeRuneInString(text[end:])
			if !isWordRune(r) && (r != '.' || !abbreviates(text[i:end])) {
				break
			}
			end += n
		}
		first, _ := utf8.DecodeRuneInString(text[i:])
		out = append(out, word{text: text[i:end], start: i, end: end, upper: unicode.IsUpper(first), cyrillic: unicode.Is(unicode.Cyrillic, first)})
		i = end
		for _, genitive := range []string{"'s", "’s"} {
			if strings.HasPrefix(text[i:], genitive) {
				i += len(genitive)
			}
		}
	}
	return out
}

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// abbreviates reports whether a full stop behind s belongs to it: "U", "U.S".
func abbreviates(s string) bool {
	i := strings.LastIndexByte(s, '.')
	r, n := utf8.DecodeRuneInString(s[i+1:])
	return n == len(s)-i-1 && unicode.IsUpper(r)
}
