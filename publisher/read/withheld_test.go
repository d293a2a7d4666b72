package read_test

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"dateline/publisher/read"
)

func TestWithheld(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, doc, want string }{
		{"a draft", "---\ntitle: A\nstatus: draft\n---\nText.\n", "status: draft"},
		{"a draft in capitals and quotes", "---\n\"Status\": 'DRAFT'\ntitle: A\n---\nText.\n", "Status: DRAFT"},
		{"one key alone", "---\nstatus: in review\n---\nText.\n", "status: in review"},
		{"a draft mark", "---\ntitle: A\ndraft: true\n---\nText.\n", "draft: true"},
		{"front matter in one line", "---\n{title: A, status: draft}\n---\nText.\n", "status: draft"},
		{"an embargo", "---\ntitle: A\nembargo: 2026-12-01T09:00\n---\nText.\n", "embargo: 2026-12-01T09:00"},
		{"an embargo of another name", "---\ntitle: A\nembargo_until: tomorrow\n---\nText.\n", "embargo_until: tomorrow"},
		{"an embargo of several parts", "---\ntitle: A\nembargo: {until: 10, zone: CET}\n---\nText.\n", "embargo: …"},
		{"a notice below front matter", "---\ntitle: A\n---\n**EMBARGOED UNTIL 10:00**\n\nText.\n", "**EMBARGOED UNTIL 10:00**"},
		{"a notice in a page", "Press release\nA\n- Date:\n- 12 May 2026\nUNDER EMBARGO\nText.\n", "UNDER EMBARGO"},
		{"a notice beside the article of an HTML page", "<!doctype html><title>A</title><div class=x><b>EMBARGOED</b> UNTIL\n10:00</div><article><h1>A</h1><p>Text.</p></article>", "EMBARGOED UNTIL 10:00"},
		{"words in a script", "<!doctype html><title>A</title><script>\nEMBARGOED UNTIL\n</script><p>Text.</p>", ""},
		{"release JSON", `{"title":"A","status":"draft","body":"Text."}`, "status: draft"},
		{"release JSON in a list", `[{"title":"A"},{"title":"B","embargo":"2026-12-01"}]`, "embargo: 2026-12-01"},
		{"release JSON in lines", "{\"title\":\"A\"}\n{\"title\":\"B\",\"draft\":true}\n", "draft: true"},
		{"an embargo that is an object", `{"title":"A","embargo":{"until":"x"}}`, `embargo: {"until":"x"}`},
		{"ninjs that is withheld", `{"uri":"urn:x","pubStatus":"withheld"}`, "pubStatus: withheld"},
		{"ninjs within a CloudEvent", `{"specversion":"1.0","data":{"uri":"urn:x","pubstatus":"withheld"}}`, "pubstatus: withheld"},
		{"ninjs with a time, which its reader minds", `{"uri":"urn:x","embargoed":"2020-01-01T00:00:00Z","pubStatus":"usable"}`, ""},
		{"what is published", "---\ntitle: A\nstatus: published\ndraft: false\nembargo:\n---\nText about an embargo until May.\n", ""},
		{"JSON that is published", `{"title":"A","status":"published","embargo":null,"body":"Text."}`, ""},
		{"front matter that is none", "---\ntitle: [A\n---\nText.\n", ""},
		{"front matter without end", "---\nstatus: draft\n", ""},
		{"JSON that breaks off", `{"status":"draft"`, ""},
		{"no document", " \n", ""},
		{"no text", "\x00\x01", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := read.Withheld([]byte(tt.doc)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("UTF-16", func(t *testing.T) {
		t.Parallel()
		b := []byte{0xFF, 0xFE}
		for _, u := range utf16.Encode([]rune("---\ntitle: A\nstatus: draft\n---\nText.\n")) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		if got := read.Withheld(b); got != "status: draft" {
			t.Errorf("got %q", got)
		}
	})
}

func FuzzWithheld(f *testing.F) {
	f.Add([]byte("---\nstatus: draft\n---\nx"))
	f.Add([]byte(`[{"embargo":1}]`))
	f.Add([]byte("<p>UNDER EMBARGO"))
	f.Fuzz(func(_ *testing.T, b []byte) { read.Withheld(b) })
}
