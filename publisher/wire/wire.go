package wire

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// Config says where the log lives.
type Config struct {
	// DataDir is the data folder. The embedded server keeps its store there and
	// the folder is locked for this process. With an external server it holds a
	// witness of the log's head, and may be empty or one that cannot be written.
	DataDir string
	// URL of an external NATS server with JetStream; empty starts the embedded one.
	URL string
	// Credentials is the path of a NATS credentials file for URL; may be empty.
	Credentials string
	// Listen is the loopback host:port on which the embedded server takes
	// clients that read: as the user operator, with the password in the data
	// folder and in the JetStream domain "dateline". Empty keeps it inside the process.
	Listen string
	// MaxStore bounds the embedded store in bytes; 0 means four fifths of the space there is.
	MaxStore int64
	// Queues is the number of delivery queues, 1 to 64; 0 means 8. It is fixed by the
	// first start: a later start with another number is refused.
	Queues int
	// Replicas of each stream on an external cluster, 1 to 5; 0 means 1.
	Replicas int
	// AcceptLoss starts on a log that lost acknowledged events, once, and notes
	// what is left as the new head.
	AcceptLoss bool
	// Desk opens the private log and the embargoes, DESK and EMBARGO: for a
	// process that publishes. Another one needs no right to see them.
	Desk bool
	// Log takes what the operator should know.
	Log zerolog.Logger
}

// Wire is an open log with its queues. All methods are safe for concurrent use.
type Wire struct {
	cfg  Config
	log  zerolog.Logger
	emb  *embedded // nil with an external server
	nc   *nats.Conn
	js   jetstream.JetStream
	head headKeeper

	appending chan struct{} // holds a token while an append runs
	tail      link          // guarded by appending

	wire, later, attempts, dead jetstream.Stream
	desk, embargo               jetstream.Stream // nil in a process that does not publish
	queues                      []jetstream.Stream
	records                     *journal
	use                         use
	full                        atomic.Bool   // the last write found the store full
	closed                      chan struct{} // closed by Close
	closeOnce                   sync.Once
	closeErr                    error
}

const (
	callTimeout = 5 * time.Second  // one request to the server
	setupTime   = 60 * time.Second // making all streams
)

// Open starts the embedded server or connects to cfg.URL, makes the streams,
// and compares the log with its head. Errors say what to do.
func Open(ctx context.Context, cfg Config) (*Wire, error) {
	if cfg.Queues == 0 {
		cfg.Queues = 8
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	if cfg.Queues < 1 || cfg.Queues > 64 {
		return nil, fmt.Errorf("%d delivery queues are asked for; choose 1 to 64", cfg.Queues)
	}
	if cfg.Replicas < 1 || cfg.Replicas > 5 {
		return nil, fmt.Errorf("%d replicas are asked for; choose 1 to 5", cfg.Replicas)
	}
	w := &Wire{cfg: cfg, appending: make(chan struct{}, 1), closed: make(chan struct{}), log: cfg.Log.With().Str("component", "wire").Logger()}
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close(context.WithoutCancel(ctx)))
	}
	return w, nil
}

func (w *Wire) open(ctx context.Context) error {
	setup, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	setup, cancel := context.WithTimeout(setup, setupTime)
	defer cancel()
	if err := w.connect(refuse); err != nil {
		return err
	}
	err := w.makeStreams(setup)
	if err == nil {
		err = w.openHead(setup)
	}
	if why := context.Cause(setup); err != nil && errors.Is(why, nats.ErrPermissionViolation) {
		return fmt.Errorf("the NATS user may not do what is needed: %w; give it the rights to all of JetStream in its account (the operator of --nats-listen only reads)", why)
	}
	if err != nil {
		return err
	}
	if err := w.verify(ctx, w.cfg.AcceptLoss); err != nil {
		if damaged(err) {
			return fmt.Errorf("%w; nothing was started: restore %s, or start once with --accept-loss to go on with what is left", err, w.where())
		}
		return err
	}
	w.records = newJournal(w)
	return nil
}

func (w *Wire) where() string {
	if w.emb != nil {
		return "the data folder " + w.cfg.DataDir + " from a backup"
	}
	s := "the streams on " + Redact(w.cfg.URL) + " from a backup"
	if w.cfg.DataDir != "" {
		s += ", name another data folder with --data if " + w.cfg.DataDir + " belongs to another log"
	}
	return s
}

// connect connects; refuse is told what the server does not permit.
func (w *Wire) connect(refuse context.CancelCauseFunc) error {
	opts := []nats.Option{
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
				refuse(err)
			}
		}),
	}
	var err error
	url := w.cfg.URL
	if url == "" {
		if w.emb, err = startEmbedded(w.cfg); err != nil {
			return err
		}
		opts = append(opts, nats.InProcessServer(w.emb.srv), nats.UserInfo(w.emb.user, w.emb.pass))
	} else if err = checkAddresses(url); err != nil {
		return err
	} else if w.cfg.Credentials != "" {
		opts = append(opts, nats.UserCredentials(w.cfg.Credentials))
	}
	if w.nc, err = nats.Connect(url, opts...); err != nil {
		if w.emb != nil {
			return fmt.Errorf("cannot reach the embedded NATS server: %w", err)
		}
		return fmt.Errorf("cannot reach NATS at %s: %w; start it, or correct --nats-url", Redact(url), err)
	}
	w.js, err = jetstream.New(w.nc, jetstream.WithDefaultTimeout(callTimeout),
		jetstream.WithPublishAsyncMaxPending(256))
	return err
}

// ListenAddr is where the embedded server listens, like "127.0.0.1:4222"; empty when it does not.
func (w *Wire) ListenAddr() string {
	if w.emb == nil || w.cfg.Listen == "" || w.emb.srv.Addr() == nil {
		return ""
	}
	return w.emb.srv.Addr().String()
}

// Embedded reports whether the server lives in this process.
func (w *Wire) Embedded() bool { return w.emb != nil }

// Queues is the number of delivery queues.
func (w *Wire) Queues() int { return len(w.queues) }

func (w *Wire) openHead(ctx context.Context) error {
	var own *headFile
	if w.cfg.DataDir != "" {
		var err error
		if own, err = openHeadFile(filepath.Join(w.cfg.DataDir, "head")); err != nil {
			return err
		}
		w.head = own
	}
	if w.emb != nil {
		return nil
	}
	kv, err := patiently(ctx, func(ctx context.Context) (jetstream.KeyValue, error) {
		return w.Bucket(ctx, "HEAD", "last acknowledged event of WIRE", 0)
	})
	if err != nil {
		return err
	}
	w.head = &headBucket{kv: kv}
	if own != nil {
		w.head = &witnessed{shared: w.head, own: own, log: w.log}
	}
	return nil
}

// Ready is nil while the log answers and takes new events.
func (w *Wire) Ready(ctx context.Context) error {
	if !w.nc.IsConnected() {
		return errors.New("not connected to NATS")
	}
	if _, err := w.wire.Info(ctx); err != nil {
		return translate("look at the log", err)
	}
	return w.takes(ctx)
}

// Close ends the connection and the embedded server, in at most ten seconds
// each. It may be called twice, and while other calls run: those then fail with
// a [news.Problem] of code [news.Unavailable].
func (w *Wire) Close(_ context.Context) error {
	w.closeOnce.Do(func() {
		close(w.closed)
		if w.records != nil {
			w.records.close()
		}
		if w.nc != nil {
			w.nc.Close()
		}
		if w.head != nil {
			w.appending <- struct{}{} // for ever: no append may write a head that is closed
			w.closeErr = w.head.close()
		}
		if w.emb != nil {
			w.emb.stop(10 * time.Second)
		}
	})
	return w.closeErr
}
