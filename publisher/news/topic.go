package news

// TopicKind is the kind of a topic, as it stands in paths.
type TopicKind string

// The kinds, in the order in which they stand in a path.
const (
	KindField    TopicKind = "field"
	KindCountry  TopicKind = "country"
	KindSource   TopicKind = "source"
	KindType     TopicKind = "type"
	KindLanguage TopicKind = "language"
)

// TopicKinds lists the kinds in the order of paths.
var TopicKinds = []TopicKind{KindField, KindCountry, KindSource, KindType, KindLanguage}

// Topic is something a release can be filed under, or a group of such: a
// field of work, a country, a source, a type of release, a language.
type Topic struct {
	Kind    TopicKind `json:"-"`
	Slug    string    `json:"slug"` // lower-case letters, digits and dashes; stands in URLs
	Name    string    `json:"name"`
	Code    string    `json:"code,omitempty"`    // countries: ISO 3166-1 alpha-2 (or user-assigned) in lower case
	Aliases []string  `json:"aliases,omitempty"` // other and former names, in any language
	Note    string    `json:"note,omitempty"`    // footnote to be shown wherever the topic heads a page

	Demonyms []string `json:"demonyms,omitempty"` // countries: "Austrian"
	Capital  []string `json:"capital,omitempty"`  // countries: spellings of the capital, current one first

	Seat   string `json:"seat,omitempty"`   // sources: the city of its headquarters
	Host   string `json:"host,omitempty"`   // sources: slug of the country a field operation works in
	Closed bool   `json:"closed,omitempty"` // sources: works no more, its releases stay

	Group string `json:"group,omitempty"` // fields: slug of the dimension
	// Retired is the day, YYYY-MM-DD, since which nothing new is filed under the
	// topic; its releases stay. See [Topic.Gone].
	Retired string `json:"retired,omitempty"`

	Routine bool   `json:"routine,omitempty"` // types: daily and weekly series, kept out of feeds unless asked for
	IPTC    []IPTC `json:"iptc,omitempty"`    // fields: IPTC Media Topics

	// Members are the slugs of a group's members; a plain topic has none.
	Members []string `json:"members,omitempty"`
}

// IPTC is a concept of the IPTC Media Topics vocabulary that a field maps to.
type IPTC struct {
	ID       string `json:"id"` // "medtop:20000133"
	Label    string `json:"label"`
	Relation string `json:"relation,omitempty"` // "exact", "close", "broad" or "related"
}

// Gazette is a place and the country it lies in.
type Gazette struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"` // its names in other languages and former ones
	Country string   `json:"country"`           // country slug
}
