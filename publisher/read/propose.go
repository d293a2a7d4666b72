package read

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dateline/publisher/news"
)

// draft is a proposal in the making, with what is wrong with it so far.
type draft struct {
	Proposal
	items []string
}

func (d *draft) bad(format string, args ...any) {
	d.items = append(d.items, fmt.Sprintf(format, args...))
}

func (d *draft) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

// propose looks up everything a document says about itself and adds what can
// be told from its words.
func (r *Reader) propose(s sheet) (Proposal, error) {
	d := draft{Proposal: Proposal{Format: s.format}}
	rel := &d.Release
	rel.Title = news.CleanLine(s.title)
	rel.URL, rel.Origin = news.CleanLine(s.url), news.CleanLine(s.origin)
	rel.TranslationOf = news.CleanLine(s.translationOf)
	if rel.Title == "" {
		d.bad("there is no title; %s", hintTitle(s.format))
	}
	r.settle(&d, &s)
	if err := tooMuch(&s, rel.Title); err != nil {
		return Proposal{}, err
	}
	var err error
	if rel.HTML, rel.Text = s.body, s.plain; s.plain == "" {
		if rel.HTML, rel.Text, err = r.sanitizer.clean(s.body); err != nil {
			return Proposal{}, err
		}
	}
	d.Partial, rel.Partial = s.partial, s.partial
	if rel.Text == "" {
		d.bad("there is no text; only the title and labels were found")
	}
	line, first, rest := r.opening(rel.Text)
	rel.Dateline.Raw = line.raw
	if line.day.Year > 0 {
		rel.Dateline.Date = line.day.time().Format(time.DateOnly)
	}
	r.date(&d, s, line.day)
	r.labels(&d, s)
	text := first + "\n\n" + rest
	r.language(&d, s, text)
	r.countries(&d, s, line, text)
	if rel.Summary = news.CleanLine(s.summary); rel.Summary == "" {
		rel.Summary = summary(first, rest)
	}
	if err := refusal(d.items); err != nil {
		return Proposal{}, err
	}
	if len(rel.Fields) == 0 {
		d.Proposed = r.ProposeFields(rel)
	}
	return d.Proposal, nil
}

// maxLead is how many paragraphs, a heading or a lead, may stand above the dateline.
const maxLead = 2

// opening finds the dateline of a text, in its first paragraph or, with a full
// date, in one of the next; first is that paragraph without it.
func (r *Reader) opening(text string) (line opening, first, rest string) {
	paragraph, after, _ := strings.Cut(text, "\n\n")
	if line, ok := parseDateline(paragraph, r.knowsPlace); ok {
		return line, paragraph[line.length:], after
	}
	next, below := "", after
	for range maxLead {
		next, below, _ = strings.Cut(below, "\n\n")
		if line, ok := parseDateline(next, r.knowsPlace); ok && line.day.Year > 0 {
			return line, next[line.length:], below
		}
	}
	return opening{}, paragraph, after
}

// tooMuch refuses what would take long to look up.
func tooMuch(s *sheet, title string) error {
	if n := utf8.RuneCountInString(title); n > news.MaxTitle {
		return news.Problemf(news.Unacceptable, "the title has %d characters, at most %d fit", n, news.MaxTitle)
	}
	for key, values := range map[string][]string{"place": s.places, "sources": s.sources, "fields": s.fields, "countries": s.countries} {
		if len(values) > maxNames {
			return news.Problemf(news.Unacceptable, "there are %d values under %s, at most %d are read", len(values), key, maxNames)
		}
		for _, v := range values {
			if len(v) > maxList {
				return news.Problemf(news.Unacceptable, "the value %s under %s has %d bytes, at most %d are read", quote(v), key, len(v), maxList)
			}
		}
	}
	return nil
}

func hintTitle(format string) string {
	switch format {
	case FormatMarkdown:
		return "write title: into the front matter"
	case FormatJSON:
		return `give the key "title"`
	case FormatHTML:
		return "an HTML page gives it as h1, og:title or title"
	case FormatNinjs, FormatRSS, FormatAtom, FormatJSONFeed, FormatWordPress:
		return "without one it cannot be published"
	}
	return "it is the line above the labels (Date:, Place:, …) or above the dateline"
}

func sureOf(rule string) float64 {
	if rule == ruleEditor {
		return 1
	}
	return sureLabel
}

// labels looks up type, fields and sources.
func (r *Reader) labels(d *draft, s sheet) {
	rel := &d.Release
	if typ := news.CleanLine(s.typ); typ != "" {
		if topic, ok := r.topic(d, news.KindType, typ); ok {
			rel.Type = topic.Slug
			d.Type = news.Evidence{Rule: s.rule, Words: typ, Confidence: sureOf(s.rule)}
		}
	}
	rel.Fields = r.tags(d, news.KindField, s.fields, s.rule)
	rel.Sources = r.tags(d, news.KindSource, r.withoutCountries(d, s), s.rule)
}

// language takes the stated language, else judges by title and text.
func (r *Reader) language(d *draft, s sheet, text string) {
	rel := &d.Release
	if stated := news.CleanLine(s.language); stated != "" {
		topic, ok := r.taxonomy.Find(news.KindLanguage, stated)
		if tag, _, regional := strings.Cut(stated, "-"); !ok && regional {
			topic, ok = r.taxonomy.Find(news.KindLanguage, tag)
		}
		if !ok {
			topic, ok = r.topic(d, news.KindLanguage, stated)
		}
		if ok {
			rel.Language = topic.Slug
			d.Language = news.Evidence{Rule: s.rule, Words: stated, Confidence: sureOf(s.rule)}
		}
		return
	}
	lang, e := r.languages.detect(rel.Title + ".\n" + text)
	if _, ok := r.taxonomy.Topic(news.KindLanguage, lang); !ok {
		d.warn("the language cannot be told from so few or so mixed words; state it")
		return
	}
	rel.Language, d.Language = lang, e
}

// countries settles places and countries: an editor's tags, else the proposal.
func (r *Reader) countries(d *draft, s sheet, line opening, text string) {
	rel := &d.Release
	var stated, opened []located
	for _, p := range s.places {
		parts, ok := splitPlaces(p, r.knowsPlace, false)
		if !ok {
			parts = []string{p}
		}
		stated = append(stated, r.locateAll(parts)...)
	}
	opened = r.locateAll(line.places)
	places, rule := stated, s.rule
	if len(places) == 0 {
		places, rule = opened, "dateline"
	}
	for _, l := range places {
		r.place(d, l, rule)
	}
	if s.editedCountries {
		rel.Countries = slices.Concat(r.edited(d, s.countries), rel.Countries)
		return
	}
	if len(opened) == 0 {
		opened = stated
	}
	about, warnings := r.aboutCountries(subject{rel.Title, text, rel.Language, rel.PublishedAt.Year(), rel.SourceSlugs(), opened})
	if labelled := rel.CountrySlugs(news.About); len(labelled) > 0 {
		about = slices.DeleteFunc(about, func(c news.CountryTag) bool {
			return slices.Contains(labelled, c.Slug) || slices.Contains([]string{"dateline", "text", "region"}, c.Evidence.Rule)
		})
	}
	rel.Countries = slices.Concat(about, rel.Countries)
	d.Warnings = append(d.Warnings, warnings...)
}

func (r *Reader) locateAll(words []string) []located {
	var out []located
	for _, w := range words {
		if l := r.locate(w); l.place.Name != "" {
			out = append(out, l)
		}
	}
	return out
}

// place adds a place and, when its country is certain and says where the
// release was issued, the country in that role. A bare seat city does not: it
// says where the sender sits.
func (r *Reader) place(d *draft, l located, rule string) {
	rel := &d.Release
	if slices.Contains(rel.Places, l.place) {
		return
	}
	rel.Places = append(rel.Places, l.place)
	if l.note != "" {
		d.Warnings = append(d.Warnings, l.note)
	}
	if l.place.Country == "" || l.seat && !l.explicit || slices.Contains(rel.CountrySlugs(news.PlaceRole), l.place.Country) {
		return
	}
	rel.Countries = append(rel.Countries, news.CountryTag{Slug: l.place.Country, Role: news.PlaceRole,
		Evidence: news.Evidence{Rule: rule, Words: l.words, Confidence: l.confidence(rule)}})
}

func (l located) confidence(rule string) float64 {
	switch {
	case rule == ruleEditor:
		return 1
	case l.explicit:
		return sureLabel
	case l.unsure:
		return sureGuess
	}
	return sureDateline
}
