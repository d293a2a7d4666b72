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
}

// New makes a publisher and the bucket of later origins.
func New(ctx context.Context, cfg Config) (*Publisher, error) {
	kv, err := cfg.Wire.Bucket(ctx, "ORIGINS", "later origins of a release, by hash, to its id", 0)
	if err != nil {
		return nil, err
	}
	return &Publisher{cfg: cfg, reader: read.New(cfg.Taxonomy, cfg.Now), origins: kv}, nil
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
}

// Publish makes a release public, or revises it when its origin is known. A
// document without a URL keeps the one the release has.
func (p *Publisher) Publish(ctx context.Context, r news.Release, in Intent) (news.Event, Outcome, error) {
	origin := originOf(&r, in.Origin)
	id, err := p.idFor(ctx, origin, in.Revises)
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
	e, err := p.change(ctx, prev, r, origin, news.KindRevised)
	return e, Revised, err
}

// Correct replaces the content of a release. The note says publicly what was
// wrong. A minor correction alerts nobody and does not bring the release to the
// top of feeds. match is the revision the caller has seen, 0 for any.
func (p *Publisher) Correct(ctx context.Context, id string, r news.Release, note string, minor bool, match int) (news.Event, error) {
	note = strings.TrimSpace(news.Clean(note))
	if note == "" && !minor {
		return news.Event{}, news.Problemf(news.Unacceptable, "a correction needs a note that says what was wrong; give one with --note, or --minor for a change nobody needs to hear of")
	}
	prev, err := p.current(ctx, id, match)
	if err != nil {
		return news.Event{}, err
	}
	origin, old := originOf(&r, ""), prev.Event.Release
	r.URL = cmp.Or(r.URL, old.URL)
	if minor && note == "" && old.Status == news.Published && knowsOrigin(&old, origin) && news.SameContent(&old, &r) {
		return prev.Event, nil
	}
	kind := news.KindCorrected
	if minor {
		kind = news.KindRevised
	}
	r.Note = note
	return p.change(ctx, prev, r, origin, kind)
}

// Withdraw takes the text of a release back everywhere and says why.
func (p *Publisher) Withdraw(ctx context.Context, id, reason string, match int) (news.Event, error) {
	reason = strings.TrimSpace(news.Clean(reason))
	if reason == "" {
		return news.Event{}, news.Problemf(news.Unacceptable, "a withdrawal needs a reason, which readers will see; give one with --reason")
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
	forget := func() {}
	if !knowsOrigin(&old, origin) {
		next.OtherOrigins = append(slices.Clone(old.OtherOrigins), origin)
		var err error
		if forget, err = p.remember(ctx, origin, old.ID); err != nil {
			return news.Event{}, err
		}
	}
	e, err := p.append(ctx, prev, &old, next, kind, false)
	if err != nil {
		forget()
	}
	return e, err
}

func knowsOrigin(r *news.Release, origin string) bool {
	return origin == r.Origin || slices.Contains(r.OtherOrigins, origin)
}

func (p *Publisher) append(ctx context.Context, prev wire.Record, old *news.Release, next news.Release, kind news.Kind, backfill bool) (news.Event, error) {
	e, err := news.Next(old, next, kind, p.cfg.Now(), backfill)
	if err != nil {
		return e, err
	}
	if err := news.Validate(p.cfg.Taxonomy, &e.Release); err != nil {
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
	for _, o := range []string{r.Origin, r.URL, strings.TrimSpace(said)} {
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

// remembered is the id of the release that took origin over later, or "".
func (p *Publisher) remembered(ctx context.Context, origin string) (string, error) {
	e, err := p.origins.Get(ctx, originKey(origin))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", nil
	}
	if err != nil {
		return "", originsAway(err)
	}
	return string(e.Value()), nil
}

// remember lets origin lead to the release id, unless it leads to another. It
// comes before the event that names the origin, so that no crash leaves an
// origin that would become a second release; forget undoes it.
func (p *Publisher) remember(ctx context.Context, origin, id string) (forget func(), err error) {
	nothing := func() {}
	owner, err := p.idFor(ctx, origin, "")
	if err != nil {
		return nothing, err
	}
	if owner != id {
		_, err := p.cfg.Wire.Last(ctx, owner)
		if err == nil {
			return nothing, news.Problemf(news.Conflict, "the origin %s belongs to the release %s; revise that one, or give this document another origin", origin, owner)
		}
		if !errors.Is(err, wire.ErrNotFound) {
			return nothing, err
		}
	}
	seq, err := p.origins.Create(ctx, originKey(origin), []byte(id))
	switch {
	case errors.Is(err, jetstream.ErrKeyExists):
		return p.alreadyRemembered(ctx, origin, id)
	case err != nil:
		return nothing, originsAway(err)
	}
	return func() {
		if err := p.origins.Delete(context.WithoutCancel(ctx), originKey(origin), jetstream.LastRevision(seq)); err != nil {
			p.cfg.Log.Warn().Err(err).Str("release_id", id).Msg("origin of a refused change stays remembered")
		}
	}, nil
}

// alreadyRemembered settles an origin that someone remembered first: for the
// same release that is fine.
func (p *Publisher) alreadyRemembered(ctx context.Context, origin, id string) (forget func(), err error) {
	nothing := func() {}
	owner, err := p.remembered(ctx, origin)
	if err == nil && owner != id {
		err = news.Problemf(news.Conflict, "the origin %s was given to the release %s at the same moment; revise that one", origin, owner)
	}
	return nothing, err
}

func originsAway(err error) error {
	return fmt.Errorf("%w (%w)", news.Problemf(news.Unavailable, "the list of origins does not answer; try again in a moment"), err)
}

func originKey(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:])
}
