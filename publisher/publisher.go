package publisher

import (
	"context"
	"errors"
	"sync"
	"time"

	"dateline/publisher/catalogue"
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
	// Effects says what an event would set off if it were appended now; prev is
	// the release before it, nil for a first publication. It may be nil, and a
	// preview then says nothing of documents and people.
	Effects func(ctx context.Context, prev *news.Release, e news.Event) (Effects, error)
}

// Publisher turns documents into events of the log. [Publisher.Run] keeps its
// list of releases and releases what was under embargo.
type Publisher struct {
	cfg     Config
	reader  *read.Reader
	origins jetstream.KeyValue
	list    *catalogue.Catalogue
	desk    *desk

	mu    sync.Mutex
	floor time.Time // no event of this process is stamped earlier

	replacing sync.Mutex // held while a withdrawal names another release
}

// New makes a publisher and the bucket of later origins.
func New(ctx context.Context, cfg Config) (*Publisher, error) {
	kv, err := cfg.Wire.Bucket(ctx, "ORIGINS", "later origins of a release, by hash, to its id", 0)
	if err != nil {
		return nil, err
	}
	p := &Publisher{cfg: cfg, reader: read.New(cfg.Taxonomy, cfg.Now), origins: kv, list: catalogue.New(cfg.Taxonomy), desk: newDesk()}
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

// Outcome says what a change did.
type Outcome string

// The outcomes of a change; beside them, the kinds of event.
const (
	Created   Outcome = "created"   // a new release, revision 1
	Revised   Outcome = "revised"   // the same origin with other content: the next revision
	Unchanged Outcome = "unchanged" // the same origin with the same content: nothing was done
)

// Release returns the newest event of a release.
func (p *Publisher) Release(ctx context.Context, id string) (news.Event, error) {
	rec, err := p.current(ctx, id, 0)
	return rec.Event, err
}

// current reads the newest event of a release; match is the revision that the
// caller has seen, 0 for any.
func (p *Publisher) current(ctx context.Context, id string, match int) (wire.Record, error) {
	if !news.ValidID(id) {
		return wire.Record{}, news.Problemf(news.NotFound, "%q is not the id of a release; an id looks like %s", id, news.NewID("https://example.org/"))
	}
	rec, err := p.cfg.Wire.Last(ctx, id)
	if errors.Is(err, wire.ErrNotFound) {
		return rec, news.Problemf(news.NotFound, "there is no release %s; publish it first", id)
	}
	if err == nil && match > 0 && match != rec.Event.Release.Revision {
		return rec, stale(&rec.Event.Release, match)
	}
	return rec, err
}

func stale(r *news.Release, match int) error {
	return news.Problemf(news.Stale, "release %s is at revision %d, your change is based on revision %d; read it again and repeat the change", r.ID, r.Revision, match)
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
	return p.draftAt(p.now(), old, next, kind, backfill)
}

func (p *Publisher) draftAt(now time.Time, old *news.Release, next news.Release, kind news.Kind, backfill bool) (news.Event, error) {
	e, err := news.Next(old, next, kind, now, backfill)
	if err == nil {
		err = news.Validate(p.cfg.Taxonomy, &e.Release)
	}
	return e, err
}

// append adds the event of a change to the log, and who made it to the trail
// before.
func (p *Publisher) append(ctx context.Context, prev wire.Record, old *news.Release, next news.Release, kind news.Kind, backfill bool) (news.Event, error) {
	e, err := p.draft(old, next, kind, backfill)
	if err != nil {
		return e, err
	}
	note, err := p.noteEvent(ctx, old, e)
	if err != nil {
		return e, err
	}
	seq, err := p.cfg.Wire.Append(ctx, e, prev.Seq)
	if errors.Is(err, wire.ErrConflict) {
		err = news.Problemf(news.Conflict, "release %s was changed by someone else at the same moment; read it again and repeat the change", e.Release.ID)
	}
	if err != nil {
		p.noteRefused(ctx, note, err)
		return e, err
	}
	p.cfg.Log.Info().Str("event_id", e.ID()).Str("kind", string(e.Kind)).Uint64("seq", seq).Msg("published")
	return e, nil
}
