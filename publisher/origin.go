package publisher

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
)

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
	if err := p.notAnothers(ctx, origin, id); err != nil {
		return err
	}
	_, err := p.origins.Create(ctx, originKey(origin), []byte(id))
	if errors.Is(err, jetstream.ErrKeyExists) {
		return p.takeOver(ctx, origin, id)
	}
	if err != nil {
		return originsAway(err)
	}
	return nil
}

// notAnothers refuses an origin that leads to another release than id.
func (p *Publisher) notAnothers(ctx context.Context, origin, id string) error {
	owner, err := p.idFor(ctx, origin, "")
	if err != nil || owner == id {
		return err
	}
	_, err = p.cfg.Wire.Last(ctx, owner)
	switch {
	case errors.Is(err, wire.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return news.Problemf(news.Conflict, "the origin %s belongs to the release %s; revise that one, or give this document another origin", origin, owner)
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
