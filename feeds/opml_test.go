package feeds_test

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dateline/publisher/news"
)

type opml struct {
	XMLName xml.Name  `xml:"opml"`
	Version string    `xml:"version,attr"`
	Title   string    `xml:"head>title"`
	Body    []outline `xml:"body>outline"`
}

type outline struct {
	Text     string    `xml:"text,attr"`
	Type     string    `xml:"type,attr"`
	Feed     string    `xml:"xmlUrl,attr"`
	Page     string    `xml:"htmlUrl,attr"`
	Outlines []outline `xml:"outline"`
}

// flat lists the feeds of outlines and checks each.
func flat(t *testing.T, some []outline) []string {
	t.Helper()
	var out []string
	for _, o := range some {
		switch {
		case o.Text == "":
			t.Errorf("an outline has no text: %+v", o)
		case (o.Feed == "") != (len(o.Outlines) > 0):
			t.Errorf("%q is neither a feed nor a folder", o.Text)
		case o.Feed != "" && (o.Type != "rss" || o.Feed != o.Page+".rss"):
			t.Errorf("%q: %+v", o.Text, o)
		}
		if o.Feed != "" {
			out = append(out, strings.TrimPrefix(o.Feed, base+"/feeds/"))
		}
		out = append(out, flat(t, o.Outlines)...)
	}
	return out
}

func (n *newsroom) list(path string) (opml, []string) {
	n.t.Helper()
	r := get(n.t, n.feeds, path)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/x-opml; charset=utf-8" {
		n.t.Fatalf("%s answers %d, %s", path, r.StatusCode, r.Header.Get("Content-Type"))
	}
	var list opml
	if err := xml.Unmarshal([]byte(read(n.t, r)), &list); err != nil {
		n.t.Fatal(err)
	}
	if list.Version != "2.0" || list.Title == "" || len(list.Body) == 0 {
		n.t.Errorf("%s: version %q, title %q, %d outlines", path, list.Version, list.Title, len(list.Body))
	}
	t, _ := n.t.(*testing.T)
	feeds := flat(t, list.Body)
	sorted := slices.Clone(feeds)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != len(feeds) {
		n.t.Errorf("%s names a feed twice", path)
	}
	return list, feeds
}

func TestFeeds_OPML(t *testing.T) {
	n := newNewsroom(t)
	list, all := n.list("/opml")
	if len(list.Body) != 2+len(news.TopicKinds) {
		t.Errorf("the list has %d parts", len(list.Body))
	}
	want := 2
	for _, k := range news.TopicKinds {
		topics := len(taxonomy.Topics(k)) + len(taxonomy.Groups(k))
		want += topics
		if _, feeds := n.list("/opml/" + string(k)); len(feeds) != topics {
			t.Errorf("the list of the kind %s names %d feeds, want %d", k, len(feeds), topics)
		}
	}
	if len(all) != want {
		t.Errorf("the list names %d feeds, want %d", len(all), want)
	}
	for _, path := range all {
		if r := get(t, n.feeds, "/feeds/"+path); r.StatusCode != http.StatusOK {
			t.Errorf("the feed %s answers %d", path, r.StatusCode)
		}
	}
	for path, want := range map[string][]string{
		"/opml/country/central-asia":                        {"country/central-asia.rss", "country/kazakhstan.rss", "country/kyrgyzstan.rss", "country/tajikistan.rss", "country/turkmenistan.rss", "country/uzbekistan.rss"},
		"/opml/type/news":                                   {"type/news.rss"},
		"/opml?country=AT&field=youth&field=policing&role=": {"field/youth.rss", "field/policing.rss", "country/austria.rss"},
		"/opml?feed=field/policing/country/austria&feed=country/austria/field/policing&feed=all": {"field/policing/country/austria.rss", "all.rss"},
		"/opml?feed=field/youth%2Bpolicing&feed=field/youth+elections":                           {"field/policing+youth.rss", "field/elections+youth.rss"},
	} {
		if _, got := n.list(path); !slices.Equal(got, want) {
			t.Errorf("%s lists %v, want %v", path, got, want)
		}
	}
	tag := get(t, n.feeds, "/opml?field=youth").Header.Get("ETag")
	if r := get(t, n.feeds, "/opml?field=youth", "If-None-Match", tag); r.StatusCode != http.StatusNotModified {
		t.Errorf("the same list answers %d", r.StatusCode)
	}
	n.publish(release(1))
	if r := get(t, n.feeds, "/opml?field=youth", "If-None-Match", tag); r.StatusCode != http.StatusNotModified {
		t.Errorf("the same list answers %d after a release", r.StatusCode)
	}
}

func TestFeeds_OPML_refuse(t *testing.T) {
	n := newNewsroom(t)
	for path, want := range map[string]int{
		"/opml/colour": 404, "/opml/field/polcing": 404, "/opml/field/human/youth": 404, "/opml?field=polcing": 404, "/opml?feed=field": 400, "/opml?feed=%zz": 400,
		"/opml/": 301, "/opml/country/AT": 301, "/opml/field/": 301,
	} {
		r := get(t, n.feeds, path)
		if r.StatusCode != want || r.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s answers %d, want %d", path, r.StatusCode, want)
		}
	}
	before := n.feeds.Stats().Documents
	for _, c := range taxonomy.Topics(news.KindCountry) {
		n.list("/opml?field=youth&country=" + c.Slug)
	}
	if after := n.feeds.Stats().Documents; after != before {
		t.Errorf("%d documents are kept, before %d", after, before)
	}
}

func TestFeeds_OPML_retired(t *testing.T) {
	n := newNewsroom(t)
	n.changed(news.TopicChange{Op: news.RetireTopic, Kind: news.KindField, Slug: "policing", Day: "2026-11-20"})
	if _, all := n.list("/opml"); slices.Contains(all, "field/policing.rss") || !slices.Contains(all, "field/youth.rss") {
		t.Errorf("the list is %v", all)
	}
}
