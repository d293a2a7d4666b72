package main

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/access"

	validator "github.com/pb33f/libopenapi-validator"
)

const nobody = "00000000-0000-5000-8000-000000000000" // an id that no release has

// doubtful is a paper whose dateline says another date, which a warning tells of.
func doubtful(paper string) string {
	return strings.Replace(paper, `"body":"`, `"body":"VIENNA, 17 May 2017 – `, 1)
}

// large is a body just beyond a limit.
func large(limit int) string { return `{"title":"` + strings.Repeat("x", limit) + `"}` }

func (s *apiServer) liveDescription(t *testing.T) {
	stranger := []string{"Authorization", ""}
	a := s.ask(t, 200, "GET "+openAPIPath, "", stranger...)
	if a.header.Get("Content-Type") != "application/json" || !strings.Contains(a.body, `"version": "1.0.0"`) || !strings.Contains(a.body, `"url": "`+testBase+`"`) {
		t.Errorf("the description comes with %v", a.header)
	}
	if again := s.ask(t, 304, "GET "+openAPIPath, "", append(stranger, "If-None-Match", a.header.Get("ETag"))...); again.body != "" {
		t.Errorf("asked again: %d bytes", len(again.body))
	}
	if lost := s.ask(t, 404, "GET /api/v1", "", stranger...); !strings.Contains(lost.body, openAPIPath) {
		t.Errorf("who is lost is told %s", lost.body)
	}
}

func (s *apiServer) liveSubscriptions(t *testing.T) {
	const all = "/api/v1/subscriptions"
	wish := `{"channel":"mail","address":"reader@example.org","selection":{"fields":["policing"],"countries":["AT"],"role":"about"}}`
	id := s.ask(t, 201, "POST "+all, wish).id(t)
	s.ask(t, 200, "POST "+all, wish)
	hook := s.ask(t, 201, "POST "+all, `{"channel":"webhook","address":"`+s.sinks.hookURL+`/hook","selection":{}}`)
	s.sinks.expectSecret("/hook", decodeJSON[struct{ Secret string }](t, hook.body).Secret)
	s.ask(t, 200, "GET "+all, "")
	s.ask(t, 200, "GET "+all+"/"+id, "")
	s.ask(t, 404, "GET "+all+"/none", "")
	s.ask(t, 404, "DELETE "+all+"/none", "")
	s.ask(t, 204, "DELETE "+all+"/"+s.ask(t, 201, "POST "+all, strings.Replace(wish, "reader@", "other@", 1)).id(t), "")
	s.ask(t, 400, "POST "+all, `{"channels":[]}`)
	s.ask(t, 413, "POST "+all, large(64<<10))
	s.ask(t, 415, "POST "+all, "mail for reader@example.org")
	s.ask(t, 422, "POST "+all, `{"channel":"pigeon","address":"roof"}`)
}

func (s *apiServer) liveReleases(t *testing.T) {
	const all = "POST /api/v1/releases"
	first := paper("A first release", "life:1", "It says something.")
	made := s.ask(t, 201, all, first)
	if made.header.Get("ETag") != `"1"` || made.header.Get("Dateline-Outcome") != "created" || made.header.Get("Location") != testBase+"/api/v1/releases/"+made.id(t) {
		t.Errorf("a new release comes with %v", made.header)
	}
	if same := s.ask(t, 200, all, first); same.header.Get("Dateline-Outcome") != "unchanged" {
		t.Errorf("the same once more is %v", same.header)
	}
	s.ask(t, 200, all, first, access.HeaderKey, "used-twice")
	s.ask(t, 422, all+"?origin=another", first, access.HeaderKey, "used-twice")
	s.ask(t, 200, all+"?revises="+made.id(t)+"&accept_proposals=true&dry_run=false&backfill=false&status=published", paper("A first release, revised", "life:1", "It says more."))
	s.ask(t, 201, all+"?origin=life:2", "---\ntitle: A second release\ndate: 2011-05-17\n---\nIt is old, and says nothing of countries.\n")
	s.ask(t, 201, all+"?backfill=true", doubtful(paper("An old release", "life:3", "It is found again.")))
	s.ask(t, 201, all+"?embargo=none", paper("A release", "life:4", "EMBARGOED UNTIL FURTHER NOTICE\n\nIt says that it is under embargo."))
	s.ask(t, 422, all, paper("A release", "life:5", "EMBARGOED UNTIL FURTHER NOTICE\n\nIt says that it is under embargo."))
	for _, q := range []string{"", "&status=draft", "&embargo=" + nextYear("06-01T09:00") + "&zone=Europe/Vienna"} {
		s.ask(t, 200, all+"?dry_run=true"+q, paper("Not yet", "life:6", "It says nothing yet."))
	}
	at := s.ask(t, 201, all+"?embargo="+nextYear("06-01T09:00")+"&zone=Europe/Vienna", paper("Not yet", "life:7", "It says nothing yet."))
	s.ask(t, 200, all+"?embargo="+nextYear("06-01T09:00")+"&zone=Europe/Vienna", paper("Not yet", "life:7", "It says nothing yet."))
	later := paper("Not yet, but soon", "life:7", "It says nothing yet.")
	s.ask(t, 428, all+"?status=draft", later)
	s.ask(t, 412, all+"?status=draft", later, "If-Match", `"draft-7"`)
	s.ask(t, 201, all+"?status=draft", later, "If-Match", at.header.Get("ETag"))
	s.ask(t, 409, all, later)
	s.ask(t, 204, "DELETE /api/v1/desk/"+at.id(t), "", "If-Match", "*")
	s.ask(t, 400, all+"?status=secret", later)
	s.ask(t, 404, all+"?revises="+nobody, later)
	s.ask(t, 413, all, large(2<<20))
	s.ask(t, 415, all, later, "Content-Type", "application/pdf")
	s.ask(t, 422, all, `{"title":"A release without a text","colour":"blue"}`)

	one := "GET /api/v1/releases/" + made.id(t)
	s.ask(t, 200, one, "")
	s.ask(t, 404, "GET /api/v1/releases/"+nobody, "")
	s.ask(t, 200, one+"/history", "")
	s.ask(t, 200, one+"/history", "", "Authorization", "Bearer "+s.newKey(t, "reader"))
	s.ask(t, 404, "GET /api/v1/releases/"+nobody+"/history", "")
	s.ask(t, 404, "GET /api/v1/releases/"+nobody+"/trace", "")
	s.await(t.Context(), func() bool { return strings.Contains(s.ask(t, 200, one+"/trace", "").body, `"accepted"`) })
}

func (s *apiServer) liveCorrections(t *testing.T) {
	id := s.ask(t, 201, "POST /api/v1/releases", paper("To be corrected", "correct:1", "Two weeks.")).id(t)
	call, right := "POST /api/v1/releases/"+id+"/correct", paper("To be corrected", "correct:1", "Three weeks.")
	s.ask(t, 200, call+"?dry_run=true&note=Three", right)
	s.ask(t, 428, call+"?note=Three", right)
	s.ask(t, 400, call+"?note=Three", right, "If-Match", "three")
	s.ask(t, 412, call+"?note=Three", right, "If-Match", `"7"`)
	s.ask(t, 422, call, right, "If-Match", `"1"`)
	s.ask(t, 415, call+"?note=Three", right, "If-Match", `"1"`, "Content-Type", "image/png")
	s.ask(t, 413, call+"?note=Three", large(2<<20), "If-Match", `"1"`)
	s.ask(t, 404, "POST /api/v1/releases/"+nobody+"/correct?note=Three", right, "If-Match", "*")
	if a := s.ask(t, 200, call+"?note=Three+weeks%2C+not+two.", right, "If-Match", `"1"`); a.header.Get("Dateline-Outcome") != "corrected" || a.header.Get("ETag") != `"2"` {
		t.Errorf("corrected: %v", a.header)
	}
	s.ask(t, 200, call+"?note=Three+weeks%2C+not+two.", right, "If-Match", `"2"`)
	s.ask(t, 200, call+"?minor=true&accept_proposals=true&status=published", doubtful(paper("To be corrected", "correct:1", "Three weeks!")), "If-Match", `"2"`)
	s.ask(t, 200, call+"?dry_run=true&minor=true", paper("To be corrected", "correct:1", "Three weeks and a day."))
	s.ask(t, 201, call+"?note=Four&embargo="+nextYear("06-01T09:00")+"&zone=Europe/Vienna", paper("To be corrected", "correct:1", "Four weeks."), "If-Match", `"3"`)
	s.ask(t, 409, call+"?note=Five", paper("To be corrected", "correct:1", "Five weeks."), "If-Match", `"3"`)
	s.ask(t, 200, "POST /api/v1/desk/"+id+"/release", "", "If-Match", "*")
}

func (s *apiServer) liveWithdrawals(t *testing.T) {
	text := paper("To be withdrawn", "withdraw:1", "It is wrong.")
	id := s.ask(t, 201, "POST /api/v1/releases", text).id(t)
	other := s.ask(t, 201, "POST /api/v1/releases", paper("To be read instead", "withdraw:2", "It is right.")).id(t)
	away, back := "POST /api/v1/releases/"+id+"/withdraw", "POST /api/v1/releases/"+id+"/republish"
	s.ask(t, 409, back, text, "If-Match", `"1"`)
	s.ask(t, 200, away+"?dry_run=true&reason=Wrong", "")
	s.ask(t, 400, away+"?dry_run=perhaps", "")
	s.ask(t, 428, away+"?reason=Wrong", "")
	s.ask(t, 412, away+"?reason=Wrong", "", "If-Match", `"7"`)
	s.ask(t, 422, away, "", "If-Match", `"1"`)
	s.ask(t, 422, away+"?reason=Wrong&replaced_by="+nobody, "", "If-Match", `"1"`)
	s.ask(t, 404, "POST /api/v1/releases/"+nobody+"/withdraw?reason=Wrong", "", "If-Match", "*")
	s.ask(t, 200, away+"?reason=Wrong&replaced_by="+other, "", "If-Match", `"1"`)
	s.ask(t, 409, away+"?reason=Worse", "", "If-Match", `"2"`)
	s.ask(t, 409, "POST /api/v1/releases/"+id+"/correct?note=Right", text, "If-Match", `"2"`)
	s.ask(t, 200, "GET /api/v1/releases/"+id, "")
	s.ask(t, 200, back+"?dry_run=true", text)
	s.ask(t, 428, back, text)
	s.ask(t, 412, back, text, "If-Match", `"1"`)
	s.ask(t, 413, back, large(2<<20), "If-Match", `"2"`)
	s.ask(t, 415, back, text, "If-Match", `"2"`, "Content-Type", "image/png")
	s.ask(t, 422, back, `{"title":""}`, "If-Match", `"2"`)
	s.ask(t, 400, back+"?dry_run=perhaps", text)
	s.ask(t, 404, "POST /api/v1/releases/"+nobody+"/republish", text, "If-Match", "*")
	s.ask(t, 201, back+"?embargo="+nextYear("06-01T09:00")+"&zone=Europe/Vienna", text, "If-Match", `"2"`)
	s.ask(t, 204, "DELETE /api/v1/desk/"+id, "", "If-Match", "*")
	s.ask(t, 201, back+"?status=draft", text, "If-Match", `"2"`)
	s.ask(t, 200, back+"?status=draft", text, "If-Match", `"2"`)
	s.ask(t, 204, "DELETE /api/v1/desk/"+id, "", "If-Match", "*")
	s.ask(t, 200, back+"?accept_proposals=true&status=published", doubtful(text), "If-Match", `"2"`)
}

func (s *apiServer) liveDesk(t *testing.T) {
	id := s.draft(t, "At the desk", "desk:1")
	one, better := "/api/v1/desk/"+id, paper("At the desk", "desk:1", "What it says now.")
	whatever := []string{"If-Match", "*"}
	s.ask(t, 200, "GET /api/v1/desk", "")
	s.ask(t, 200, "GET "+one, "")
	s.ask(t, 404, "GET /api/v1/desk/"+nobody, "")
	s.ask(t, 200, "GET /api/v1/releases/"+id+"/history", "")

	s.ask(t, 428, "PUT "+one, better)
	s.ask(t, 412, "PUT "+one, better, "If-Match", `"draft-7"`)
	s.ask(t, 200, "PUT "+one+"?note=Now&minor=true&accept_proposals=true", doubtful(better), "If-Match", `"draft-1"`)
	s.ask(t, 200, "PUT "+one, better, whatever...)
	s.ask(t, 400, "PUT "+one+"?minor=perhaps", better, whatever...)
	s.ask(t, 404, "PUT /api/v1/desk/"+nobody, better, whatever...)
	s.ask(t, 413, "PUT "+one, large(2<<20), whatever...)
	s.ask(t, 415, "PUT "+one, better, "If-Match", "*", "Content-Type", "image/png")
	s.ask(t, 422, "PUT "+one, `{"title":"","colour":"blue"}`, whatever...)

	set, gap := "PUT "+one+"/embargo", lastSunday(time.March).Format("2006-01-02")+"T02:30"
	s.ask(t, 428, set+"?until="+gap+"&zone=Europe/Vienna", "")
	s.ask(t, 412, set+"?until="+gap+"&zone=Europe/Vienna", "", "If-Match", `"draft-1"`)
	s.ask(t, 422, set+"?until=2001-01-01T09:00&zone=UTC", "", whatever...)
	s.ask(t, 404, "PUT /api/v1/desk/"+nobody+"/embargo?until="+gap+"&zone=Europe/Vienna", "", whatever...)
	if a := s.ask(t, 200, set+"?until="+gap+"&zone=Europe/Vienna", "", whatever...); !strings.Contains(a.header.Get("Dateline-Warnings"), "clocks") {
		t.Errorf("a time that does not exist comes with %v", a.header)
	}
	partly := s.newKey(t, "partly", "draft", "read-embargoed")
	s.ask(t, 403, "PUT "+one, better, "If-Match", "*", "Authorization", "Bearer "+partly)
	s.ask(t, 403, "DELETE "+one, "", "If-Match", "*", "Authorization", "Bearer "+partly)
	s.ask(t, 404, "PUT "+one, better, "If-Match", "*", "Authorization", "Bearer "+s.newKey(t, "unseen", "publish"))

	lift := "DELETE " + one + "/embargo"
	s.ask(t, 428, lift, "")
	s.ask(t, 412, lift, "", "If-Match", `"draft-1"`)
	s.ask(t, 404, "DELETE /api/v1/desk/"+nobody+"/embargo", "", whatever...)
	s.ask(t, 200, lift+"?open=true", "", whatever...)
	s.ask(t, 409, lift, "", whatever...)

	out := "POST " + one + "/release"
	s.ask(t, 200, "PUT "+one, paper("At the desk", "desk:1", "EMBARGOED UNTIL FURTHER NOTICE\n\nIt says that it is under embargo."), whatever...)
	s.ask(t, 200, out+"?dry_run=true", "")
	s.ask(t, 428, out, "")
	s.ask(t, 412, out, "", "If-Match", `"draft-1"`)
	s.ask(t, 422, out, "", whatever...)
	s.ask(t, 201, out+"?embargo=none", "", whatever...)
	s.ask(t, 404, out, "", whatever...)

	gone := "DELETE /api/v1/desk/" + s.draft(t, "To be discarded", "desk:2")
	s.ask(t, 428, gone, "")
	s.ask(t, 412, gone, "", "If-Match", `"draft-7"`)
	s.ask(t, 204, gone, "", whatever...)
	s.ask(t, 404, gone, "", whatever...)
}

// What waits is passed by a withdrawal of what it is based on.
func (s *apiServer) liveMoved(t *testing.T) {
	id := s.ask(t, 201, "POST /api/v1/releases", paper("Moves", "moves:1", "One.")).id(t)
	s.ask(t, 201, "POST /api/v1/releases/"+id+"/correct?note=Two&status=draft", paper("Moves", "moves:1", "Two."), "If-Match", `"1"`)
	s.ask(t, 200, "POST /api/v1/releases/"+id+"/withdraw?reason=None", "", "If-Match", `"1"`)
	s.ask(t, 409, "POST /api/v1/desk/"+id+"/release", "", "If-Match", "*")
	s.ask(t, 409, "PUT /api/v1/desk/"+id+"/embargo?until="+nextYear("06-01T09:00")+"&zone=Europe/Vienna", "", "If-Match", "*")
}

const lists = `<rss version="2.0"><channel><title>Releases</title><link>https://www.example.org/</link><description>All</description>
<item><title>One of a list</title><link>https://www.example.org/1</link><guid>https://www.example.org/1</guid><pubDate>Tue, 16 May 2017 09:00:00 +0200</pubDate><description>It says so.</description></item>
<item><title></title><link>https://www.example.org/2</link><pubDate>Tue, 16 May 2017 09:00:00 +0200</pubDate><description></description></item>
</channel></rss>`

func (s *apiServer) liveDocuments(t *testing.T) {
	const look, take = "POST /api/v1/inspect", "POST /api/v1/import"
	s.ask(t, 200, look, policingPage, "Content-Type", "text/plain")
	s.ask(t, 200, look, "<html><head><title>A page</title></head><body><article><h1>A page</h1><p>VIENNA, 17 May 2017 – "+strings.Repeat("It has a text that is long enough. ", 20)+"</p></article></body></html>", "Content-Type", "text/html")
	s.ask(t, 200, look, paper("In JSON", "look:1", "It is read."))
	s.ask(t, 413, look, large(2<<20))
	s.ask(t, 415, look, "It is a picture.", "Content-Type", "image/png")
	s.ask(t, 422, look, `{"colour":"blue"}`)

	s.ask(t, 200, take+"?dry_run=true&accept_proposals=true", lists)
	s.ask(t, 200, take+"?alert=false", lists)
	s.ask(t, 413, take, lists+strings.Repeat(" ", access.MaxOnce), access.HeaderKey, "too-large")
	s.ask(t, 413, take, lists+strings.Repeat(" ", 32<<20))
}

func (s *apiServer) liveLists(t *testing.T) {
	const all = "GET /api/v1/releases"
	s.ask(t, 200, all+"?field=policing,human-rights&country=AT&role=about&source=secretariat&type=press-release&language=en&routine=false&status=published&q=first&from=2011-01-01&before="+nextYear("01-01"), "")
	s.ask(t, 200, all+"?status=withdrawn", "")
	s.ask(t, 404, all+"?field=cookery", "")
	s.ask(t, 400, all+"?limit=0", "")
	s.ask(t, 400, all+"?role=place", "")
	ids, next := map[string]bool{}, "?limit=2"
	for next != "" {
		page := s.ask(t, 200, all+next, "")
		v := decodeJSON[struct {
			Releases []struct{ ID string }
			Next     string
		}](t, page.body)
		for _, r := range v.Releases {
			if ids[r.ID] {
				t.Errorf("%s comes twice", r.ID)
			}
			ids[r.ID] = true
		}
		if next = ""; v.Next != "" {
			next = "?limit=2&cursor=" + v.Next
		}
		if link := page.header.Get("Link"); (link != "") != (next != "") || !strings.Contains(link, v.Next) {
			t.Errorf("the next page is %q, and %q", v.Next, link)
		}
	}
	if len(ids) < 8 {
		t.Errorf("the walk gave %d releases", len(ids))
	}

	const events = "GET /api/v1/events"
	page := decodeJSON[struct{ Next string }](t, s.ask(t, 200, events+"?after=0", "").body)
	s.ask(t, 200, events+"?wait=1ms&after="+page.Next, "")
	s.ask(t, 200, events, "")
	s.ask(t, 400, events+"?after=the-first", "")
}

func (s *apiServer) liveErasure(t *testing.T) {
	id := s.ask(t, 201, "POST /api/v1/releases", paper("To be erased", "erase:1", "It names somebody.")).id(t)
	call := "DELETE /api/v1/releases/" + id
	s.ask(t, 422, call, "")
	s.ask(t, 404, "DELETE /api/v1/releases/"+nobody+"?reason=None", "")
	if a := s.ask(t, 200, call+"?reason=At+request", ""); a.header.Get("Dateline-Outcome") != "erased" || strings.Contains(a.body, "To be") {
		t.Errorf("erased: %v %s", a.header, a.body)
	}
	s.ask(t, 200, call+"?reason=At+request", "")
	s.ask(t, 409, "POST /api/v1/releases/"+id+"/republish", paper("Again", "erase:1", "It is back."), "If-Match", "*")
	s.ask(t, 200, "GET /api/v1/releases/"+id+"/history", "")
	s.ask(t, 200, "GET /api/v1/releases/"+id+"/trace", "")
	s.ask(t, 200, "GET /api/v1/erasures", "")
}

func (s *apiServer) liveKeys(t *testing.T) {
	const all = "/api/v1/keys"
	s.ask(t, 201, "POST "+all, `{"name":"newsroom","scopes":["publish","draft"],"expires":"90d"}`)
	s.ask(t, 409, "POST "+all, `{"name":"newsroom","scopes":[]}`)
	s.ask(t, 400, "POST "+all, `{"name":1}`)
	s.ask(t, 413, "POST "+all, large(16<<10))
	s.ask(t, 415, "POST "+all, "a key, please")
	s.ask(t, 422, "POST "+all, `{"name":"News Room","scopes":["read"]}`)
	s.ask(t, 204, "DELETE "+all+"/newsroom", "")
	s.ask(t, 404, "DELETE "+all+"/nobody", "")
	s.ask(t, 409, "DELETE "+all+"/admin", "")
	s.ask(t, 200, "GET "+all, "")
	s.ask(t, 200, "GET /api/v1/trail/keys", "")
	s.ask(t, 200, "GET /api/v1/trail/subscriptions", "")
	s.ask(t, 404, "GET /api/v1/trail/cats", "")
}

func (s *apiServer) liveTaxonomy(t *testing.T) {
	const call = "POST /api/v1/taxonomy"
	s.ask(t, 200, "GET /api/v1/trail/taxonomy", "")
	s.ask(t, 200, call, `{"op":"rename","kind":"field","slug":"policing","to":"police-matters","name":"Police matters","dry_run":true}`)
	s.ask(t, 400, call, `{"op":"forget","kind":"field","slug":"policing"}`)
	s.ask(t, 404, call, `{"op":"retire","kind":"field","slug":"cookery"}`)
	s.ask(t, 409, call, `{"op":"rename","kind":"field","slug":"policing","to":"human-rights"}`)
	s.ask(t, 413, call, large(64<<10))
	s.ask(t, 415, call, "retire policing")
	s.ask(t, 422, call, `{"op":"merge","kind":"field","slug":"policing","to":"policing"}`)
	s.ask(t, 200, call, `{"op":"rename","kind":"field","slug":"policing","to":"police-matters","name":"Police matters"}`)
	s.ask(t, 200, "GET /api/v1/taxonomy", "")
	s.ask(t, 200, "GET /api/v1/trail/taxonomy", "")
}

// Whatever an operation does, it refuses strangers, keys without its scope,
// parameters it does not know, and an Idempotency-Key of another request.
func (s *apiServer) liveRefusals(t *testing.T) {
	poor := "Bearer " + s.newKey(t, "poor")
	draft := "Bearer " + s.newKey(t, "drafts-only", "draft")
	path := strings.NewReplacer("desk/{id}", "desk/"+s.draft(t, "Refused", "refused:1"), "{id}", nobody, "{name}", "none", "{about}", "keys")
	for _, op := range s.d.ops {
		call := op.method + " " + path.Replace(op.path)
		if op.OperationId == "getDescription" {
			continue
		}
		s.ask(t, 401, call, "", "Authorization", "Bearer wrong")
		s.ask(t, 400, call+"?colour=blue", "")
		switch scope := op.scope(t); {
		case scope == "":
		case strings.HasPrefix(op.path, "/api/v1/desk/") && scope == string(access.Draft): // what these may not change they may not see
		case strings.HasPrefix(op.path, "/api/v1/desk/"):
			s.ask(t, 403, call, "", "Authorization", draft)
		default:
			s.ask(t, 403, call, "", "Authorization", poor)
		}
		for _, name := range op.parameters("header") {
			if name == access.HeaderKey {
				s.ask(t, 400, call, "", name, "two words")
			}
		}
	}
}

func liveLimits(t *testing.T, d *described, check validator.Validator, seen *sightings) {
	s := serveAPI(t, d, check, apiConfig{seen: seen, rates: access.Rates{Key: access.Rate{PerSecond: 1e-6, Burst: 1}}})
	s.ask(t, 200, "GET /api/v1/desk", "")
	for _, op := range d.ops {
		if op.OperationId != "getDescription" {
			s.ask(t, 429, op.method+" "+strings.NewReplacer("{id}", nobody, "{name}", "none", "{about}", "keys").Replace(op.path), "")
		}
	}
}

// Each operation is asked for something that is there while the log is away.
func liveWithoutLog(t *testing.T, d *described, check validator.Validator, seen *sightings) {
	broker := startNATS(t, t.TempDir(), -1)
	s := serveAPI(t, d, check, apiConfig{seen: seen, natsURL: broker.ClientURL()})
	text := paper("Published before", "away:1", "It was there.")
	made := s.ask(t, 201, "POST /api/v1/releases", text).id(t)
	waits := s.draft(t, "Waits", "away:2")
	follows := s.ask(t, 201, "POST /api/v1/subscriptions", `{"channel":"mail","address":"reader@example.org"}`).id(t)
	s.newKey(t, "away")
	endNATS(broker)
	path := strings.NewReplacer("releases/{id}", "releases/"+made, "desk/{id}", "desk/"+waits, "subscriptions/{id}", "subscriptions/"+follows, "{name}", "away", "{about}", "keys")
	queries := map[string]string{
		"correctRelease": "?note=Then", "withdrawRelease": "?reason=Then", "eraseRelease": "?reason=Then", "setEmbargo": "?zone=UTC&until=" + nextYear("06-01T09:00"), "listEvents": "?after=0",
	}
	bodies := map[string]string{
		"subscribe": `{"channel":"mail","address":"other@example.org"}`, "addKey": `{"name":"late","scopes":[]}`, "changeTaxonomy": `{"op":"retire","kind":"field","slug":"policing"}`,
	}
	var all sync.WaitGroup
	for _, op := range d.ops {
		header := http.Header{"If-Match": {"*"}, "Content-Type": {"application/json"}}
		if op.path == "/api/v1/inspect" || op.path == "/api/v1/import" { // the answer cannot be kept
			header.Set(access.HeaderKey, "away")
		}
		all.Go(func() {
			s.send(t, op.method, path.Replace(op.path)+queries[op.OperationId], header, cmp.Or(bodies[op.OperationId], text))
		})
	}
	all.Wait()
}

// nextYear is a day and time of the next year.
func nextYear(day string) string { return strconv.Itoa(time.Now().Year()+1) + "-" + day }

// lastSunday is the last Sunday of a month of the next year, when clocks change.
func lastSunday(m time.Month) time.Time {
	end := time.Date(time.Now().Year()+1, m+1, 0, 0, 0, 0, 0, time.UTC)
	return end.AddDate(0, 0, -int(end.Weekday()))
}
