package feeds_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/feeds/render"
	"dateline/publisher/news"
)

// watched are documents whose every state is compared.
var watched = []string{
	"/feeds/all.rss", "/feeds/all.atom", "/feeds/all.json", "/feeds/all", "/feeds/routine/all.atom", "/feeds/field/policing.rss", "/feeds/country/austria.atom",
	"/feeds/country/austria/role/about.json", "/feeds/field/elections/country/serbia.rss", "/feeds/field/human+policing.json", "/feeds/source/secretariat", "/feeds/type/daily-report.rss",
}

// random makes one legal change of one of a few releases: first publications,
// in their time and late, minor and other revisions, with other topics or dates
// or the same, withdrawals, republications and erasures.
func (n *newsroom) random(rnd *rand.Rand, step int) news.Release {
	number := rnd.IntN(12)
	for n.last[release(number).ID].Event.Release.Erased {
		number += 12
	}
	r := release(number)
	if rec, known := n.last[r.ID]; known {
		r = rec.Event.Release
	}
	r.Title = fmt.Sprintf("Title of step %d", step)
	r.Note, r.Reason = fmt.Sprintf("note of step %d", step), fmt.Sprintf("reason of step %d", step)
	if r.Revision == 0 || rnd.IntN(2) == 0 {
		r.Type = []string{"press-release", "daily-report"}[rnd.IntN(5)/4]
		r.Fields = []news.Tag{{Slug: []string{"policing", "elections", "youth"}[rnd.IntN(3)]}}
		r.Countries = []news.CountryTag{{Slug: []string{"austria", "serbia"}[rnd.IntN(2)], Role: []news.Role{news.About, news.PlaceRole}[rnd.IntN(2)]}}
	}
	if r.Revision == 0 || rnd.IntN(6) == 0 {
		r.Language, r.TranslationOf = []string{"en", "ru", "de"}[rnd.IntN(3)], ""
		if rnd.IntN(2) == 0 {
			r.TranslationOf = release(rnd.IntN(4)).ID
		}
		if r.TranslationOf == r.ID {
			r.TranslationOf = ""
		}
		r.Links = []news.Link{{URL: fmt.Sprintf("https://example.org/%d.pdf", step)}}
	}
	if r.Revision == 0 || rnd.IntN(6) == 0 {
		r.PublishedAt = n.clock.time().AddDate(0, 0, -[]int{0, 0, 0, 2, 31, 70}[rnd.IntN(6)])
	}
	if r.HTML == "" { // a withdrawn one
		r.HTML, r.Text = "<p>Back again.</p>", "Back again."
	}
	kinds := []news.Kind{news.KindRevised, news.KindCorrected, news.KindWithdrawn, news.KindRevised}
	kind := kinds[rnd.IntN(len(kinds))]
	switch {
	case r.Revision == 0:
		kind = news.KindPublished
	case r.Status == news.Withdrawn:
		kind = []news.Kind{news.KindRepublished, news.KindRepublished, news.KindWithdrawn}[rnd.IntN(3)]
	}
	r.Erased = kind == news.KindWithdrawn && (r.Status == news.Withdrawn || rnd.IntN(2) == 0)
	r = n.append(kind, r, kind == news.KindPublished && rnd.IntN(2) == 0)
	if r.Erased {
		if err := n.wire.Erase(n.t.Context(), r.ID); err != nil {
			n.t.Fatal(err)
		}
	}
	return r
}

// TestFeeds_History holds, over random histories, that an ETag changes exactly
// when the bytes do, that Last-Modified never stays behind them, and that what
// grew event by event equals what a replay makes of the same log and what is
// rendered whole from its releases: in every coding, the archives included,
// after erasures and after a change of the taxonomy.
func TestFeeds_History(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			n := newNewsroom(t)
			current := taxonomy
			n.feeds = n.follow(feeds.Config{Window: 4})
			type state struct{ etag, modified, body string }
			last := map[string]state{}
			for step := range 30 {
				changed := n.random(rnd, step)
				n.clock.advance(time.Duration(1000+rnd.IntN(2000)) * time.Millisecond)
				for _, path := range watched {
					r := get(t, n.feeds, path, "Accept-Encoding", "gzip")
					if r.StatusCode != http.StatusOK {
						t.Fatalf("%s answers %d", path, r.StatusCode)
					}
					now := state{r.Header.Get("ETag"), r.Header.Get("Last-Modified"), read(t, r)}
					before, seen := last[path]
					last[path] = now
					if !seen {
						continue
					}
					same, feed := now.body == before.body, strings.Contains(path, ".")
					// What an erased release changed before is forgotten with it, and
					// the time of change of a feed it had left falls back. Pages have
					// figures, whose ETag may be finer than what they show.
					dated := feed && !changed.Erased
					if same != (now.etag == before.etag) && (feed || !same) || dated && same != (now.modified == before.modified) {
						t.Errorf("step %d (%s, revision %d, %s), %s: same bytes %v, ETag %s after %s, modified %s after %s", step, changed.ID, changed.Revision, changed.Status, path, same, now.etag, before.etag, now.modified, before.modified)
					}
				}
				n.compareWhole(t, current, []string{"all", "routine/all", "field/policing", "country/austria/role/about"}[rnd.IntN(4)])
				if step%15 == 14 {
					want, got := n.everything(t, n.feeds), n.everything(t, n.follow(feeds.Config{Window: 4, Taxonomy: current}))
					if len(want) != len(got) {
						t.Errorf("step %d: a replay gives %d documents, want %d", step, len(got), len(want))
					}
					for key, w := range want {
						if got[key] != w {
							t.Errorf("step %d, %s: a replay gives\n%.300q, want\n%.300q", step, key, got[key], w)
						}
					}
				}
				if step == 17 { // from here on under a taxonomy that was changed
					var err error
					if current, err = taxonomy.With(news.TopicChange{Op: news.MergeTopic, Kind: news.KindField, Slug: "youth", To: "elections"}); err != nil {
						t.Fatal(err)
					}
					n.wire = n.wire.ReadWith(current.Refile)
					n.feeds = n.follow(feeds.Config{Window: 4, Taxonomy: current})
					clear(last)
				}
			}
		})
	}
}

// everything is each document with its validators, as it comes in each coding:
// the watched ones, and all archives of some selections.
func (n *newsroom) everything(t *testing.T, f *feeds.Feeds) map[string]string {
	t.Helper()
	paths := slices.Clone(watched)
	for _, path := range []string{"/feeds/all", "/feeds/field/policing", "/feeds/field/elections", "/feeds/country/austria/role/about", "/feeds/routine/all"} {
		for _, ext := range []string{".rss", ".atom", ".json"} {
			for at := path + ext; at != ""; at = strings.TrimPrefix(readLeaf(t, ext, read(t, get(t, f, at))).previous, base) {
				paths = append(paths, at)
			}
		}
	}
	out := map[string]string{}
	for _, path := range paths {
		plain := read(t, get(t, f, path))
		for _, coding := range []string{"identity", "gzip", "zstd", "br"} {
			r := get(t, f, path, "Accept-Encoding", coding)
			bytes := raw(t, r)
			if got := read(t, &http.Response{Header: r.Header, Body: io.NopCloser(strings.NewReader(bytes))}); got != plain {
				t.Errorf("%s: in %s it is another document", path, coding)
			}
			out[path+" "+coding] = fmt.Sprintln(r.StatusCode, r.Header.Get("ETag"), r.Header.Get("Last-Modified"), r.Header.Get("Content-Length")) + bytes
		}
	}
	return out
}

// compareWhole renders the documents of a selection from the releases as they
// are now, without index, fragments or anything kept.
func (n *newsroom) compareWhole(t *testing.T, taxonomy *news.Taxonomy, path string) {
	t.Helper()
	s, err := news.ParseSelection(taxonomy, path)
	if err != nil {
		t.Fatal(err)
	}
	var in []news.Release
	for _, rec := range n.last {
		r := rec.Event.Release
		taxonomy.Refile(&r)
		if s.Match(taxonomy, &r) {
			in = append(in, r)
		}
	}
	slices.SortFunc(in, func(a, b news.Release) int {
		return cmp.Or(b.SurfacedAt.Compare(a.SurfacedAt), strings.Compare(a.ID, b.ID))
	})
	in = in[:min(len(in), 4)]
	var stamp struct {
		Dateline struct{ Updated time.Time } `json:"_dateline"`
	}
	if err := json.Unmarshal([]byte(n.page("/feeds/"+path+".json")), &stamp); err != nil {
		t.Fatal(err)
	}
	renderer := render.New(taxonomy, base, "Dateline")
	for _, format := range render.Formats {
		ext := "." + string(format)
		got := n.page("/feeds/" + path + ext)
		feed := render.Feed{Path: path, Title: s.Title(taxonomy) + " – Dateline", Description: "Releases published by Dateline: " + s.Title(taxonomy) + "."}
		if l := readLeaf(t, ext, got); l.complete {
			feed.Complete = true
		} else {
			feed.Previous = strings.TrimSuffix(strings.TrimPrefix(l.previous, base+"/feeds/"+path+"/archive/"), ext)
		}
		frame, err := renderer.Frame(format, feed)
		if err != nil {
			t.Fatal(err)
		}
		items := make([]string, len(in))
		for i := range in {
			item, err := renderer.Item(format, &in[i], n.kin[in[i].ID]...)
			if err != nil {
				t.Fatal(err)
			}
			items[i] = string(item)
		}
		if want := string(frame.Head(stamp.Dateline.Updated)) + strings.Join(items, format.Separator()) + string(frame.Foot()); got != want {
			t.Errorf("%s%s is\n%s\nrendered whole it is\n%s", path, ext, got, want)
		}
	}
}

// TestFeeds_Concurrent holds that one ETag never stands for two bodies, however
// many read while the log grows.
func TestFeeds_Concurrent(t *testing.T) {
	n := newNewsroom(t)
	n.feeds = n.follow(feeds.Config{Window: 4})
	paths := slices.Concat(watched, []string{"/feeds/all/archive/2026-11.atom", "/feeds/all/archive/2026-11-2.json"})
	var bodies sync.Map // path and ETag to body
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			for k := i; ; k++ {
				select {
				case <-done:
					return
				default:
				}
				path := paths[k%len(paths)]
				r := httptest.NewRecorder()
				q := httptest.NewRequest(http.MethodGet, path, nil)
				q.Header.Set("Accept-Encoding", []string{"gzip", "identity", "zstd", "br"}[k/3%4])
				n.feeds.Handler().ServeHTTP(r, q)
				key, body := path+" "+r.Header().Get("ETag"), r.Body.String()
				if other, seen := bodies.LoadOrStore(key, body); seen && other != body {
					t.Errorf("%s stands for two bodies", key)
					return
				}
			}
		})
	}
	rnd := rand.New(rand.NewPCG(9, 9))
	for step := range 60 {
		n.clock.advance(time.Duration(rnd.IntN(1500)) * time.Millisecond)
		n.random(rnd, step)
	}
	close(done)
	readers.Wait()
}
