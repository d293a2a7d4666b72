package read_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"dateline/publisher/news"
	"dateline/publisher/read"
)

// classify reads a release of a year from its words and sources.
func classify(t testing.TB, doc map[string]any) read.Proposal {
	t.Helper()
	for key, value := range map[string]string{"date": "2018-05-17", "language": "en", "text": "It was so."} {
		if doc[key] == nil {
			doc[key] = value
		}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newReader().JSON(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// why lists the countries a release is about, each with the rule that found it.
func why(p read.Proposal) string {
	var out []string
	for _, c := range p.Release.Countries {
		if c.Role == news.About {
			out = append(out, c.Slug+" "+c.Evidence.Rule)
		}
	}
	return strings.Join(out, ", ")
}

func TestReader_aboutRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		doc  map[string]any
		want string
	}{
		"a process stands for its country": {map[string]any{"title": "Geneva International Discussions resume"}, "georgia title"},
		"a process may have two":           {map[string]any{"title": "Minsk Group Co-Chairs travel"}, "armenia title, azerbaijan title"},
		"a part of a country":              {map[string]any{"title": "Voting calm in Northern Ireland"}, "united-kingdom title"},
		"a region, each member":            {map[string]any{"title": "South Caucasus editors meet"}, "armenia region, azerbaijan region, georgia region"},
		"a region yields to a country":     {map[string]any{"title": "Central Asian editors meet in Kyrgyzstan"}, "kyrgyzstan title"},
		"a region yields to a host":        {map[string]any{"title": "Central Asian editors meet", "sources": "Programme Office in Bishkek"}, "kyrgyzstan host"},
		"partners are no region":           {map[string]any{"title": "Asian Partners for Co-operation meet"}, ""},
		"the chair's programme":            {map[string]any{"title": "Chairperson-in-Office presents programme"}, "italy chair"},
		"the next chair's programme":       {map[string]any{"title": "Incoming Chair outlines priorities"}, "slovakia chair"},
		"another year's programme":         {map[string]any{"title": "Programme of the 2016 Chairmanship in hindsight"}, "germany chair"},
		"the chair's own venue":            {map[string]any{"title": "Italian Chairmanship opens conference in Rome"}, ""},
		"the chair's minister abroad":      {map[string]any{"title": "Italian Foreign Minister visits Moldova"}, "moldova title"},
		"a donor in passing":               {map[string]any{"title": "Canadian funding for clinics of Ukraine"}, "ukraine title"},
		"a helper in passing":              {map[string]any{"title": "Norway supports courts of Albania"}, "albania title"},
		"a venue in passing":               {map[string]any{"title": "Ukrainian judges meet in Budapest"}, "ukraine title"},
		"a donor alone":                    {map[string]any{"title": "Norway supports courts"}, "norway title"},
		"a language":                       {map[string]any{"title": "Russian language in schools of Latvia"}, "latvia title"},
		"a state of the same name":         {map[string]any{"title": "Atlanta, Georgia, hosts patrols", "text": "Patrols met in the United States."}, "united-states-of-america text"},
		"a small town of a host":           {map[string]any{"title": "New centre in Gostivar"}, "north-macedonia title"},
		"a town that is a word":            {map[string]any{"title": "Reading is a right; Split families meet; Nice words"}, ""},
		"the text, when the title is mute": {map[string]any{"title": "Representative welcomes ruling", "text": "The court of Moldova ended the case."}, "moldova text"},
		"no text, when the title speaks":   {map[string]any{"title": "Representative welcomes ruling in Malta", "text": "The court of Moldova ended the case."}, "malta title"},
		"donors in the text":               {map[string]any{"title": "Course ends", "text": "The course was funded by the Government of Norway."}, ""},
		"persons in the text":              {map[string]any{"title": "Course ends", "text": "The Ambassador of Italy and a French expert spoke."}, ""},
		"participants in the text":         {map[string]any{"title": "Course ends", "text": "Officers from Albania, Serbia, Montenegro and Croatia came."}, ""},
		"the chair in the text":            {map[string]any{"title": "Report handed over", "text": "The report went to the Italian Chairmanship."}, ""},
		"the dateline of a host":           {map[string]any{"title": "Course ends", "text": "OSH, 17 May 2018 – It ended."}, "kyrgyzstan dateline"},
		"the dateline of a venue":          {map[string]any{"title": "Course ends", "text": "LYON, 17 May 2018 – It ended."}, ""},
		"the other side":                   {map[string]any{"title": "Accord pleases Mission", "sources": "Mission to Serbia", "text": "The accord between Serbia and Romania is good."}, "serbia host, romania between"},
		"no other side of others":          {map[string]any{"title": "Accord pleases Malta", "text": "The accord between Serbia and Romania is good."}, "malta title"},
		"two States of one":                {map[string]any{"title": "Serbia and Montenegro adopt law", "date": "2004-05-17"}, "serbia title, montenegro title"},
		"another language's names":         {map[string]any{"title": "Richter aus Österreich und Island", "language": "de"}, "austria title, iceland title"},
		"not in English":                   {map[string]any{"title": "Island communities meet"}, ""},
		"Russian cases":                    {map[string]any{"title": "Судьи Молдовы приехали из Кишинёва", "language": "ru"}, "moldova title"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := why(classify(t, tc.doc)); got != tc.want {
				t.Errorf("about %q, want %q", got, tc.want)
			}
		})
	}
}

func TestReader_aboutEvidence(t *testing.T) {
	t.Parallel()
	p := classify(t, map[string]any{"title": "South Caucasus editors meet"})
	for _, c := range p.Release.Countries {
		if c.Evidence.Words != "South Caucasus" || c.Evidence.Confidence <= 0 || c.Evidence.Confidence >= 0.9 {
			t.Errorf("the evidence of %s is %+v", c.Slug, c.Evidence)
		}
	}
}

func TestReader_sources(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{
		"Office of the OSCE Representative on Freedom of the Media":                     "rfom",
		"OSCE Office for Democratic Institutions and Human Rights (ODIHR)":              "odihr",
		"OSCE Office of the Co-ordinator of OSCE Economic and Environmental Activities": "oceea",
		"Organization for Security and Co-operation in Europe Secretariat":              "secretariat",
		"Секретариат ОБСЕ":                                                              "secretariat",
		"Миссия ОБСЕ в Сербии":                                                          "mission-to-serbia",
		"Программный офис ОБСЕ в Бишкеке":                                               "programme-office-in-bishkek",
		"Бюро ОБСЕ по демократическим институтам и правам человека":                     "odihr",
		"Верховный комиссар ОБСЕ по делам национальных меньшинств":                      "hcnm",
		"Misija OEBS-a u Srbiji":                              "mission-to-serbia",
		"Misija OEBS u Crnoj Gori":                            "mission-to-montenegro",
		"Мисија ОЕБС-а у Србији":                              "mission-to-serbia",
		"OSCE Special Monitoring Mission to Ukraine (closed)": "special-monitoring-mission-to-ukraine",
		"OSCE Centre in Almaty":                               "programme-office-in-astana",
	} {
		p := classify(t, map[string]any{"title": "A title", "sources": []string{label}})
		if got := p.Release.SourceSlugs(); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %v, want %s", label, got, want)
		}
	}
}

func TestReader_ProposeFields(t *testing.T) {
	t.Parallel()
	first := func(doc map[string]any) string {
		p := classify(t, doc)
		if len(p.Proposed) == 0 {
			return ""
		}
		return p.Proposed[0].Slug
	}
	for title, want := range map[string]string{
		"Police officers learn to talk to neighbours":                         "policing",
		"Border police inspect passports":                                     "border-management",
		"Judges discuss criminal procedure":                                   "rule-of-law",
		"Journalists attacked":                                                "media-freedom-and-development",
		"ODIHR Director opens office":                                         "",
		"Office for Democratic Institutions and Human Rights moves house":     "",
		"Полицейские учатся":                                                  "policing",
		"High Commissioner on National Minorities visits minority schools":    "national-minority-issues",
		"Mission opens a new library":                                         "",
		"Victims of human trafficking need shelter":                           "combating-trafficking-in-human-beings",
		"Trade unions and business people speak about anti-corruption checks": "good-governance",
	} {
		if got := first(map[string]any{"title": title}); got != want {
			t.Errorf("%s: first comes %q, want %q", title, got, want)
		}
	}
	t.Run("a source speaks for its field", func(t *testing.T) {
		if got := first(map[string]any{"title": "A visit", "sources": "OSCE Representative on Freedom of the Media"}); got != "media-freedom-and-development" {
			t.Errorf("first comes %q", got)
		}
	})
	t.Run("evidence names the words", func(t *testing.T) {
		p := classify(t, map[string]any{"title": "Police officers meet", "text": "Detectives and police cadets came."})
		e := p.Proposed[0].Evidence
		if e.Rule != "terms" || !strings.Contains(e.Words, "Police officers") || e.Confidence <= 0.4 || e.Confidence > 0.9 {
			t.Errorf("the evidence is %+v", e)
		}
	})
	t.Run("nothing is offered beside an editor's fields", func(t *testing.T) {
		if p := classify(t, map[string]any{"title": "Police officers meet", "fields": "Elections"}); p.Proposed != nil || !slices.Equal(p.Release.FieldSlugs(), []string{"elections"}) {
			t.Errorf("proposed %v, fields %v", p.Proposed, p.Release.Fields)
		}
	})
	t.Run("no more than three, and the same each time", func(t *testing.T) {
		doc := map[string]any{"title": "Police, judges, journalists, voters and teachers discuss gender, migration and corruption"}
		one := classify(t, doc).Proposed
		if len(one) == 0 || len(one) > 3 {
			t.Errorf("proposed %v", one)
		}
		for range 5 {
			if again := classify(t, doc).Proposed; !slices.Equal(again, one) {
				t.Errorf("proposed %v, then %v", one, again)
			}
		}
	})
}

func TestProposal_AcceptProposals(t *testing.T) {
	t.Parallel()
	p := classify(t, map[string]any{"title": "Police officers meet"})
	if len(p.Release.Fields) != 0 {
		t.Fatalf("fields are %v before", p.Release.Fields)
	}
	p.AcceptProposals()
	if !slices.Equal(p.Release.FieldSlugs(), []string{"policing"}) || p.Release.Fields[0].Evidence.Rule != "terms" || p.Proposed != nil {
		t.Errorf("fields %v, proposed %v", p.Release.Fields, p.Proposed)
	}
	p.Proposed = []read.FieldProposal{{Slug: "elections"}}
	p.AcceptProposals()
	if !slices.Equal(p.Release.FieldSlugs(), []string{"policing"}) {
		t.Errorf("a release with a field of its own has now %v", p.Release.FieldSlugs())
	}
}

func TestReader_unclearLanguage(t *testing.T) {
	t.Parallel()
	p, err := newReader().JSON([]byte(`{"title":"Xyzzy plugh","date":"2018-05-17","text":"Qwrt."}`))
	if err != nil {
		t.Fatal(err)
	}
	if p.Release.Language != "" || !warned(p, "language cannot be told") {
		t.Errorf("language %q, warnings %v", p.Release.Language, p.Warnings)
	}
}

// Any words are classified without a panic, the same way twice, into topics of
// the taxonomy, with words that stand in the release.
func FuzzClassify(f *testing.F) {
	for _, seed := range [][2]string{
		{"Geneva International Discussions resume", "VIENNA, 17 May 2018 – Serbia and Romania."},
		{"5+2 format", "between the United Kingdom of Great Britain and Northern Ireland and Bosnia"},
		{"Atlanta, Georgia", "funded by the Government of Norway. U.S."}, {"в Молдове", "Finland's incoming 2025 Chair"}, {"in Ö", "near Š-"},
	} {
		f.Add(seed[0], seed[1])
	}
	taxonomy, r := news.DefaultTaxonomy(), newReader()
	f.Fuzz(func(t *testing.T, title, text string) {
		doc, err := json.Marshal(map[string]string{"title": title, "date": "2018-05-17", "text": text})
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.JSON(doc)
		if err != nil {
			return
		}
		for _, c := range p.Release.Countries {
			if _, ok := taxonomy.Topic(news.KindCountry, c.Slug); !ok || !utf8.ValidString(c.Evidence.Words) || c.Evidence.Confidence <= 0 {
				t.Errorf("country %+v", c)
			}
		}
		for _, field := range p.Proposed {
			if _, ok := taxonomy.Topic(news.KindField, field.Slug); !ok || !utf8.ValidString(field.Evidence.Words) {
				t.Errorf("field %+v", field)
			}
		}
		again, err := r.JSON(doc)
		if err != nil || why(again) != why(p) || !slices.Equal(again.Proposed, p.Proposed) {
			t.Errorf("again %q, before %q, %v", why(again), why(p), err)
		}
	})
}
