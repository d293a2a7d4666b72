package news

import (
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"
)

// cloudEvent is the one outward body of an event: CloudEvents 1.0, structured
// JSON, with a ninjs 3.1 object as data. What ninjs has no room for stands in
// extension attributes (CloudEvents section 3.1.1: lower case letters and digits).
type cloudEvent struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Subject         string `json:"subject"`
	Time            string `json:"time"`
	DataContentType string `json:"datacontenttype"`
	Revision        int    `json:"datelinerevision"`
	Status          Status `json:"datelinestatus"`
	Note            string `json:"datelinenote,omitempty"`
	Reason          string `json:"datelinereason,omitempty"`
	Backfill        bool   `json:"datelinebackfill,omitempty"`
	TranslationOf   string `json:"datelinetranslationof,omitempty"` // id of the original
	ReplacedBy      string `json:"datelinereplacedby,omitempty"`    // id of the release to read in place of a withdrawn one
	Erased          bool   `json:"datelineerased,omitempty"`
	Data            ninjs  `json:"data"`
}

type ninjs struct {
	URI            string      `json:"uri"`
	Type           string      `json:"type"`
	Representation string      `json:"representationType"`
	Profile        string      `json:"profile,omitempty"`
	Version        string      `json:"version"`
	VersionCreated string      `json:"versionCreated"`
	ContentCreated string      `json:"contentCreated"`
	PubStatus      string      `json:"pubStatus"`
	Language       string      `json:"language,omitempty"`
	Title          string      `json:"title"`
	Headlines      []ninjsText `json:"headlines"`
	Descriptions   []ninjsText `json:"descriptions,omitempty"`
	Bodies         []ninjsText `json:"bodies,omitempty"`
	Located        string      `json:"located,omitempty"`
	Places         []ninjsName `json:"places,omitempty"`
	Subjects       []ninjsName `json:"subjects,omitempty"`
	InfoSources    []ninjsInfo `json:"infoSources,omitempty"`
	Genres         []ninjsName `json:"genres,omitempty"`
	AltIDs         []ninjsAlt  `json:"altIds,omitempty"`
	Renditions     []ninjsRend `json:"renditions,omitempty"`
	Standard       ninjsStd    `json:"standard"`
}

type ninjsText struct {
	Role        string `json:"role"`
	ContentType string `json:"contentType"`
	Value       string `json:"value"`
}

type ninjsName struct {
	Name       string `json:"name"`
	Rel        string `json:"rel,omitempty"`
	URI        string `json:"uri,omitempty"`
	Literal    string `json:"literal,omitempty"`
	Creator    string `json:"creator,omitempty"`
	Confidence int    `json:"confidence,omitempty"`
}

type ninjsInfo struct {
	Name string `json:"name"`
	Role string `json:"role"`
	URI  string `json:"uri,omitempty"`
}

type ninjsAlt struct {
	Role  string `json:"role"`
	Value string `json:"value"`
}

type ninjsRend struct {
	Name        string `json:"name"`
	Href        string `json:"href"`
	ContentType string `json:"contentType"`
}

type ninjsStd struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Schema  string `json:"schema"`
}

// CloudEvent makes the outward body of an event: the same on the wire, in
// webhooks and in API answers. base is the address of the pages, without a
// slash at the end. A correction's note opens the body and stands, on one line,
// in an attribute too; a withdrawn release has pubStatus "canceled" and no body.
func CloudEvent(t *Taxonomy, base string, e Event) ([]byte, error) {
	r := &e.Release
	b, err := json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: e.ID(), Source: base + "/", Type: "dateline.release." + string(e.Kind) + ".v1",
		Subject: r.ID, Time: stamp(e.Time), DataContentType: "application/json",
		Revision: r.Revision, Status: r.Status, Note: CleanLine(r.Note), Reason: CleanLine(r.Reason), Backfill: e.Backfill, TranslationOf: CleanLine(r.TranslationOf),
		ReplacedBy: r.ReplacedBy, Erased: r.Erased,
		Data: asNinjs(t, base, r),
	})
	if err != nil {
		return nil, fmt.Errorf("encode cloud event %s: %w", e.ID(), err)
	}
	return b, nil
}

func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

func asNinjs(t *Taxonomy, base string, r *Release) ninjs {
	n := ninjs{
		URI: "urn:uuid:" + r.ID, Type: "text", Representation: "full", Profile: r.Type,
		Version: strconv.Itoa(r.Revision), VersionCreated: stamp(r.UpdatedAt), ContentCreated: r.PublishedAt.Format(time.RFC3339),
		PubStatus: "usable", Language: r.Language, Title: r.Title,
		Headlines: []ninjsText{{"main", "text/plain", r.Title}},
		Standard:  ninjsStd{"ninjs", "3.1", "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"},
	}
	if r.Partial {
		n.Representation = "partial"
	}
	switch {
	case r.Status == Withdrawn:
		n.PubStatus, n.Representation = "canceled", "partial"
	case r.Text == "" && r.HTML == "": // withdrawn since
		n.Representation = "partial"
	default:
		n.Bodies = []ninjsText{{"main", "text/html", noteParagraph(r) + r.HTML}}
		if r.HTML == "" {
			n.Bodies[0].Value += "<p>" + strings.ReplaceAll(html.EscapeString(r.Text), "\n\n", "</p>\n<p>") + "</p>"
		}
	}
	if r.Summary != "" {
		n.Descriptions = []ninjsText{{"summary", "text/plain", r.Summary}}
	}
	n.Places, n.Located = ninjsPlaces(t, base, r)
	n.Subjects = ninjsSubjects(t, base, r)
	for _, s := range r.Sources {
		n.InfoSources = append(n.InfoSources, ninjsInfo{t.Name(KindSource, s.Slug), "publisher", topicURI(base, KindSource, s.Slug)})
	}
	if r.Type != "" {
		n.Genres = []ninjsName{{Name: t.Name(KindType, r.Type), URI: topicURI(base, KindType, r.Type)}}
	}
	if r.Origin != "" {
		n.AltIDs = []ninjsAlt{{"origin", r.Origin}}
	}
	n.Renditions = []ninjsRend{{"web", ReleaseURL(base, r.ID, r.Title), "text/html"}}
	return n
}

func noteParagraph(r *Release) string {
	if r.Note == "" {
		return ""
	}
	return "<p><strong>Correction, " + r.NoteTime().Format("2 January 2006") + ":</strong> " + html.EscapeString(r.Note) + "</p>\n"
}

func topicURI(base string, k TopicKind, slug string) string {
	return base + "/feeds/" + string(k) + "/" + slug
}

func ninjsPlaces(t *Taxonomy, base string, r *Release) (places []ninjsName, located string) {
	names := make([]string, 0, len(r.Places))
	for _, p := range r.Places {
		name := p.Name
		if p.Country != "" {
			name += ", " + t.Name(KindCountry, p.Country)
		}
		names = append(names, name)
	}
	for _, c := range r.Countries {
		rel := "about"
		if c.Role == PlaceRole {
			rel = "dateline"
		}
		topic, _ := t.Topic(KindCountry, c.Slug)
		places = append(places, ninjsName{Name: t.Name(KindCountry, c.Slug), Rel: rel, URI: topicURI(base, KindCountry, c.Slug), Literal: strings.ToUpper(topic.Code)})
	}
	return places, strings.Join(names, " / ")
}

func ninjsSubjects(t *Taxonomy, base string, r *Release) []ninjsName {
	var out []ninjsName
	for _, f := range r.Fields {
		topic, _ := t.Topic(KindField, f.Slug)
		creator := "editor"
		if f.Evidence.Rule == "proposal" {
			creator = "proposal"
		}
		out = append(out, ninjsName{Name: t.Name(KindField, f.Slug), Rel: "about", URI: topicURI(base, KindField, f.Slug), Creator: creator, Confidence: int(min(max(f.Evidence.Confidence, 0), 1)*100 + 0.5)})
		for _, c := range topic.IPTC {
			out = append(out, ninjsName{Name: c.Label, Rel: "about", URI: "http://cv.iptc.org/newscodes/mediatopic/" + strings.TrimPrefix(c.ID, "medtop:"), Creator: "mapping"})
		}
	}
	return out
}
