package wire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// connect starts the embedded server or connects to the one at cfg.URL, and to
// the desk's account when it is another.
func (w *Wire) connect() (err error) {
	if w.cfg.URL == "" {
		if w.emb, err = startEmbedded(w.cfg); err != nil {
			return err
		}
		w.nc, err = nats.Connect("", append(w.options(), nats.InProcessServer(w.emb.srv), nats.UserInfo(w.emb.user, w.emb.pass))...)
		if err != nil {
			return fmt.Errorf("cannot reach the embedded NATS server: %w", err)
		}
	} else if w.nc, err = w.dial("--nats-url", w.cfg.URL, w.cfg.Credentials); err != nil {
		return err
	}
	if w.js, err = speak(w.nc); err != nil || !w.cfg.Desk {
		return err
	}
	w.deskConn, w.private = w.nc, w.js
	if w.cfg.DeskURL == "" {
		return nil
	}
	if w.deskConn, err = w.dial("--nats-desk-url", w.cfg.DeskURL, w.cfg.DeskCredentials); err != nil {
		return err
	}
	w.private, err = speak(w.deskConn)
	return err
}

func speak(nc *nats.Conn) (jetstream.JetStream, error) {
	return jetstream.New(nc, jetstream.WithDefaultTimeout(callTimeout), jetstream.WithPublishAsyncMaxPending(256))
}

// dial connects to an external server; flag is what names url.
func (w *Wire) dial(flag, url, credentials string) (*nats.Conn, error) {
	opts := w.options()
	if err := checkAddresses(flag, url); err != nil {
		return nil, err
	}
	if user := userOf(url); user != "" {
		opts = append(opts, nats.CustomInboxPrefix("_INBOX_"+user))
	}
	if credentials != "" {
		opts = append(opts, nats.UserCredentials(credentials))
	}
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("cannot reach NATS at %s: %w; start it, or correct %s", Redact(url), err, flag)
	}
	return nc, nil
}

func (w *Wire) options() []nats.Option {
	return []nats.Option{
		nats.Name("dateline"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectBufSize(-1), // an append must fail at once, not wait in a buffer for ever
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				w.log.Warn().Err(err).Msg("connection to NATS lost")
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { w.log.Info().Msg("connection to NATS is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			w.log.Warn().Err(err).Msg("NATS reports")
			if errors.Is(err, nats.ErrPermissionViolation) {
				w.refused.tell(err)
			}
		}),
	}
}

// refusals passes on what the server does not permit. It says so beside the
// request, which gets no answer at all, so whoever makes something watches.
type refusals struct {
	mu       sync.Mutex
	watching map[int]context.CancelCauseFunc
	next     int
}

// watch gives a context that a refusal ends, with it as the cause.
func (r *refusals) watch(ctx context.Context) (watched context.Context, done func()) {
	watched, end := context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watching == nil {
		r.watching = map[int]context.CancelCauseFunc{}
	}
	n := r.next
	r.next++
	r.watching[n] = end
	return watched, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watching, n)
		end(nil)
	}
}

func (r *refusals) tell(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, end := range r.watching {
		end(err)
	}
}

// mayNot says what to do about a refusal.
func (w *Wire) mayNot(why error) error {
	if s := why.Error(); !w.cfg.Desk && (strings.Contains(s, "STREAM.CREATE.") || strings.Contains(s, "STREAM.UPDATE.")) {
		return fmt.Errorf("a stream or bucket is missing or of another version, and this process's NATS user may not make it: %w; start the publisher first, with the same version, --queues and --replicas", why)
	}
	return fmt.Errorf("the NATS user may not do what is needed: %w; give it the rights of its role in deploy/nats.conf, or to all of JetStream in its account (the operator of --nats-listen only reads)", why)
}
