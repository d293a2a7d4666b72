package feeds_test

import (
	"net/http"
	"testing"
	"time"

	"dateline/feeds"
	"dateline/publisher/news"
)

// changed follows the log with a taxonomy that was changed.
func (n *newsroom) changed(changes ...news.TopicChange) *feeds.Feeds {
	n.t.Helper()
	next, err := taxonomy.With(changes...)
	if err != nil {
		n.t.Fatal(err)
	}
	n.wire = n.wire.ReadWith(next.Refile)
	n.feeds = n.follow(feeds.Config{Taxonomy: next})
	return n.feeds
}

func TestFeeds_renamedTopic(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	f := n.changed(news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: "policing", To: "police-matters", Name: "Police matters"})
	for _, ext := range []string{"", ".rss", ".atom", ".json"} {
		old := get(t, f, "/feeds/field/policing/country/austria"+ext)
		if to := old.Header.Get("Location"); old.StatusCode != http.StatusMovedPermanently || to != "/wire/feeds/field/police-matters/country/austria"+ext {
			t.Errorf("the old address %s answers %d to %q", ext, old.StatusCode, to)
		}
		contains(t, n.page("/feeds/field/police-matters"+ext), r.Title)
	}
	contains(t, n.page("/releases/"+r.ID+"/police-course-number-1-opens"), "Police matters", "/feeds/field/police-matters")
}

func TestFeeds_mergedTopic(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	f := n.changed(news.TopicChange{Op: news.MergeTopic, Kind: news.KindField, Slug: "policing", To: "border-management"})
	if old := get(t, f, "/feeds/field/policing.rss"); old.StatusCode != http.StatusMovedPermanently || old.Header.Get("Location") != "/wire/feeds/field/border-management.rss" {
		t.Errorf("the old address answers %d to %q", old.StatusCode, old.Header.Get("Location"))
	}
	contains(t, n.page("/feeds/field/border-management.rss"), r.Title)
}

func TestFeeds_retiredTopic(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	f := n.changed(news.TopicChange{Op: news.RetireTopic, Kind: news.KindField, Slug: "policing", Day: "2026-11-20"})
	contains(t, n.page("/feeds/field/policing"), r.Title, "Nothing new has been filed under Policing since 2026-11-20.")
	contains(t, n.page("/feeds/field/policing.rss"), r.Title)
	n.clock.advance(370 * 24 * time.Hour)
	for path, want := range map[string]int{
		"/feeds/field/policing": http.StatusGone, "/feeds/field/policing.rss": http.StatusGone, "/feeds/field/policing/country/austria.json": http.StatusGone,
		"/feeds/field/elections+policing.rss": http.StatusOK, "/feeds/all.rss": http.StatusOK,
	} {
		got := get(t, f, path, "Accept", "text/html")
		if got.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, got.StatusCode, want)
		}
		if want == http.StatusGone {
			contains(t, read(t, got), "has ended", "/topics")
		}
	}
}

func TestFeeds_replacedRelease(t *testing.T) {
	n := newNewsroom(t)
	old, instead := n.publish(release(1)), n.publish(release(2))
	gone := old
	gone.Reason, gone.ReplacedBy = "sent twice", instead.ID
	n.change(news.KindWithdrawn, gone)
	page := get(t, n.feeds, "/releases/"+old.ID+"/police-course-number-1-opens")
	if page.StatusCode != http.StatusGone {
		t.Errorf("the page answers %d", page.StatusCode)
	}
	contains(t, read(t, page), `href="/wire/releases/`+instead.ID+`"`, "took its place")
	for _, ext := range []string{".rss", ".atom", ".json"} {
		contains(t, n.page("/feeds/all"+ext), "Read instead: ", base+"/releases/"+instead.ID)
	}
}
