package wire

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"
)

// maxPayload is the embedded server's largest message: an API body of 2 MiB
// holds its text twice (HTML and plain) and escaped.
const maxPayload = 8 << 20

// embedded is the NATS server that lives in this process.
type embedded struct {
	srv  *server.Server
	lock *flock.Flock
	user string
	pass string

	maxStore int64 // in bytes
}

// lockFolder makes the data folder (mode 0700) and takes its lock, because the
// store itself lets two processes destroy each other's data.
func lockFolder(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w; choose another with --data", plainPath(err))
	}
	l := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w; make it writable or choose another with --data", plainPath(err))
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s; stop that one, or choose another folder with --data", ErrLocked, dir)
	}
	return l, nil
}

// plainPath keeps the path and the cause and drops the system call's name.
func plainPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

func startEmbedded(cfg Config) (*embedded, error) {
	lock, err := lockFolder(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	e := &embedded{lock: lock, user: "dateline", pass: rand.Text()}
	store := filepath.Join(cfg.DataDir, "store")
	if e.maxStore, err = storeLimit(store, cfg.MaxStore); err != nil {
		e.unlock()
		return nil, err
	}
	opts := &server.Options{
		ServerName: "dateline", DontListen: cfg.Listen == "", NoSigs: true,
		JetStream: true, StoreDir: store, SyncAlways: true, JetStreamMaxStore: e.maxStore, JetStreamMaxMemory: 64 << 20,
		MaxPayload: maxPayload, MaxControlLine: 4096, WriteDeadline: 10 * time.Second,
		Users: []*server.User{{Username: e.user, Password: e.pass}},
	}
	if cfg.Listen != "" {
		if err := e.listen(opts, cfg); err != nil {
			e.unlock()
			return nil, err
		}
	}
	if e.srv, err = server.NewServer(opts); err != nil {
		e.unlock()
		return nil, fmt.Errorf("start the embedded NATS server: %w", err)
	}
	if err := e.start(cfg); err != nil {
		e.stop(10 * time.Second)
		return nil, fmt.Errorf("the embedded NATS server did not come up with its store in %s: %w; check that the folder is writable and not damaged", store, err)
	}
	return e, nil
}

// start starts the server and waits until its store is open. What the server
// would end a process of its own for is an error here, at once.
func (e *embedded) start(cfg Config) error {
	fatal := make(chan string, 1)
	e.srv.SetLoggerV2(serverLog{cfg.Log.With().Str("component", "nats").Logger(), fatal}, false, false, false)
	started := make(chan struct{})
	go func() {
		defer close(started)
		e.srv.Start()
	}()
	select {
	case why := <-fatal:
		return errors.New(why)
	case <-started:
	case <-time.After(startTime):
		return fmt.Errorf("it is not ready after %s", startTime)
	}
	select {
	case why := <-fatal: // Start returns after it, too
		return errors.New(why)
	default:
	}
	if cfg.Listen != "" {
		if err := e.letRead(cfg.Queues); err != nil {
			return err
		}
	}
	if !e.srv.ReadyForConnections(10*time.Second) || !e.srv.JetStreamEnabled() {
		return errors.New("it does not answer")
	}
	return nil
}

// startTime is how long the store may take to open.
const startTime = 2 * time.Minute

// minPassword guards against an empty or cut-off password file, in characters.
const minPassword = 16

// listen opens the embedded server to clients on loopback, for one operator
// account that only reads and whose password lies in the data folder.
func (e *embedded) listen(opts *server.Options, cfg Config) error {
	host, port, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return fmt.Errorf("--nats-listen %q is not host:port, like 127.0.0.1:4222", cfg.Listen)
	}
	if ip := net.ParseIP(host); (ip == nil || !ip.IsLoopback()) && host != "localhost" {
		return fmt.Errorf("--nats-listen %s is not a loopback address; the embedded server has no TLS yet, so use an external NATS server (--nats-url) for other machines", cfg.Listen)
	}
	if opts.Port, err = strconv.Atoi(port); err != nil || opts.Port < 0 || opts.Port > 65535 {
		return fmt.Errorf("--nats-listen %q has no port between 0 and 65535", cfg.Listen)
	}
	if err := portFree(cfg.Listen); err != nil {
		return err
	}
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	opts.Host = host
	file := filepath.Join(cfg.DataDir, "nats-password")
	pass, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		pass = []byte(rand.Text())
		err = os.WriteFile(file, pass, 0o600)
	}
	if err != nil {
		return fmt.Errorf("the operator's NATS password: %w", plainPath(err))
	}
	password := strings.TrimSpace(string(pass))
	if len(password) < minPassword {
		return fmt.Errorf("the operator's NATS password in %s has %d characters, it needs at least %d; remove the file and start again", file, len(password), minPassword)
	}
	account := server.NewAccount(readers)
	opts.Accounts = append(opts.Accounts, account)
	opts.Users = append(opts.Users, &server.User{
		Username: "operator", Password: password, Account: account,
		Permissions: &server.Permissions{Publish: &server.SubjectPermission{Allow: mayPublish(cfg.Queues)}},
	})
	return nil
}

func portFree(address string) error {
	l, err := net.Listen("tcp", address) //nolint:noctx // loopback, at start
	if err != nil {
		return fmt.Errorf("--nats-listen %s: %w; stop who listens there, or choose another port", address, err)
	}
	return l.Close()
}

func (e *embedded) stop(patience time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.srv.Shutdown()
		e.srv.WaitForShutdown()
	}()
	select {
	case <-done:
		e.unlock()
	case <-time.After(patience):
		// The store is still writing; the lock goes with the process.
	}
}

func (e *embedded) unlock() { _ = e.lock.Unlock() }

// serverLog sends the server's own messages to our log; its notices are our debug.
type serverLog struct {
	log   zerolog.Logger
	fatal chan<- string // takes the first
}

func (l serverLog) Fatalf(f string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(f, v...):
	default:
		l.log.Error().Msgf(f, v...)
	}
}

func (l serverLog) Noticef(f string, v ...any) { l.log.Debug().Msgf(f, v...) }

func (l serverLog) Warnf(f string, v ...any) {
	if strings.HasPrefix(f, "Plaintext passwords") {
		return // ours are random, and stay in this process or in a file of mode 0600
	}
	l.log.Warn().Msgf(f, v...)
}

func (l serverLog) Errorf(f string, v ...any) { l.log.Error().Msgf(f, v...) }
func (l serverLog) Debugf(f string, v ...any) { l.log.Trace().Msgf(f, v...) }
func (l serverLog) Tracef(f string, v ...any) { l.log.Trace().Msgf(f, v...) }
