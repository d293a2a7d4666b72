package publisher

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
)

// Desk is what the API says of a version that waits.
type Desk struct {
	ID      string      `json:"id"` // of the release
	State   news.Status `json:"state"`
	Version int         `json:"version"`
	ETag    string      `json:"etag"`
	// Becomes is the kind of event it is to be, Base the public revision it is
	// based on, 0 for a release that was never public.
	Becomes news.Kind `json:"becomes"`
	Base    int       `json:"base"`
	Until   time.Time `json:"until,omitzero"`
	Zone    string    `json:"zone,omitempty"`
	Stalled string    `json:"stalled,omitempty"`
	// Sealed: it is or was under embargo, and only who may see such sees it.
	Sealed bool `json:"sealed,omitempty"`
	// Notice is the line by which the document says of itself that it is under embargo.
	Notice  string    `json:"notice,omitempty"`
	Changed time.Time `json:"changed"`
	By      string    `json:"by,omitempty"`
	Title   string    `json:"title"`
	// Release is the version itself, in the list left out.
	Release *news.Release `json:"release,omitempty"`
}

func deskOf(w *news.Pending) Desk {
	return Desk{
		ID: w.Release.ID, State: w.State, Version: w.Version, ETag: w.ETag(), Becomes: w.Kind, Base: w.Base,
		Until: w.Until, Zone: w.Zone, Stalled: w.Stalled, Sealed: w.Sealed, Notice: w.Notice, Changed: w.Changed, By: w.By, Title: w.Release.Title,
	}
}

// answerDesk writes what waits, with its version as ETag. A caller who may change
// but not see what is under embargo is told nothing of what it says.
func (p *Publisher) answerDesk(w http.ResponseWriter, r *http.Request, outcome Outcome, waits news.Pending, warnings []string, err error) error {
	if err != nil {
		return err
	}
	h, status := w.Header(), http.StatusOK
	if r.Method == http.MethodPost && outcome != Unchanged {
		status = http.StatusCreated
		h.Set("Location", p.cfg.BaseURL+"/api/v1/desk/"+waits.Release.ID)
	}
	if outcome != "" {
		h.Set(HeaderOutcome, string(outcome))
	}
	if len(warnings) > 0 {
		h.Set(HeaderWarnings, asciiJSON(warnings))
	}
	h.Set("ETag", strconv.Quote(waits.ETag()))
	h.Set("Cache-Control", "no-store")
	d := deskOf(&waits)
	if maySee(r.Context(), &waits) || r.Method == http.MethodPost { // its own document
		d.Release = &waits.Release
	} else {
		d.Title, d.By, d.Stalled = "", "", ""
	}
	access.JSON(w, status, "application/json", d)
	return nil
}

func (p *Publisher) listDesk(w http.ResponseWriter, r *http.Request) error {
	if _, err := query(r); err != nil {
		return err
	}
	all, err := p.AllWaiting(r.Context())
	if err != nil {
		return err
	}
	out := make([]Desk, 0, len(all))
	for i := range all {
		out = append(out, deskOf(&all[i]))
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", map[string]any{"waiting": out})
	return nil
}

func (p *Publisher) getDesk(w http.ResponseWriter, r *http.Request) error {
	if _, err := query(r); err != nil {
		return err
	}
	waits, err := p.Waiting(r.Context(), r.PathValue("id"))
	return p.answerDesk(w, r, "", waits, nil, err)
}

// mayTouch refuses a change of what waits by a caller who may not make it. What
// the caller may not even see is not found.
func (p *Publisher) mayTouch(r *http.Request, always ...access.Scope) error {
	waits, err := p.waiting(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if waits.Seq == 0 || !maySee(r.Context(), &waits.Pending) {
		return nothingThere(r.PathValue("id"))
	}
	needs := access.Draft
	if guarded(&waits.Pending) {
		needs = access.Publish
	}
	return access.Need(r.Context(), append(always, needs)...)
}

func (p *Publisher) putDesk(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "note", "minor", "accept_proposals")
	if err == nil {
		err = p.mayTouch(r)
	}
	if err != nil {
		return err
	}
	c := Change{Note: q.Get("note")}
	if c.Minor, err = flag(q.Get("minor"), "minor"); err != nil {
		return err
	}
	doc, notice, err := p.accepted(r, q)
	c.Notice = notice
	if err != nil {
		return err
	}
	waits, outcome, err := p.Edit(r.Context(), r.PathValue("id"), doc.Release, c, deskMatch(r))
	return p.answerDesk(w, r, outcome, waits, doc.Warnings, err)
}

func (p *Publisher) deleteDesk(w http.ResponseWriter, r *http.Request) error {
	_, err := query(r)
	if err == nil {
		err = p.mayTouch(r)
	}
	if err == nil {
		err = p.Discard(r.Context(), r.PathValue("id"), deskMatch(r))
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (p *Publisher) putEmbargo(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "until", "zone")
	if err == nil {
		err = p.mayTouch(r, access.Publish)
	}
	if err != nil {
		return err
	}
	until, remark, err := news.ParseEmbargo(q.Get("until"), q.Get("zone"), p.cfg.Now())
	if err != nil {
		return err
	}
	waits, outcome, err := p.Embargo(r.Context(), r.PathValue("id"), Hold{Until: until, Zone: strings.TrimSpace(q.Get("zone")), Match: deskMatch(r)})
	return p.answerDesk(w, r, outcome, waits, plan{remark: remark}.remarks(nil), err)
}

func (p *Publisher) deleteEmbargo(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "open")
	if err == nil {
		err = p.mayTouch(r, access.Publish)
	}
	if err != nil {
		return err
	}
	open, err := flag(q.Get("open"), "open")
	if err != nil {
		return err
	}
	waits, outcome, err := p.Lift(r.Context(), r.PathValue("id"), open, deskMatch(r))
	return p.answerDesk(w, r, outcome, waits, nil, err)
}

// postDeskRelease publishes what waits, or says what that would set off (dry_run).
func (p *Publisher) postDeskRelease(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "dry_run", "embargo")
	if err != nil {
		return err
	}
	how := Now{Match: deskMatch(r), Anyway: q.Get("embargo") == noEmbargo}
	if q.Has("embargo") && !how.Anyway {
		return news.Problemf(news.BadRequest, "only embargo=none goes with a release; another time is set with PUT …/embargo")
	}
	if how.DryRun, err = flag(q.Get("dry_run"), "dry_run"); err != nil {
		return err
	}
	if how.DryRun {
		how.Match = cmp.Or(how.Match, "*")
		err = p.mayTouch(r)
	} else {
		err = p.mayTouch(r, access.Publish)
	}
	if err != nil {
		return err
	}
	waits, err := p.Waiting(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	e, outcome, err := p.ReleaseNow(r.Context(), r.PathValue("id"), how)
	pl := plan{dryRun: how.DryRun, notice: waits.Notice}
	if waits.State == news.Embargoed {
		pl.hold = &Hold{Until: waits.Until, Zone: waits.Zone}
	}
	return p.finish(w, r, pl, outcome, e, nil, err)
}
