package feeds_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/publisher/news"
)

// leaf is a document of a feed as a program reads it.
type leaf struct {
	previous, next, current string
	archive, complete       bool
	items                   map[string]string // status by id: "published" or "withdrawn"
}

func readLeaf(t *testing.T, ext, doc string) leaf {
	t.Helper()
	switch ext {
	case ".json":
		return readJSON(t, doc)
	case ".atom":
		return readAtom(t, doc)
	}
	return readRSS(t, doc)
}

func readJSON(t *testing.T, doc string) leaf {
	t.Helper()
	var d struct {
		Next    string `json:"next_url"`
		History struct {
			Complete, Archive bool
			Current           string `json:"current_url"`
			Next              string `json:"next_archive_url"`
		} `json:"_dateline"`
		Items []struct {
			ID       string
			Dateline struct{ Status string } `json:"_dateline"`
		}
	}
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		t.Fatal(err)
	}
	l := leaf{d.Next, d.History.Next, d.History.Current, d.History.Archive, d.History.Complete, map[string]string{}}
	for _, i := range d.Items {
		l.items[i.ID] = i.Dateline.Status
	}
	return l
}

type link struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

func (l *leaf) links(links []link) {
	for _, at := range links {
		switch at.Rel {
		case "prev-archive":
			l.previous = at.Href
		case "next-archive":
			l.next = at.Href
		case "current":
			l.current = at.Href
		}
	}
}

func readAtom(t *testing.T, doc string) leaf {
	t.Helper()
	var d struct {
		Links    []link    `xml:"http://www.w3.org/2005/Atom link"`
		Archive  *struct{} `xml:"http://purl.org/syndication/history/1.0 archive"`
		Complete *struct{} `xml:"http://purl.org/syndication/history/1.0 complete"`
		Entries  []struct {
			ID string `xml:"id"`
		} `xml:"entry"`
		Deleted []struct {
			Ref string `xml:"ref,attr"`
		} `xml:"http://purl.org/atompub/tombstones/1.0 deleted-entry"`
	}
	if err := xml.Unmarshal([]byte(doc), &d); err != nil {
		t.Fatal(err)
	}
	l := leaf{archive: d.Archive != nil, complete: d.Complete != nil, items: map[string]string{}}
	l.links(d.Links)
	for _, e := range d.Entries {
		l.items[e.ID] = "published"
	}
	for _, e := range d.Deleted {
		l.items[e.Ref] = "withdrawn"
	}
	return l
}

func readRSS(t *testing.T, doc string) leaf {
	t.Helper()
	var d struct {
		Channel struct {
			Links    []link    `xml:"http://www.w3.org/2005/Atom link"`
			Archive  *struct{} `xml:"http://purl.org/syndication/history/1.0 archive"`
			Complete *struct{} `xml:"http://purl.org/syndication/history/1.0 complete"`
			Items    []struct {
				GUID  string `xml:"guid"`
				Title string `xml:"title"`
			} `xml:"item"`
		} `xml:"channel"`
	}
	if err := xml.Unmarshal([]byte(doc), &d); err != nil {
		t.Fatal(err)
	}
	l := leaf{archive: d.Channel.Archive != nil, complete: d.Channel.Complete != nil, items: map[string]string{}}
	l.links(d.Channel.Links)
	for _, i := range d.Channel.Items {
		l.items[i.GUID] = map[bool]string{true: "withdrawn", false: "published"}[strings.HasPrefix(i.Title, "Withdrawn: ")]
	}
	return l
}

// walk reads a feed from its current document to the end of its archive, as a
// program that has nothing would: what it met first of a release stays.
func (n *newsroom) walk(t *testing.T, path, ext string) (items map[string]string, names []string) {
	t.Helper()
	l := readLeaf(t, ext, n.page(path+ext))
	items = l.items
	if l.archive || l.current != "" || l.next != "" || l.complete != (l.previous == "") {
		t.Fatalf("%s%s is %+v", path, ext, l)
	}
	for before := (leaf{next: ""}); l.previous != ""; {
		at := strings.TrimPrefix(l.previous, base)
		name := strings.TrimSuffix(strings.TrimPrefix(at, path+"/archive/"), ext)
		before, l = l, readLeaf(t, ext, n.page(at))
		if !l.archive || l.complete || l.current != base+path+ext || len(l.items) == 0 {
			t.Fatalf("%s is %+v", at, l)
		}
		if before.archive && l.next != "" && len(names) > 0 && l.next != base+path+"/archive/"+names[len(names)-1]+ext {
			t.Fatalf("%s is followed by %q, want %s", at, l.next, names[len(names)-1])
		}
		names = append(names, name)
		for id, status := range l.items {
			if _, newer := items[id]; !newer {
				items[id] = status
			}
		}
	}
	return items, names
}

// TestFeeds_Archive holds, over random histories, that a walk of any feed in any
// format gives each of its releases once, as it is now.
func TestFeeds_Archive(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			n := newNewsroom(t)
			n.feeds = n.follow(feeds.Config{Window: 4})
			for step := range 40 {
				n.clock.advance(time.Duration(rnd.IntN(100)) * time.Hour)
				n.random(rnd, step)
				if step%4 != 3 {
					continue
				}
				for _, path := range []string{"all", "routine/all", "field/policing", "field/human+policing", "country/austria/role/about", "routine/field/elections/country/serbia", "type/daily-report", "language/en"} {
					s, err := news.ParseSelection(taxonomy, path)
					if err != nil {
						t.Fatal(err)
					}
					want := map[string]string{}
					for _, rec := range n.last {
						if r := &rec.Event.Release; s.Match(taxonomy, r) {
							want["urn:uuid:"+r.ID] = string(r.Status)
						}
					}
					for _, ext := range []string{".rss", ".atom", ".json"} {
						got, names := n.walk(t, "/feeds/"+path, ext)
						if fmt.Sprint(got) != fmt.Sprint(want) {
							t.Fatalf("step %d, %s%s over %q gives\n%v, want\n%v", step, path, ext, names, got, want)
						}
						months := slices.Clone(names)
						slices.SortStableFunc(months, func(a, b string) int { return strings.Compare(b[:7], a[:7]) })
						if !slices.Equal(months, names) {
							t.Fatalf("%s%s: the months are not in order: %q", path, ext, names)
						}
					}
				}
			}
		})
	}
}

// sixMonths is a newsroom with two releases in every other month of a year.
func sixMonths(t *testing.T) *newsroom {
	n := newNewsroom(t)
	n.feeds = n.follow(feeds.Config{Window: 4})
	for i := range 12 {
		r := release(i)
		r.PublishedAt = time.Date(2026, time.Month(i-i%2+1), 3+i%2, 0, 0, 0, 0, time.UTC)
		n.append(news.KindPublished, r, true)
	}
	return n
}

func TestFeeds_ArchiveAddress(t *testing.T) {
	n := sixMonths(t)
	for _, c := range []struct {
		path   string
		status int
		to     string
	}{
		{"/feeds/all/archive/2026-03.rss", 200, ""},
		{"/feeds/routine/all/archive/2026-03.atom", 200, ""},
		{"/feeds/field/policing/country/austria/archive/2026-05.json", 200, ""},
		{"/feeds/country/austria+participating-states/archive/2026-11.json", 301, "/feeds/country/participating-states/archive/2026-11.json"},
		{"/feeds/all/archive/2026-03.RSS", 301, "/feeds/all/archive/2026-03.rss"},
		{"/feeds/all/archive/2026-03-1.rss", 301, "/feeds/all/archive/2026-03.rss"},
		{"/feeds/all/archive/2026-03-01.rss", 301, "/feeds/all/archive/2026-03.rss"},
		{"/feeds/country/at/field/policing/archive/2026-03.rss", 301, "/feeds/field/policing/country/austria/archive/2026-03.rss"},
		{"/feeds/all/archive/2026-04.rss", 404, ""},
		{"/feeds/all/archive/2026-03-2.rss", 404, ""},
		{"/feeds/all/archive/2126-03.rss", 404, ""},
		{"/feeds/field/youth/archive/2026-03.rss", 404, ""},
		{"/feeds/field/polcing/archive/2026-03.rss", 404, ""},
		{"/feeds/all/archive/2026-03.xml", 400, ""},
		{"/feeds/all/archive/2026-13.rss", 400, ""},
		{"/feeds/all/archive/2026-3.rss", 400, ""},
		{"/feeds/all/archive/2026.rss", 400, ""},
		{"/feeds/all/archive/2026-03-0.rss", 400, ""},
		{"/feeds/all/archive/2026-03-.rss", 400, ""},
		{"/feeds/all/archive/2026-03-99999999999999999999.rss", 400, ""},
		{"/feeds/all/archive/march.rss", 400, ""},
		{"/feeds/all/archive/.rss", 400, ""},
		{"/feeds/colour/red/archive/2026-03.rss", 400, ""},
	} {
		r := get(t, n.feeds, c.path)
		to := ""
		if c.to != "" {
			to = "/wire" + c.to
		}
		if r.StatusCode != c.status || r.Header.Get("Location") != to {
			t.Errorf("%s answers %d to %q, want %d to %q", c.path, r.StatusCode, r.Header.Get("Location"), c.status, to)
		}
	}
}

func TestFeeds_ArchiveChain(t *testing.T) {
	n := sixMonths(t)
	_, names := n.walk(t, "/feeds/all", ".atom")
	if got := strings.Join(names, " "); got != "2026-07 2026-05 2026-03 2026-01" {
		t.Errorf("the chain is %q", got)
	}
	contains(t, n.page("/feeds/all/archive/2026-05.rss"), "<title>All releases, May 2026 – Dateline</title>", `/feeds/all/archive/2026-03.rss" rel="prev-archive"`, `/feeds/all/archive/2026-07.rss" rel="next-archive"`, "<fh:archive ")
	lacks(t, n.page("/feeds/all/archive/2026-01.rss"), "prev-archive")
	lacks(t, n.page("/feeds/all.rss"), "fh:complete")
	contains(t, n.page("/feeds/field/elections.atom"), "<fh:complete ")
	lacks(t, n.page("/feeds/field/elections.atom"), "-archive")
}

// TestFeeds_ArchiveStays holds when the bytes of an archive change, and when not.
func TestFeeds_ArchiveStays(t *testing.T) {
	n := sixMonths(t)
	path := "/feeds/all/archive/2026-03"
	state := func() (out string) {
		for _, ext := range []string{".rss", ".atom", ".json"} {
			r := get(t, n.feeds, path+ext)
			out += r.Header.Get("ETag") + read(t, r)
		}
		return out
	}
	old := n.last[release(2).ID].Event.Release
	before := state()
	step := func(name string, changes bool, do func()) {
		t.Helper()
		n.clock.advance(time.Minute)
		do()
		if now := state(); (now != before) != changes {
			t.Errorf("%s: changed is %v", name, now != before)
		} else {
			before = now
		}
	}
	step("a new release", false, func() { n.publish(release(20)) })
	step("a minor revision", false, func() { old.Title = "A better title"; old = n.change(news.KindRevised, old) })
	lacks(t, n.page(path+".rss"), "A better title")
	step("a back-fill into another month", false, func() {
		r := release(21)
		r.PublishedAt = time.Date(2026, 7, 9, 0, 0, 0, 0, time.UTC)
		n.append(news.KindPublished, r, true)
	})
	step("a correction", true, func() { old.Note = "a figure"; old = n.change(news.KindCorrected, old) })
	contains(t, n.page(path+".rss"), "A better title", "a figure")
	contains(t, n.page("/feeds/all.rss"), "a figure")
	step("a back-fill into its month", true, func() {
		r := release(22)
		r.PublishedAt = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		n.append(news.KindPublished, r, true)
	})
	step("a withdrawal", true, func() { old.Reason = "sent in error"; old = n.change(news.KindWithdrawn, old) })
	contains(t, n.page(path+".atom"), "deleted-entry", "sent in error")
	lacks(t, n.page(path+".json"), "They agreed.</p>\",\"summary\":\"Trainers meet.\",\"date_published\":\"2026-03-03")
	step("an erasure", true, func() { old.Erased = true; old = n.change(news.KindWithdrawn, old) })
	contains(t, n.page(path+"-2.rss"), "Erased release") // it comes last, as if it had not been there before
	lacks(t, n.page(path+".rss")+n.page(path+"-2.rss"), "A better title")
	step("other topics", true, func() {
		r := n.last[release(3).ID].Event.Release
		r.Fields = []news.Tag{{Slug: "youth"}}
		n.change(news.KindRevised, r)
	})
	contains(t, n.page("/feeds/field/youth/archive/2026-03.rss"), release(3).ID)
	lacks(t, n.page("/feeds/field/policing/archive/2026-03.rss"), release(3).ID)
}

// An import of old releases does not stir current documents: only what could
// change the document of the archive they lead to does.
func TestFeeds_ArchiveImport(t *testing.T) {
	n := sixMonths(t)
	for _, c := range []struct {
		month   time.Month
		changes bool
	}{{time.March, false}, {time.February, false}, {time.July, true}, {time.August, true}} {
		before := get(t, n.feeds, "/feeds/all.atom").Header.Get("ETag")
		n.clock.advance(time.Minute)
		r := release(30 + int(c.month))
		r.PublishedAt = time.Date(2026, c.month, 20, 0, 0, 0, 0, time.UTC)
		n.append(news.KindPublished, r, true)
		if now := get(t, n.feeds, "/feeds/all.atom").Header.Get("ETag"); (now != before) != c.changes {
			t.Errorf("a back-fill into %s: the ETag changed is %v", c.month, now != before)
		}
		items, _ := n.walk(t, "/feeds/all", ".json")
		if len(items) != len(n.last) {
			t.Errorf("the walk gives %d releases of %d", len(items), len(n.last))
		}
	}
}

func TestFeeds_ArchiveConditional(t *testing.T) {
	n := sixMonths(t)
	path := "/feeds/all/archive/2026-03.atom"
	first := get(t, n.feeds, path)
	etag := first.Header.Get("ETag")
	if etag == "" || first.Header.Get("Last-Modified") != "" || first.Header.Get("Cache-Control") != "public, max-age=300" || first.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the headers are %v", first.Header)
	}
	if r := get(t, n.feeds, path, "If-None-Match", etag); r.StatusCode != http.StatusNotModified {
		t.Errorf("its ETag gives %d", r.StatusCode)
	}
	if other := get(t, n.feeds, "/feeds/all/archive/2026-05.atom", "If-None-Match", etag); other.StatusCode != http.StatusOK {
		t.Errorf("the ETag of another document gives %d", other.StatusCode)
	}
	zipped := get(t, n.feeds, path, "Accept-Encoding", "gzip")
	if read(t, zipped) != read(t, first) {
		t.Error("the zipped document is another")
	}
}
