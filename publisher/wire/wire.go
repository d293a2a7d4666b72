package wire

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"dateline/publisher/news"

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
	// DeskURL and DeskCredentials lead to the account that holds what is not
	// public, for a process with Desk. Without them it lies in the account of URL,
	// where no allow list keeps it from those who share that account: see the
	// package comment.
	DeskURL, DeskCredentials string
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
	// process that publishes. Another one needs no right to see them, nor to make
	// or change a stream or bucket once such a process has made them.
	Desk bool
	// Log takes what the operator should know.
	Log zerolog.Logger
}

// Wire is an open log with its queues. All methods are safe for concurrent use.
type Wire struct {
	*core

	readWith func(*news.Release) // see ReadWith; nil for nothing
}

// core is what all handles of one open log share.
type core struct {
	cfg  Config
	log  zerolog.Logger
	emb  *embedded // nil with an external server
	nc   *nats.Conn
	js   jetstream.JetStream
	head headKeeper

	deskConn *nats.Conn          // nc again unless the desk has an account of its own
	private  jetstream.JetStream // where the desk lies; nil in a process that does not publish
	refused  refusals

	appending chan struct{} // holds a token while an append runs
	tail      link          // guarded by appending

	wire, later, attempts, dead jetstream.Stream
	desk, embargo               jetstream.Stream // nil in a process that does not publish
	erased                      jetstream.Stream
	erasures                    jetstream.Stream // nil in a process that does not publish
	places                      places
	toErase                     []string
	erasing                     func() // called between the steps of an erasure, by tests
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
	w := &Wire{core: &core{cfg: cfg, appending: make(chan struct{}, 1), closed: make(chan struct{}), log: cfg.Log.With().Str("component", "wire").Logger()}}
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close(context.WithoutCancel(ctx)))
	}
	return w, nil
}

func (w *Wire) open(ctx context.Context) error {
	ctx, done := w.refused.watch(ctx)
	defer done()
	err := w.openAll(ctx)
	if why := context.Cause(ctx); err != nil && errors.Is(why, nats.ErrPermissionViolation) {
		return w.mayNot(why)
	}
	return err
}

func (w *Wire) openAll(ctx context.Context) error {
	setup, cancel := context.WithTimeout(ctx, setupTime)
	defer cancel()
	if err := w.connect(); err != nil {
		return err
	}
	if err := w.makeStreams(setup); err != nil {
		return err
	}
	if err := w.openHead(setup); err != nil {
		return err
	}
	if err := w.verify(ctx, w.cfg.AcceptLoss); err != nil {
		if damaged(err) {
			return fmt.Errorf("%w; nothing was started: restore %s, or start once with --accept-loss to go on with what is left", err, w.where())
		}
		return err
	}
	w.records = newJournal(w)
	if !w.cfg.Desk {
		return nil
	}
	return w.finishErasures(ctx)
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
	if !w.nc.IsConnected() || w.deskConn != nil && !w.deskConn.IsConnected() {
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
		for _, nc := range []*nats.Conn{w.nc, w.deskConn} {
			if nc != nil {
				nc.Close()
			}
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
