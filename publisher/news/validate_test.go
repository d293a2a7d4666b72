package news_test

import (
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
)

func TestValidate_Good(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for name, change := range map[string]func(*news.Release){
		"as it is":                  func(*news.Release) {},
		"no type, no language":      func(r *news.Release) { r.Type, r.Language = "", "" },
		"no tags":                   func(r *news.Release) { r.Fields, r.Countries, r.Sources, r.Places = nil, nil, nil, nil },
		"withdrawn without text":    func(r *news.Release) { r.Status, r.Text, r.Reason = news.Withdrawn, "", "a mistake" },
		"dated tomorrow":            func(r *news.Release) { r.PublishedAt = r.UpdatedAt.Add(24 * time.Hour) },
		"dated 1900":                func(r *news.Release) { r.PublishedAt = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC) },
		"500 characters of a title": func(r *news.Release) { r.Title = strings.Repeat("ж", news.MaxTitle) },
		"a mail address as a link":  func(r *news.Release) { r.Links = []news.Link{{URL: "mailto:press@example.org"}} },
		"a country twice, in two roles": func(r *news.Release) {
			r.Countries = append(r.Countries, news.CountryTag{Slug: "austria", Role: news.About})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := sample()
			change(&r)
			if err := news.Validate(tax, &r); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestValidate_EachProblem(t *testing.T) {
	tax := news.DefaultTaxonomy()
	for _, tc := range []struct {
		says   string
		change func(*news.Release)
	}{
		{"the id", func(r *news.Release) { r.ID = "x" }},
		{"the revision 0", func(r *news.Release) { r.Revision = 0 }},
		{"there is no title", func(r *news.Release) { r.Title = " \t" }},
		{"the title has 501 characters", func(r *news.Release) { r.Title = strings.Repeat("ж", 501) }},
		{"the summary has 5001 characters", func(r *news.Release) { r.Summary = strings.Repeat("x", 5001) }},
		{"the note has 2001 characters", func(r *news.Release) { r.Note = strings.Repeat("x", 2001) }},
		{"the reason has 2001 characters", func(r *news.Release) { r.Reason = strings.Repeat("x", 2001) }},
		{"the title holds control characters", func(r *news.Release) { r.Title = "a\x00b" }},
		{"the text holds control characters", func(r *news.Release) { r.Text = "a\x1b[0mb" }},
		{"the html holds control characters", func(r *news.Release) { r.HTML = "<p>\xff</p>" }},
		{"there is no date", func(r *news.Release) { r.PublishedAt = time.Time{} }},
		{"the date 1899-12-31 is not", func(r *news.Release) { r.PublishedAt = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC) }},
		{"the date 2025-03-15 is not", func(r *news.Release) { r.PublishedAt = r.UpdatedAt.Add(24*time.Hour + time.Second) }},
		{"there is no text", func(r *news.Release) { r.Text = "\n" }},
		{"a withdrawal needs a reason", func(r *news.Release) { r.Status = news.Withdrawn }},
		{"the url", func(r *news.Release) { r.URL = "javascript:alert(1)" }},
		{"the url", func(r *news.Release) { r.URL = "/news/1" }},
		{"the url", func(r *news.Release) { r.URL = "https://:443/" }},
		{"the url", func(r *news.Release) { r.URL = "https://user:secret@example.org/" }},
		{"the link", func(r *news.Release) { r.Links = []news.Link{{URL: "javascript:alert(1)"}} }},
		{`country "atlantis"`, func(r *news.Release) { r.Countries[0].Slug = "atlantis" }},
		{`country "central-asia"`, func(r *news.Release) { r.Countries[0].Slug = "central-asia" }},
		{`country "atlantis"`, func(r *news.Release) { r.Places[0].Country = "atlantis" }},
		{`the role "host"`, func(r *news.Release) { r.Countries[0].Role = "host" }},
		{`field "human" is not`, func(r *news.Release) { r.Fields[0].Slug = "human" }},
		{`field "" is not`, func(r *news.Release) { r.Fields[0].Slug = "" }},
		{`source "mi5"`, func(r *news.Release) { r.Sources[0].Slug = "mi5" }},
		{`type "poem"`, func(r *news.Release) { r.Type = "poem" }},
		{`language "xx"`, func(r *news.Release) { r.Language = "xx" }},
		{"there are 41 countries", func(r *news.Release) { r.Countries = countries(tax, 41) }},
	} {
		t.Run(tc.says, func(t *testing.T) {
			r := sample()
			tc.change(&r)
			err := news.Validate(tax, &r)
			if news.CodeOf(err) != news.Unacceptable || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
	r := news.Release{Status: news.Published, Language: "xx"}
	err := news.Validate(tax, &r)
	for _, says := range []string{"the id", "no title", "no date", "no text", "language"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q is missing in: %v", says, err)
		}
	}
	r = sample()
	r.Countries = countries(tax, news.MaxCountries)
	if err := news.Validate(tax, &r); err != nil {
		t.Errorf("40 countries: %v", err)
	}
}

func countries(tax *news.Taxonomy, n int) []news.CountryTag {
	var out []news.CountryTag
	for _, c := range tax.Topics(news.KindCountry)[:n] {
		out = append(out, news.CountryTag{Slug: c.Slug, Role: news.About})
	}
	return out
}

func TestProblem(t *testing.T) {
	err := error(&news.Problem{Code: news.Unacceptable, Detail: "no", Items: []string{"a", "b"}})
	if err.Error() != "no: a; b" || news.CodeOf(err) != news.Unacceptable || news.CodeOf(nil) != "" || news.CodeOf(strings.NewReader("").UnreadByte()) != "" {
		t.Error(err)
	}
	if got := news.Problemf(news.NotFound, "no %d", 7); got.Error() != "no 7" || news.CodeOf(got) != news.NotFound {
		t.Error(got)
	}
}
