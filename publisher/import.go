package publisher

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
)

// Imported says what an import did with one release of a document: the
// outcome is that of publishing, or "refused" with the errors.
type Imported struct {
	Outcome  Outcome  `json:"outcome"`
	ID       string   `json:"id,omitempty"`
	Revision int      `json:"revision,omitempty"`
	Title    string   `json:"title,omitempty"`
	Date     string   `json:"date,omitempty"`    // YYYY-MM-DD
	Partial  bool     `json:"partial,omitempty"` // the document holds a summary only
	Errors   []string `json:"errors,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Refused is the outcome of a release that could not be imported.
const Refused Outcome = "refused"

// ImportType is the media type of the answer to an import: one JSON object a line.
const ImportType = "application/x-ndjson"

// lineTime is how long one line of an import's answer may take.
const lineTime = 30 * time.Second

// postImport takes a document with any number of releases and answers with a
// line for each, as it goes. Old releases alert nobody: alert=true is for those
// that are new. A refused release does not keep the others out; what is there
// already is left alone, so an import that broke off can simply be repeated.
func (p *Publisher) postImport(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "alert", "dry_run", "accept_proposals")
	if err != nil {
		return err
	}
	alert, err := flag(q.Get("alert"), "alert")
	if err != nil {
		return err
	}
	dryRun, err := flag(q.Get("dry_run"), "dry_run")
	if err != nil {
		return err
	}
	accept, err := flag(q.Get("accept_proposals"), "accept_proposals")
	if err != nil {
		return err
	}
	if err := access.Need(r.Context(), access.Publish); err != nil {
		return err
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyError(err)
	}
	w.Header().Set("Content-Type", ImportType)
	w.Header().Set("Cache-Control", "no-store")
	lines, control := json.NewEncoder(w), http.NewResponseController(w)
	for proposal, err := range p.reader.Each(b) {
		if accept {
			proposal.AcceptProposals()
		}
		line := Imported{Title: proposal.Release.Title, Partial: proposal.Partial, Warnings: proposal.Warnings}
		var e news.Event
		if err == nil {
			e, line.Outcome, err = p.Publish(r.Context(), proposal.Release, Intent{Backfill: !alert, DryRun: dryRun})
		}
		if err != nil {
			if err := r.Context().Err(); err != nil {
				return nil //nolint:nilerr // the client is gone and hears nothing any more
			}
			line.Outcome, line.Errors = Refused, p.explain(err)
		} else {
			line.ID, line.Revision, line.Date = e.Release.ID, e.Release.Revision, e.Release.PublishedAt.Format(time.DateOnly)
		}
		// Neither error matters: the import goes on even when nobody listens.
		_ = control.SetWriteDeadline(time.Now().Add(lineTime))
		if lines.Encode(line) == nil {
			_ = control.Flush()
		}
		if code := news.CodeOf(err); code == news.Unavailable || code == news.DiskFull {
			return nil // the rest would meet the same; it can be sent again
		}
	}
	return nil
}

// explain is what a person can do about err; what nobody can is logged.
func (p *Publisher) explain(err error) []string {
	if problem, ok := errors.AsType[*news.Problem](err); ok {
		if len(problem.Items) > 0 {
			return problem.Items
		}
		return []string{problem.Detail}
	}
	p.cfg.Log.Error().Err(err).Msg("import failed")
	return []string{"something failed here; the server's log says more"}
}

// bodyError tells a body that is too large from one that broke off.
func bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return news.Problemf(news.BadRequest, "the body broke off; send it again")
}
