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
	"time"
	"unicode/utf16"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/read"
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

// Handler serves the API below /api/v1/: releases, events, import and inspect. The body
// of a request is the document; what is to be done with it stands in the query.
// Whoever mounts it sees to the keys.
func (p *Publisher) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/releases", p.serve(p.postRelease))
	mux.HandleFunc("POST /api/v1/import", p.serveUpTo(read.MaxImport, p.postImport))
	mux.HandleFunc("POST /api/v1/inspect", p.serve(p.postInspect))
	mux.HandleFunc("GET /api/v1/releases/{id}", p.serve(p.getRelease))
	mux.HandleFunc("POST /api/v1/releases/{id}/correct", p.serve(p.postCorrect))
	mux.HandleFunc("POST /api/v1/releases/{id}/withdraw", p.serve(p.postWithdraw))
	mux.HandleFunc("POST /api/v1/releases/{id}/republish", p.serve(p.postRepublish))
	mux.HandleFunc("GET /api/v1/events", p.serve(p.getEvents))
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

func (p *Publisher) postRelease(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "origin", "revises", "backfill", "accept_proposals")
	if err != nil {
		return err
	}
	doc, err := p.document(r, q)
	if err != nil {
		return err
	}
	backfill, err := flag(q.Get("backfill"), "backfill")
	if err != nil {
		return err
	}
	e, outcome, err := p.Publish(r.Context(), doc.Release, Intent{Origin: q.Get("origin"), Revises: q.Get("revises"), Backfill: backfill})
	if err != nil {
		return err
	}
	return p.answer(w, outcome, e, doc.Warnings)
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
	q, match, err := change(r, "note", "minor", "accept_proposals")
	if err != nil {
		return err
	}
	doc, err := p.document(r, q)
	if err != nil {
		return err
	}
	minor, err := flag(q.Get("minor"), "minor")
	if err != nil {
		return err
	}
	e, outcome, err := p.Correct(r.Context(), r.PathValue("id"), doc.Release, q.Get("note"), minor, match)
	if err != nil {
		return err
	}
	return p.answer(w, outcome, e, doc.Warnings)
}

func (p *Publisher) postWithdraw(w http.ResponseWriter, r *http.Request) error {
	q, match, err := change(r, "reason")
	if err != nil {
		return err
	}
	e, err := p.Withdraw(r.Context(), r.PathValue("id"), q.Get("reason"), match)
	if err != nil {
		return err
	}
	return p.answer(w, Outcome(e.Kind), e, nil)
}

func (p *Publisher) postRepublish(w http.ResponseWriter, r *http.Request) error {
	q, match, err := change(r, "accept_proposals")
	if err != nil {
		return err
	}
	doc, err := p.document(r, q)
	if err != nil {
		return err
	}
	e, err := p.Republish(r.Context(), r.PathValue("id"), doc.Release, match)
	if err != nil {
		return err
	}
	return p.answer(w, Outcome(e.Kind), e, doc.Warnings)
}

// change reads what every change of a release says beside the document: the
// query, and the revision it is based on.
func change(r *http.Request, known ...string) (q url.Values, match int, err error) {
	if q, err = query(r, known...); err == nil {
		match, err = ifMatch(r)
	}
	return q, match, err
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

// query reads the request's query and refuses what it does not know: an
// option that is misspelt must not pass for one that was not given.
func query(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, news.Problemf(news.BadRequest, "the query cannot be read; check its percent signs and ampersands")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			text := fmt.Sprintf("there is no parameter %q here", news.CleanLine(name))
			if near := news.Nearest(name, known); near != "" {
				text += "; perhaps " + near
			}
			return nil, news.Problemf(news.BadRequest, "%s", text)
		}
		if len(values) > 1 {
			return nil, news.Problemf(news.BadRequest, "the parameter %s stands twice", name)
		}
	}
	return q, nil
}

// document reads the release in the body. With accept_proposals its proposed
// fields become its own, if it states none.
func (p *Publisher) document(r *http.Request, q url.Values) (read.Proposal, error) {
	accept, err := flag(q.Get("accept_proposals"), "accept_proposals")
	if err != nil {
		return read.Proposal{}, err
	}
	doc, err := p.proposal(r)
	if err == nil && accept {
		doc.AcceptProposals()
	}
	return doc, err
}

// proposal reads the body as the Content-Type says: a page or Markdown, told
// apart by their content, or release JSON.
func (p *Publisher) proposal(r *http.Request) (read.Proposal, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains([]string{"text/plain", "text/markdown", "text/html", "application/json"}, kind) {
		return read.Proposal{}, news.Problemf(news.Unsupported, "the Content-Type %q is not read here; send text/plain, text/markdown, text/html or application/json", r.Header.Get("Content-Type"))
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return read.Proposal{}, bodyError(err)
	}
	if kind == "application/json" {
		return p.reader.JSON(b)
	}
	return p.reader.Read(b)
}

// postInspect answers with what would be read out of a document and why, as
// JSON of [read.Proposal]. Nothing is published.
func (p *Publisher) postInspect(w http.ResponseWriter, r *http.Request) error {
	doc, err := p.proposal(r)
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

const (
	maxWait   = 30 * time.Second
	maxEvents = 200
)

// errEnough ends a Follow that has found what one answer holds.
var errEnough = errors.New("enough events")

// getEvents answers with the events after a cursor, as CloudEvents in order,
// and the cursor to ask with next. With wait, an answer without events is held
// back up to that long for the first to come.
func (p *Publisher) getEvents(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "after", "wait")
	if err != nil {
		return err
	}
	last, err := p.cfg.Wire.LastSeq(r.Context())
	if err != nil {
		return err
	}
	after := last
	if v := q.Get("after"); v != "" {
		if after, err = strconv.ParseUint(v, 10, 64); err != nil {
			return news.Problemf(news.BadRequest, "after=%s is not a cursor from an earlier answer; use after=0 for all events", v)
		}
		if after > last {
			return news.Problemf(news.BadRequest, "after=%s lies beyond the newest event, %d; the log may have been restored, so start again from after=0", v, last)
		}
	}
	var wait time.Duration
	if v := q.Get("wait"); v != "" {
		if wait, err = time.ParseDuration(v); err != nil || wait < 0 {
			return news.Problemf(news.BadRequest, "wait=%s is not a duration like 20s", v)
		}
	}
	events, next, err := p.eventsAfter(r.Context(), after, last, min(wait, maxWait))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", map[string]any{"events": events, "next": strconv.FormatUint(next, 10)})
	return nil
}

func (p *Publisher) eventsAfter(ctx context.Context, after, last uint64, wait time.Duration) ([]json.RawMessage, uint64, error) {
	events, next := []json.RawMessage{}, after
	if after >= last && wait == 0 {
		return events, next, nil
	}
	if after < last {
		wait = maxWait // what is stored comes at once, unless it cannot be read and is passed over
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := p.cfg.Wire.Follow(ctx, after+1, func(seq uint64, e news.Event) error {
		b, err := news.CloudEvent(p.cfg.Taxonomy, p.cfg.BaseURL, e)
		if err != nil {
			return err
		}
		events, next = append(events, b), seq
		if seq >= last || len(events) >= maxEvents {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, 0, err
	}
	return events, next, nil
}
