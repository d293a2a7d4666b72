package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/topics"
	"dateline/publisher/wire"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"
)

// patience bounds each step of the end: HTTP, the components, the store.
const patience = 10 * time.Second

// app is everything one process runs.
type app struct {
	cfg     checked
	log     zerolog.Logger
	url     string // base URL of pages, feeds and API
	local   string // address at which this machine reaches the same
	ops     string // base URL of the operations port
	made    string // path of the admin key when this start made it
	keyFile string // path of the admin key in use, empty when it was given

	wire    *wire.Wire
	keys    *access.Keys
	topics  *topics.Store
	current atomic.Pointer[parts]

	changing sync.Mutex // held while the taxonomy is changed by a request

	work    *errgroup.Group
	cancel  context.CancelFunc
	running context.Context // over when the app is to end
	failed  context.Context // over then, or when a component has failed
	closers closers
}

// startApp wires everything together, in one straight line: what is made
// later uses what was made earlier, and ends before it. The listeners come
// first, because a port that is taken should stop the start before anything is
// touched. It returns when everything runs; call wait to keep it running.
func startApp(ctx context.Context, cfg checked, log zerolog.Logger) (_ *app, err error) {
	a := &app{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.closers.close(patience))
		}
	}()

	web, err := a.listen("listen", cfg.Listen)
	if err != nil {
		return nil, err
	}
	ops, err := a.listen("ops-listen", cfg.OpsListen)
	if err != nil {
		return nil, err
	}
	a.local, a.ops = localURL(web.Addr()), localURL(ops.Addr())
	a.url = cfg.BaseURL
	if a.url == "" {
		a.url = a.local
	}

	a.wire, err = wire.Open(ctx, wire.Config{
		DataDir: cfg.Data, URL: cfg.NATSURL, Credentials: cfg.NATSCredentials, Listen: cfg.NATSListen,
		MaxStore: cfg.MaxStoreMiB << 20, Queues: cfg.Queues, Replicas: cfg.Replicas, AcceptLoss: cfg.AcceptLoss,
		Desk: cfg.has(rolePublisher), DeskURL: cfg.NATSDeskURL, DeskCredentials: cfg.NATSDeskCreds, Log: log,
	})
	if err != nil {
		return nil, err
	}
	a.closers.add("the store", a.wire.Close)
	if a.keys, err = a.readKeys(); err != nil {
		return nil, err
	}
	keysCfg := access.Config{Now: time.Now, Rates: cfg.rates, Audit: a.noteKey, Log: component(log, "access")}
	if cfg.has(rolePublisher) {
		keysCfg.Wire = a.wire
	}
	if err := a.keys.Open(ctx, keysCfg); err != nil {
		return nil, err
	}
	if a.topics, err = topics.Open(ctx, a.wire, cfg.taxonomy); err != nil {
		return nil, err
	}
	taxonomy := a.topics.Current()

	// Components stop when the process is told to, or when one of them fails.
	a.running, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	a.work, a.failed = errgroup.WithContext(a.running)
	a.closers.add("the components", a.stopWork)
	a.work.Go(func() error { return a.keys.Run(a.failed) })
	components, err := a.assemble(ctx, taxonomy)
	if err != nil {
		return nil, err
	}
	a.current.Store(components)
	if components.pub != nil { // what a restore has brought back is gone before anybody sees it
		if err := components.pub.EraseAgain(ctx); err != nil {
			return nil, err
		}
	}
	components.startFeeds(a)
	components.startEarly(a)
	components.startLate(a)
	a.work.Go(func() error { return a.topics.Run(a.failed, taxonomy, a.retopic) })
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.now().handler.ServeHTTP(w, r) })
	a.serve(ops, a.opsHandler(), "the operations port")
	a.serve(web, safe(log, below(a.url, answer)), "HTTP")
	return a, a.noteAddress()
}

func component(log zerolog.Logger, name string) zerolog.Logger {
	return log.With().Str("component", name).Logger()
}

// listen opens a port before anything else is touched.
func (a *app) listen(flag, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; stop what uses it, or choose another address with --%s", addr, plain(err), flag)
	}
	a.closers.add(addr, func(context.Context) error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return l, nil
}

// plain keeps the system's own words, such as "address already in use".
func plain(err error) error {
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		return sys.Err
	}
	return err
}

// readKeys reads the admin key: the one given, else the one in the data folder,
// which the first start makes.
func (a *app) readKeys() (*access.Keys, error) {
	if a.cfg.Key != "" {
		return access.New(a.cfg.Key)
	}
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w; choose another with --data", err)
	}
	k, path, made, err := access.Load(a.cfg.Data)
	if made {
		a.made = path
	}
	a.keyFile = path
	return k, err
}

// noteKey puts a change of the keys into the trail.
func (a *app) noteKey(ctx context.Context, what, name string) error {
	_, err := a.now().pub.Note(ctx, "keys", what, name)
	return err
}

// noted puts changes of the subscriptions into the trail, where there is one,
// before they are made: who and when, and of a removal which. Addresses are not noted.
func (a *app) noted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := map[string]string{http.MethodPost: "subscribe", http.MethodDelete: "unsubscribe"}[r.Method]
		if pub := a.now().pub; pub != nil && what != "" {
			if _, err := pub.Note(r.Context(), "subscriptions", what, strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v1/subscriptions"), "/")); err != nil {
				access.Refuse(w, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// serve answers on l until the app closes.
func (a *app) serve(l net.Listener, h http.Handler, name string) {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	a.work.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	a.closers.add(name, func(ctx context.Context) error {
		if name == "HTTP" {
			a.cancel() // long polls and sending end with the first closer
		}
		if err := srv.Shutdown(ctx); err != nil {
			return errors.Join(context.Cause(ctx), srv.Close())
		}
		return nil
	})
}

// stopWork tells the components to end and waits for them.
func (a *app) stopWork(ctx context.Context) error {
	a.cancel()
	done := make(chan error, 1)
	go func() { done <- a.work.Wait() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wait keeps the app running until ctx ends or a component fails, then ends
// everything in order. It returns what failed.
func (a *app) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		a.log.Info().Msg("stopping")
	case <-a.failed.Done():
	}
	return a.close()
}

func (a *app) close() error { return a.closers.close(patience) }

// localURL is where this machine reaches a listener.
func localURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && (ip == nil || ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// below serves h under the path of the base URL, and sends what comes to the
// root there.
func below(base string, h http.Handler) http.Handler {
	u, err := url.Parse(base)
	prefix := ""
	if err == nil {
		prefix = strings.TrimRight(u.Path, "/")
	}
	if prefix == "" {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", http.StripPrefix(prefix, h))
	mux.Handle("/{$}", http.RedirectHandler(prefix+"/", http.StatusFound))
	return mux
}

// untilDrained ends waiting requests when the app stops.
func untilDrained(running context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(running, cancel)()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

func unknownPath(w http.ResponseWriter, r *http.Request) {
	access.Answer(w, http.StatusNotFound, "not found", fmt.Sprintf("there is nothing at %s in this API; %s describes what there is", r.URL.Path, openAPIPath), nil)
}

// otherRole answers for what another process of this log serves.
func otherRole(role string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		access.Answer(w, http.StatusNotFound, "not found", "this server does not play the role "+role+"; ask the one that does", nil)
	}
}

// safe turns a panic into an answer of 500, so that one request cannot end the process.
func safe(log zerolog.Logger, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil || v == http.ErrAbortHandler { //nolint:errorlint // the sentinel itself, as net/http compares it
				return
			}
			log.Error().Any("panic", v).Str("method", r.Method).Str("path", r.URL.Path).Stack().Msg("request failed")
			access.Answer(w, http.StatusInternalServerError, "something failed here", "the server's log says more", nil)
		}()
		h.ServeHTTP(w, r)
	})
}
