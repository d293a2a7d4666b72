package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/read"
	"dateline/publisher/wire"
)

// MaxBody is the largest body the API takes, in bytes.
const MaxBody = 2 << 20

// cloudEventType is the media type of every release and event that leaves
// Dateline (CloudEvents 1.0, JSON format).
const cloudEventType = "application/cloudevents+json"

// HeaderOutcome tells what a change did: created, revised, unchanged, corrected,
// withdrawn or republished.
const HeaderOutcome = "Dateline-Outcome"

// HeaderWarnings carries what an editor should look at, as a JSON list of
// sentences in ASCII.
const HeaderWarnings = "Dateline-Warnings"

// Handler serves the API below /api/v1/: releases, what waits at the desk, events,
// import and inspect. The body of a request is the document; what is to be done
// with it stands in the query. Whoever mounts it sees that a request has a
// caller (package access); each handler says which scope it needs.
func (p *Publisher) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /api/v1/releases":                 p.listReleases,
		"POST /api/v1/releases":                p.postRelease,
		"GET /api/v1/releases/{id}":            p.getRelease,
		"DELETE /api/v1/releases/{id}":         p.deleteRelease,
		"GET /api/v1/releases/{id}/history":    p.getHistory,
		"POST /api/v1/releases/{id}/correct":   p.postCorrect,
		"POST /api/v1/releases/{id}/withdraw":  p.postWithdraw,
		"POST /api/v1/releases/{id}/republish": p.postRepublish,

		"GET /api/v1/desk":                 p.listDesk,
		"GET /api/v1/desk/{id}":            p.getDesk,
		"PUT /api/v1/desk/{id}":            p.putDesk,
		"DELETE /api/v1/desk/{id}":         p.deleteDesk,
		"PUT /api/v1/desk/{id}/embargo":    p.putEmbargo,
		"DELETE /api/v1/desk/{id}/embargo": p.deleteEmbargo,
		"POST /api/v1/desk/{id}/release":   p.postDeskRelease,

		"POST /api/v1/inspect": p.postInspect,
		"GET /api/v1/events":   p.getEvents,
		"GET /api/v1/erasures": p.getErasures,

		"GET /api/v1/trail/{about}": p.getTrail,
	} {
		mux.HandleFunc(pattern, p.serve(h))
	}
	mux.HandleFunc("POST /api/v1/import", p.serveUpTo(read.MaxImport, p.postImport))
	return access.Routes(mux)
}

func (p *Publisher) serve(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return p.serveUpTo(MaxBody, h)
}

func (p *Publisher) serveUpTo(limit int64, h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		err := h(w, r)
		if err == nil {
			return
		}
		if status := access.Refuse(w, err); status >= http.StatusInternalServerError {
			p.cfg.Log.Error().Err(err).Str("method", r.Method).Str("path", r.URL.Path).Msg("request failed")
		}
	}
}

// postRelease publishes a document, keeps it as a draft (status=draft), puts it
// under embargo (embargo, zone), or says what would come of it (dry_run).
func (p *Publisher) postRelease(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "origin", "revises", "backfill", "accept_proposals", "dry_run", "status", "embargo", "zone")
	if err != nil {
		return err
	}
	plan, err := p.planOf(r, q)
	if err != nil {
		return err
	}
	in := Intent{Origin: q.Get("origin"), Revises: q.Get("revises"), DryRun: plan.dryRun, Later: plan.hold}
	if in.Backfill, err = flag(q.Get("backfill"), "backfill"); err != nil {
		return err
	}
	if in.Backfill && plan.hold != nil {
		return news.Problemf(news.BadRequest, "a back-fill is published at once: backfill does not go with a draft or an embargo")
	}
	doc, err := p.document(r, q, &plan)
	if err != nil {
		return err
	}
	if plan.hold != nil && !plan.dryRun {
		waits, outcome, err := p.Save(r.Context(), doc.Release, in, *plan.hold)
		return p.answerDesk(w, r, outcome, waits, plan.remarks(doc.Warnings), err)
	}
	e, outcome, err := p.Publish(r.Context(), doc.Release, in)
	return p.finish(w, r, plan, outcome, e, doc.Warnings, err)
}

func (p *Publisher) getRelease(w http.ResponseWriter, r *http.Request) error {
	if _, err := query(r); err != nil {
		return err
	}
	e, err := p.Release(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.answer(w, "", e, nil)
}

func (p *Publisher) postCorrect(w http.ResponseWriter, r *http.Request) error {
	return p.replace(w, r, p.Correct, p.SaveFor, "note", "minor")
}

func (p *Publisher) postRepublish(w http.ResponseWriter, r *http.Request) error {
	return p.replace(w, r, p.Republish, p.SaveReturn)
}

type (
	doing  func(context.Context, string, news.Release, Change) (news.Event, Outcome, error)
	saving func(context.Context, string, news.Release, Change, Hold) (news.Pending, Outcome, error)
)

// replace gives a release new content: now, or by way of the desk.
func (p *Publisher) replace(w http.ResponseWriter, r *http.Request, do doing, save saving, known ...string) error {
	q, err := query(r, append(known, "accept_proposals", "dry_run", "status", "embargo", "zone")...)
	if err != nil {
		return err
	}
	plan, err := p.planOf(r, q)
	if err != nil {
		return err
	}
	c := Change{Note: q.Get("note"), DryRun: plan.dryRun, Later: plan.hold}
	if c.Match, err = ifMatch(r); err != nil && (!plan.dryRun || news.CodeOf(err) != news.NeedsMatch) {
		return err
	}
	if c.Minor, err = flag(q.Get("minor"), "minor"); err != nil {
		return err
	}
	doc, err := p.document(r, q, &plan)
	if err != nil {
		return err
	}
	if plan.hold != nil && !plan.dryRun {
		waits, outcome, err := save(r.Context(), r.PathValue("id"), doc.Release, c, *plan.hold)
		return p.answerDesk(w, r, outcome, waits, plan.remarks(doc.Warnings), err)
	}
	e, outcome, err := do(r.Context(), r.PathValue("id"), doc.Release, c)
	return p.finish(w, r, plan, outcome, e, doc.Warnings, err)
}

func (p *Publisher) postWithdraw(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason", "replaced_by", "dry_run")
	if err != nil {
		return err
	}
	if err := access.Need(r.Context(), access.Withdraw); err != nil {
		return err
	}
	var plan plan
	if plan.dryRun, err = flag(q.Get("dry_run"), "dry_run"); err != nil {
		return err
	}
	if r.ContentLength > 0 && !q.Has("reason") {
		return news.Problemf(news.BadRequest, "a withdrawal has no body; the reason goes into the query, like ?reason=Sent+by+mistake.")
	}
	wd := Withdrawal{Reason: q.Get("reason"), ReplacedBy: q.Get("replaced_by"), DryRun: plan.dryRun}
	if wd.Match, err = ifMatch(r); err != nil && (!plan.dryRun || news.CodeOf(err) != news.NeedsMatch) {
		return err
	}
	e, outcome, err := p.Withdraw(r.Context(), r.PathValue("id"), wd)
	return p.finish(w, r, plan, outcome, e, nil, err)
}

// noEmbargo publishes what says of itself that it is under embargo.
const noEmbargo = "none"

// plan is what is to be done with a document beside publishing it at once.
type plan struct {
	dryRun bool
	hold   *Hold  // nil: at once
	remark string // what an editor should know of the embargo
	notice string // the document's own line that it is under embargo
}

// remarks are what an editor should know beside the document's own warnings.
func (pl plan) remarks(warnings []string) []string {
	var out []string
	if pl.remark != "" {
		out = append(out, pl.remark)
	}
	if pl.notice != "" && (pl.hold == nil || pl.hold.Until.IsZero()) {
		out = append(out, fmt.Sprintf("the document says of itself that it is under embargo: %q; publishing it without a time is refused unless embargo=none (--embargo none) is said", pl.notice))
	}
	return append(out, warnings...)
}

// planOf reads dry_run, status, embargo and zone, and checks that the caller may
// do what they ask for.
func (p *Publisher) planOf(r *http.Request, q url.Values) (plan, error) {
	var out plan
	var err error
	if out.dryRun, err = flag(q.Get("dry_run"), "dry_run"); err != nil {
		return out, err
	}
	scope := access.Publish
	switch status := q.Get("status"); {
	case q.Get("embargo") == noEmbargo && status == "":
	case q.Has("embargo"):
		out.hold = &Hold{Match: deskMatch(r), Zone: q.Get("zone")}
		if out.hold.Until, out.remark, err = news.ParseEmbargo(q.Get("embargo"), q.Get("zone"), p.cfg.Now()); err != nil {
			return out, err
		}
		if status != "" && status != string(news.Embargoed) {
			return out, news.Problemf(news.BadRequest, "status=%s does not go with an embargo; leave one of them out", news.CleanLine(status))
		}
	case status == string(news.Draft):
		out.hold, scope = &Hold{Match: deskMatch(r)}, access.Draft
	case status != "" && status != string(news.Published):
		return out, news.Problemf(news.BadRequest, "status=%s is none a new version can have; use draft or published, or give an embargo", news.CleanLine(status))
	case q.Has("zone"):
		return out, news.Problemf(news.BadRequest, "a zone needs an embargo, like embargo=2026-12-01T09:00")
	}
	if out.dryRun {
		scope = access.Draft
	}
	return out, access.Need(r.Context(), scope)
}

// deskMatch is what If-Match says of the version at the desk.
func deskMatch(r *http.Request) string {
	return strings.Trim(strings.TrimSpace(r.Header.Get("If-Match")), `"`)
}

// finish answers with the event of a change or, for a dry run, with what the
// event would set off.
func (p *Publisher) finish(w http.ResponseWriter, r *http.Request, pl plan, outcome Outcome, e news.Event, warnings []string, err error) error {
	if err != nil {
		return err
	}
	if !pl.dryRun {
		return p.answer(w, outcome, e, warnings)
	}
	prev, err := p.cfg.Wire.Last(r.Context(), e.Release.ID)
	if err != nil && !errors.Is(err, wire.ErrNotFound) {
		return err
	}
	view, err := p.preview(r.Context(), outcome, publicOf(prev), e, pl.hold.when(p.cfg.Now()), pl.remarks(warnings))
	if err != nil {
		return err
	}
	if pl.hold != nil {
		view.Until, view.Zone = pl.hold.Until, pl.hold.Zone
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", view)
	return nil
}

// answer writes the event as a CloudEvent, with its revision as ETag.
func (p *Publisher) answer(w http.ResponseWriter, outcome Outcome, e news.Event, warnings []string) error {
	b, err := news.CloudEvent(p.cfg.Taxonomy, p.cfg.BaseURL, e)
	if err != nil {
		return err
	}
	h, status := w.Header(), http.StatusOK
	if outcome == Created {
		status = http.StatusCreated
		h.Set("Location", p.cfg.BaseURL+"/api/v1/releases/"+e.Release.ID)
	}
	if outcome != "" {
		h.Set(HeaderOutcome, string(outcome))
	}
	if len(warnings) > 0 {
		h.Set(HeaderWarnings, asciiJSON(warnings))
	}
	h.Set("Content-Type", cloudEventType)
	h.Set("ETag", strconv.Quote(strconv.Itoa(e.Release.Revision)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may be gone; the event is in the log all the same
	return nil
}

// asciiJSON is JSON fit for a header: everything beyond ASCII is escaped.
func asciiJSON(v []string) string {
	b, err := json.Marshal(v)
	if err != nil { // a list of strings always encodes
		return "[]"
	}
	var out strings.Builder
	for _, r := range string(b) {
		if r < 0x7f {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, "\\u%04x", unit)
		}
	}
	return out.String()
}

// query is the request's query, which holds nothing but what is known here.
func query(r *http.Request, known ...string) (url.Values, error) { return access.Query(r, known...) }

// document reads the release in the body, for publishing. A document that says
// of itself that it is under embargo is not for publishing at once, unless
// embargo=none says so.
func (p *Publisher) document(r *http.Request, q url.Values, pl *plan) (read.Proposal, error) {
	doc, notice, err := p.accepted(r, q)
	if err != nil || q.Get("embargo") == noEmbargo {
		return doc, err
	}
	pl.notice = notice
	if pl.hold != nil {
		pl.hold.Notice = notice
	} else if notice != "" && !pl.dryRun {
		err = saysEmbargo(notice)
	}
	return doc, err
}

// accepted reads the release in the body. With accept_proposals its proposed
// fields become its own, if it states none.
func (p *Publisher) accepted(r *http.Request, q url.Values) (read.Proposal, string, error) {
	accept, err := flag(q.Get("accept_proposals"), "accept_proposals")
	if err != nil {
		return read.Proposal{}, "", err
	}
	doc, notice, err := p.proposal(r)
	if err == nil && accept {
		doc.AcceptProposals()
	}
	return doc, notice, err
}

// proposal reads the body as the Content-Type says: a page or Markdown, told
// apart by their content, or release JSON. The notice is the document's own line
// that it is under embargo.
func (p *Publisher) proposal(r *http.Request) (doc read.Proposal, notice string, err error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains([]string{"text/plain", "text/markdown", "text/html", "application/json"}, kind) {
		return doc, "", news.Problemf(news.Unsupported, "the Content-Type %q is not read here; send text/plain, text/markdown, text/html or application/json", r.Header.Get("Content-Type"))
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return doc, "", bodyError(err)
	}
	if kind == "application/json" {
		doc, err = p.reader.JSON(b)
	} else {
		doc, err = p.reader.Read(b)
	}
	if err == nil {
		if notice = read.Withheld(b); notice == "" {
			notice = read.EmbargoNotice(doc.Release.Title + "\n" + doc.Release.Text)
		}
	}
	return doc, notice, err
}

// postInspect answers with what would be read out of a document and why, as
// JSON of [read.Proposal]. Nothing is published.
func (p *Publisher) postInspect(w http.ResponseWriter, r *http.Request) error {
	if _, err := query(r); err != nil {
		return err
	}
	doc, _, err := p.proposal(r)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", doc)
	return nil
}

// ifMatch reads the revision a change is based on (RFC 9110 section 13.1.1):
// its ETag, or * for any (0).
func ifMatch(r *http.Request) (int, error) {
	v := strings.TrimSpace(r.Header.Get("If-Match"))
	switch v {
	case "":
		return 0, news.Problemf(news.NeedsMatch, "say which revision the change is based on: send If-Match with the ETag of the release, or *")
	case "*":
		return 0, nil
	}
	n, err := strconv.Atoi(strings.Trim(v, `"`))
	if err != nil || n < 1 {
		return 0, news.Problemf(news.BadRequest, "If-Match %s is not the ETag of a release, which is its revision in quotes, like \"3\"", v)
	}
	return n, nil
}

func flag(v, name string) (bool, error) {
	if v == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, news.Problemf(news.BadRequest, "%s=%s is neither true nor false", name, v)
	}
	return b, nil
}
