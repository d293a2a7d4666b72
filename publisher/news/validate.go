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
// body, sizes, tag limits, and that every tag is a topic of the taxonomy. It
// lists every problem in one [Problem] of code [Unacceptable].
func Validate(t *Taxonomy, r *Release) error {
	var items []string
	bad := func(format string, args ...any) { items = append(items, fmt.Sprintf(format, args...)) }
	if !ValidID(r.ID) || r.Revision < 1 {
		bad("the id %q or the revision %d is wrong", r.ID, r.Revision)
	}
	if strings.TrimSpace(r.Title) == "" {
		bad("there is no title")
	}
	for _, f := range []struct {
		name, text string
		max        int
	}{{"title", r.Title, MaxTitle}, {"summary", r.Summary, MaxSummary}, {"note", r.Note, MaxNote}, {"reason", r.Reason, MaxNote}} {
		if n := utf8.RuneCountInString(f.text); n > f.max {
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
		bad("the url %q is not an absolute http or https address", r.URL)
	}
	items = append(items, badTags(t, r)...)
	if len(items) == 0 {
		return nil
	}
	return &Problem{Code: Unacceptable, Detail: "the release cannot be published", Items: items}
}

func badTags(t *Taxonomy, r *Release) []string {
	var items []string
	if n := len(r.CountrySlugs()); n > MaxCountries {
		items = append(items, fmt.Sprintf("there are %d countries, at most %d fit", n, MaxCountries))
	}
	if n := len(r.Fields); n > MaxFields {
		items = append(items, fmt.Sprintf("there are %d fields, at most %d fit", n, MaxFields))
	}
	check := func(k TopicKind, slugs ...string) {
		for _, s := range slugs {
			if topic, ok := t.Topic(k, s); s != "" && (!ok || topic.Members != nil) {
				items = append(items, fmt.Sprintf("%s %q is not in the taxonomy", k, s))
			}
		}
	}
	check(KindField, r.FieldSlugs()...)
	check(KindCountry, r.CountrySlugs()...)
	check(KindSource, r.SourceSlugs()...)
	check(KindType, r.Type)
	check(KindLanguage, r.Language)
	return items
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
