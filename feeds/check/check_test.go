package check_test

import (
	"strings"
	"testing"

	"dateline/feeds/check"
)

// A checker that finds nothing wrong with anything would be of no use.
func TestDocument_findsWhatIsWrong(t *testing.T) {
	t.Parallel()
	const atom = `<?xml version="1.0"?><feed xml:lang="en" xmlns="http://www.w3.org/2005/Atom"><title>T</title><id>urn:x:1</id><updated>2026-11-24T00:00:00Z</updated><author><name>A</name></author><link href="https://news.example.org/a.atom" rel="self" type="application/atom+xml"/><link href="https://news.example.org/a" rel="alternate" type="text/html"/></feed>`
	const json = `{"version":"https://jsonfeed.org/version/1.1","title":"T","home_page_url":"https://news.example.org/a","feed_url":"https://news.example.org/a.json","items":[]}`
	for name, tc := range map[string]struct{ format, doc, finds string }{
		"a good Atom feed":     {"atom", atom, ""},
		"a good JSON feed":     {"json", json, ""},
		"an empty document":    {"rss", "", "not XML"},
		"half a document":      {"atom", atom[:len(atom)-9], "not well-formed"},
		"a control character":  {"atom", strings.Replace(atom, ">T<", ">\x0b<", 1), "not well-formed"},
		"no title":             {"atom", strings.Replace(atom, "<title>T</title>", "", 1), "title"},
		"a time that is none":  {"atom", strings.Replace(atom, "2026-11-24T00:00:00Z", "yesterday", 1), "updated"},
		"no link to itself":    {"atom", strings.Replace(atom, `rel="self"`, `rel="via"`, 1), "itself"},
		"a relative address":   {"atom", strings.Replace(atom, "https://news.example.org/a.atom", "/a.atom", 1), "not absolute"},
		"the wrong root":       {"rss", atom, "root"},
		"no items":             {"json", strings.Replace(json, `"items":[]`, `"item":[]`, 1), "no items"},
		"the wrong version":    {"json", strings.Replace(json, "1.1", "1.0", 1), "version"},
		"an item without text": {"json", strings.Replace(json, "[]", `[{"id":"urn:uuid:x","url":"https://a.example"}]`, 1), "item"},
		"an archive at odds":   {"json", strings.Replace(json, `"items"`, `"next_url":"https://a.example","items"`, 1), "prev_archive_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check.Document(tc.format, []byte(tc.doc)).Problems
			switch {
			case tc.finds == "" && len(got) > 0:
				t.Errorf("it finds %q", got)
			case tc.finds != "" && !strings.Contains(strings.Join(got, "\n"), tc.finds):
				t.Errorf("it finds %q, want %q", got, tc.finds)
			}
		})
	}
}
