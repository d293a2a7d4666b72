package publisher

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/read"
	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// Config is what a Publisher works with.
type Config struct {
	Wire     *wire.Wire
	Taxonomy *news.Taxonomy
	BaseURL  string // where readers find the pages, without a slash at the end
	Now      func() time.Time
	Log      zerolog.Logger
}

// Publisher turns documents into events of the log.
type Publisher struct {
	cfg     Config
	reader  *read.Reader
	origins jetstream.KeyValue

	mu    sync.Mutex
	floor time.Time // no event of this process is stamped earlier
}

// New makes a publisher and the bucket of later origins.
func New(ctx context.Context, cfg Config) (*Publisher, error) {
	kv, err := cfg.Wire.Bucket(ctx, "ORIGINS", "later origins of a release, by hash, to its id", 0)
	if err != nil {
		return nil, err
	}
	p := &Publisher{cfg: cfg, reader: read.New(cfg.Taxonomy, cfg.Now), origins: kv}
	last, err := cfg.Wire.LastSeq(ctx)
	if err != nil || last == 0 {
		return p, err
	}
	// An event that cannot be read sets no floor; whoever follows the log says so.
	if e, err := cfg.Wire.At(ctx, last); err == nil {
		p.floor = e.Time
	}
	return p, nil
}

// Outcome says what publishing did.
type Outcome string

// The outcomes of a publication.
const (
	Created   Outcome = "created"   // a new release, revision 1
	Revised   Outcome = "revised"   // the same origin with other content: the next revision
	Unchanged Outcome = "unchanged" // the same origin with the same content: nothing was done
)

// Intent is what the sender of a document says beside it.
type Intent struct {
	Origin   string // used when the document names neither origin nor URL
	Revises  string // id of the release this document is a new version of
	Backfill bool   // an old release, imported: it alerts nobody and is ordered by its own date
	DryRun   bool   // change nothing: say what would come of it
}

// Publish makes a release public, or revises it when its origin is known. A
// document without a URL keeps the one the release has.
func (p *Publisher) Publish(ctx context.Context, r news.Release, in Intent) (news.Event, Outcome, error) {
	origin := originOf(&r, in.Origin)
	id, err := p.idFor(ctx, origin, in.Revises)
	if err == nil {
		err = p.linkOriginal(ctx, id, &r)
	}
	if err != nil {
		return news.Event{}, "", err
	}
	prev, err := p.cfg.Wire.Last(ctx, id)
	switch {
	case errors.Is(err, wire.ErrNotFound):
		if in.Revises != "" {
			return news.Event{}, "", news.Problemf(news.NotFound, "there is no release %s to revise; look for its id with dateline tail", in.Revises)
		}
		r.ID, r.Origin = id, origin
		if in.DryRun {
			e, err := p.draft(nil, r, news.KindPublished, in.Backfill)
			return e, Created, err
		}
		e, err := p.append(ctx, wire.Record{}, nil, r, news.KindPublished, in.Backfill)
		return e, Created, err
	case err != nil:
		return news.Event{}, "", err
	}
	old := prev.Event.Release
	r.URL = cmp.Or(r.URL, old.URL)
	if old.Status == news.Published && knowsOrigin(&old, origin) && news.SameContent(&old, &r) {
		return prev.Event, Unchanged, nil
	}
	if err := p.notTheCorrected(ctx, prev, &r); err != nil {
		return news.Event{}, "", err
	}
	if in.DryRun {
		e, err := p.draft(&old, r, news.KindRevised, false)
		return e, Revised, err
	}
	e, err := p.change(ctx, prev, r, origin, news.KindRevised)
	return e, Revised, err
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

// Correct replaces the content of a release. The note says publicly what was
// wrong. A minor correction alerts nobody and does not bring the release to the
// top of feeds; it may do without a note. match is the revision the caller has
// seen, 0 for any. The same document with the same note again changes nothing;
// with a new note alone it is a correction of what an earlier revision changed.
func (p *Publisher) Correct(ctx context.Context, id string, r news.Release, note string, minor bool, match int) (news.Event, Outcome, error) {
	r.Note = strings.TrimSpace(news.Clean(note))
	if r.Note == "" && !minor {
		return news.Event{}, "", news.Problemf(news.Unacceptable, "a correction needs a note that says what was wrong; give one, or call the change minor if nobody needs to hear of it")
	}
	prev, err := p.current(ctx, id, match)
	if err != nil {
		return news.Event{}, "", err
	}
	if err := p.linkOriginal(ctx, id, &r); err != nil {
		return news.Event{}, "", err
	}
	origin, old := originOf(&r, ""), prev.Event.Release
	r.URL = cmp.Or(r.URL, old.URL)
	kind := news.KindCorrected
	if minor {
		kind = news.KindRevised
	}
	saidBefore := r.Note == old.Note || minor && r.Note == ""
	if saidBefore && old.Status == news.Published && knowsOrigin(&old, origin) && news.SameContent(&old, &r) {
		return prev.Event, Unchanged, nil
	}
	e, err := p.change(ctx, prev, r, origin, kind)
	return e, Outcome(kind), err
}

// Republish makes a withdrawn release public again, with new content. Who got
// the withdrawal is told.
func (p *Publisher) Republish(ctx context.Context, id string, r news.Release, match int) (news.Event, error) {
	prev, err := p.current(ctx, id, match)
	if err != nil {
		return news.Event{}, err
	}
	if err := p.linkOriginal(ctx, id, &r); err != nil {
		return news.Event{}, err
	}
	r.URL = cmp.Or(r.URL, prev.Event.Release.URL)
	return p.change(ctx, prev, r, originOf(&r, ""), news.KindRepublished)
}

// Withdraw takes the text of a release back everywhere and says why.
func (p *Publisher) Withdraw(ctx context.Context, id, reason string, match int) (news.Event, error) {
	reason = strings.TrimSpace(news.Clean(reason))
	if reason == "" {
		return news.Event{}, news.Problemf(news.Unacceptable, "a withdrawal needs a reason, which readers will see; give one")
	}
	prev, err := p.current(ctx, id, match)
	if err != nil {
		return news.Event{}, err
	}
	next := prev.Event.Release
	next.Reason = reason
	return p.append(ctx, prev, &prev.Event.Release, next, news.KindWithdrawn, false)
}

// Release returns the newest event of a release.
func (p *Publisher) Release(ctx context.Context, id string) (news.Event, error) {
	rec, err := p.current(ctx, id, 0)
	return rec.Event, err
}

func (p *Publisher) current(ctx context.Context, id string, match int) (wire.Record, error) {
	if !news.ValidID(id) {
		return wire.Record{}, news.Problemf(news.NotFound, "%q is not the id of a release; an id looks like %s", id, news.NewID("https://example.org/"))
	}
	rec, err := p.cfg.Wire.Last(ctx, id)
	if errors.Is(err, wire.ErrNotFound) {
		return rec, news.Problemf(news.NotFound, "there is no release %s; publish it first", id)
	}
	if err == nil && match > 0 && match != rec.Event.Release.Revision {
		return rec, news.Problemf(news.Stale, "release %s is at revision %d, your change is based on revision %d; read it again and repeat the change", id, rec.Event.Release.Revision, match)
	}
	return rec, err
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

// now is the clock, which never falls behind an event that is in the log: the
// times of change that feeds tell must not go back when a clock does.
func (p *Publisher) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.cfg.Now(); t.After(p.floor) {
		p.floor = t
	}
	return p.floor
}

// draft makes the event of a change and checks that it may go into the log.
func (p *Publisher) draft(old *news.Release, next news.Release, kind news.Kind, backfill bool) (news.Event, error) {
	e, err := news.Next(old, next, kind, p.now(), backfill)
	if err == nil {
		err = news.Validate(p.cfg.Taxonomy, &e.Release)
	}
	return e, err
}

func (p *Publisher) append(ctx context.Context, prev wire.Record, old *news.Release, next news.Release, kind news.Kind, backfill bool) (news.Event, error) {
	e, err := p.draft(old, next, kind, backfill)
	if err != nil {
		return e, err
	}
	seq, err := p.cfg.Wire.Append(ctx, e, prev.Seq)
	if errors.Is(err, wire.ErrConflict) {
		return e, news.Problemf(news.Conflict, "release %s was changed by someone else at the same moment; read it again and repeat the change", e.Release.ID)
	}
	if err != nil {
		return e, err
	}
	p.cfg.Log.Info().Str("event_id", e.ID()).Str("kind", string(e.Kind)).Uint64("seq", seq).Msg("published")
	return e, nil
}

// originOf is the contract's rule: the origin given, else the canonical URL,
// else what the sender says, else a hash of the cleaned text.
func originOf(r *news.Release, said string) string {
	for _, o := range []string{r.Origin, r.URL, news.CleanLine(said)} {
		if o != "" {
			return o
		}
	}
	sum := sha256.Sum256([]byte(r.Title + "\n" + r.Text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (p *Publisher) idFor(ctx context.Context, origin, revises string) (string, error) {
	if revises != "" {
		if !news.ValidID(revises) {
			return "", news.Problemf(news.BadRequest, "%q is not the id of a release", revises)
		}
		return revises, nil
	}
	id, err := p.remembered(ctx, origin)
	if id == "" {
		id = news.NewID(origin)
	}
	return id, err
}

// linkOriginal turns the origin of the release that r, of the given id, is a
// translation of into that release's id. The original may come later.
func (p *Publisher) linkOriginal(ctx context.Context, id string, r *news.Release) error {
	if r.TranslationOf == "" || news.ValidID(r.TranslationOf) {
		return nil
	}
	original, err := p.idFor(ctx, r.TranslationOf, "")
	if err != nil {
		return err
	}
	if original == id {
		return news.Problemf(news.Unacceptable, "the release says that it is a translation of itself; name the origin of the original, or leave translation_of out")
	}
	r.TranslationOf = original
	return nil
}

// remembered is the id of the release that took origin over later, or "". The
// bucket only points; the log decides: a release that does not name the origin
// has never got it, because the change that would have given it was refused.
func (p *Publisher) remembered(ctx context.Context, origin string) (string, error) {
	e, err := p.origins.Get(ctx, originKey(origin))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", nil
	}
	if err != nil {
		return "", originsAway(err)
	}
	rec, err := p.cfg.Wire.Last(ctx, string(e.Value()))
	switch {
	case errors.Is(err, wire.ErrNotFound), err == nil && !knowsOrigin(&rec.Event.Release, origin):
		return "", nil
	case err != nil:
		return "", err
	}
	return string(e.Value()), nil
}

// originGrace is how long an origin stays with the release it was given to
// although no event names it yet: an append takes seconds at most.
const originGrace = time.Minute

// remember lets origin lead to the release id, unless it leads to another. It
// comes before the event that names the origin, so that no crash leaves an
// origin that would become a second release. It is never undone, because the
// outcome of an append that failed may be unknown.
func (p *Publisher) remember(ctx context.Context, origin, id string) error {
	owner, err := p.idFor(ctx, origin, "")
	if err != nil {
		return err
	}
	if owner != id {
		_, err := p.cfg.Wire.Last(ctx, owner)
		if err == nil {
			return news.Problemf(news.Conflict, "the origin %s belongs to the release %s; revise that one, or give this document another origin", origin, owner)
		}
		if !errors.Is(err, wire.ErrNotFound) {
			return err
		}
	}
	_, err = p.origins.Create(ctx, originKey(origin), []byte(id))
	if errors.Is(err, jetstream.ErrKeyExists) {
		return p.takeOver(ctx, origin, id)
	}
	if err != nil {
		return originsAway(err)
	}
	return nil
}

// takeOver settles an origin that was given to a release before and is not
// named by it: for the same release that is fine, for another one only when
// nothing can be on its way any more.
func (p *Publisher) takeOver(ctx context.Context, origin, id string) error {
	e, err := p.origins.Get(ctx, originKey(origin))
	if err != nil {
		return originsAway(err)
	}
	if string(e.Value()) == id {
		return nil
	}
	if p.cfg.Now().Sub(e.Created()) > originGrace {
		_, err = p.origins.Update(ctx, originKey(origin), []byte(id), e.Revision())
		if err == nil {
			return nil
		}
	}
	return news.Problemf(news.Conflict, "the origin %s was given to the release %s at the same moment; revise that one, or try again in a minute", origin, e.Value())
}

func originsAway(err error) error {
	return fmt.Errorf("%w (%w)", news.Problemf(news.Unavailable, "the list of origins does not answer; try again in a moment"), err)
}

func originKey(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:])
}
