package news

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

//go:embed taxonomy.json
var defaultTaxonomy []byte

// Taxonomy is the set of topics releases are filed under, with all their
// names, and the places that datelines may name. It does not change once made
// and may be used by many goroutines.
type Taxonomy struct {
	file    taxonomyFile // as it was read, for With
	orgs    []string     // the organisation's names, the short one first
	orgKeys []string     // the same, folded
	kinds   map[TopicKind]*vocabulary
	places  []Gazette
	regions []Gazette
	byPlace map[string][]string // folded name to country slugs
	former  map[string][]string // folded name of a former State to its successors
	chairs  map[string]string
	seats   map[string]bool // folded cities in which sources have their seat
	terms   []CountryTerm
	fields  map[string]map[string]float64 // field slug to terms and weights
}

// vocabulary is all topics of one kind.
type vocabulary struct {
	topics []Topic // in the file's order
	groups []Topic
	bySlug map[string]Topic
	byName map[string]string // folded name, alias or code to slug
}

// taxonomyFile is the form of a taxonomy on disk, version 1.
type taxonomyFile struct {
	Version       int       `json:"version"`
	Organisation  string    `json:"organisation"`       // short name that may stand before any source
	OtherNames    []string  `json:"organisation_names"` // its long name and those in other languages; a label may hold any, anywhere
	Fields        []Topic   `json:"fields"`
	FieldGroups   []Topic   `json:"field_groups"`
	Countries     []Topic   `json:"countries"`
	CountryGroups []Topic   `json:"country_groups"`
	Sources       []Topic   `json:"sources"`
	Types         []Topic   `json:"types"`
	Languages     []Topic   `json:"languages"`
	Places        []Gazette `json:"places"`
	Regions       []Gazette `json:"regions"` // parts of countries
	FormerStates  []struct {
		Name      string   `json:"name"`
		Countries []string `json:"countries"`
	} `json:"former_states"`
	Chairs       map[string]string             `json:"chairs"` // year to country slug
	CountryTerms []CountryTerm                 `json:"country_terms"`
	FieldTerms   map[string]map[string]float64 `json:"field_terms"` // field slug to terms and weights; see Taxonomy.FieldTerms
}

// DefaultTaxonomy returns the built-in taxonomy: the 57 participating States,
// 11 partners, 23 fields of work, structures, institutions and field operations.
func DefaultTaxonomy() *Taxonomy {
	t, err := ParseTaxonomy(defaultTaxonomy)
	if err != nil {
		panic("the built-in taxonomy is broken: " + err.Error()) // held by a test
	}
	return t
}

// ParseTaxonomy reads a taxonomy file (JSON, version 1). Every problem is
// listed in one [Problem] of code [Unacceptable].
func ParseTaxonomy(b []byte) (*Taxonomy, error) {
	var f taxonomyFile
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(&f)
	if err == nil && d.Decode(&struct{}{}) != io.EOF {
		err = errors.New("something follows its end")
	}
	if err != nil {
		return nil, Problemf(BadRequest, "the taxonomy is not the JSON it should be: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return makeTaxonomy(f)
}

func makeTaxonomy(f taxonomyFile) (*Taxonomy, error) {
	c := &taxonomyCheck{}
	if f.Version != 1 {
		c.bad("its version is %d, this dateline reads version 1", f.Version)
	}
	t := &Taxonomy{file: f, orgs: append([]string{f.Organisation}, f.OtherNames...), kinds: map[TopicKind]*vocabulary{}, chairs: f.Chairs, places: f.Places, regions: f.Regions, terms: f.CountryTerms, fields: f.FieldTerms}
	for _, name := range t.orgs {
		t.orgKeys = append(t.orgKeys, fold(name))
	}
	slices.SortFunc(t.orgKeys, func(a, b string) int { return len(b) - len(a) }) // "OEBS-a" goes before "OEBS"
	t.kinds[KindField] = c.vocabulary(KindField, t.orgKeys, f.Fields, f.FieldGroups)
	t.kinds[KindCountry] = c.vocabulary(KindCountry, t.orgKeys, f.Countries, f.CountryGroups)
	t.kinds[KindSource] = c.vocabulary(KindSource, t.orgKeys, f.Sources, nil)
	t.kinds[KindType] = c.vocabulary(KindType, t.orgKeys, f.Types, nil)
	t.kinds[KindLanguage] = c.vocabulary(KindLanguage, t.orgKeys, f.Languages, nil)
	c.dimensions(f)
	t.gazetteer(c, f)
	c.terms(t, f)
	if len(c.items) > 0 {
		return nil, &Problem{Code: Unacceptable, Detail: "the taxonomy cannot be used", Items: c.items}
	}
	return t, nil
}

// taxonomyCheck collects what is wrong with a taxonomy file.
type taxonomyCheck struct{ items []string }

func (c *taxonomyCheck) bad(format string, args ...any) {
	c.items = append(c.items, fmt.Sprintf(format, args...))
}

func (c *taxonomyCheck) vocabulary(k TopicKind, orgs []string, topics, groups []Topic) *vocabulary {
	v := &vocabulary{bySlug: map[string]Topic{}, byName: map[string]string{}}
	if len(topics) == 0 {
		c.bad("it has no topic of the kind %s", k)
	}
	for _, topic := range topics {
		if topic.Members != nil {
			c.bad("%s %q has members; put it among the groups", k, topic.Slug)
		}
		v.topics = append(v.topics, c.topic(v, k, orgs, topic))
	}
	for _, group := range groups {
		if len(group.Members) == 0 {
			c.bad("%s group %q has no members", k, group.Slug)
		}
		for _, m := range group.Members {
			if member, ok := v.bySlug[m]; !ok || member.Members != nil {
				c.bad("%s group %q has the member %q, which is no %s", k, group.Slug, m, k)
			}
		}
		v.groups = append(v.groups, c.topic(v, k, orgs, group))
	}
	return v
}

// dimensions checks that a field's group is one of the groups of fields.
func (c *taxonomyCheck) dimensions(f taxonomyFile) {
	for _, field := range f.Fields {
		if field.Group != "" && !slices.ContainsFunc(f.FieldGroups, func(g Topic) bool {
			return g.Slug == field.Group && slices.Contains(g.Members, field.Slug)
		}) {
			c.bad("field %q names the group %q, which does not hold it", field.Slug, field.Group)
		}
	}
}

func (c *taxonomyCheck) topic(v *vocabulary, k TopicKind, orgs []string, t Topic) Topic {
	t.Kind = k
	switch {
	case t.Slug == "" || t.Slug != fold(t.Slug):
		c.bad("%s %q: the slug %q is not lower-case letters, digits and single dashes", k, t.Name, t.Slug)
	case v.bySlug[t.Slug].Slug != "":
		c.bad("%s %q stands twice", k, t.Slug)
	case t.Slug == "all" || t.Slug == "any" || t.Slug == "role":
		c.bad("%s: the slug %q is reserved", k, t.Slug)
	}
	if t.Name == "" || t.Name != CleanLine(t.Name) {
		c.bad("%s %q has no name or one with control characters", k, t.Slug)
	}
	if k == KindCountry && t.Members == nil && (len(t.Code) != 2 || t.Code != strings.ToLower(fold(t.Code))) {
		c.bad("country %q: the code %q is not two lower-case letters", t.Slug, t.Code)
	}
	v.bySlug[t.Slug] = t
	names := append([]string{t.Slug, t.Name}, t.Aliases...)
	if t.Code != "" {
		names = append(names, t.Code)
	}
	for _, name := range names {
		key := nameKey(orgs, name)
		if key == "" {
			c.bad("%s %q has an alias %q without letters", k, t.Slug, name)
		}
		if other := v.byName[key]; other != "" && other != t.Slug {
			c.bad("%s: %q means both %q and %q", k, name, other, t.Slug)
		}
		v.byName[key] = t.Slug
	}
	return t
}

func (t *Taxonomy) gazetteer(c *taxonomyCheck, f taxonomyFile) {
	countries := t.kinds[KindCountry]
	t.byPlace, t.former, t.seats = map[string][]string{}, map[string][]string{}, map[string]bool{}
	country := func(what, slug string) {
		if topic, ok := countries.bySlug[slug]; !ok || topic.Members != nil {
			c.bad("%s names the country %q, which is not in the list", what, slug)
		}
	}
	place := func(name, slug string) {
		key := fold(name)
		if !slices.Contains(t.byPlace[key], slug) {
			t.byPlace[key] = append(t.byPlace[key], slug)
		}
	}
	for _, p := range slices.Concat(f.Places, f.Regions) {
		country("place "+strconv.Quote(p.Name), p.Country)
		if fold(p.Name) == "" {
			c.bad("a place in %q has no name", p.Country)
		}
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			place(name, p.Country)
		}
	}
	for _, topic := range countries.topics {
		for _, city := range topic.Capital {
			place(city, topic.Slug)
		}
	}
	for _, s := range f.FormerStates {
		for _, slug := range s.Countries {
			country("former State "+strconv.Quote(s.Name), slug)
		}
		t.former[nameKey(t.orgKeys, s.Name)] = s.Countries
	}
	for year, slug := range f.Chairs {
		if _, err := strconv.Atoi(year); err != nil {
			c.bad("the chair's year %q is no number", year)
		}
		country("the chair of "+year, slug)
	}
	for _, s := range t.kinds[KindSource].topics {
		if s.Host != "" {
			country("source "+strconv.Quote(s.Slug), s.Host)
		}
		if s.Seat != "" {
			t.seats[fold(s.Seat)] = true
		}
	}
	for _, p := range f.Places {
		for _, alias := range p.Aliases {
			t.seats[fold(alias)] = t.seats[fold(alias)] || t.seats[fold(p.Name)]
		}
	}
}

// nameKey folds a name and drops what labels put around it: the organisation's
// folded names wherever they stand, "The" in front, "(closed)" and a note on the
// chair behind. A name that is the organisation's alone stays.
func nameKey(orgs []string, name string) string {
	key := strings.TrimPrefix(fold(name), "the-")
	for _, o := range orgs {
		if o == "" || !strings.Contains(key, o) {
			continue
		}
		if before, rest, found := strings.Cut(key, "-"+o+"-chair"); found && before != "" && !strings.Contains(rest, "-"+o) && endsInYear(key) {
			key = before
		}
		if bare := strings.Trim(strings.ReplaceAll("-"+key+"-", "-"+o+"-", "-"), "-"); bare != "" {
			key = bare
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(key, "the-"), "-closed")
}

func endsInYear(key string) bool {
	i := strings.LastIndexByte(key, '-')
	y, err := strconv.Atoi(key[i+1:])
	return err == nil && y > 1900 && y < 2200
}

// Organisation is the organisation's short name, "OSCE" in the built-in taxonomy.
func (t *Taxonomy) Organisation() string { return t.orgs[0] }

// OrganisationNames lists all names of the organisation, the short one first.
// The caller must not change the slice.
func (t *Taxonomy) OrganisationNames() []string { return t.orgs }

// Topics lists the topics of a kind, without groups, in the taxonomy's order.
// The caller must not change the slice.
func (t *Taxonomy) Topics(k TopicKind) []Topic {
	if v, ok := t.kinds[k]; ok {
		return v.topics
	}
	return nil
}

// Groups lists the groups of a kind. The caller must not change the slice.
func (t *Taxonomy) Groups(k TopicKind) []Topic {
	if v, ok := t.kinds[k]; ok {
		return v.groups
	}
	return nil
}

// Topic finds a topic or group by its slug.
func (t *Taxonomy) Topic(k TopicKind, slug string) (Topic, bool) {
	v, ok := t.kinds[k]
	if !ok {
		return Topic{}, false
	}
	topic, ok := v.bySlug[slug]
	return topic, ok
}

// Find finds a topic or group by slug, name, alias or code, as people and
// labels write it: case, accents, "OSCE" in front and "(closed)" behind do not matter.
func (t *Taxonomy) Find(k TopicKind, name string) (Topic, bool) {
	v, ok := t.kinds[k]
	if !ok {
		return Topic{}, false
	}
	slug, ok := v.byName[nameKey(t.orgKeys, name)]
	if !ok {
		return Topic{}, false
	}
	return v.bySlug[slug], true
}

// Resolve is Find with an error that names the nearest topics: a [Problem] of
// code [NotFound].
func (t *Taxonomy) Resolve(k TopicKind, name string) (Topic, error) {
	if topic, ok := t.Find(k, name); ok {
		return topic, nil
	}
	if _, ok := t.kinds[k]; !ok {
		return Topic{}, Problemf(NotFound, "there is no kind %q; use field, country, source, type or language", short(string(k)))
	}
	if near := t.nearest(k, name); len(near) > 0 {
		return Topic{}, Problemf(NotFound, "there is no %s %q; perhaps %s", k, short(name), strings.Join(near, " or "))
	}
	return Topic{}, Problemf(NotFound, "there is no %s %q; the list of topics is at /topics", k, short(name))
}

// maxNear bounds the names that are compared letter by letter, in characters.
const maxNear = 150

// nearest returns up to three slugs whose names are a few letters away or hold the name.
func (t *Taxonomy) nearest(k TopicKind, name string) []string {
	key := nameKey(t.orgKeys, name)
	best := map[string]int{}
	if len(key) > maxNear {
		return nil
	}
	for candidate, slug := range t.kinds[k].byName {
		d := Distance(key, candidate)
		if len(key) >= 3 && strings.Contains(candidate, key) {
			d = min(d, 2)
		}
		if d > max(1, len(key)/4) && d > 2 || d >= len(key) {
			continue
		}
		if old, ok := best[slug]; !ok || d < old {
			best[slug] = d
		}
	}
	slugs := slices.Collect(maps.Keys(best))
	slices.SortFunc(slugs, func(a, b string) int {
		if best[a] != best[b] {
			return best[a] - best[b]
		}
		return strings.Compare(a, b)
	})
	return slugs[:min(3, len(slugs))]
}

// Name is the display name of a topic, or the slug itself when it is unknown.
func (t *Taxonomy) Name(k TopicKind, slug string) string {
	if topic, ok := t.Topic(k, slug); ok {
		return topic.Name
	}
	return slug
}

// Members returns the members of a group, nil for a plain or unknown topic.
// The caller must not change the slice.
func (t *Taxonomy) Members(k TopicKind, slug string) []string {
	topic, _ := t.Topic(k, slug)
	return topic.Members
}

// IsRoutine reports whether releases of the type belong to a routine series.
func (t *Taxonomy) IsRoutine(typ string) bool {
	topic, _ := t.Topic(KindType, typ)
	return topic.Routine
}

// PlaceCountries returns the slugs of the countries in which a place of that
// name lies: none when it is unknown, several when the name is ambiguous.
func (t *Taxonomy) PlaceCountries(name string) []string { return t.byPlace[fold(name)] }

// Places lists the gazetteer beyond capitals. The caller must not change the slice.
func (t *Taxonomy) Places() []Gazette { return t.places }

// Regions lists named parts of countries. The caller must not change the slice.
func (t *Taxonomy) Regions() []Gazette { return t.regions }

// Successors returns the countries that a former State is filed under today,
// nil when the name is not one of a former State.
func (t *Taxonomy) Successors(name string) []string { return t.former[nameKey(t.orgKeys, name)] }

// IsSeat reports whether a source has its headquarters in the city: a dateline
// from there says nothing about what a release treats.
func (t *Taxonomy) IsSeat(city string) bool { return t.seats[fold(city)] }

// Chair is the country that held the chair in a year, or "".
func (t *Taxonomy) Chair(year int) string { return t.chairs[strconv.Itoa(year)] }
