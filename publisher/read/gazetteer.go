package read

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dateline/publisher/news"
)

// gazetteerFile holds the towns of the built-in taxonomy's countries. It is made
// from GeoNames (https://www.geonames.org), licensed under Creative Commons
// Attribution 4.0, reduced and reformatted by gazetteer_make.go; its first lines
// say so too.
//
//go:embed gazetteer.tsv.gz
var gazetteerFile []byte

// town is a place of that name in one country.
type town struct {
	name    string // as it is written
	country string // slug
	people  int    // in thousands; 0 when unknown
	known   bool   // the taxonomy lists it: the organisation has to do with it
	first   bool   // a capital or the seat of a source, which is meant before all namesakes
}

// gazetteer is all towns by their folded names, the known ones first.
type gazetteer map[string][]town

// newGazetteer puts the taxonomy's own places together with the towns of its
// countries.
func newGazetteer(t *news.Taxonomy) gazetteer {
	g := gazetteer{}
	slugs := map[string]string{}
	for _, c := range t.Topics(news.KindCountry) {
		slugs[c.Code] = c.Slug
		for _, city := range c.Capital {
			g.add(town{name: city, country: c.Slug, known: true, first: true})
		}
	}
	for _, p := range slices.Concat(t.Places(), t.Regions()) {
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			g.add(town{name: name, country: p.Country, known: true, first: t.IsSeat(name)})
		}
	}
	rows, err := gazetteerRows()
	if err != nil {
		panic("the built-in gazetteer is broken: " + err.Error()) // held by a test
	}
	for _, row := range rows {
		if row.country = slugs[row.country]; row.country != "" {
			g.add(row)
		}
	}
	for _, p := range t.Places() {
		g.share(p)
	}
	return g
}

// share gives all names of a place the people of the one that the file lists.
func (g gazetteer) share(p news.Gazette) {
	var same []*town
	people := 0
	for _, name := range append([]string{p.Name}, p.Aliases...) {
		towns := g[news.Slugify(name)]
		for i := range towns {
			if towns[i].country == p.Country {
				same = append(same, &towns[i])
				people = max(people, towns[i].people)
			}
		}
	}
	for _, t := range same {
		t.people = people
	}
}

// gazetteerRows are the towns of the file; their country is a code.
func gazetteerRows() ([]town, error) {
	z, err := gzip.NewReader(bytes.NewReader(gazetteerFile))
	if err != nil {
		return nil, err
	}
	var out []town
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, "\t")
		code, people, _ := strings.Cut(rest, "\t")
		n, err := strconv.Atoi(people)
		if err != nil {
			return nil, fmt.Errorf("the line %q has no number of people", line)
		}
		out = append(out, town{name: name, country: code, people: n})
	}
	return out, lines.Err()
}

// add adds a town; what is said of one that is there already is put together.
func (g gazetteer) add(t town) {
	key := news.Slugify(t.name)
	for i, old := range g[key] {
		if old.country == t.country {
			g[key][i].people = max(old.people, t.people)
			g[key][i].first = old.first || t.first
			return
		}
	}
	g[key] = append(g[key], t)
}

// clearly is how many times larger a known town must be than its namesakes, if
// they are not to be mentioned.
const clearly = 20

// find returns the countries in which a place of that name lies: one when it is
// certain, several when it is not, none when the name is unknown. A place the
// taxonomy lists is certain, unless it lists another one or a larger town of
// the name lies elsewhere; namesakes are then the countries that an editor
// should hear of, because their towns are not clearly smaller.
func (g gazetteer) find(name string) (countries, namesakes []string) {
	towns := g[news.Slugify(name)]
	if len(towns) == 0 {
		return nil, nil
	}
	best := towns[0]
	if len(towns) == 1 {
		return []string{best.country}, nil
	}
	others := towns[1:]
	certain := best.known && !others[0].known && (best.first || !slices.ContainsFunc(others, func(t town) bool { return t.people > max(best.people, unlisted) }))
	if !certain {
		for _, t := range towns {
			if t.known || !best.known || t.people > best.people {
				countries = append(countries, t.country)
			}
		}
		return countries, nil
	}
	for _, t := range others {
		if t.people*clearly > best.people && !best.first {
			namesakes = append(namesakes, t.country)
		}
	}
	return []string{best.country}, namesakes
}

// unlisted is how many people, in thousands, a place is taken to have that the
// file does not list under the name the taxonomy has for it.
const unlisted = 15

// liesIn reports whether a place of that name lies in a country.
func (g gazetteer) liesIn(name, country string) bool {
	return slices.ContainsFunc(g[news.Slugify(name)], func(t town) bool { return t.country == country })
}

// large reports whether a town of that name has 100,000 people or more.
func (g gazetteer) large(name string) bool {
	return slices.ContainsFunc(g[news.Slugify(name)], func(t town) bool { return t.people >= 100 })
}

// misspelt finds the one known place whose name is a letter away from an
// unknown name of six letters or more.
func (g gazetteer) misspelt(name string) (town, bool) {
	key := news.Slugify(name)
	if len(key) < 6 || len(key) > 40 {
		return town{}, false
	}
	var near []town
	for other, towns := range g {
		if d := len(other) - len(key); d < -1 || d > 1 || !towns[0].known || news.Distance(key, other) != 1 {
			continue
		}
		near = append(near, towns[0])
	}
	if len(near) == 0 || slices.ContainsFunc(near, func(t town) bool { return t.country != near[0].country }) {
		return town{}, false
	}
	return slices.MinFunc(near, func(a, b town) int { return strings.Compare(a.name, b.name) }), true
}
