package read

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"dateline/publisher/news"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// phraseKind says what a phrase of the index is. The order decides between
// equal phrases: "Luxembourg" is first of all a country.
type phraseKind int

const (
	phraseName phraseKind = iota
	phraseFormer
	phraseRegion  // a part of a country
	phraseTerm    // a process or body that stands for countries
	phraseGroup   // a region of several countries
	phraseDemonym // "Austrian"
	phraseCity
	phraseTown // a city that only the gazetteer has
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
	byStem map[string]phrase            // Cyrillic names without their endings
	starts map[string]int               // first word, folded or stemmed, to the words of the longest that opens with it
	local  map[string]map[string]phrase // names of countries by language and folded words
	towns  gazetteer
	large  map[string]bool // countries of which small towns are found too
}

func newPhrases(t *news.Taxonomy, towns gazetteer) phrases {
	p := phrases{byKey: map[string]phrase{}, byStem: map[string]phrase{}, starts: map[string]int{}, local: map[string]map[string]phrase{}, towns: towns, large: map[string]bool{}}
	for _, c := range t.Topics(news.KindCountry) {
		one := []string{c.Slug}
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			p.add(name, phrase{kind: phraseName, countries: one})
		}
		for _, d := range c.Demonyms {
			p.add(d, phrase{kind: phraseDemonym, countries: one})
		}
		for _, city := range c.Capital {
			p.addCity(t, city, false)
		}
	}
	for _, f := range t.FormerStates() {
		ph := phrase{kind: phraseFormer, countries: t.Successors(f)}
		if len(f) <= maxAcronym {
			ph.exact = strings.ToUpper(f)
		}
		p.add(f, ph)
	}
	for _, term := range t.CountryTerms() {
		kind := phraseTerm
		countries, group := t.CountriesOf(term)
		if group {
			kind = phraseGroup
		}
		for _, name := range append([]string{term.Name}, term.Aliases...) {
			p.add(name, phrase{kind: kind, countries: countries})
		}
	}
	for _, g := range t.Regions() {
		p.add(g.Name, phrase{kind: phraseRegion, countries: []string{g.Country}})
	}
	for _, g := range t.Places() {
		for _, name := range append([]string{g.Name}, g.Aliases...) {
			p.addCity(t, name, utf8.RuneCountInString(name) <= 5)
		}
	}
	for _, s := range t.Topics(news.KindSource) {
		p.large[s.Host] = s.Host != ""
	}
	p.addLocal(t)
	return p
}

// addLocal adds the names of countries in the taxonomy's languages, from the
// Unicode Common Locale Data Repository. They count in releases of that
// language only: Iceland is "Island" in German.
func (p *phrases) addLocal(t *news.Taxonomy) {
	for _, lang := range t.Topics(news.KindLanguage) {
		tag, err := language.Parse(lang.Slug)
		if err != nil || lang.Slug == "en" {
			continue
		}
		names := display.Regions(tag)
		if names == nil {
			continue
		}
		p.local[lang.Slug] = map[string]phrase{}
		for _, c := range t.Topics(news.KindCountry) {
			region, err := language.ParseRegion(c.Code)
			if err != nil {
				continue
			}
			words := wordsOf(names.Name(region))
			if len(words) == 0 || words[0].fold() == "" {
				continue
			}
			ph := phrase{kind: phraseName, countries: []string{c.Slug}}
			p.local[lang.Slug][joinWords(words, word.fold)] = ph
			p.starts[words[0].fold()] = max(p.starts[words[0].fold()], len(words))
		}
	}
}

func (p *phrases) addCity(t *news.Taxonomy, name string, doubtful bool) {
	p.add(name, phrase{kind: phraseCity, countries: t.PlaceCountries(name), seat: t.IsSeat(name), doubtful: doubtful})
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
	for _, first := range []string{words[0].fold(), words[0].stem()} {
		p.starts[first] = max(p.starts[first], len(words))
	}
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

// find returns the phrases in a text: the longest at each place, without
// overlap. Its time grows with the text alone: few words open a phrase, and
// the longest has some ten words. lang is the text's language; it may be "".
func (p *phrases) find(words []word, text, lang string) []mention {
	var out []mention
	for i := 0; i < len(words); {
		n := 1
		if words[i].upper || unicode.IsDigit(rune(text[words[i].start])) {
			if ph, length := p.at(words, i, text, lang); length > 0 {
				run := words[i : i+length]
				joined := len(out) > 0 && out[len(out)-1].to == i && text[words[i-1].end:run[0].start] == " "
				out = append(out, mention{ph, text[run[0].start:run[length-1].end], i, i + length, joined})
				n = length
			}
		}
		i += n
	}
	return out
}

// at is the longest phrase that begins with word i, and its length in words.
func (p *phrases) at(words []word, i int, text, lang string) (phrase, int) {
	longest := max(1, p.starts[words[i].fold()])
	if words[i].cyrillic {
		longest = max(longest, p.starts[words[i].stem()])
	}
	for length := min(longest, len(words)-i); length > 0; length-- {
		if ph, ok := p.lookup(words[i:i+length], words[:i], lang); ok {
			return ph, length
		}
	}
	return p.town(words, i, text)
}

func (p *phrases) lookup(run, before []word, lang string) (phrase, bool) {
	first := run[0]
	ph, ok := p.byKey[joinWords(run, word.fold)]
	if !ok {
		ph, ok = p.local[lang][joinWords(run, word.fold)]
	}
	if !ok {
		ph, ok = p.inflected(run)
	}
	switch {
	case !ok:
		return phrase{}, false
	case !run[len(run)-1].upper && ph.kind != phraseTerm:
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
	if ph, ok := p.byKey[strings.TrimSuffix(key, "s")]; ok && (ph.kind == phraseDemonym || ph.kind == phraseTerm) {
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

// maxTownWords is how many words a town's name may have to be found in a text.
const maxTownWords = 3

// town finds a town of the gazetteer, only behind "in" or "near", because many
// are words or names of people too, only when one country is certain, and small
// ones only in countries where the organisation has or had a field operation.
func (p *phrases) town(words []word, i int, text string) (phrase, int) {
	if i == 0 || !slices.Contains([]string{"in", "near"}, words[i-1].text) {
		return phrase{}, 0
	}
	end := i + 1
	for end < len(words) && words[end].upper && end-i < maxTownWords+1 && strings.Trim(text[words[end-1].end:words[end].start], " -") == "" {
		end++
	}
	if end-i > maxTownWords {
		return phrase{}, 0
	}
	name := text[words[i].start:words[end-1].end]
	countries, namesakes := p.towns.find(name)
	if len(countries) != 1 || len(namesakes) > 0 || !p.large[countries[0]] && !p.towns.large(name) {
		return phrase{}, 0
	}
	return phrase{kind: phraseTown, countries: countries}, end - i
}

func afterPreposition(before []word) bool {
	return len(before) > 0 && slices.Contains([]string{"in", "from", "at", "near", "of", "to", "around"}, before[len(before)-1].text)
}

// word is a word of a title.
type word struct {
	text       string // without a genitive's 's
	folded     string // see fold
	start, end int    // in the text
	upper      bool   // begins with a capital
	cyrillic   bool
}

// letters is the word without the full stops of an abbreviation.
func (w word) letters() string { return strings.ReplaceAll(w.text, ".", "") }

// fold is the word in lower-case ASCII.
func (w word) fold() string { return w.folded }

func (w word) foldText() string {
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
		w := word{text: text[i:end], start: i, end: end, upper: unicode.IsUpper(first), cyrillic: unicode.Is(unicode.Cyrillic, first)}
		w.folded = w.foldText()
		out = append(out, w)
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
