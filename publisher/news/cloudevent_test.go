package news_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
)

func TestCloudEvent_Golden(t *testing.T) {
	b, err := news.CloudEvent(news.DefaultTaxonomy(), "https://news.example.org", life(t)[news.KindCorrected])
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "cloudevent.json", append(pretty.Bytes(), '\n'))
}

func TestCloudEvent_EveryKindIsValid(t *testing.T) {
	events := life(t)
	backfill := events[news.KindPublished]
	backfill.Backfill = true
	bare := news.Event{Kind: news.KindPublished, Time: noon, Release: news.Release{
		ID: news.NewID("bare"), Revision: 1, Status: news.Published, Title: "Bare", Text: "One & two.\n\nThree.", PublishedAt: noon, UpdatedAt: noon, SurfacedAt: noon,
	}}
	strange := events[news.KindPublished]
	strange.Release.Fields = []news.Tag{{Slug: "unknown", Evidence: news.Evidence{Confidence: 7}}}
	all := map[string]news.Event{"a back-fill": backfill, "a bare release": bare, "tags of another taxonomy": strange}
	for kind, e := range events {
		all[string(kind)] = e
	}
	for name, e := range all {
		t.Run(name, func(t *testing.T) {
			b, err := news.CloudEvent(news.DefaultTaxonomy(), "https://news.example.org", e)
			if err != nil {
				t.Fatal(err)
			}
			var doc map[string]any
			if err := json.Unmarshal(b, &doc); err != nil {
				t.Fatal(err)
			}
			for _, problem := range append(cloudEventProblems(doc), ninjsProblems(doc["data"])...) {
				t.Error(problem)
			}
		})
	}
}

func TestCloudEvent_Content(t *testing.T) {
	tax := news.DefaultTaxonomy()
	events := life(t)
	read := func(e news.Event) (doc, data map[string]any) {
		t.Helper()
		b, err := news.CloudEvent(tax, "https://news.example.org", e)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		return doc, doc["data"].(map[string]any)
	}
	t.Run("identity", func(t *testing.T) {
		e := events[news.KindCorrected]
		doc, data := read(e)
		for key, want := range map[string]string{"id": e.Release.ID + ":3", "type": "dateline.release.corrected.v1", "source": "https://news.example.org/", "subject": e.Release.ID, "datelinenote": "The number of officers was wrong: it was forty."} {
			if doc[key] != want {
				t.Errorf("%s is %v, want %v", key, doc[key], want)
			}
		}
		if data["uri"] != "urn:uuid:"+e.Release.ID || data["version"] != "3" || data["pubStatus"] != "usable" {
			t.Errorf("uri %v, version %v, status %v", data["uri"], data["version"], data["pubStatus"])
		}
		body := data["bodies"].([]any)[0].(map[string]any)["value"].(string)
		if !strings.HasPrefix(body, "<p><strong>Correction, 14 March 2025:</strong> The number") || !strings.Contains(body, "Forty officers") {
			t.Errorf("the note does not open the body: %s", body)
		}
	})
	t.Run("a note cannot smuggle markup", func(t *testing.T) {
		e := events[news.KindCorrected]
		e.Release.Note = "<script>alert(1)</script>"
		_, data := read(e)
		if body := data["bodies"].([]any)[0].(map[string]any)["value"].(string); strings.Contains(body, "<script") {
			t.Error(body)
		}
	})
	t.Run("withdrawn", func(t *testing.T) {
		doc, data := read(events[news.KindWithdrawn])
		if data["pubStatus"] != "canceled" || data["bodies"] != nil || data["descriptions"] != nil || doc["datelinereason"] != "It was published by mistake." || doc["datelinestatus"] != "withdrawn" {
			t.Errorf("%v", doc)
		}
	})
	t.Run("text without markup becomes paragraphs", func(t *testing.T) {
		e := events[news.KindPublished]
		e.Release.HTML, e.Release.Text = "", "One & two.\n\nThree."
		_, data := read(e)
		if body := data["bodies"].([]any)[0].(map[string]any)["value"]; body != "<p>One &amp; two.</p>\n<p>Three.</p>" {
			t.Error(body)
		}
	})
	t.Run("a back-fill says so", func(t *testing.T) {
		e := events[news.KindPublished]
		if doc, _ := read(e); doc["datelinebackfill"] != nil {
			t.Error("it is none")
		}
		e.Backfill = true
		if doc, _ := read(e); doc["datelinebackfill"] != true {
			t.Error("it does not")
		}
	})
}

var attributeName = regexp.MustCompile(`^[a-z0-9]{1,20}$`)

// cloudEventProblems checks what CloudEvents 1.0 asks of the structure: the
// required attributes, the names of attributes and their types (section 3).
func cloudEventProblems(doc map[string]any) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, key := range []string{"id", "source", "specversion", "type"} {
		if s, _ := doc[key].(string); s == "" {
			bad("the required attribute %s is missing", key)
		}
	}
	if doc["specversion"] != "1.0" {
		bad("specversion is %v", doc["specversion"])
	}
	for key, v := range doc {
		if key == "data" {
			continue
		}
		if !attributeName.MatchString(key) {
			bad("%q is no name for an attribute", key)
		}
		switch v := v.(type) {
		case string:
			if strings.ContainsFunc(v, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfffd }) || v == "" {
				bad("%s: %q is no string of CloudEvents", key, v)
			}
		case float64:
			if v != float64(int32(v)) {
				bad("%s: %v is no integer of CloudEvents", key, v)
			}
		case bool:
		default:
			bad("%s has the type %T", key, v)
		}
	}
	if _, err := time.Parse(time.RFC3339, fmt.Sprint(doc["time"])); err != nil {
		bad("time: %v", err)
	}
	if u, err := url.Parse(fmt.Sprint(doc["source"])); err != nil || !u.IsAbs() {
		bad("source is no address: %v", doc["source"])
	}
	return problems
}

// ninjsKeys are the keys of ninjs 3.1 that are used here, each with what it
// holds: "s" a string, "t" a date-time, "u" an address, "i" 0 to 100; a map for
// an object, a slice of one for a list. ninjs refuses every other key.
var ninjsKeys = map[string]any{
	"uri": "u", "type": "s", "representationType": "s", "profile": "s", "version": "s", "versionCreated": "t", "contentCreated": "t",
	"pubStatus": "s", "language": "s", "title": "s", "located": "s",
	"headlines":    []any{map[string]any{"role": "s", "contentType": "s", "value": "s"}},
	"descriptions": []any{map[string]any{"role": "s", "contentType": "s", "value": "s"}},
	"bodies":       []any{map[string]any{"role": "s", "contentType": "s", "value": "s", "charCount": "i", "wordCount": "i"}},
	"places":       []any{map[string]any{"name": "s", "rel": "s", "uri": "u", "literal": "s"}},
	"subjects":     []any{map[string]any{"name": "s", "rel": "s", "uri": "u", "literal": "s", "creator": "s", "relevance": "i", "confidence": "i"}},
	"infoSources":  []any{map[string]any{"name": "s", "role": "s", "uri": "u", "literal": "s"}},
	"genres":       []any{map[string]any{"name": "s", "uri": "u", "literal": "s"}},
	"altIds":       []any{map[string]any{"role": "s", "value": "s"}},
	"renditions":   []any{map[string]any{"name": "s", "href": "u", "contentType": "s", "title": "s"}},
	"standard":     map[string]any{"name": "s", "version": "s", "schema": "u"},
}

func ninjsProblems(data any) []string {
	doc, ok := data.(map[string]any)
	if !ok {
		return []string{"data is no object"}
	}
	problems := misfits("data", data, ninjsKeys)
	for key, allowed := range map[string]string{"representationType": "full partial", "pubStatus": "usable withheld canceled", "type": "text"} {
		if s, _ := doc[key].(string); s == "" || !strings.Contains(" "+allowed+" ", " "+s+" ") {
			problems = append(problems, fmt.Sprintf("%s is %v", key, doc[key]))
		}
	}
	for _, list := range []string{"headlines", "descriptions", "bodies"} {
		items, _ := doc[list].([]any)
		for _, item := range items {
			if _, ok := item.(map[string]any)["value"].(string); !ok {
				problems = append(problems, list+" has an entry without a value")
			}
		}
	}
	return problems
}

// misfits compares a value with its description in ninjsKeys.
func misfits(where string, v, want any) (problems []string) {
	no := func() []string { return []string{fmt.Sprintf("%s: %v does not fit", where, v)} }
	switch want := want.(type) {
	case map[string]any:
		object, ok := v.(map[string]any)
		if !ok {
			return no()
		}
		for key, inner := range object {
			if want[key] == nil {
				problems = append(problems, fmt.Sprintf("%s.%s is unknown to ninjs", where, key))
				continue
			}
			problems = append(problems, misfits(where+"."+key, inner, want[key])...)
		}
		return problems
	case []any:
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return no()
		}
		for _, inner := range list {
			problems = append(problems, misfits(where, inner, want[0])...)
		}
		return problems
	case string:
		s, isString := v.(string)
		n, isNumber := v.(float64)
		u, err := url.Parse(s)
		_, timeErr := time.Parse(time.RFC3339, s)
		fits := map[string]bool{
			"s": isString, "u": isString && err == nil && u != nil && u.IsAbs(), "t": isString && timeErr == nil,
			"i": isNumber && n >= 0 && n <= 100 && n == float64(int(n)),
		}
		if !fits[want] {
			return no()
		}
	}
	return nil
}
