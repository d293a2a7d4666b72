package read

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"dateline/publisher/news"
)

// ninjs is what is read of IPTC ninjs. Versions 2 and 3 write names in camel
// case and lists in the plural, version 1 in lower case and in the singular;
// encoding/json does not mind the case.
type ninjs struct {
	URI, Type, Title, Headline, Language, PubStatus, Profile, Slugline, RepresentationType string
	VersionCreated, FirstCreated, ContentCreated                                           string
	Embargoed, EmbargoedUntil                                                              string
	BodyHTML                                                                               string `json:"body_html"`
	BodyXHTML                                                                              string `json:"body_xhtml"`
	BodyText                                                                               string `json:"body_text"`
	DescriptionText                                                                        string `json:"description_text"`
	DescriptionHTML                                                                        string `json:"description_html"`
	Headlines, Bodies, Descriptions                                                        []ninjsText
	Located                                                                                string
	Place, Places, Subject, Subjects, Genre, Genres, InfoSource, InfoSources               []ninjsName
	Renditions, AltIDs                                                                     json.RawMessage
}

type ninjsText struct{ Role, ContentType, Value string }

type ninjsName struct{ Name, Rel, URI, Literal, Role string }

// envelope is a CloudEvent around it, ours or another's.
type envelope struct {
	SpecVersion, Type string
	Status            news.Status `json:"datelinestatus"`
	Data              json.RawMessage
}

// ninjs reads an object of ninjs 1, 2 or 3, alone or as the data of a CloudEvent.
func (r *Reader) ninjs(b []byte) (sheet, error) {
	s := sheet{format: FormatNinjs, rule: ruleLabel, foreign: true}
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return s, jsonTypes("the ninjs", b, err)
	}
	ours := strings.HasPrefix(e.Type, "dateline.release.")
	if e.SpecVersion != "" {
		b = e.Data
		if e.Status == news.Withdrawn {
			return s, errWithdrawn()
		}
	}
	var n ninjs
	if err := json.Unmarshal(b, &n); err != nil {
		return s, jsonTypes("the ninjs", b, err)
	}
	s.title = news.CleanLine(firstOf(main(n.Headlines, ""), n.Title, n.Headline))
	s.url, s.origin = n.web(), firstOf(n.origin(), n.URI)
	if err := n.usable(r.now()); err != nil {
		return s, err
	}
	s.date = firstOf(n.ContentCreated, n.FirstCreated, n.VersionCreated)
	s.language = n.Language
	s.summary = firstOf(main(n.Descriptions, "plain"), n.DescriptionText, plainLine(firstOf(main(n.Descriptions, ""), n.DescriptionHTML)))
	n.body(&s)
	s.partial = n.RepresentationType == "partial"
	for _, p := range strings.Split(n.Located, " / ") {
		if p = strings.TrimSpace(p); p != "" {
			s.places = append(s.places, p)
		}
	}
	r.ninjsTopics(&s, &n, ours)
	return s, nil
}

// usable refuses what is no text, may not be published, or not yet.
func (n *ninjs) usable(now time.Time) error {
	if n.Type != "" && n.Type != "text" && n.Type != "composite" {
		return news.Problemf(news.Unacceptable, "this ninjs is of type %s; only text is read", quote(n.Type))
	}
	switch n.PubStatus {
	case "canceled":
		return errWithdrawn()
	case "withheld":
		return news.Problemf(news.Unacceptable, "this ninjs is withheld (pubStatus) and may not be published")
	}
	until := firstOf(n.EmbargoedUntil, n.Embargoed)
	if t, _, ok := parseDate(until); until != "" && (!ok || t.After(now)) {
		return news.Problemf(news.Unacceptable, "this ninjs is under embargo until %s; bring it in after that", quote(until))
	}
	return nil
}

// ninjsTopics takes over what the item is filed under. Of our own events the
// countries are taken as they stand; elsewhere they are labels among others.
func (r *Reader) ninjsTopics(s *sheet, n *ninjs, ours bool) {
	s.editedCountries = ours
	for _, p := range append(n.Places, n.Place...) {
		name := r.topicName(p)
		switch {
		case ours && p.Rel == string(news.About):
			s.countries = append(s.countries, name)
		case !ours && p.Rel != "dateline" && r.isTopic(news.KindCountry, name):
			s.sources = append(s.sources, name)
		}
	}
	for _, subject := range append(n.Subjects, n.Subject...) {
		// Codes of other vocabularies stand beside a subject they explain.
		if name := r.topicName(subject); r.isTopic(news.KindField, name) && !strings.Contains(subject.URI, "/mediatopic/") {
			s.fields = append(s.fields, name)
		}
	}
	for _, source := range append(n.InfoSources, n.InfoSource...) {
		if name := r.topicName(source); r.isTopic(news.KindSource, name) {
			s.sources = append(s.sources, name)
		}
	}
	for _, genre := range append(n.Genres, n.Genre...) {
		if s.typ == "" {
			s.typ = r.topicName(genre)
		}
	}
	if s.typ == "" && r.isTopic(news.KindType, n.Profile) {
		s.typ = n.Profile
	}
}

// topicName is the slug at the end of one of our addresses, else the name.
func (r *Reader) topicName(n ninjsName) string {
	if _, path, ok := strings.Cut(n.URI, "/feeds/"); ok {
		if kind, slug, ok := strings.Cut(path, "/"); ok && r.isTopic(news.TopicKind(kind), slug) {
			return slug
		}
	}
	return news.CleanLine(n.Name)
}

func (n *ninjs) body(s *sheet) {
	if html := firstOf(main(n.Bodies, "html"), n.BodyHTML, n.BodyXHTML); html != "" {
		s.body = html
		return
	}
	s.body = textToHTML(news.Clean(firstOf(main(n.Bodies, ""), n.BodyText)))
	if s.body == "" {
		s.body, s.partial = textToHTML(s.summary), true
	}
}

// main is the value with the role main, else the first, of a content type that
// holds the word.
func main(texts []ninjsText, word string) string {
	first := ""
	for _, t := range texts {
		if !strings.Contains(t.ContentType, word) {
			continue
		}
		if t.Role == "main" {
			return t.Value
		}
		first = firstOf(first, t.Value)
	}
	return first
}

// origin is the alternative id with the role origin.
func (n *ninjs) origin() string {
	var list []struct{ Role, Value string }
	if json.Unmarshal(n.AltIDs, &list) != nil {
		return ""
	}
	for _, id := range list {
		if id.Role == "origin" {
			return id.Value
		}
	}
	return ""
}

// web is the address of the page, among the renditions or as the id.
func (n *ninjs) web() string {
	type rendition struct{ Name, Href, ContentType, Mimetype string }
	var list []rendition
	if json.Unmarshal(n.Renditions, &list) != nil {
		var byName map[string]rendition
		if json.Unmarshal(n.Renditions, &byName) == nil {
			list = append(list, byName["web"])
		}
	}
	for _, r := range list {
		if r.Name == "web" || r.ContentType == "text/html" || r.Mimetype == "text/html" {
			return webURL(r.Href)
		}
	}
	return webURL(n.URI)
}

// jsonTypes says where JSON breaks or a value is of the wrong type.
func jsonTypes(what string, b []byte, err error) error {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		return news.Problemf(news.Unacceptable, "%s holds a %s under %s; that is of the wrong type", what, t.Value, quote(t.Field))
	}
	return jsonProblem(b, err)
}
