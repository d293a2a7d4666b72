package site

import (
	"time"

	"dateline/publisher/news"
)

// article is a release in the words of schema.org, for search engines. What a
// release does not say is left out: a day stays a day.
type article struct {
	Context      string         `json:"@context"`
	Type         string         `json:"@type"`
	ID           string         `json:"@id"`
	Page         string         `json:"mainEntityOfPage"`
	Headline     string         `json:"headline"`
	Description  string         `json:"description,omitempty"`
	Published    string         `json:"datePublished"`
	Modified     string         `json:"dateModified,omitempty"`
	Language     string         `json:"inLanguage,omitempty"`
	Section      string         `json:"articleSection,omitempty"`
	Identifier   string         `json:"identifier"`
	SameAs       string         `json:"sameAs,omitempty"`
	Author       []organisation `json:"author,omitempty"`
	Publisher    organisation   `json:"publisher"`
	About        []thing        `json:"about,omitempty"`
	Location     []thing        `json:"contentLocation,omitempty"`
	Correction   *correction    `json:"correction,omitempty"`
	Translations []version      `json:"workTranslation,omitempty"`
}

type organisation struct {
	Type string `json:"@type"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

type thing struct {
	Type string `json:"@type"`
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

type correction struct {
	Type      string `json:"@type"`
	Text      string `json:"text"`
	Published string `json:"datePublished"`
}

type version struct {
	Type     string `json:"@type"`
	ID       string `json:"@id"`
	Language string `json:"inLanguage,omitempty"`
}

// article describes a release that is not withdrawn.
func (s *Site) article(r *news.Release, it *item) *article {
	address := s.look.URL(it.Path)
	a := &article{
		Context: "https://schema.org", Type: "NewsArticle", ID: address, Page: address, Headline: it.Title, Description: it.Summary,
		Published: it.PublishedStamp, Language: it.Language, Section: it.Type, Identifier: "urn:uuid:" + it.ID, SameAs: it.URL,
		Publisher: organisation{"Organization", s.look.Name(), s.look.URL("/")},
	}
	if it.Revision > 1 {
		a.Modified = it.Updated.Format(time.RFC3339)
	}
	for _, src := range it.Sources {
		a.Author = append(a.Author, organisation{"Organization", src.Name, s.look.URL(src.Path)})
	}
	for _, f := range r.FieldSlugs() {
		a.About = append(a.About, s.thing("Thing", news.KindField, f))
	}
	for _, c := range r.CountrySlugs(news.About) {
		a.About = append(a.About, s.thing("Country", news.KindCountry, c))
	}
	for _, p := range it.Places {
		a.Location = append(a.Location, thing{Type: "Place", Name: p})
	}
	for _, c := range r.CountrySlugs(news.PlaceRole) {
		a.Location = append(a.Location, s.thing("Country", news.KindCountry, c))
	}
	if it.Note != "" {
		a.Correction = &correction{"CorrectionComment", it.Note, it.Noted.Format(time.RFC3339)}
	}
	for _, t := range it.Translations {
		a.Translations = append(a.Translations, version{"NewsArticle", s.look.URL(t.Path), t.Language})
	}
	return a
}

func (s *Site) thing(typ string, k news.TopicKind, slug string) thing {
	return thing{typ, s.name(k, slug), s.look.URL(topicPath(k, slug))}
}
