package feeds_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"dateline/feeds"

	"github.com/rs/zerolog"
)

func TestFeeds_LogAway(t *testing.T) {
	n := newNewsroom(t)
	for i := range 3 {
		n.publish(release(i))
	}
	fresh := n.follow(feeds.Config{}) // has rendered nothing yet
	kept := n.page("/feeds/all.rss")
	asked := read(t, get(t, fresh, "/feeds/field/policing.rss"))
	if err := n.wire.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := n.page("/feeds/all.rss"); got != kept {
		t.Error("the document changed while the log is away")
	}
	if got := n.page("/feeds/all.atom"); got == "" {
		t.Error("a document of rendered releases cannot be made while the log is away")
	}
	if got := read(t, get(t, fresh, "/feeds/field/policing.rss")); got != asked {
		t.Error("the document changed while the log is away")
	}
	lonely := "/releases/" + release(1).ID
	for _, accept := range []string{"text/html", "*/*"} {
		r := get(t, fresh, lonely, "Accept", accept)
		if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
			t.Errorf("a page that must be read answers %d, %v", r.StatusCode, r.Header)
		}
	}
}

func TestFeeds_Ready(t *testing.T) {
	n := newNewsroom(t)
	if err := n.feeds.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	idle, err := feeds.New(feeds.Config{Wire: n.wire, Taxonomy: taxonomy, BaseURL: base, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	if err := idle.Ready(t.Context()); err == nil {
		t.Error("feeds that do not run are ready")
	}
	if r := get(t, idle, "/feeds/all.rss"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("feeds that have read nothing answer %d", r.StatusCode)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := idle.Await(ctx, 1); err == nil {
		t.Error("an event is visible in feeds that do not run")
	}
}

func TestNew_Refuse(t *testing.T) {
	for _, base := range []string{"", "news.example.org", "https://news.example.org/", "https://news.example.org?a=b"} {
		if _, err := feeds.New(feeds.Config{Taxonomy: taxonomy, BaseURL: base}); err == nil {
			t.Errorf("%q is taken for a base URL", base)
		}
	}
}

func TestFeeds_Stats(t *testing.T) {
	n := newNewsroom(t)
	r := n.publish(release(1))
	n.publish(release(2))
	r.Reason = "an error"
	n.change("withdrawn", r)
	etag := get(t, n.feeds, "/feeds/all.rss").Header.Get("ETag")
	get(t, n.feeds, "/feeds/all.rss", "If-None-Match", etag)
	get(t, n.feeds, "/nowhere")
	s := n.feeds.Stats()
	if s.Applied != 3 || s.Releases != 2 || s.Withdrawn != 1 || s.Served != 1 || s.NotModified != 1 || s.Missing != 1 || s.Failed != 0 || s.Rendered != 3 || s.Fragments != 2 || s.Documents != 1 {
		t.Errorf("the numbers are %+v", s)
	}
}
