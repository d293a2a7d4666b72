package subscribers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"dateline/publisher/guard"
	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/subscribers/alert"
	"dateline/subscribers/mail"
	"dateline/subscribers/webhook"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
)

// Sender makes one try to deliver a message. Its errors are those of package
// alert: permanent, or temporary with the time to wait.
type Sender interface {
	Send(ctx context.Context, m alert.Message) error
}

// Config is what the subscribers work with.
type Config struct {
	Wire     *wire.Wire
	Taxonomy *news.Taxonomy
	BaseURL  string // where readers find the pages, without a slash at the end
	Title    string // the publisher's name, in mails; empty means Dateline
	Now      func() time.Time
	Rand     func() float64 // 0 to 1, spreads retries; nil means a random one
	Log      zerolog.Logger

	// SMTPURL, MailFrom and Outbox say how mail goes out; see [mail.Config].
	SMTPURL, MailFrom, Outbox string
	// AllowNetworks opens networks for webhooks, plain http included.
	AllowNetworks []netip.Prefix
	// MaxAge is the age of an event beyond which its alerts are recorded and
	// not sent; 0 means 48 hours. The time of the hold does not count.
	MaxAge time.Duration
	// Hold is how long after its event an alert is held back, at most [MaxHold]:
	// the time in which a mistake can be undone. It may be another with each start.
	Hold time.Duration
	// Wait waits until Now is not before a time, or returns the error of ctx; nil
	// means with a timer.
	Wait func(ctx context.Context, until time.Time) error
	// Backoff are the pauses between the tries of one message; nil means
	// [DefaultBackoff]. Each is varied by up to a tenth.
	Backoff []time.Duration
	// Workers is how many webhooks are called at the same time; 0 means 256.
	// Mail uses 8 connections.
	Workers int
	// Grace is how long messages on their way may take after the stop; 0
	// means 8 seconds.
	Grace time.Duration
}

// DefaultBackoff spreads ten tries over 75.6 hours.
func DefaultBackoff() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

const (
	mailWorkers = 8
	// loadTime is how long a request waits for the subscriptions to be in memory.
	loadTime = 5 * time.Second
)

// Subscribers is the whole role: subscriptions, fan-out and delivery.
type Subscribers struct {
	cfg      Config
	guard    *guard.Client
	mail     *mail.Sender
	bucket   jetstream.KeyValue
	key      []byte // of the recipients' ids
	register *register
	fanout   *fanout
	delivery *delivery
	counts   counts
	stalls   stalls
	lease    *lease
	progress progress
}

// New checks the configuration and makes the buckets. Nothing is followed or
// sent before [Subscribers.Run].
func New(ctx context.Context, cfg Config) (*Subscribers, error) {
	cfg = withDefaults(cfg)
	if err := checkHold(cfg.Hold); err != nil {
		return nil, err
	}
	s := &Subscribers{cfg: cfg, guard: guard.New(guard.Config{Allow: cfg.AllowNetworks})}
	var err error
	if s.mail, err = mail.New(mail.Config{
		URL: cfg.SMTPURL, From: cfg.MailFrom, Title: cfg.Title, Outbox: cfg.Outbox, Base: cfg.BaseURL, Taxonomy: cfg.Taxonomy,
	}); err != nil {
		return nil, err
	}
	keys, err := cfg.Wire.Bucket(ctx, "SUBSCRIBER_KEYS", "the key that turns addresses into recipients' ids", 0)
	if err != nil {
		return nil, err
	}
	if s.key, err = recipientKey(ctx, keys); err != nil {
		return nil, err
	}
	if s.bucket, err = cfg.Wire.Bucket(ctx, "SUBSCRIPTIONS", "recipients with what they follow", 0); err != nil {
		return nil, err
	}
	s.register = newRegister(s.bucket, cfg.Taxonomy, cfg.Log)
	if s.register.before, err = s.past(ctx); err != nil {
		return nil, err
	}
	if s.lease, err = newLease(ctx, cfg.Wire, cfg.Grace, cfg.Log); err != nil {
		return nil, err
	}
	s.fanout = newFanout(s)
	s.delivery = newDelivery(s, map[Channel]Sender{
		Mail:    s.mail,
		Webhook: webhook.New(s.guard, cfg.Taxonomy, cfg.BaseURL),
	})
	s.register.gone = s.delivery.troubles.clear
	return s, nil
}

// CheckMail says what [New] would refuse of SMTPURL and MailFrom, in the same
// words and all of it in one line, without calling or making anything.
func CheckMail(smtpURL, from string) error { return mail.Check(smtpURL, from) }

func (s *Subscribers) past(ctx context.Context) (p past, err error) {
	if p.revision, err = s.register.lastRevision(ctx); err != nil {
		return p, err
	}
	p.end, err = s.cfg.Wire.LastSeq(ctx)
	return p, err
}

func withDefaults(cfg Config) Config {
	if cfg.Rand == nil {
		cfg.Rand = rand.Float64
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = 48 * time.Hour
	}
	if cfg.Wait == nil {
		cfg.Wait = func(ctx context.Context, until time.Time) error { return waitUntil(ctx, cfg.Now, until) }
	}
	if cfg.Backoff == nil {
		cfg.Backoff = DefaultBackoff()
	}
	if cfg.Workers == 0 {
		cfg.Workers = 256
	}
	if cfg.Grace == 0 {
		cfg.Grace = 8 * time.Second
	}
	return cfg
}

// Summary says in one line how alerts go out, without secrets.
func (s *Subscribers) Summary() string {
	line := "mail by " + s.mail.String() + "; webhooks by https"
	if n := len(s.cfg.AllowNetworks); n > 0 {
		line += fmt.Sprintf(", and by plain http in opened networks (%d)", n)
	}
	return line
}

// Run fans out and delivers until ctx ends. Messages on their way then have
// some seconds to finish; what is not finished comes again at the next start.
func (s *Subscribers) Run(ctx context.Context) error {
	defer s.guard.Close()
	defer s.mail.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.keep(ctx, "watch of the subscriptions", s.register.follow) })
	g.Go(func() error { return s.lease.run(ctx, s.work) })
	return g.Wait()
}

func (s *Subscribers) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.keep(ctx, "fan-out", s.fanout.run) })
	g.Go(func() error { return s.delivery.run(ctx) })
	return g.Wait()
}

// keep runs fn again whenever it fails for a reason that may pass.
func (s *Subscribers) keep(ctx context.Context, what string, fn func(context.Context) error) error {
	for {
		err := fn(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, wire.ErrLost), errors.Is(err, wire.ErrBroken), errors.Is(err, news.ErrNewer), isFatal(err):
			return err
		}
		s.cfg.Log.Warn().Err(err).Str("part", what).Msg("interrupted, starting again")
		if !pause(ctx) {
			return nil
		}
	}
}

// fatal is an error that only an operator can mend.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

func isFatal(err error) bool {
	_, ok := errors.AsType[fatal](err)
	return ok
}

// pauseTime is the wait before something that failed is tried again.
const pauseTime = time.Second

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context) bool {
	t := time.NewTimer(pauseTime)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// current returns when the register holds everything stored before the call.
func (s *Subscribers) current(ctx context.Context) error { return s.register.catchUp(ctx) }

// Ready is nil while subscriptions are in memory, the log answers, and nothing
// has been waiting for it for longer than half a minute. A process that stands
// by for another one is ready.
func (s *Subscribers) Ready(ctx context.Context) error {
	if !s.register.loaded() {
		return errors.New("the subscriptions are not loaded yet")
	}
	if err := s.cfg.Wire.Ready(ctx); err != nil {
		return err
	}
	last, err := s.cfg.Wire.LastSeq(ctx)
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	if s.lease.standby.Load() {
		return nil
	}
	if s.progress.stuck(s.fanout.place(), last, now) {
		return errors.New("the fan-out stands still before the end of the log; its warnings say why")
	}
	if s.stalls.longest(now) > stallTime {
		return errors.New("the delivery waits for the log; its warnings say why")
	}
	return nil
}
