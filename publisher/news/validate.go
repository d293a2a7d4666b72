package news

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Sizes beyond which a release is refused, in characters.
const (
	MaxTitle   = 500
	MaxSummary = 5000
	MaxNote    = 2000
)

// Validate checks that a release may go into the log: identity, title, date,
// body, sizes, control characters, addresses, tag limits, and that every tag is
// a topic of the taxonomy. Type and language may be empty, both for unknown. It
// lists every problem in one [Problem] of code [Unacceptable].
func Validate(t *Taxonomy, r *Release) error {
	var items []string
	bad := func(format string, args ...any) { items = append(items, fmt.Sprintf(format, args...)) }
	if !ValidID(r.ID) || r.Revision < 1 {
		bad("the id %q or the revision %d is wrong", short(r.ID), r.Revision)
	}
	if strings.TrimSpace(r.Title) == "" {
		bad("there is no title")
	}
	for _, f := range r.texts() {
		if n := utf8.RuneCountInString(f.text); f.max > 0 && n > f.max {
			bad("the %s has %d characters, at most %d fit", f.name, n, f.max)
		}
	}
	if r.PublishedAt.IsZero() {
		bad("there is no date")
	} else if y := r.PublishedAt.Year(); y < 1900 || r.PublishedAt.After(r.UpdatedAt.Add(24*time.Hour)) {
		bad("the date %s is not between 1900 and tomorrow; correct it", r.PublishedAt.Format(time.DateOnly))
	}
	if r.Status == Published && strings.TrimSpace(r.Text) == "" {
		bad("there is no text")
	}
	if r.Status == Withdrawn && r.Reason == "" {
		bad("a withdrawal needs a reason")
	}
	if r.URL != "" && !isWebURL(r.URL) {
		bad("the url %q is not an absolute http or https address", short(r.URL))
	}
	for _, l := range r.Links {
		if !isWebURL(l.URL) && !strings.HasPrefix(l.URL, "mailto:") {
			bad("the link %q is not an absolute http or https address", short(l.URL))
		}
	}
	for _, f := range r.texts() {
		if Clean(f.text) != f.text {
			bad("the %s holds control characters or is not UTF-8", f.name)
		}
	}
	if r.Status != Withdrawn { // what was filed under a topic that is no more can still be taken back
		items = append(items, badTags(t, r)...)
	}
	if len(items) == 0 {
		return nil
	}
	return &Problem{Code: Unacceptable, Detail: "the release cannot be published", Items: items}
}

// text is a part of a release that people read; max 0 means any length.
type text struct {
	name, text string
	max        int
}

func (r *Release) texts() []text {
	return []text{
		{"title", r.Title, MaxTitle}, {"summary", r.Summary, MaxSummary}, {"note", r.Note, MaxNote},
		{"reason", r.Reason, MaxNote}, {"original of the translation", r.TranslationOf, MaxNote}, {"text", r.Text, 0}, {"html", r.HTML, 0},
	}
}

func badTags(t *Taxonomy, r *Release) []string {
	var items []string
	if n := len(r.CountrySlugs()); n > MaxCountries {
		items = append(items, fmt.Sprintf("there are %d countries, at most %d fit", n, MaxCountries))
	}
	if n := len(r.FieldSlugs()); n > MaxFields {
		items = append(items, fmt.Sprintf("there are %d fields, at most %d fit", n, MaxFields))
	}
	check := func(k TopicKind, slugs ...string) {
		for _, s := range slugs {
			if topic, ok := t.Topic(k, s); !ok || topic.Members != nil {
				items = append(items, fmt.Sprintf("%s %q is not in the taxonomy", k, short(s)))
			}
		}
	}
	check(KindField, r.FieldSlugs()...)
	check(KindCountry, r.CountrySlugs()...)
	check(KindSource, r.SourceSlugs()...)
	if r.Type != "" {
		check(KindType, r.Type)
	}
	if r.Language != "" {
		check(KindLanguage, r.Language)
	}
	for _, p := range r.Places {
		if p.Country != "" {
			check(KindCountry, p.Country)
		}
	}
	for _, c := range r.Countries {
		if c.Role != About && c.Role != PlaceRole {
			items = append(items, fmt.Sprintf("the role %q of country %q is neither about nor place", short(string(c.Role)), short(c.Slug)))
		}
	}
	return items
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil
}
