package publisher_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dateline/publisher"
	"dateline/publisher/news"
)

const (
	secretText = "---\ntitle: Ambassador Quillfeather resigns\ndate: 2026-11-24\norigin: secret\n---\nThe zyxomatic report comes first."
	tomorrow   = "embargo=2026-12-01T09:00&zone=Europe/Vienna"
)

var secretID = news.NewID("secret")

func waitingIn(t *testing.T, a answer) (d publisher.Desk) {
	t.Helper()
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return d
}

// keep puts a document at the desk and returns its ETag.
func (s service) keep(t *testing.T, query, doc string) string {
	t.Helper()
	a := s.do(t, "POST", "/api/v1/releases?"+query, "text/markdown", doc)
	if a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	return a.header.Get("ETag")
}

func TestHandler_desk(t *testing.T) {
	t.Parallel()
	s := newService(t)
	a := s.do(t, "POST", "/api/v1/releases?"+tomorrow, "text/markdown", secretText)
	d := waitingIn(t, a)
	if a.status != http.StatusCreated || a.header.Get("Location") != "https://news.example.org/api/v1/desk/"+secretID || a.header.Get("ETag") != `"draft-1"` ||
		d.State != news.Embargoed || d.Until.Format("15:04") != "08:00" || d.Zone != "Europe/Vienna" || d.Becomes != news.KindPublished || d.Release.Title != "Ambassador Quillfeather resigns" {
		t.Fatalf("status %d, ETag %s: %s", a.status, a.header.Get("ETag"), a.body)
	}
	t.Run("the same again is unchanged", func(t *testing.T) {
		a := s.do(t, "POST", "/api/v1/releases?"+tomorrow, "text/markdown", secretText)
		if a.status != http.StatusOK || a.header.Get(publisher.HeaderOutcome) != "unchanged" || a.header.Get("ETag") != `"draft-1"` {
			t.Errorf("status %d, ETag %s: %s", a.status, a.header.Get("ETag"), a.body)
		}
	})
	t.Run("another one needs to name what waits", func(t *testing.T) {
		other := secretText + " And more."
		refused(t, s.do(t, "POST", "/api/v1/releases?"+tomorrow, "text/markdown", other), http.StatusPreconditionRequired, "If-Match")
		refused(t, s.do(t, "POST", "/api/v1/releases?"+tomorrow, "text/markdown", other, "If-Match", `"draft-7"`), http.StatusPreconditionFailed, "read it again")
		refused(t, s.do(t, "POST", "/api/v1/releases", "text/markdown", other), http.StatusConflict, "waits under embargo", "let that version come out, or discard it")
	})
	t.Run("an edit keeps the embargo, even if the text speaks of it", func(t *testing.T) {
		a := s.do(t, "PUT", "/api/v1/desk/"+secretID, "text/markdown", secretText+"\n\nEMBARGOED until 9 a.m. on 1 December 2026\n", "If-Match", `"draft-1"`)
		if d := waitingIn(t, a); a.status != http.StatusOK || d.Version != 2 || d.State != news.Embargoed {
			t.Errorf("status %d: %s", a.status, a.body)
		}
	})
	t.Run("lifted, discarded and saved again it has a number of its own", func(t *testing.T) {
		a := s.do(t, "DELETE", "/api/v1/desk/"+secretID+"/embargo", "", "", "If-Match", `"draft-2"`)
		if d := waitingIn(t, a); a.status != http.StatusOK || d.State != news.Draft || !d.Until.IsZero() {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		refused(t, s.do(t, "DELETE", "/api/v1/desk/"+secretID+"/embargo", "", "", "If-Match", "*"), http.StatusConflict, "edited, embargoed, released or discarded")
		if a := s.do(t, "DELETE", "/api/v1/desk/"+secretID, "", "", "If-Match", `"draft-3"`); a.status != http.StatusNoContent {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		refused(t, s.do(t, "GET", "/api/v1/desk/"+secretID, "", ""), http.StatusNotFound, "nothing waits")
		if tag := s.keep(t, "status=draft", secretText); tag != `"draft-4"` {
			t.Errorf("the ETag is %s: whoever has seen another draft could replace this one", tag)
		}
	})
	t.Run("released it is public and nothing waits", func(t *testing.T) {
		a := s.do(t, "POST", "/api/v1/desk/"+secretID+"/release", "", "", "If-Match", `"draft-4"`)
		if a.status != http.StatusCreated || a.header.Get(publisher.HeaderOutcome) != "created" || a.event(t).ID != secretID+":1" {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		refused(t, s.do(t, "POST", "/api/v1/desk/"+secretID+"/release", "", "", "If-Match", "*"), http.StatusNotFound, "nothing waits")
	})
}

func TestHandler_desk_refuses(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.keep(t, tomorrow, secretText)
	public, withdrawn := news.NewID("public"), news.NewID("withdrawn")
	doc := func(origin string) string {
		return "---\ntitle: T\ndate: 2026-11-24\norigin: " + origin + "\n---\nText."
	}
	for _, origin := range []string{"public", "withdrawn"} {
		if a := s.do(t, "POST", "/api/v1/releases", "text/markdown", doc(origin)); a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
	}
	if a := s.do(t, "POST", "/api/v1/releases/"+withdrawn+"/withdraw?reason=Mistake.", "", "", "If-Match", "*"); a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	const releases, desk, md = "/api/v1/releases", "/api/v1/desk/", "text/markdown"
	for _, tc := range []struct {
		name, method, path, body, match string
		status                          int
		words                           []string
	}{
		{"the past", "POST", releases + "?embargo=2026-01-01T09:00&zone=UTC", doc("x"), "", 422, []string{"over already"}},
		{"no zone", "POST", releases + "?embargo=2026-12-01T09:00", doc("x"), "", 422, []string{"no time zone"}},
		{"an unknown zone", "POST", releases + "?embargo=2026-12-01T09:00&zone=Mars/Olympus", doc("x"), "", 422, []string{"IANA"}},
		{"a zone alone", "POST", releases + "?zone=UTC", doc("x"), "", 400, []string{"needs an embargo"}},
		{"a draft with a time", "POST", releases + "?status=draft&" + tomorrow, doc("x"), "", 400, []string{"status=draft"}},
		{"a status that is none", "POST", releases + "?status=hidden", doc("x"), "", 400, []string{"draft or published"}},
		{"a back-fill that waits", "POST", releases + "?status=draft&backfill=true", doc("x"), "", 400, []string{"backfill"}},
		{"a draft without title", "POST", releases + "?status=draft&origin=y", "", "", 422, nil},
		{"a new version of what was withdrawn", "POST", releases + "?status=draft", doc("withdrawn"), "", 409, []string{"republished"}},
		{"an embargoed one of what was withdrawn", "POST", releases + "?" + tomorrow, doc("withdrawn"), "", 409, []string{"republished"}},
		{"a correction of what was withdrawn", "POST", releases + "/" + withdrawn + "/correct?status=draft&note=x", doc("withdrawn"), "*", 409, []string{"republished"}},
		{"the return of what is public", "POST", releases + "/" + public + "/republish?status=draft", doc("public"), "*", 409, []string{"corrected, withdrawn"}},
		{"a correction that waits without note", "POST", releases + "/" + public + "/correct?status=draft", doc("public") + "x", "*", 422, []string{"note"}},
		{"a stale correction that waits", "POST", releases + "/" + public + "/correct?status=draft&note=x", doc("public") + "x", `"7"`, 412, []string{"revision 7"}},
		{"a correction that waits of nothing", "POST", releases + "/" + news.NewID("none") + "/correct?status=draft&note=x", doc("none"), "*", 404, nil},
		{"an edit of nothing", "PUT", desk + public, doc("public"), "*", 404, []string{"nothing waits"}},
		{"an edit without If-Match", "PUT", desk + secretID, doc("secret"), "", 428, []string{"If-Match"}},
		{"a stale edit", "PUT", desk + secretID, doc("secret"), `"draft-9"`, 412, []string{"read it again"}},
		{"an embargo without time", "PUT", desk + secretID + "/embargo", "", "*", 422, []string{"no time like"}},
		{"a parameter that is none", "PUT", desk + secretID + "/embargo?untill=x", "", "*", 400, []string{"perhaps until"}},
		{"every release at once", "GET", desk + "*", "", "", 404, []string{"nothing waits"}},
		{"every release at once, by its other name", "GET", desk + "%3E", "", "", 404, []string{"nothing waits"}},
		{"what is no id", "GET", desk + "a%20b", "", "", 404, []string{"nothing waits"}},
		{"all of the desk thrown away", "DELETE", desk + "*", "", "*", 404, []string{"nothing waits"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var header []string
			if tc.match != "" {
				header = []string{"If-Match", tc.match}
			}
			refused(t, s.do(t, tc.method, tc.path, md, tc.body, header...), tc.status, tc.words...)
		})
	}
	// One correction waits; the next is told to edit it.
	if a := s.do(t, "POST", releases+"/"+public+"/correct?status=draft&note=x", md, doc("public")+"x", "If-Match", `"1"`); a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	refused(t, s.do(t, "POST", releases+"/"+public+"/correct?status=draft&note=x", md, doc("public")+"y", "If-Match", "*"), http.StatusConflict, "edit that one")
	if n := events(t, s.wire); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

// Each scope alone: what it may do with a version under embargo, and what it is
// told of it. Nothing of its words comes to a key that may not read them.
func TestHandler_desk_scopes(t *testing.T) {
	t.Parallel()
	s := newService(t)
	releases, one := "/api/v1/releases", "/api/v1/desk/"+secretID
	other := strings.ReplaceAll(strings.ReplaceAll(secretText, "zyxomatic", "other"), "Quillfeather", "Other")
	requests := map[string]struct{ method, path, body string }{
		"list":              {"GET", "/api/v1/desk", ""},
		"show":              {"GET", one, ""},
		"history":           {"GET", releases + "/" + secretID + "/history", ""},
		"edit":              {"PUT", one, other},
		"same embargo":      {"PUT", one + "/embargo?until=2026-12-01T09:00&zone=Europe/Vienna", ""},
		"other embargo":     {"PUT", one + "/embargo?until=2026-12-02T09:00&zone=Europe/Vienna", ""},
		"lift":              {"DELETE", one + "/embargo", ""},
		"discard":           {"DELETE", one, ""},
		"replace by draft":  {"POST", releases + "?status=draft", other},
		"replace":           {"POST", releases + "?" + tomorrow, other},
		"publish past it":   {"POST", releases, other},
		"preview past it":   {"POST", releases + "?dry_run=1", other},
		"preview with it":   {"POST", releases + "?dry_run=1&" + tomorrow, other},
		"inspect":           {"POST", "/api/v1/inspect", other},
		"get":               {"GET", releases + "/" + secretID, ""},
		"search":            {"GET", releases + "?q=quillfeather", ""},
		"events":            {"GET", "/api/v1/events?after=0", ""},
		"correct":           {"POST", releases + "/" + secretID + "/correct?note=x", other},
		"withdraw":          {"POST", releases + "/" + secretID + "/withdraw?reason=x", ""},
		"republish":         {"POST", releases + "/" + secretID + "/republish", other},
		"take its place":    {"POST", releases + "/" + news.NewID("public") + "/withdraw?dry_run=1&reason=x&replaced_by=" + secretID, ""},
		"correct, to wait":  {"POST", releases + "/" + secretID + "/correct?note=x&status=draft", other},
		"revise by its id":  {"POST", releases + "?revises=" + secretID, other},
		"translation of it": {"POST", "/api/v1/inspect", strings.Replace(other, "origin: secret", "origin: t\ntranslation_of: secret", 1)},
	}
	// What each key is answered, if not 403; the last version is put there anew each time.
	may := map[string]map[string]int{
		"draft":                  {"list": 200, "show": 404, "edit": 404, "same embargo": 404, "other embargo": 404, "lift": 404, "discard": 404, "replace by draft": 409, "preview past it": 409, "preview with it": 409, "correct, to wait": 404},
		"publish":                {"list": 200, "show": 404, "edit": 404, "same embargo": 404, "other embargo": 404, "lift": 404, "discard": 404, "replace by draft": 409, "replace": 409, "publish past it": 409, "preview past it": 409, "preview with it": 409, "correct": 404, "republish": 404, "correct, to wait": 404, "revise by its id": 404},
		"publish read-embargoed": {"list": 200, "show": 200, "history": 200, "edit": 200, "same embargo": 200, "other embargo": 200, "lift": 200, "discard": 204, "replace by draft": 201, "replace": 201, "publish past it": 409, "preview past it": 409, "preview with it": 200, "correct": 404, "republish": 404, "correct, to wait": 404, "revise by its id": 404},
		"withdraw":               {"list": 200, "show": 404, "edit": 404, "same embargo": 404, "other embargo": 404, "lift": 404, "discard": 404, "withdraw": 404, "take its place": 422},
		"read-embargoed":         {"list": 200, "show": 200, "history": 200},
		"":                       {"list": 200, "show": 404, "edit": 404, "same embargo": 404, "other embargo": 404, "lift": 404, "discard": 404},
	}
	if a := s.do(t, "POST", releases+"?origin=public", "text/markdown", "---\ntitle: Public\ndate: 2026-11-24\n---\nText."); a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	everybody := map[string]int{"history": 404, "inspect": 200, "get": 404, "search": 200, "events": 200, "translation of it": 200}
	for scope, allowed := range may {
		t.Run("the scope "+scope, func(t *testing.T) {
			for name, rq := range requests {
				if a := s.do(t, "POST", releases+"?"+tomorrow, "text/markdown", secretText, "If-Match", "*"); a.status >= 300 {
					t.Fatalf("status %d: %s", a.status, a.body)
				}
				a := s.do(t, rq.method, rq.path, "text/markdown", rq.body, "Scopes", scope, "If-Match", "*")
				want := allowed[name]
				if want == 0 {
					want = everybody[name]
				}
				if want == 0 {
					want = http.StatusForbidden
				}
				if a.status != want {
					t.Errorf("%s: status %d, want %d: %s", name, a.status, want, a.body)
				}
				sees := strings.Contains(scope, "read-embargoed")
				for _, word := range []string{"zyxomatic", "Quillfeather", "quillfeather-resigns"} {
					if strings.Contains(string(a.body), word) && !sees {
						t.Errorf("%s tells %q: %s", name, word, a.body)
					}
				}
			}
		})
	}
}

// A withdrawal takes an embargo off before its time. What was under it is a draft
// then, but no more people may read it than before.
func TestHandler_desk_heldBack(t *testing.T) {
	t.Parallel()
	s := newService(t)
	if a := s.do(t, "POST", "/api/v1/releases", "text/markdown", strings.ReplaceAll(secretText, "zyxomatic", "plain")); a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	one, waits := "/api/v1/releases/"+secretID, "/api/v1/desk/"+secretID
	if a := s.do(t, "POST", one+"/correct?note=x&"+tomorrow, "text/markdown", secretText, "If-Match", "*"); a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if a := s.do(t, "POST", one+"/withdraw?reason=Mistake.", "", "", "If-Match", "*"); a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	a := s.do(t, "GET", waits, "", "", "Scopes", "read-embargoed")
	if d := waitingIn(t, a); d.State != news.Draft || !strings.Contains(d.Stalled, "withdrawn") || d.Release == nil {
		t.Errorf("it is %s", a.body)
	}
	refused(t, s.do(t, "GET", waits, "", "", "Scopes", "draft"), http.StatusNotFound)
	refused(t, s.do(t, "PUT", waits, "text/markdown", secretText, "Scopes", "draft", "If-Match", "*"), http.StatusNotFound)
	refused(t, s.do(t, "DELETE", waits, "", "", "Scopes", "draft", "If-Match", "*"), http.StatusNotFound)
	if a := s.do(t, "GET", "/api/v1/desk", "", "", "Scopes", "draft"); strings.Contains(string(a.body), "Quillfeather") {
		t.Errorf("the desk for a key with draft is %s", a.body)
	}
	// An editor takes it up again and opens it: then it is a draft like any other.
	if a := s.do(t, "PUT", waits, "text/markdown", secretText, "Scopes", "publish read-embargoed", "If-Match", "*"); a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	refused(t, s.do(t, "GET", waits, "", "", "Scopes", "draft"), http.StatusNotFound)
	if a := s.do(t, "DELETE", waits+"/embargo?open=1", "", "", "Scopes", "publish read-embargoed", "If-Match", "*"); a.status != http.StatusOK {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if a := s.do(t, "GET", waits, "", "", "Scopes", "draft"); a.status != http.StatusOK {
		t.Errorf("status %d: %s", a.status, a.body)
	}
}

func TestHandler_desk_repeats(t *testing.T) {
	t.Parallel()
	s := newService(t)
	doc := func(text string) string { return "---\ntitle: T\ndate: 2026-11-24\norigin: r\n---\n" + text }
	if a := s.do(t, "POST", "/api/v1/releases", "text/markdown", doc("One.")); a.status != http.StatusCreated {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	one := "/api/v1/releases/" + news.NewID("r")
	// The answer of each is lost, so it is sent again with the same If-Match.
	for i, tc := range []struct{ path, body, outcome string }{
		{one + "/correct?note=" + url.QueryEscape("The day was wrong."), doc("Two."), "corrected"},
		{one + "/correct?minor=true", doc("Three."), "revised"},
		{one + "/withdraw?reason=Mistake.", "", "withdrawn"},
		{one + "/republish", doc("Four."), "republished"},
	} {
		for try, want := range []string{tc.outcome, "unchanged", "unchanged"} {
			a := s.do(t, "POST", tc.path, "text/markdown", tc.body, "If-Match", `"`+string(rune('1'+i))+`"`)
			if a.status != http.StatusOK || a.header.Get(publisher.HeaderOutcome) != want || a.header.Get("ETag") != `"`+string(rune('2'+i))+`"` {
				t.Errorf("%s, try %d: status %d, %s, ETag %s: %s", tc.path, try+1, a.status, a.header.Get(publisher.HeaderOutcome), a.header.Get("ETag"), a.body)
			}
		}
	}
	if n := events(t, s.wire); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
	// Something else with an old If-Match is no repeat.
	refused(t, s.do(t, "POST", one+"/withdraw?reason=Other.", "", "", "If-Match", `"4"`), http.StatusPreconditionFailed)
	refused(t, s.do(t, "POST", one+"/correct?minor=true", "text/markdown", doc("Four."), "If-Match", `"4"`), http.StatusPreconditionFailed)
}

func TestHandler_desk_preview(t *testing.T) {
	t.Parallel()
	s := newService(t)
	view := func(t *testing.T, path, doc string, header ...string) (v publisher.Preview) {
		t.Helper()
		a := s.do(t, "POST", path, "text/markdown", doc, header...)
		if err := json.Unmarshal(a.body, &v); err != nil || a.status != http.StatusOK {
			t.Fatalf("status %d, %v: %s", a.status, err, a.body)
		}
		return v
	}
	ahead := strings.Replace(secretText, "2026-11-24", "2026-12-01", 1)
	t.Run("a release that bears the date of the day on which its embargo is over", func(t *testing.T) {
		v := view(t, "/api/v1/releases?dry_run=1&"+tomorrow, ahead)
		if v.Outcome != publisher.Created || v.Until.IsZero() || strings.Contains(strings.Join(v.Warnings, " "), "lies ahead") {
			t.Errorf("it says %+v", v)
		}
		refused(t, s.do(t, "POST", "/api/v1/releases?dry_run=1", "text/markdown", ahead), http.StatusUnprocessableEntity, "2026-12-01")
	})
	t.Run("the next version of what waits", func(t *testing.T) {
		s.keep(t, tomorrow, ahead)
		v := view(t, "/api/v1/releases?dry_run=1&"+tomorrow, ahead+" And more.")
		if v.Outcome != publisher.Created || v.Revision != 1 {
			t.Errorf("it says %+v", v)
		}
	})
	t.Run("a correction that is to wait", func(t *testing.T) {
		if a := s.do(t, "POST", "/api/v1/releases?origin=p", "text/plain", pageText); a.status != http.StatusCreated {
			t.Fatalf("status %d: %s", a.status, a.body)
		}
		v := view(t, "/api/v1/releases/"+news.NewID("p")+"/correct?dry_run=1&note=x&"+tomorrow, strings.Replace(pageText, "Judges", "Mayors", 1), "If-Match", `"1"`)
		if v.Kind != news.KindCorrected || v.Revision != 2 || len(v.Documents) == 0 {
			t.Errorf("it says %+v", v)
		}
	})
	if n := events(t, s.wire); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestPublisher_Edit_minor(t *testing.T) {
	t.Parallel()
	p, _, h := byHand(t)
	ctx := asEditor(t.Context(), "ann")
	first := publish(t, p, release("m", "One."), publisher.Intent{}, publisher.Created)
	id := first.Release.ID
	kept, _, err := p.SaveFor(ctx, id, release("m", "Two."), publisher.Change{Note: "X.", Match: 1}, publisher.Hold{Until: h.now()})
	if err != nil || kept.Kind != news.KindCorrected {
		t.Fatalf("%+v, %v", kept, err)
	}
	kept, outcome, err := p.Edit(ctx, id, release("m", "Two."), publisher.Change{Minor: true}, kept.ETag())
	if err != nil || outcome == publisher.Unchanged || kept.Kind != news.KindRevised || kept.State != news.Embargoed {
		t.Fatalf("it is %s: %+v, %v", outcome, kept, err)
	}
	if e, _, err := p.ReleaseNow(ctx, id, publisher.Now{Match: kept.ETag()}); err != nil || e.Kind != news.KindRevised || e.Release.SurfacedRevision != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}

// What an old file says cannot come back by way of the desk either.
func TestPublisher_Save_notTheCorrected(t *testing.T) {
	t.Parallel()
	p, _, h := byHand(t)
	first := publish(t, p, release("c", "Nine."), publisher.Intent{}, publisher.Created)
	if _, _, err := p.Correct(t.Context(), first.Release.ID, release("c", "Ninety."), publisher.Change{Note: "Ninety, not nine."}); err != nil {
		t.Fatal(err)
	}
	_, _, err := p.Save(t.Context(), release("c", "Nine."), publisher.Intent{}, publisher.Hold{Until: h.now()})
	wantCode(t, err, news.Conflict)
}
