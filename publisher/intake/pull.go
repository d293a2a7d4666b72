package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/url"
	"time"

	"dateline/publisher/guard"
	"dateline/publisher/read"
	"dateline/publisher/wire"

	"github.com/rs/zerolog"
)

// PullConfig is what a [Puller] works with.
type PullConfig struct {
	URLs      []string      // feeds and listings, as [CheckSource] takes them
	Every     time.Duration // the pause between two pulls of one, [MinEvery] at least
	Wire      *wire.Wire
	Publisher Publisher
	Reader    *read.Reader
	Client    *guard.Client // whoever made it closes it
	UserAgent string
	Now       func() time.Time
	Rand      func() float64 // 0 to 1, spreads the pulls; nil means a random one
	Log       zerolog.Logger
}

// Bounds of how often a source is asked.
const (
	MinEvery   = time.Minute
	MaxEvery   = 24 * time.Hour
	maxPolite  = time.Hour      // the longest pause that the source's own words make of a shorter one
	maxBackoff = 6 * time.Hour  // the longest pause after errors
	maxRetry   = 24 * time.Hour // the longest Retry-After that is kept to
)

const (
	claimTime = 5 * time.Minute  // how long a pull is left to the process that began it
	checkTime = time.Minute      // how often the clock is looked at, for one that is set or sleeps
	awayTime  = 15 * time.Second // the pause while the log is away
)

// Pull asks the sources in turn, one request at a time, and publishes what is
// new, until ctx ends; it returns nil then. See [Puller.Step].
func Pull(ctx context.Context, cfg PullConfig) error {
	p, err := NewPuller(ctx, cfg)
	if err != nil {
		return err
	}
	for {
		next := p.Step(ctx)
		t := time.NewTimer(min(max(next.Sub(cfg.Now()), time.Second), checkTime))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// Puller knows the sources. Only one goroutine uses it.
type Puller struct {
	cfg     PullConfig
	store   store
	sources []*source
	away    bool // the log took nothing the last time
}

// source is one address that is pulled.
type source struct {
	address string
	id      string // a hash of the address, which may hold secrets
	due     time.Time
	gone    bool // it answered 410
}

// NewPuller makes a puller and the bucket that keeps what it knows of each source.
func NewPuller(ctx context.Context, cfg PullConfig) (*Puller, error) {
	kv, err := cfg.Wire.Bucket(ctx, "PULL", "sources that are pulled, by hash: validators, next time, entries", 0)
	if err != nil {
		return nil, err
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	p := &Puller{cfg: cfg, store: store{kv}}
	for _, address := range cfg.URLs {
		sum := sha256.Sum256([]byte(address))
		p.sources = append(p.sources, &source{address: address, id: hex.EncodeToString(sum[:16])})
	}
	return p, nil
}

// CheckSource says what is wrong with an address to pull, without repeating it.
func CheckSource(c *guard.Client, address string) error { return c.CheckURL(address) }

// Shown is the address of a source as it may stand in logs: without user,
// password and query.
func Shown(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "…"
	}
	shown := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		shown += "?…"
	}
	return shown
}

// Step pulls every source that is due, one after the other, and returns when the
// next one will be.
//
// What a source shows at the first pull is a back-log: it alerts nobody. Later,
// an entry that is new alerts, unless its own date says that it is no news: more
// than a week old, or from before the first pull. An entry whose content has
// changed becomes a revision; one that vanishes stays published. What cannot be
// published is logged once for each content.
//
// Several processes on one NATS may step at the same time: a pull is claimed in
// the bucket and left to whom it belongs for five minutes. A pull that takes
// longer, or whose claim was lost in a crash, may happen twice, which does no
// harm, because publishing the same again changes nothing.
func (p *Puller) Step(ctx context.Context) time.Time {
	for _, s := range p.sources {
		if ctx.Err() != nil {
			break
		}
		if now := p.cfg.Now(); s.gone || now.Before(s.due) {
			continue
		}
		if err := p.pull(ctx, s); err != nil {
			p.waits(ctx, s, err)
		} else {
			p.away = false
		}
	}
	next := p.cfg.Now().Add(maxRetry)
	for _, s := range p.sources {
		if !s.gone && s.due.Before(next) {
			next = s.due
		}
	}
	return next
}

// waits is for a log, or its bucket, that does not answer.
func (p *Puller) waits(ctx context.Context, s *source, err error) {
	if ctx.Err() != nil {
		return
	}
	s.due = p.cfg.Now().Add(awayTime)
	if !p.away {
		p.cfg.Log.Warn().Err(err).Str("source", Shown(s.address)).Msg("the log takes nothing; pulling waits")
	}
	p.away = true
}

// pull asks one source, if no other process is at it, and notes when it is due
// again. Its errors are those of the log.
func (p *Puller) pull(ctx context.Context, s *source) error {
	before, err := p.store.load(ctx, s.id)
	if err != nil {
		return err
	}
	now := p.cfg.Now()
	if s.due = before.Next; now.Before(s.due) {
		return nil
	}
	claim := before
	claim.Next = now.Add(claimTime)
	claim, err = p.store.save(ctx, s.id, claim)
	if errors.Is(err, errClaimed) {
		s.due = now.Add(MinEvery)
		return nil
	}
	if err != nil {
		return err
	}
	after, err := p.ask(ctx, s, before)
	if err != nil { // the claim is given back
		after = before
		after.Next = p.cfg.Now().Add(awayTime)
	}
	after.revision = claim.revision
	s.due = after.Next
	// What was begun is noted also when the process is told to stop.
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, failed := p.store.save(saving, s.id, after)
	if errors.Is(failed, errClaimed) { // it took so long that another process took it over
		failed = nil
	}
	return errors.Join(err, failed)
}

// ask fetches a source and publishes what it says. It returns what is known of
// the source from then on; its errors are those of the log.
func (p *Puller) ask(ctx context.Context, s *source, m mark) (mark, error) {
	log := p.cfg.Log.With().Str("source", Shown(s.address)).Logger()
	reread := m.Reread != nil && p.cfg.Now().After(*m.Reread)
	known := m
	if reread {
		known.ETag, known.Modified = "", ""
	}
	a, err := p.fetch(ctx, s.address, known)
	switch {
	case ctx.Err() != nil:
		return m, ctx.Err()
	case errors.Is(err, errGone):
		s.gone = true
		m.Next = p.cfg.Now().Add(maxBackoff)
		log.Error().Msg("the source is gone for good (410) and is not asked any more until the next start; take it out of --pull")
		return m, nil
	case err != nil:
		m.Failures++
		m.Next = p.cfg.Now().Add(p.backoff(m.Failures, a.wait))
		log.Warn().Err(err).Int("failures", m.Failures).Time("next", m.Next).Msg("the source cannot be pulled")
		return m, nil
	}
	if m.Failures > 0 {
		log.Info().Int("failures", m.Failures).Msg("the source answers again")
	}
	if a.moved && a.body != nil {
		log.Warn().Msg("the source has moved for good; name its new address with --pull")
	}
	m.Failures = 0
	if a.body != nil {
		if m, err = p.takeOver(ctx, s, m, a, reread); err != nil {
			return m, err
		}
	}
	m.Next = p.cfg.Now().Add(p.spread(max(p.cfg.Every, min(max(a.fresh, time.Duration(m.TTL)*time.Second), maxPolite))))
	return m, nil
}

// takeOver publishes what the body of an answer says, unless it is the one that
// was read last.
func (p *Puller) takeOver(ctx context.Context, s *source, m mark, a answer, reread bool) (mark, error) {
	sum := sha256.Sum256(a.body)
	if body := hex.EncodeToString(sum[:]); body != m.Body || reread {
		t, err := p.entries(ctx, s, m, a.body)
		if err != nil {
			return m, err
		}
		m.Body, m.TTL = body, int(ttl(a.body).Seconds())
		if m.Since.IsZero() {
			m.Since = p.cfg.Now().UTC()
		}
		m.Reread = nil
		if t.again > 0 {
			m.Reread = new(p.cfg.Now().UTC().Add(maxBackoff))
		}
		t.log(p.cfg.Log, s)
	}
	m.ETag, m.Modified, m.Final = a.etag, a.modified, a.final
	return m, nil
}

// backoff doubles the pause with each failure, up to six hours, and keeps to
// what the source asks for when that is longer.
func (p *Puller) backoff(failures int, wait time.Duration) time.Duration {
	return p.spread(max(doubled(p.cfg.Every, max(maxBackoff, p.cfg.Every), failures), min(wait, maxRetry)))
}

// spread makes a pause up to a tenth longer, so that sources and processes do
// not fall into step.
func (p *Puller) spread(d time.Duration) time.Duration {
	return d + time.Duration(p.cfg.Rand()*float64(d)/10)
}
