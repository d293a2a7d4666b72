package publisher

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// Intent is what the sender of a document says beside it.
type Intent struct {
	Origin   string // used when the document names neither origin nor URL
	Revises  string // id of the release this document is a new version of
	Backfill bool   // an old release, imported: it alerts nobody and is ordered by its own date
	DryRun   bool   // change nothing: say what would come of it
	Later    *Hold  // with DryRun: it would wait at the desk first
	Notice   bool   // a word of our own about a topic, which may be retired
}

// Publish makes a release public, or revises it when its origin is known. A
// document without a URL keeps the one the release has.
func (p *Publisher) Publish(ctx context.Context, r news.Release, in Intent) (news.Event, Outcome, error) {
	prev, origin, err := p.place(ctx, &r, in)
	if err != nil {
		return news.Event{}, "", err
	}
	if err := p.mayPass(ctx, r.ID, news.KindPublished, in.Later); err != nil {
		return news.Event{}, "", err
	}
	if err := p.mayBelong(ctx, prev, origin); err != nil {
		return news.Event{}, "", err
	}
	if prev.Seq == 0 {
		if !in.Backfill && !in.Notice {
			if err := news.NotRetired(p.cfg.Taxonomy, &r); err != nil {
				return news.Event{}, "", err
			}
		}
		if in.DryRun {
			e, err := p.draftAt(in.Later.when(p.now()), nil, r, news.KindPublished, in.Backfill)
			return e, Created, err
		}
		e, err := p.append(ctx, wire.Record{}, nil, r, news.KindPublished, in.Backfill)
		return e, Created, err
	}
	old := prev.Event.Release
	if old.Status == news.Published && knowsOrigin(&old, origin) && news.SameContent(&old, &r) {
		return prev.Event, Unchanged, nil
	}
	if err := p.notTheCorrected(ctx, prev, &r); err != nil {
		return news.Event{}, "", err
	}
	if in.DryRun {
		e, err := p.draftAt(in.Later.when(p.now()), &old, r, news.KindRevised, false)
		return e, Revised, err
	}
	e, err := p.change(ctx, prev, r, origin, news.KindRevised)
	return e, Revised, err
}

// place finds the release that a document belongs to: its id and origin are
// set, and the record of its newest event is returned, zero for a new release.
func (p *Publisher) place(ctx context.Context, r *news.Release, in Intent) (prev wire.Record, origin string, err error) {
	origin = originOf(r, in.Origin)
	id, err := p.idFor(ctx, origin, in.Revises)
	if err == nil {
		err = p.linkOriginal(ctx, id, r)
	}
	if err != nil {
		return prev, origin, err
	}
	r.ID = id
	prev, err = p.cfg.Wire.Last(ctx, id)
	switch {
	case errors.Is(err, wire.ErrNotFound) && in.Revises != "":
		return prev, origin, news.Problemf(news.NotFound, "there is no release %s to revise; look for its id with dateline list", in.Revises)
	case errors.Is(err, wire.ErrNotFound):
		r.Origin = origin
		return wire.Record{}, origin, nil
	case err == nil:
		r.URL = cmp.Or(r.URL, prev.Event.Release.URL)
	}
	return prev, origin, err
}

// notTheCorrected refuses to publish what a correction has replaced: a file from
// an archive that is sent once more would otherwise undo it, unseen.
func (p *Publisher) notTheCorrected(ctx context.Context, prev wire.Record, r *news.Release) error {
	if prev.Event.Release.Note == "" {
		return nil
	}
	history, err := p.cfg.Wire.History(ctx, prev.Event.Release.ID, prev.Seq)
	if err != nil {
		return err
	}
	for i := range history {
		old := history[i].Event.Release
		old.URL = cmp.Or(old.URL, r.URL)
		if old.Status == news.Published && news.SameContent(&old, r) {
			return news.Problemf(news.Conflict, "this is the text of revision %d of the release %s, which was corrected since; to go back to it, correct the release once more", old.Revision, old.ID)
		}
	}
	return nil
}

// Change says how the content of a release is replaced.
type Change struct {
	Note   string // public: what was wrong
	Minor  bool   // nobody needs to hear of it; does without a note
	Match  int    // the revision that the caller has seen, 0 for any
	DryRun bool   // change nothing: say what would come of it
	Later  *Hold  // with DryRun: it would wait at the desk first
	Notice string // the document's own line that it is under embargo, for what waits
}

// Correct replaces the content of a release. The note says publicly what was
// wrong. A minor correction alerts nobody and does not bring the release to the
// top of feeds; it may do without a note. The same document with the same note
// again changes nothing; with a new note alone it is a correction of what an
// earlier revision changed.
func (p *Publisher) Correct(ctx context.Context, id string, r news.Release, c Change) (news.Event, Outcome, error) {
	if err := explained(&r, c.Note, c.Minor); err != nil {
		return news.Event{}, "", err
	}
	prev, err := p.current(ctx, id, 0)
	if err != nil {
		return news.Event{}, "", err
	}
	if err := p.linkOriginal(ctx, id, &r); err != nil {
		return news.Event{}, "", err
	}
	origin, old := originOf(&r, ""), prev.Event.Release
	r.URL = cmp.Or(r.URL, old.URL)
	kind := news.KindCorrected
	if c.Minor {
		kind = news.KindRevised
	}
	saidBefore := r.Note == old.Note || c.Minor && r.Note == ""
	heard := c.Match == 0 || c.Match == old.Revision || repeated(prev, c.Match, kind)
	if heard && saidBefore && old.Status == news.Published && knowsOrigin(&old, origin) && news.SameContent(&old, &r) {
		return prev.Event, Unchanged, nil
	}
	if err := p.mayReplace(ctx, prev, c, kind); err != nil {
		return news.Event{}, "", err
	}
	if c.DryRun {
		e, err := p.draftAt(c.Later.when(p.now()), &old, r, kind, false)
		return e, Outcome(kind), err
	}
	e, err := p.change(ctx, prev, r, origin, kind)
	return e, Outcome(kind), err
}

// explained takes the note over, which only a minor change may do without.
func explained(r *news.Release, note string, minor bool) error {
	r.Note = strings.TrimSpace(news.Clean(note))
	if r.Note == "" && !minor {
		return news.Problemf(news.Unacceptable, "a correction needs a note that says what was wrong; give one, or call the change minor if nobody needs to hear of it")
	}
	return nil
}

// repeated reports whether a caller that has seen the revision match made the
// newest one itself and did not hear the answer: it asks for the same again.
func repeated(prev wire.Record, match int, kind news.Kind) bool {
	return match > 0 && match == prev.Event.Release.Revision-1 && prev.Event.Kind == kind
}

// mayReplace refuses a change that is based on an older revision than the
// newest, or that would pass what waits at the desk.
func (p *Publisher) mayReplace(ctx context.Context, prev wire.Record, c Change, kind news.Kind) error {
	r := &prev.Event.Release
	if c.Match > 0 && c.Match != r.Revision {
		return stale(r, c.Match)
	}
	return p.mayPass(ctx, r.ID, kind, c.Later)
}

// mayPass refuses a change past what waits at the desk. One that would wait there
// itself takes its place, if the caller may see that.
func (p *Publisher) mayPass(ctx context.Context, id string, kind news.Kind, later *Hold) error {
	if later == nil {
		return p.nothingWaits(ctx, id, kind)
	}
	w, err := p.waiting(ctx, id)
	if err == nil && w.pending() != nil && !maySee(ctx, w.pending()) {
		err = notWithThisKey(w.pending())
	}
	return err
}

// Republish makes a withdrawn release public again, with new content. Who got
// the withdrawal is told.
func (p *Publisher) Republish(ctx context.Context, id string, r news.Release, c Change) (news.Event, Outcome, error) {
	prev, err := p.current(ctx, id, 0)
	if err != nil {
		return news.Event{}, "", err
	}
	if err := p.linkOriginal(ctx, id, &r); err != nil {
		return news.Event{}, "", err
	}
	r.URL = cmp.Or(r.URL, prev.Event.Release.URL)
	if repeated(prev, c.Match, news.KindRepublished) && news.SameContent(&prev.Event.Release, &r) {
		return prev.Event, Unchanged, nil
	}
	if err := p.mayReplace(ctx, prev, c, news.KindRepublished); err != nil {
		return news.Event{}, "", err
	}
	if c.DryRun {
		e, err := p.draftAt(c.Later.when(p.now()), &prev.Event.Release, r, news.KindRepublished, false)
		return e, Outcome(news.KindRepublished), err
	}
	e, err := p.change(ctx, prev, r, originOf(&r, ""), news.KindRepublished)
	return e, Outcome(news.KindRepublished), err
}

// Withdrawal says why a release is taken back.
type Withdrawal struct {
	Reason     string // public
	ReplacedBy string // id of the release to read in its place; may be empty
	Match      int    // the revision that the caller has seen, 0 for any
	DryRun     bool   // change nothing: say what would come of it
}

// Withdraw takes the text of a release back everywhere and says why. What waits
// at the desk for it stays there, as a draft.
func (p *Publisher) Withdraw(ctx context.Context, id string, wd Withdrawal) (news.Event, Outcome, error) {
	wd.Reason = strings.TrimSpace(news.Clean(wd.Reason))
	if wd.Reason == "" {
		return news.Event{}, "", news.Problemf(news.Unacceptable, "a withdrawal needs a reason, which readers will see; give one")
	}
	if wd.ReplacedBy != "" {
		// Two withdrawals that name each other must not both find the other public.
		p.replacing.Lock()
		defer p.replacing.Unlock()
	}
	prev, err := p.current(ctx, id, 0)
	if err != nil {
		return news.Event{}, "", err
	}
	old := prev.Event.Release
	if repeated(prev, wd.Match, news.KindWithdrawn) && old.Reason == wd.Reason && old.ReplacedBy == wd.ReplacedBy {
		return prev.Event, Unchanged, nil
	}
	if wd.Match > 0 && wd.Match != old.Revision {
		return news.Event{}, "", stale(&old, wd.Match)
	}
	if err := p.mayTakePlace(ctx, id, wd.ReplacedBy); err != nil {
		return news.Event{}, "", err
	}
	next := old
	next.Reason, next.ReplacedBy = wd.Reason, wd.ReplacedBy
	outcome := Outcome(news.KindWithdrawn)
	if wd.DryRun {
		e, err := p.draft(&old, next, news.KindWithdrawn, false)
		return e, outcome, err
	}
	e, err := p.append(ctx, prev, &old, next, news.KindWithdrawn, false)
	if err == nil {
		p.holdBack(ctx, id)
		p.forgetAnswers(ctx, id)
	}
	return e, outcome, err
}

// forgetAnswers lets no repeated request tell once more what was taken back.
func (p *Publisher) forgetAnswers(ctx context.Context, id string) {
	if err := p.cfg.Wire.ForgetAnswers(ctx, id); err != nil {
		p.cfg.Log.Warn().Err(err).Str("release_id", id).Msg("answers kept for repeated requests tell of a release that was taken back")
	}
}

// mayTakePlace refuses a release to read in the place of id that readers could
// not read: readers who are sent on must arrive.
func (p *Publisher) mayTakePlace(ctx context.Context, id, by string) error {
	switch {
	case by == "":
		return nil
	case !news.ValidID(by):
		return news.Problemf(news.Unacceptable, "%q is not the id of a release that could take the place of the withdrawn one", by)
	case by == id:
		return news.Problemf(news.Unacceptable, "a release cannot take its own place; name another one, or none")
	}
	rec, err := p.cfg.Wire.Last(ctx, by)
	if errors.Is(err, wire.ErrNotFound) {
		return news.Problemf(news.Unacceptable, "there is no release %s that could take the place of the withdrawn one; publish it first", by)
	}
	if err != nil {
		return err
	}
	switch r := &rec.Event.Release; {
	case r.ReplacedBy == id:
		return news.Problemf(news.Unacceptable, "release %s was withdrawn itself and sends its readers to this one, so the two would send readers in a circle; name another release, or none", by)
	case r.Status != news.Published:
		return news.Problemf(news.Unacceptable, "release %s was withdrawn itself, so readers would find nothing there; name another release, or none", by)
	}
	return nil
}

// change appends a new version of a release. An origin that is new to it, a
// moved URL for instance, leads to it from then on.
func (p *Publisher) change(ctx context.Context, prev wire.Record, next news.Release, origin string, kind news.Kind) (news.Event, error) {
	old := prev.Event.Release
	if !knowsOrigin(&old, origin) {
		next.OtherOrigins = append(slices.Clone(old.OtherOrigins), origin)
		if err := p.remember(ctx, origin, old.ID); err != nil {
			return news.Event{}, err
		}
	}
	return p.append(ctx, prev, &old, next, kind, false)
}

func knowsOrigin(r *news.Release, origin string) bool {
	return origin == r.Origin || slices.Contains(r.OtherOrigins, origin)
}
