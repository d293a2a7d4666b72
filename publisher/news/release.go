package news

import (
	"encoding/json"
	"slices"
	"time"
)

// Status says what the public may see of a release.
type Status string

// The statuses. Only Published and Withdrawn are ever in the public log; Draft
// and Embargoed are those of a version that waits at the desk, see [Pending].
const (
	Published Status = "published"
	Withdrawn Status = "withdrawn"
	Draft     Status = "draft"
	Embargoed Status = "embargoed"
)

// Role says in which way a country belongs to a release.
type Role string

const (
	// About says that the release treats of the country.
	About Role = "about"
	// PlaceRole says that the release was issued there (its dateline or its Place label).
	PlaceRole Role = "place"
)

// Evidence says why a tag is there, so that an editor can check it.
type Evidence struct {
	Rule       string  `json:"rule"`            // short name of the rule, for instance "label", "title", "dateline", "host"
	Words      string  `json:"words,omitempty"` // the words the rule saw
	Confidence float64 `json:"confidence"`      // 0 to 1; 1 is an editor's own tag
}

// Tag names a topic of one kind by its slug.
type Tag struct {
	Slug     string   `json:"slug"`
	Evidence Evidence `json:"evidence"`
}

// CountryTag is a country with the role it plays. A country may stand twice,
// once in each role.
type CountryTag struct {
	Slug     string   `json:"slug"`
	Role     Role     `json:"role"`
	Evidence Evidence `json:"evidence"`
}

// Place is a place as the release names it, with the country it lies in when
// that is certain.
type Place struct {
	Name    string `json:"name"`
	Country string `json:"country,omitempty"` // country slug; empty when unknown
}

// Dateline is the line that opens a release: where and when it was issued.
type Dateline struct {
	Raw  string `json:"raw,omitempty"`  // as it stood, for instance "VIENNA, 17 May 2017 –"
	Date string `json:"date,omitempty"` // YYYY-MM-DD; empty when the line gives no full date
}

// Link is something a release points at.
type Link struct {
	URL   string `json:"url"`
	Title string `json:"title,omitempty"`
}

// Release is one press release in the state after one of its revisions.
type Release struct {
	ID       string `json:"id"`       // UUIDv5 of the first origin, lower case; see [NewID]
	Revision int    `json:"revision"` // 1 for the first publication
	Status   Status `json:"status"`
	Origin   string `json:"origin,omitempty"` // the first origin, from which the id was minted
	// OtherOrigins are later origins of the same release, for instance a moved URL.
	OtherOrigins []string `json:"other_origins,omitempty"`
	// TranslationOf is the origin or id of the release whose story this one
	// tells in another language.
	TranslationOf string `json:"translation_of,omitempty"`
	Language      string `json:"language,omitempty"` // BCP 47, lower-case primary tag, for instance "en", "ru"
	Type          string `json:"type,omitempty"`     // slug of a type topic, for instance "press-release"

	Title   string `json:"title"`
	Summary string `json:"summary,omitempty"` // plain text
	HTML    string `json:"html,omitempty"`    // sanitised body, without the dateline's navigation
	Text    string `json:"text,omitempty"`    // the body as plain text, paragraphs separated by a blank line

	// Partial says that Text is only the beginning or a summary of what stands at URL.
	Partial bool `json:"partial,omitempty"`

	// PublishedAt is the release's own publishing time with its zone, for a
	// back-fill long before the event. When only the day is known it is
	// midnight UTC of that day and DayOnly is set.
	PublishedAt time.Time `json:"published"`
	DayOnly     bool      `json:"day_only,omitempty"`
	// UpdatedAt is the time of the event that made this revision, UTC.
	UpdatedAt time.Time `json:"updated"`
	// SurfacedAt orders feeds: see [Next]. SurfacedRevision is the
	// revision that set it, which is the last one that alerts anybody.
	SurfacedAt       time.Time `json:"surfaced"`
	SurfacedRevision int       `json:"surfaced_revision"`

	Dateline  Dateline     `json:"dateline,omitzero"`
	Places    []Place      `json:"places,omitempty"`
	Countries []CountryTag `json:"countries,omitempty"`
	Fields    []Tag        `json:"fields,omitempty"`
	Sources   []Tag        `json:"sources,omitempty"`

	URL      string   `json:"url,omitempty"` // canonical URL outside Dateline
	Links    []Link   `json:"links,omitempty"`
	Contacts []string `json:"contacts,omitempty"`

	// Note is the newest public correction note: what was wrong. A revision that
	// says nothing keeps it, with its time, because readers are still owed it.
	Note    string    `json:"note,omitempty"`
	NotedAt time.Time `json:"noted_at,omitzero"` // UTC; time of the revision that gave Note
	Reason  string    `json:"reason,omitempty"`  // reason of the withdrawal
	// ReplacedBy is the id of the release that readers of this withdrawn one are
	// sent to.
	ReplacedBy string `json:"replaced_by,omitempty"`
	// Tells names the topic of which the release tells that it changes: it is for
	// everybody who follows that topic, whatever else they ask for, and for nobody else.
	Tells *TopicRef `json:"tells,omitempty"`
	// Erased says that a withdrawn release was also removed from the log: nothing
	// of its words is left, and nothing can follow.
	Erased bool `json:"erased,omitempty"`
}

// ErasedTitle stands in the place of the title of an erased release.
const ErasedTitle = "Erased release"

// TopicRef names a topic.
type TopicRef struct {
	Kind TopicKind `json:"kind"`
	Slug string    `json:"slug"`
}

// Limits of the contract: (1+fields)(1+countries) copies stay below 1000.
const (
	MaxCountries = 40
	MaxFields    = 23
)

// CountrySlugs returns the distinct countries of the release in the given
// roles (all roles when none is given), in order of first mention.
func (r *Release) CountrySlugs(roles ...Role) []string {
	var out []string
	for _, c := range r.Countries {
		if (len(roles) == 0 || slices.Contains(roles, c.Role)) && !slices.Contains(out, c.Slug) {
			out = append(out, c.Slug)
		}
	}
	return out
}

// FieldSlugs returns the distinct fields of the release in their order.
func (r *Release) FieldSlugs() []string { return slugs(r.Fields) }

// SourceSlugs returns the distinct sources of the release in their order.
func (r *Release) SourceSlugs() []string { return slugs(r.Sources) }

func slugs(tags []Tag) []string {
	var out []string
	for _, t := range tags {
		if !slices.Contains(out, t.Slug) {
			out = append(out, t.Slug)
		}
	}
	return out
}

// NoteTime is when the correction note was given, UTC; the time of the revision
// for events that were written before it was kept.
func (r *Release) NoteTime() time.Time {
	if r.NotedAt.IsZero() {
		return r.UpdatedAt.UTC()
	}
	return r.NotedAt.UTC()
}

// WithoutText is the release as a withdrawal leaves it, apart from its status
// and reason.
func (r *Release) WithoutText() Release {
	out := *r
	out.withoutText()
	return out
}

// withoutText removes everything from which the words of the body could be
// read, the evidence of tags included.
func (r *Release) withoutText() {
	r.Summary, r.HTML, r.Text, r.Note, r.NotedAt = "", "", "", "", time.Time{}
	r.Links, r.Contacts = nil, nil
	r.Dateline.Raw = ""
	r.Fields, r.Sources, r.Countries = slices.Clone(r.Fields), slices.Clone(r.Sources), slices.Clone(r.Countries)
	for i := range r.Fields {
		r.Fields[i].Evidence.Words = ""
	}
	for i := range r.Sources {
		r.Sources[i].Evidence.Words = ""
	}
	for i := range r.Countries {
		r.Countries[i].Evidence.Words = ""
	}
}

// withoutTrace removes what even a withdrawal keeps: every word and address of
// the release. What it was filed under stays, so that whoever holds a copy finds
// the tombstone where the copy is.
func (r *Release) withoutTrace() {
	r.withoutText()
	r.Title, r.Origin, r.URL, r.TranslationOf, r.ReplacedBy = ErasedTitle, "", "", "", ""
	r.OtherOrigins, r.Places, r.Partial = nil, nil, false
	r.Dateline = Dateline{}
}

// SameContent reports whether a and b say the same to a reader: equal in all
// but identity, revision, times of events, notes and evidence.
func SameContent(a, b *Release) bool {
	return string(contentOf(a)) == string(contentOf(b))
}

func contentOf(r *Release) []byte {
	c := *r
	c.ID, c.Revision, c.Status, c.Origin, c.Note, c.Reason, c.ReplacedBy = "", 0, "", "", "", "", ""
	c.OtherOrigins = nil
	c.UpdatedAt, c.SurfacedAt, c.SurfacedRevision, c.NotedAt = time.Time{}, time.Time{}, 0, time.Time{}
	c.PublishedAt = c.PublishedAt.UTC()
	c.Fields, c.Sources = bare(c.Fields), bare(c.Sources)
	c.Countries = slices.Clone(c.Countries)
	for i := range c.Countries {
		c.Countries[i].Evidence = Evidence{}
	}
	b, err := json.Marshal(&c)
	if err != nil { // only times outside years 0-9999 fail, and Validate refuses them
		return nil
	}
	return b
}

func bare(tags []Tag) []Tag {
	out := make([]Tag, len(tags))
	for i, t := range tags {
		out[i] = Tag{Slug: t.Slug}
	}
	return out
}
