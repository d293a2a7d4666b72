package publisher

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/read"
)

// Effects are what an event sets off beyond its documents.
type Effects struct {
	Partners []string `json:"partners"` // by name
	// Subscribers are how many recipients would be told, by channel.
	Subscribers map[string]int `json:"subscribers"`
	// AlertsAt is when the alerts would leave, if they are held.
	AlertsAt time.Time `json:"alerts_at,omitzero"`
	// Unknown names what this process cannot tell, because another one does it.
	Unknown []string `json:"unknown,omitempty"`
}

// Preview says what a change would set off, before anything is changed.
type Preview struct {
	Outcome  Outcome   `json:"outcome"`
	ID       string    `json:"id"`
	Revision int       `json:"revision"`
	Kind     news.Kind `json:"kind"`
	Title    string    `json:"title"`
	Date     string    `json:"date"`
	// Until is when it would take place, for a version under embargo.
	Until  time.Time `json:"until,omitzero"`
	Zone   string    `json:"zone,omitempty"`
	Topics []Topic   `json:"topics"`
	// Documents are the feeds of one topic, or of one field with one country, that
	// would be made anew, as paths below the base URL without extension; each exists
	// in every format. With each go its variants: with routine series, of one role,
	// of the groups that hold the topic, and of other combinations.
	Documents []string `json:"documents"`
	Formats   []string `json:"formats"`
	Effects
	Warnings []string `json:"warnings"`
}

// Topic is something the release would be filed under, and why.
type Topic struct {
	Kind       news.TopicKind `json:"kind"`
	Slug       string         `json:"slug"`
	Name       string         `json:"name"`
	Role       news.Role      `json:"role,omitempty"`
	Rule       string         `json:"rule,omitempty"`
	Confidence float64        `json:"confidence,omitempty"`
}

// formats of a feed, beside its page for people.
func formats() []string { return []string{"rss", "atom", "json"} }

// preview works out what the event e would set off, prev being the newest state
// before it and at the time at which it would take place; a change that does
// nothing sets off nothing.
func (p *Publisher) preview(ctx context.Context, outcome Outcome, prev *news.Release, e news.Event, at time.Time, warnings []string) (Preview, error) {
	r := &e.Release
	out := Preview{
		Outcome: outcome, ID: r.ID, Revision: r.Revision, Kind: e.Kind, Title: r.Title, Date: dateOf(r),
		Topics: topicsOf(p.cfg.Taxonomy, r), Documents: []string{}, Formats: formats(),
		Effects:  Effects{Partners: []string{}, Subscribers: map[string]int{}},
		Warnings: append(slices.Clone(warnings), p.doubts(r, at)...),
	}
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	if outcome == Unchanged {
		return out, nil
	}
	out.Documents = touched(p.cfg.Taxonomy, prev, r)
	if p.cfg.Effects == nil {
		out.Unknown = []string{"subscribers", "partners"}
		return out, nil
	}
	effects, err := p.cfg.Effects(ctx, prev, e)
	if err != nil {
		return out, err
	}
	if effects.Partners == nil {
		effects.Partners = []string{}
	}
	out.Effects = effects
	return out, nil
}

// touched are the feeds of what the release is filed under now and was before.
func touched(t *news.Taxonomy, prev, r *news.Release) []string {
	var out []string
	for _, of := range []*news.Release{prev, r} {
		if of == nil {
			continue
		}
		for _, s := range news.Touched(t, of) {
			out = append(out, "/feeds/"+s.Path())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func topicsOf(t *news.Taxonomy, r *news.Release) []Topic {
	out := []Topic{}
	add := func(k news.TopicKind, slug string, role news.Role, e news.Evidence) {
		if slug != "" {
			out = append(out, Topic{k, slug, t.Name(k, slug), role, e.Rule, e.Confidence})
		}
	}
	for _, f := range r.Fields {
		add(news.KindField, f.Slug, "", f.Evidence)
	}
	for _, c := range r.Countries {
		add(news.KindCountry, c.Slug, c.Role, c.Evidence)
	}
	for _, s := range r.Sources {
		add(news.KindSource, s.Slug, "", s.Evidence)
	}
	add(news.KindType, r.Type, "", news.Evidence{})
	add(news.KindLanguage, r.Language, "", news.Evidence{})
	return out
}

// farOff is how far a release's date may lie from today before an editor is asked.
const (
	farBehind = 30 * 24 * time.Hour
	farAhead  = 26 * time.Hour
)

// doubts are what an editor should look at before a release goes out at a time.
func (p *Publisher) doubts(r *news.Release, at time.Time) []string {
	var out []string
	if len(r.Fields) == 0 {
		out = append(out, "it is filed under no field of work, so no field's feed has it; name one in the document, or accept the proposed ones")
	}
	if len(r.Countries) == 0 {
		out = append(out, "it is filed under no country, so no country's feed has it")
	}
	switch off := r.PublishedAt.Sub(at); {
	case r.PublishedAt.IsZero():
	case off > farAhead:
		out = append(out, fmt.Sprintf("its date, %s, lies ahead", dateOf(r)))
	case off < -farBehind:
		out = append(out, fmt.Sprintf("its date, %s, lies %d days back; import old releases as back-fill, so that nobody is alerted", dateOf(r), int(-off.Hours()/24)))
	}
	if line := read.EmbargoNotice(r.Text); line != "" {
		out = append(out, fmt.Sprintf("it says of itself that it is under embargo: %q", line))
	}
	for _, e := range p.list.Near(r) {
		out = append(out, fmt.Sprintf("it says nearly the same as release %s of %s, %q; if it is a new version of that one, publish it with --revises", e.ID, e.Published.Format(time.DateOnly), e.Title))
	}
	return out
}
