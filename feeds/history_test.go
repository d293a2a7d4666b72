package feeds_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/feeds"
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
// grew event by event equals what a replay makes of the same log.
func TestFeeds_History(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			n := newNewsroom(t)
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
					same := now.body == before.body
					// What an erased release changed before is forgotten with it, and
					// the time of change of a feed it had left falls back.
					dated := strings.Contains(path, ".") && !changed.Erased
					if same != (now.etag == before.etag) || dated && same != (now.modified == before.modified) {
						t.Errorf("step %d, %s: same bytes %v, ETag %s after %s, modified %s after %s", step, path, same, now.etag, before.etag, now.modified, before.modified)
					}
				}
				if step%10 == 9 {
					replayed := n.follow(feeds.Config{Window: 4})
					for _, path := range watched {
						r := get(t, replayed, path, "Accept-Encoding", "gzip")
						if again := (state{r.Header.Get("ETag"), r.Header.Get("Last-Modified"), read(t, r)}); again != last[path] {
							t.Errorf("step %d, %s: a replay gives %s, want %s", step, path, again.etag, last[path].etag)
						}
					}
				}
			}
		})
	}
}

// TestFeeds_Concurrent holds that one ETag never stands for two bodies, however
// many read while the log grows.
func TestFeeds_Concurrent(t *testing.T) {
	n := newNewsroom(t)
	n.feeds = n.follow(feeds.Config{Window: 4})
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
				path := watched[k%len(watched)]
				r := httptest.NewRecorder()
				q := httptest.NewRequest(http.MethodGet, path, nil)
				q.Header.Set("Accept-Encoding", []string{"gzip", "identity"}[k%2])
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
