package publisher_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dateline/publisher"
	"dateline/publisher/access"
	"dateline/publisher/news"
)

func past(t *testing.T, s service, id string, header ...string) (p publisher.Past) {
	t.Helper()
	a := s.do(t, "GET", "/api/v1/releases/"+id+"/history", "", "", header...)
	if a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPublisher_History(t *testing.T) {
	t.Parallel()
	p, _, h := byHand(t)
	ann := access.With(t.Context(), access.Caller{Name: "ann", Scopes: []access.Scope{access.Admin}, Remote: netip.MustParseAddr("192.0.2.7")})
	ben := asEditor(t.Context(), "ben")
	id := news.NewID("h")
	draft := release("h", "One.")
	draft.Title = "First title"
	kept, _, err := p.Save(ann, draft, publisher.Intent{}, publisher.Hold{})
	if err != nil {
		t.Fatal(err)
	}
	h.advance(time.Minute)
	// What is refused leaves nothing in the trail.
	for _, err := range []error{
		ignoring(p.Save(ben, release("h", "Other."), publisher.Intent{}, publisher.Hold{Match: "draft-9"})),
		ignoring(p.Embargo(ben, id, publisher.Hold{Until: h.now().Add(time.Hour), Match: ""})),
		ignoring(p.Edit(ben, id, news.Release{Origin: "h"}, publisher.Change{}, "*")),
		p.Discard(ben, id, "draft-2"),
		ignoring(p.Publish(ben, release("h", "Other."), publisher.Intent{})),
		ignoring(p.Correct(ben, id, release("h", "Other."), publisher.Change{Note: "x"})),
	} {
		if err == nil {
			t.Error("it is not refused")
		}
	}
	draft.Title = "Second title"
	kept, _, err = p.Edit(ben, id, draft, publisher.Change{}, kept.ETag())
	if err != nil {
		t.Fatal(err)
	}
	h.advance(time.Minute)
	kept, _, err = p.Embargo(ann, id, publisher.Hold{Until: h.now().Add(time.Hour), Zone: "Europe/Vienna", Match: kept.ETag()})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.ReleaseNow(ben, id, publisher.Now{Match: kept.ETag()}); err != nil {
		t.Fatal(err)
	}
	h.advance(time.Minute)
	fixed := release("h", "Two.")
	fixed.Title = "Third title"
	if _, _, err := p.Correct(ann, id, fixed, publisher.Change{Note: "The day was wrong.", Match: 1}); err != nil {
		t.Fatal(err)
	}
	got, err := p.History(ann, id)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ by, from, what, before, after, change string }{
		{"ann", "192.0.2.7", "saved", "", "draft First title", "title"},
		{"ben", "", "saved", "draft First title", "draft Second title", "title"},
		{"ann", "192.0.2.7", "embargoed", "draft Second title", "embargoed Second title", ""},
		{"ben", "", "published", "", "published Second title", "title"},
		{"ann", "192.0.2.7", "corrected", "published Second title", "published Third title", "text"},
	}
	if len(got.Trail) != len(want) {
		t.Fatalf("the trail is %+v", got.Trail)
	}
	state := func(s *publisher.State) string {
		if s == nil {
			return ""
		}
		return string(s.Status) + " " + s.Title
	}
	for i, e := range got.Trail {
		w := want[i]
		if e.By != w.by || e.From != w.from || e.What != w.what || state(e.Before) != w.before || state(e.After) != w.after || e.Time.IsZero() {
			t.Errorf("entry %d is %+v, want %+v", i, e, w)
		}
		changed := map[string]publisher.Difference{}
		for _, d := range e.Changes {
			changed[d.Part] = d
			if strings.Contains(d.Before+d.After, "One.") && d.Part != "summary" {
				t.Errorf("entry %d repeats the text: %+v", i, d)
			}
		}
		if _, ok := changed[w.change]; !ok && w.change != "" {
			t.Errorf("entry %d does not tell of the %s: %+v", i, w.change, e.Changes)
		}
	}
	if last := got.Trail[4]; last.Why != "The day was wrong." || last.Event != id+":2" || last.Before.Revision != 1 || last.After.Revision != 2 {
		t.Errorf("the correction is %+v", last)
	}
	if e := got.Events; len(e) != 2 || e[0].By != "ben" || e[1].From != "192.0.2.7" || e[1].Note != "The day was wrong." || len(e[1].Documents) == 0 {
		t.Errorf("the events are %+v", e)
	}
	// Everybody sees the events, nobody else who made them.
	public, err := p.History(access.With(t.Context(), access.Caller{Name: "reader"}), id)
	if err != nil || len(public.Trail) > 0 || len(public.Events) != 2 || public.Events[0].By+public.Events[1].From != "" {
		t.Errorf("others see %+v, %v", public, err)
	}
}

// ignoring is the error of a call with two other results.
func ignoring[A, B any](_ A, _ B, err error) error { return err }

// A draft that was thrown away has a history too, for those who may see it.
func TestPublisher_History_discarded(t *testing.T) {
	t.Parallel()
	p, _, _ := byHand(t)
	ctx, id := asEditor(t.Context(), "ann"), news.NewID("gone")
	kept, _, err := p.Save(ctx, release("gone", "One."), publisher.Intent{}, publisher.Hold{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Discard(ctx, id, kept.ETag()); err != nil {
		t.Fatal(err)
	}
	got, err := p.History(ctx, id)
	if err != nil || len(got.Trail) != 2 || got.Trail[1].What != "discarded" || got.Trail[1].Before.Title == "" || got.Trail[1].After != nil {
		t.Errorf("the history is %+v, %v", got, err)
	}
	_, err = p.History(access.With(t.Context(), access.Caller{Name: "writer", Scopes: []access.Scope{access.Publish}}), id)
	wantCode(t, err, news.NotFound)
}

// What a withdrawal takes back is told by nothing that others read, also when the
// release comes back with another text.
func TestHandler_history_withdrawn(t *testing.T) {
	t.Parallel()
	s := newService(t)
	doc := func(words string) string {
		return "---\ntitle: Round table\ndate: 2026-11-24\norigin: w\nsummary: " + words + " summary\n---\n" + words + " text."
	}
	one := "/api/v1/releases/" + news.NewID("w")
	step := func(path, body string) {
		t.Helper()
		if a := s.do(t, "POST", path, "text/markdown", body, "If-Match", "*"); a.status >= 300 {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
	}
	silent := func(t *testing.T, words ...string) {
		t.Helper()
		for _, scopes := range []string{"", "draft", "publish", "withdraw", "read-embargoed"} {
			for _, path := range []string{one, one + "/history", "/api/v1/events?after=0", "/api/v1/releases?status=withdrawn", "/api/v1/releases"} {
				a := s.do(t, "GET", path, "", "", "Scopes", scopes)
				for _, w := range words {
					if strings.Contains(string(a.body), w) {
						t.Errorf("%q tells %s to a key with %q: %s", path, w, scopes, a.body)
					}
				}
			}
		}
	}
	step("/api/v1/releases", doc("libellous"))
	step(one+"/correct?note=calumny", doc("scandalous"))
	step(one+"/withdraw?reason=Mistake.", "")
	t.Run("while it is withdrawn", func(t *testing.T) {
		silent(t, "libellous", "scandalous", "calumny")
		if p := past(t, s, news.NewID("w"), "Scopes", "draft"); len(p.Events) != 3 || p.Events[2].Reason != "Mistake." {
			t.Errorf("the history is %+v", p)
		}
	})
	t.Run("an administrator sees what changed", func(t *testing.T) {
		if p := past(t, s, news.NewID("w")); len(p.Trail) != 3 || len(p.Events[1].Changes) == 0 || p.Events[1].Note != "calumny" {
			t.Errorf("the history is %+v", p)
		}
	})
	step(one+"/republish", doc("decent"))
	t.Run("when it is back", func(t *testing.T) {
		silent(t, "libellous", "scandalous", "calumny")
		if a := s.do(t, "GET", "/api/v1/events?after=0", "", "", "Scopes", ""); !strings.Contains(string(a.body), "decent text") {
			t.Errorf("what is public again is missing: %s", a.body)
		}
	})
}
