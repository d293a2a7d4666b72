package site_test

import (
	"strings"
	"testing"
	"time"

	"dateline/feeds/site"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

func TestSite_Release_lastChanged(t *testing.T) {
	look, err := page.New(page.Config{BaseURL: "https://news.example.org", Name: "Example Newsroom"})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := site.New(look, news.DefaultTaxonomy())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, revision := range map[string]int{"a release that is as it was published does not say it": 1, "a changed one does": 2} {
		t.Run(name, func(t *testing.T) {
			b, err := pages.Release(&news.Release{
				ID: news.NewID("x"), Revision: revision, Status: news.Published, Title: "Title", Text: "Text", HTML: "<p>Text</p>",
				PublishedAt: at, UpdatedAt: at.AddDate(0, 0, revision-1),
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := string(b)
			if strings.Contains(got, "Last changed") != (revision > 1) || strings.Contains(got, "3 November 2026") != (revision > 1) || !strings.Contains(got, "Identifier") {
				t.Errorf("revision %d: %s", revision, got)
			}
		})
	}
}
