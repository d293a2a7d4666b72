package news_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
)

func TestTaxonomy_With(t *testing.T) {
	t.Parallel()
	base := news.DefaultTaxonomy()
	change := func(t *testing.T, changes ...news.TopicChange) *news.Taxonomy {
		t.Helper()
		next, err := base.With(changes...)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	rename := news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: "policing", To: "police-matters", Name: "Police matters"}
	t.Run("a renamed topic keeps its releases, followers and old addresses", func(t *testing.T) {
		t.Parallel()
		next := change(t, rename)
		if topic, ok := next.Topic(news.KindField, "police-matters"); !ok || topic.Name != "Police matters" {
			t.Fatal("the renamed topic is not there")
		}
		if _, ok := next.Topic(news.KindField, "policing"); ok {
			t.Error("the old slug is a topic still")
		}
		s, err := news.ParseSelection(next, "field/policing")
		if err != nil || s.Path() != "field/police-matters" {
			t.Errorf("the old address leads to %s, %v", s.Path(), err)
		}
		r := news.Release{Fields: []news.Tag{{Slug: "border-management"}, {Slug: "policing"}}}
		next.Refile(&r)
		if got := r.FieldSlugs(); !slices.Equal(got, []string{"border-management", "police-matters"}) {
			t.Errorf("refiled under %v", got)
		}
		if topic, _ := next.Topic(news.KindField, "police-matters"); topic.Group == "" || !slices.Contains(next.Members(news.KindField, topic.Group), "police-matters") {
			t.Error("its group does not hold it any more")
		}
		if len(next.FieldTerms("police-matters")) == 0 {
			t.Error("the words that speak for it are lost")
		}
		if _, ok := base.Topic(news.KindField, "policing"); !ok {
			t.Error("the taxonomy before the change was changed")
		}
	})
	t.Run("a change that is there already does nothing", func(t *testing.T) {
		t.Parallel()
		next := change(t, rename, rename)
		if _, ok := next.Topic(news.KindField, "police-matters"); !ok {
			t.Error("twice renamed is not renamed")
		}
	})
	t.Run("a change that changes nothing is none", func(t *testing.T) {
		t.Parallel()
		retired := change(t, news.TopicChange{Op: news.RetireTopic, Kind: news.KindField, Slug: "policing", Day: "2026-11-24"})
		for _, tc := range []struct {
			of     *news.Taxonomy
			change news.TopicChange
		}{
			{base, news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: "policing"}},
			{base, news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: "policing", To: "policing", Name: "Policing"}},
			{retired, news.TopicChange{Op: news.RetireTopic, Kind: news.KindField, Slug: "policing", Day: "2026-11-25"}},
		} {
			if next, err := tc.of.With(tc.change); err != nil || next != tc.of {
				t.Errorf("%+v makes another taxonomy, %v", tc.change, err)
			}
		}
	})
	t.Run("who follows a topic hears of its change, whatever else they ask for", func(t *testing.T) {
		t.Parallel()
		tells := news.Release{Fields: []news.Tag{{Slug: "policing"}}, Tells: &news.TopicRef{Kind: news.KindField, Slug: "policing"}}
		for path, want := range map[string]bool{
			"field/policing": true, "field/migration+policing/country/serbia": true, "field/politico-military/language/ru": true,
			"all": false, "field/migration": false, "country/serbia": false,
		} {
			s, err := news.ParseSelection(base, path)
			if err != nil || s.Match(base, &tells) != want {
				t.Errorf("%s: %v, %v, want %v", path, s.Match(base, &tells), err, want)
			}
		}
	})
	t.Run("a merged topic becomes part of the other", func(t *testing.T) {
		t.Parallel()
		next := change(t, news.TopicChange{Op: news.MergeTopic, Kind: news.KindCountry, Slug: "holy-see", To: "italy"})
		if next.Current(news.KindCountry, "holy-see") != "italy" {
			t.Error("the old slug does not lead there")
		}
		r := news.Release{Countries: []news.CountryTag{{Slug: "italy", Role: news.About}, {Slug: "holy-see", Role: news.About}, {Slug: "holy-see", Role: news.PlaceRole}}}
		next.Refile(&r)
		if len(r.Countries) != 2 || r.Countries[1] != (news.CountryTag{Slug: "italy", Role: news.PlaceRole}) {
			t.Errorf("refiled under %v", r.Countries)
		}
		s := news.Selection{Countries: []string{"holy-see", "italy"}}
		next.RefileSelection(&s)
		if s.Path() != "country/italy" {
			t.Errorf("who followed both follows %s", s.Path())
		}
	})
	t.Run("a retired topic ends after a year", func(t *testing.T) {
		t.Parallel()
		next := change(t, news.TopicChange{Op: news.RetireTopic, Kind: news.KindSource, Slug: "secretariat", Day: "2026-11-24"})
		topic, _ := next.Topic(news.KindSource, "secretariat")
		if topic.Gone(time.Date(2027, 11, 20, 0, 0, 0, 0, time.UTC)) || !topic.Gone(time.Date(2027, 11, 26, 0, 0, 0, 0, time.UTC)) {
			t.Error("it is gone too early or too late")
		}
	})
	t.Run("every topic can be renamed", func(t *testing.T) {
		t.Parallel()
		for _, k := range news.TopicKinds {
			for _, topic := range slices.Concat(base.Topics(k), base.Groups(k)) {
				next, err := base.With(news.TopicChange{Op: news.RenameTopic, Kind: k, Slug: topic.Slug, To: topic.Slug + "-x"})
				if err != nil {
					t.Errorf("%s %s: %v", k, topic.Slug, err)
				} else if next.Current(k, topic.Slug) != topic.Slug+"-x" {
					t.Errorf("%s %s leads nowhere", k, topic.Slug)
				}
			}
		}
	})
	for name, tc := range map[string]struct {
		change news.TopicChange
		code   news.Code
		says   string
	}{
		"unknown topic":      {news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: "polising", To: "x"}, news.NotFound, "policing"},
		"a taken name":       {news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: "policing", To: "migration"}, news.Conflict, "merge the two"},
		"into itself":        {news.TopicChange{Op: news.MergeTopic, Kind: news.KindField, Slug: "policing", To: "policing"}, news.Unacceptable, "itself"},
		"into nothing":       {news.TopicChange{Op: news.MergeTopic, Kind: news.KindField, Slug: "policing", To: "polising"}, news.NotFound, "policing"},
		"a group":            {news.TopicChange{Op: news.MergeTopic, Kind: news.KindCountry, Slug: "central-asia", To: "italy"}, news.Unacceptable, "group"},
		"no such change":     {news.TopicChange{Op: "burn", Kind: news.KindField, Slug: "policing"}, news.BadRequest, "rename"},
		"a slug that is bad": {news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: "policing", To: "Police Matters"}, news.Unacceptable, "slug"},
		"no day":             {news.TopicChange{Op: news.RetireTopic, Kind: news.KindField, Slug: "policing"}, news.BadRequest, "date"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := base.With(tc.change)
			if news.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v, want %s with %q", news.CodeOf(err), err, tc.code, tc.says)
			}
		})
	}
}
