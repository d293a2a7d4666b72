package eval

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/read"
)

// The kinds that are scored.
const (
	About    = "about"    // countries a release treats of
	Place    = "place"    // names of the places of its dateline
	PlaceIn  = "place-in" // countries in the role of place
	Field    = "field"    // first proposed field: right when it is among the labelled ones
	Source   = "source"
	Type     = "type"
	Language = "language"
	Date     = "date"
)

// Figures are the counts of one kind over all releases that have labels of it.
type Figures struct {
	Kind      string  `json:"kind"`
	Releases  int     `json:"releases"` // that are labelled with it
	Right     int     `json:"right"`
	Wrong     int     `json:"wrong"`  // proposed, but not labelled
	Missed    int     `json:"missed"` // labelled, but not proposed
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

// Miss is one tag that was proposed wrongly or not at all.
type Miss struct {
	ID    string        `json:"id"`
	Kind  string        `json:"kind"`
	Tag   string        `json:"tag"`
	Wrong bool          `json:"wrong"` // proposed, but not labelled; else the reverse
	Title string        `json:"title"`
	Why   news.Evidence `json:"evidence,omitzero"` // of a wrong one
}

// Report is the outcome of a measurement.
type Report struct {
	Releases int       `json:"releases"`
	Kinds    []Figures `json:"kinds"`
	Misses   []Miss    `json:"misses"`
}

// Of returns the figures of a kind, zero when nothing is labelled with it.
func (r Report) Of(kind string) Figures {
	for _, f := range r.Kinds {
		if f.Kind == kind {
			return f
		}
	}
	return Figures{Kind: kind}
}

// Score reads every case with a reader for the taxonomy and counts. open
// returns the file of a case that names one. An unknown label or a document
// that is refused is an error that names the case.
func Score(t *news.Taxonomy, reader *read.Reader, cases []Case, open func(name string) ([]byte, error)) (Report, error) {
	s := scorer{taxonomy: t, kinds: map[string]*Figures{}}
	for _, c := range cases {
		p, err := propose(reader, c, open)
		if err != nil {
			return Report{}, fmt.Errorf("%s: %w", c.ID, err)
		}
		if err := s.add(c, p, reader.ProposeFields(&p.Release)); err != nil {
			return Report{}, fmt.Errorf("%s: %w", c.ID, err)
		}
	}
	return s.report(len(cases)), nil
}

func propose(reader *read.Reader, c Case, open func(string) ([]byte, error)) (read.Proposal, error) {
	if c.File != "" {
		b, err := open(c.File)
		if err != nil {
			return read.Proposal{}, err
		}
		return reader.Read(b)
	}
	b, err := c.document()
	if err != nil {
		return read.Proposal{}, err
	}
	return reader.JSON(b)
}

type scorer struct {
	taxonomy *news.Taxonomy
	kinds    map[string]*Figures
	misses   []Miss
}

// tag is one value that was proposed.
type tag struct {
	value string
	why   news.Evidence
}

func (s *scorer) add(c Case, p read.Proposal, fields []read.FieldProposal) error {
	r := &p.Release
	about, err := s.slugs(news.KindCountry, c.Countries.About)
	if err != nil {
		return err
	}
	in, err := s.slugs(news.KindCountry, c.Countries.Place)
	if err != nil {
		return err
	}
	sources, err := s.slugs(news.KindSource, c.Sources)
	if err != nil {
		return err
	}
	field, err := s.slugs(news.KindField, c.Fields)
	if err != nil {
		return err
	}
	s.count(c, About, about, countries(r, news.About))
	s.count(c, PlaceIn, in, countries(r, news.PlaceRole))
	s.count(c, Place, folded(c.Places), places(r))
	s.count(c, Source, sources, tags(r.Sources))
	s.first(c, field, fields)
	one := func(kind, want, got string, why news.Evidence) {
		if want != "" {
			s.count(c, kind, []string{want}, single(got, why))
		}
	}
	if typ, ok := s.taxonomy.Find(news.KindType, c.Type); ok {
		one(Type, typ.Slug, r.Type, p.Type)
	}
	one(Language, c.Language, r.Language, p.Language)
	if c.File != "" { // else it was told
		one(Date, c.Date, r.PublishedAt.Format(time.DateOnly), p.Date)
	}
	return nil
}

// slugs are the topics of labels; nil stays nil.
func (s *scorer) slugs(k news.TopicKind, labels []string) ([]string, error) {
	if labels == nil {
		return nil, nil
	}
	out := []string{}
	for _, label := range labels {
		topic, err := s.taxonomy.Resolve(k, label)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, topic.Slug) {
			out = append(out, topic.Slug)
		}
	}
	return out, nil
}

// count compares what was proposed with the labels of a kind, if there are any.
func (s *scorer) count(c Case, kind string, want []string, got []tag) {
	if want == nil {
		return
	}
	f := s.figures(kind)
	f.Releases++
	for _, g := range got {
		if slices.Contains(want, g.value) {
			f.Right++
			continue
		}
		f.Wrong++
		s.misses = append(s.misses, Miss{c.ID, kind, g.value, true, c.Title, g.why})
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g tag) bool { return g.value == w }) {
			f.Missed++
			s.misses = append(s.misses, Miss{ID: c.ID, Kind: kind, Tag: w, Title: c.Title})
		}
	}
}

// first counts the first proposed field of a release that is labelled with some.
func (s *scorer) first(c Case, want []string, got []read.FieldProposal) {
	if len(want) == 0 {
		return
	}
	f := s.figures(Field)
	f.Releases++
	switch {
	case len(got) == 0:
		f.Missed++
		s.misses = append(s.misses, Miss{ID: c.ID, Kind: Field, Tag: want[0], Title: c.Title})
	case slices.Contains(want, got[0].Slug):
		f.Right++
	default:
		f.Wrong++
		s.misses = append(s.misses, Miss{c.ID, Field, got[0].Slug, true, c.Title, got[0].Evidence})
	}
}

func (s *scorer) figures(kind string) *Figures {
	if s.kinds[kind] == nil {
		s.kinds[kind] = &Figures{Kind: kind}
	}
	return s.kinds[kind]
}

func (s *scorer) report(n int) Report {
	r := Report{Releases: n, Misses: s.misses}
	for _, kind := range []string{About, Place, PlaceIn, Field, Source, Type, Language, Date} {
		f := s.kinds[kind]
		if f == nil {
			continue
		}
		f.Precision = share(f.Right, f.Wrong)
		f.Recall = share(f.Right, f.Missed)
		if kind == Field { // of each release one proposal counts
			f.Recall = share(f.Right, f.Wrong+f.Missed)
		}
		r.Kinds = append(r.Kinds, *f)
	}
	slices.SortStableFunc(r.Misses, func(a, b Miss) int { return cmp.Compare(a.Kind, b.Kind) })
	return r
}

// share is right of all; 1 when there is nothing to get right.
func share(right, rest int) float64 {
	if right+rest == 0 {
		return 1
	}
	return float64(right) / float64(right+rest)
}

func countries(r *news.Release, role news.Role) []tag {
	var out []tag
	for _, c := range r.Countries {
		if c.Role == role {
			out = append(out, tag{c.Slug, c.Evidence})
		}
	}
	return out
}

func tags(list []news.Tag) []tag {
	var out []tag
	for _, t := range list {
		out = append(out, tag{t.Slug, t.Evidence})
	}
	return out
}

func places(r *news.Release) []tag {
	var out []tag
	for _, p := range r.Places {
		out = append(out, tag{news.Slugify(p.Name), news.Evidence{Rule: "dateline", Words: r.Dateline.Raw}})
	}
	return out
}

func folded(names []string) []string {
	if names == nil {
		return nil
	}
	out := []string{}
	for _, n := range names {
		out = append(out, news.Slugify(n))
	}
	return out
}

func single(value string, why news.Evidence) []tag {
	if value == "" {
		return nil
	}
	return []tag{{value, why}}
}
