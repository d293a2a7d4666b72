package match_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"dateline/publisher/news"
	"dateline/subscribers/match"

	"pgregory.net/rapid"
)

func slugs(topics []news.Topic) []string {
	out := make([]string, len(topics))
	for i, t := range topics {
		out[i] = t.Slug
	}
	return out
}

// world is a few values of each kind, groups among them, so that drawn
// selections and releases meet often.
type world struct{ fields, countries, sources, types, languages []string }

func small(t *news.Taxonomy) world {
	return world{
		fields:    append(slugs(t.Topics(news.KindField))[:4], slugs(t.Groups(news.KindField))...),
		countries: append(slices.Clone(t.Groups(news.KindCountry)[3].Members), slugs(t.Groups(news.KindCountry))...),
		sources:   slugs(t.Topics(news.KindSource))[:3],
		types:     slugs(t.Topics(news.KindType)),
		languages: slugs(t.Topics(news.KindLanguage))[:3],
	}
}

func some(t *rapid.T, of []string, label string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, 3, rapid.ID).Draw(t, label)
}

func drawSelection(t *rapid.T, w world) news.Selection {
	return news.Selection{
		Fields: some(t, w.fields, "fields"), Countries: some(t, w.countries, "countries"),
		Role:    rapid.SampledFrom([]news.Role{"", news.About, news.PlaceRole}).Draw(t, "role"),
		Sources: some(t, w.sources, "sources"), Types: some(t, w.types, "types"), Languages: some(t, w.languages, "languages"),
		Routine: rapid.Bool().Draw(t, "routine"),
	}
}

func tags(slugs []string) []news.Tag {
	var out []news.Tag
	for _, s := range slugs {
		out = append(out, news.Tag{Slug: s})
	}
	return out
}

// drawRelease may carry any value, also one that no selection names; groups
// are no tags, so they are left out.
func drawRelease(t *rapid.T, tax *news.Taxonomy, w world) news.Release {
	plain := func(k news.TopicKind, of []string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(s string) bool { return tax.Members(k, s) != nil })
	}
	r := news.Release{
		Fields: tags(some(t, plain(news.KindField, slugs(tax.Topics(news.KindField))[:8]), "has fields")), Sources: tags(some(t, w.sources, "has sources")),
		Type: rapid.SampledFrom(append(w.types, "")).Draw(t, "type"), Language: rapid.SampledFrom(append(w.languages, "")).Draw(t, "language"),
	}
	for _, c := range some(t, plain(news.KindCountry, w.countries), "has countries") {
		for _, role := range rapid.SampledFrom([][]news.Role{{news.About}, {news.PlaceRole}, {news.About, news.PlaceRole}}).Draw(t, "roles") {
			r.Countries = append(r.Countries, news.CountryTag{Slug: c, Role: role})
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "tells of a topic") == 0 {
		r.Tells = &news.TopicRef{Kind: news.KindCountry, Slug: rapid.SampledFrom(plain(news.KindCountry, w.countries)).Draw(t, "topic")}
	}
	return r
}

// TestIndex_Match compares the index with one selection after the other, while
// selections come and go and their slots are used again.
func TestIndex_Match(t *testing.T) {
	tax := news.DefaultTaxonomy()
	w := small(tax)
	rapid.Check(t, func(t *rapid.T) {
		x, held := match.New(tax), map[int]news.Selection{}
		base := rapid.SampledFrom([]int{0, 32760}).Draw(t, "base") // the second lies across two pages
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				slot := base + rapid.IntRange(0, 30).Draw(t, "slot")
				if _, ok := held[slot]; ok {
					t.Skip("taken")
				}
				s := drawSelection(t, w)
				x.Add(slot, &s)
				held[slot] = s
			},
			"remove": func(t *rapid.T) {
				if len(held) == 0 {
					t.Skip("empty")
				}
				slot := rapid.SampledFrom(sorted(held)).Draw(t, "slot")
				x.Remove(slot)
				delete(held, slot)
			},
			"": func(t *rapid.T) {
				r := drawRelease(t, tax, w)
				var got, want []int
				x.Match(&r, func(slot int) { got = append(got, slot) })
				for _, slot := range sorted(held) {
					if s := held[slot]; s.Match(tax, &r) {
						want = append(want, slot)
					}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("release %+v: got %v, want %v of %+v", r, got, want, held)
				}
			},
		})
	})
}

func sorted(m map[int]news.Selection) []int {
	var out []int
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// BenchmarkMatch looks one release up among a million subscriptions, beside
// the same work done by comparing strings, and reports the memory.
func BenchmarkMatch(b *testing.B) {
	const n = 1_000_000
	tax := news.DefaultTaxonomy()
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(of []string) string { return of[rnd.IntN(len(of))] }
	fields, countries, sources, types, languages := slugs(tax.Topics(news.KindField)), slugs(tax.Topics(news.KindCountry)), slugs(tax.Topics(news.KindSource)), slugs(tax.Topics(news.KindType)), slugs(tax.Topics(news.KindLanguage))
	selections := make([]news.Selection, n)
	x := match.New(tax)
	for i := range selections {
		s := &selections[i]
		switch rnd.IntN(4) {
		case 0:
			s.Fields = []string{pick(fields)}
		case 1:
			s.Countries = []string{pick(countries)}
		case 2:
			s.Fields, s.Countries = []string{pick(fields), pick(fields)}, []string{pick(countries)}
		case 3:
			s.Sources, s.Languages, s.Types = []string{pick(sources)}, []string{pick(languages)}, []string{pick(types)}
		}
		x.Add(i, s)
	}
	r := news.Release{
		Fields: tags([]string{fields[1], fields[7], fields[12]}), Sources: tags([]string{sources[0], sources[9]}), Type: types[0], Language: languages[0],
		Countries: []news.CountryTag{{Slug: countries[3], Role: news.About}, {Slug: countries[20], Role: news.PlaceRole}, {Slug: countries[40], Role: news.About}},
	}
	found := 0
	count := func(int) { found++ }
	b.Run("bitmaps", func(b *testing.B) {
		for b.Loop() {
			found = 0
			x.Match(&r, count)
		}
		b.ReportMetric(float64(x.Bytes())/n, "B/sub")
		b.ReportMetric(float64(found), "found")
	})
	b.Run("strings", func(b *testing.B) {
		rf, rs, rc := r.FieldSlugs(), r.SourceSlugs(), r.CountrySlugs()
		meet := func(wanted, has []string) bool {
			return len(wanted) == 0 || slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(has, w) })
		}
		for b.Loop() {
			found = 0
			for i := range selections {
				s := &selections[i]
				if meet(s.Fields, rf) && meet(s.Countries, rc) && meet(s.Sources, rs) && meet(s.Types, []string{r.Type}) && meet(s.Languages, []string{r.Language}) {
					found++
				}
			}
		}
		b.ReportMetric(float64(found), "found")
	})
}
