package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/rs/zerolog"
)

// outside is a NATS server of its own, as an operator runs it.
func outside(t *testing.T, opts server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.NoSigs, opts.NoLog, opts.JetStream = "127.0.0.1", true, true, true
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	if opts.StoreDir == "" {
		opts.StoreDir = t.TempDir()
	}
	srv, err := server.NewServer(&opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not come up")
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv
}

func connected(t *testing.T, url string) *wire.Wire {
	t.Helper()
	return wiretest.Open(t, wire.Config{URL: url, Queues: 2})
}

// clientOf is a client of such a server that knows nothing of Dateline.
func clientOf(t *testing.T, srv *server.Server) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestWire_TwoPublishersOnOneLog(t *testing.T) {
	t.Parallel()
	srv := outside(t, server.Options{})
	one, two := connected(t, srv.ClientURL()), connected(t, srv.ClientURL())
	if one.Embedded() || one.ListenAddr() != "" {
		t.Error("it takes itself for embedded")
	}
	const each = 40
	contested := first("contested")
	add(t, one, contested, 0)
	var wins, losses sync.Map
	var wg sync.WaitGroup
	for i, w := range []*wire.Wire{one, two} {
		wg.Go(func() {
			for n := range each {
				if _, err := w.Append(t.Context(), first(fmt.Sprint("of ", i, " ", n)), 0); err != nil {
					t.Error(err)
					return
				}
			}
		})
		wg.Go(func() {
			if seq, err := w.Append(t.Context(), revised(contested, fmt.Sprint("by ", i)), 1); err == nil {
				wins.Store(i, seq)
			} else {
				losses.Store(i, err)
			}
		})
	}
	wg.Wait()
	count := func(m *sync.Map) (n int) {
		m.Range(func(_, v any) bool {
			if err, ok := v.(error); ok && !errors.Is(err, wire.ErrConflict) {
				t.Error(err)
			}
			n++
			return true
		})
		return n
	}
	if count(&wins) != 1 || count(&losses) != 1 {
		t.Errorf("%d won, %d lost", count(&wins), count(&losses))
	}
	for _, w := range []*wire.Wire{one, two} {
		if got := follow(t, w, 1, 2*each+2); got.err != nil {
			t.Error(got.err)
		}
	}
	shut(t, one)
	shut(t, two)
	three := connected(t, srv.ClientURL()) // compares the head in its bucket
	add(t, three, first("after"), 0)
}

func TestOpen_ExternalLogBehindItsHead(t *testing.T) {
	srv := outside(t, server.Options{})
	w := connected(t, srv.ClientURL())
	fill(t, w, 3)
	shut(t, w)
	js := clientOf(t, srv)
	if err := js.DeleteStream(t.Context(), "WIRE"); err != nil {
		t.Fatal(err)
	}
	open := func(acceptLoss bool) (*wire.Wire, error) {
		return wire.Open(t.Context(), wire.Config{URL: strings.Replace(srv.ClientURL(), "nats://", "nats://user:SECRET@", 1), Queues: 2, AcceptLoss: acceptLoss, Log: zerolog.Nop()})
	}
	_, err := open(false) // which makes the stream anew, empty
	if !errors.Is(err, wire.ErrLost) || !strings.Contains(err.Error(), "restore the streams on nats://127.0.0.1") || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
	for _, acceptLoss := range []bool{true, false} {
		w, err := open(acceptLoss)
		if err != nil {
			t.Fatal(err)
		}
		add(t, w, first(fmt.Sprint("new ", acceptLoss)), 0)
		shut(t, w)
	}
}

// The reserve of an external server is measured by the limit of the account,
// and a server that says none is believed when it refuses.
func TestWire_ExternalStoreIsFull(t *testing.T) {
	t.Parallel()
	account := server.NewAccount("PRESS")
	limited := outside(t, server.Options{
		Accounts: []*server.Account{account}, Users: []*server.User{{Username: "press", Password: "secret", Account: account}},
	})
	account, err := limited.LookupAccount("PRESS")
	if err != nil {
		t.Fatal(err)
	}
	if err := account.EnableJetStream(map[string]server.JetStreamAccountLimits{"": {
		MaxStore: 64 << 20, MaxMemory: 1 << 20, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}}, nil); err != nil {
		t.Fatal(err)
	}
	bounded := outside(t, server.Options{JetStreamMaxStore: 64 << 20})
	for name, url := range map[string]string{
		"limit of the account": strings.Replace(limited.ClientURL(), "nats://", "nats://press:secret@", 1),
		"limit of the server":  bounded.ClientURL(),
	} {
		t.Run(name, func(t *testing.T) {
			w := wiretest.Open(t, wire.Config{URL: url, Queues: 1})
			var err error
			n := 0
			for ; n < 100 && err == nil; n++ {
				e := first(fmt.Sprint(n))
				e.Release.HTML = strings.Repeat("x", 900<<10)
				_, err = w.Append(t.Context(), e, 0)
			}
			if news.CodeOf(err) != news.DiskFull || strings.Count(err.Error(), "the store is full") != 1 {
				t.Fatalf("after %d events: %v", n, err)
			}
			for err = nil; name == "limit of the server" && err == nil; { // up to the last kilobytes
				err = w.Park(t.Context(), "mail", "bulk", "a test", make([]byte, 16<<10))
			}
			for name == "limit of the server" && w.Record(t.Context(), "r", "x", nil) == nil {
				continue
			}
			if err := w.Ready(t.Context()); news.CodeOf(err) != news.DiskFull || strings.Count(err.Error(), "the store is full") != 1 {
				t.Errorf("ready: %v", err)
			}
			_, err = w.Append(t.Context(), withdrawn(first("0")), 1)
			if reserve := name == "limit of the account"; reserve && err != nil || !reserve && news.CodeOf(err) != news.DiskFull {
				t.Errorf("a withdrawal: %v", err)
			}
		})
	}
}

func TestOpen_ExternalServerAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = wire.Open(t.Context(), wire.Config{URL: "nats://user:SECRET@" + address, Log: zerolog.Nop()})
	if err == nil || !strings.Contains(err.Error(), "cannot reach NATS at nats://"+address) || !strings.Contains(err.Error(), "correct --nats-url") || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

func TestOpen_ExternalCredentials(t *testing.T) {
	srv := outside(t, server.Options{Username: "user", Password: "SECRETSECRET"})
	for name, tc := range map[string]struct{ url, credentials, says string }{
		"right password":                 {"nats://user:SECRETSECRET@" + srv.Addr().String(), "", ""},
		"wrong password":                 {"nats://user:SECRETWRONG@" + srv.Addr().String(), "", "Authorization"},
		"no password":                    {"nats://" + srv.Addr().String(), "", "Authorization"},
		"no such credentials":            {"nats://" + srv.Addr().String(), "/no/such/file", "/no/such/file"},
		"a server without a name":        {"nats://user:SECRETSECRET@", "", "address 1 of 1 is not like"},
		"a percent sign in the password": {"nats://user:pa%ssSECRET@127.0.0.1:1", "", "%25 for %"},
		"a slash in the password":        {"nats://user:SECRET/SECRET@127.0.0.1:1", "", "%2F for /"},
		"a hash in the password":         {"nats://SECRET#SECRET@127.0.0.1:1", "", "%23 for #"},
		"a question mark in the token":   {"nats://SECRET?SECRET@127.0.0.1:1", "", "%3F for ?"},
		"an at sign in the password":     {"nats://user:SECRET@SECRET@127.0.0.1:1", "", "cannot reach NATS at nats://127.0.0.1:1: "},
		"a comma in the password":        {"nats://user:SECRET,SECRET@127.0.0.1:1", "", "address 1 of 2"},
		"a bad port":                     {"nats://user:SECRET@127.0.0.1:x", "", "host:4222"},
		"a space":                        {"nats://user:SECRET@127.0.0.1 :1", "", "host:4222"},
		"the second is wrong":            {"nats://127.0.0.1:1,nats://user:%SECRET@127.0.0.1:1", "", "address 2 of 2"},
		"none of two answers":            {"nats://a:SECRET@127.0.0.1:1,b:SECRET@127.0.0.1:2", "", "cannot reach NATS at nats://127.0.0.1:1,127.0.0.1:2"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := wire.Open(t.Context(), wire.Config{URL: tc.url, Credentials: tc.credentials, Queues: 1, Log: zerolog.Nop()})
			if err == nil {
				shut(t, w)
			}
			if (err != nil) != (tc.says != "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

// A server with accounts knows its clients by credentials files alone.
func TestOpen_ExternalCredentialsFile(t *testing.T) {
	operator, account, user := keys(t, nkeys.PrefixByteOperator), keys(t, nkeys.PrefixByteAccount), keys(t, nkeys.PrefixByteUser)
	ac := jwt.NewAccountClaims(public(t, account))
	ac.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
	uc := jwt.NewUserClaims(public(t, user))
	accountToken, err := ac.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	userToken, err := uc.Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	system := keys(t, nkeys.PrefixByteAccount)
	systemToken, err := jwt.NewAccountClaims(public(t, system)).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	for key, token := range map[string]string{public(t, account): accountToken, public(t, system): systemToken} {
		if err := resolver.Store(key, token); err != nil {
			t.Fatal(err)
		}
	}
	srv := outside(t, server.Options{TrustedKeys: []string{public(t, operator)}, AccountResolver: resolver, SystemAccount: public(t, system)})
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(userToken, seed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dateline.creds")
	if err := os.WriteFile(file, creds, 0o600); err != nil {
		t.Fatal(err)
	}
	w := wiretest.Open(t, wire.Config{URL: srv.ClientURL(), Credentials: file, Queues: 1})
	add(t, w, first("1"), 0)
	if _, err := wire.Open(t.Context(), wire.Config{URL: srv.ClientURL(), Queues: 1, Log: zerolog.Nop()}); err == nil {
		t.Error("it lets in who has no credentials")
	}
}

func keys(t *testing.T, kind nkeys.PrefixByte) nkeys.KeyPair {
	t.Helper()
	k, err := nkeys.CreatePair(kind)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(t *testing.T, k nkeys.KeyPair) string {
	t.Helper()
	s, err := k.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// While the server is away everything fails at once; when it is back, readers
// go on where they were, and nothing is lost or comes twice.
func TestWire_ExternalServerGoesAndComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := outside(t, server.Options{StoreDir: dir})
	port := srv.Addr().(*net.TCPAddr).Port
	w := connected(t, srv.ClientURL())
	fill(t, w, 3)
	at, err := w.Enqueue(t.Context(), 0, wire.Cursor{}, wire.Cursor{Seq: 1}, []wire.Task{{Channel: "mail", Priority: "normal", Payload: []byte("one")}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got, jobs, ended := make(chan uint64, 10), make(chan *wire.Job, 10), make(chan error, 2)
	go func() {
		ended <- w.Follow(ctx, 1, func(seq uint64, _ news.Event) error { got <- seq; return nil })
	}()
	go func() {
		ended <- w.Drain(ctx, 0, "mail", "normal", 4, func(j *wire.Job) { jobs <- j })
	}()
	for want := range uint64(3) {
		if seq := <-got; seq != want+1 {
			t.Fatalf("event %d", seq)
		}
	}
	if err := (<-jobs).Done(t.Context()); err != nil {
		t.Fatal(err)
	}

	srv.Shutdown()
	srv.WaitForShutdown()
	for w.Ready(t.Context()) == nil {
		runtime.Gosched() // until the client has noticed
	}
	for name, try := range map[string]func() error{
		"append":  func() error { _, err := w.Append(t.Context(), first("4"), 0); return err },
		"last":    func() error { _, err := w.Last(t.Context(), news.NewID("1")); return err },
		"at":      func() error { _, err := w.At(t.Context(), 1); return err },
		"history": func() error { _, err := w.History(t.Context(), news.NewID("1"), 0); return err },
		"cursor":  func() error { _, err := w.Cursor(t.Context(), 0); return err },
		"record":  func() error { return w.Record(t.Context(), "r", "x", nil) },
		"hold":    func() error { return w.Hold(t.Context(), "r", "x", nil) },
		"stats":   func() error { _, err := w.Stats(t.Context()); return err },
		"enqueue": func() error { _, err := w.Enqueue(t.Context(), 0, at, wire.Cursor{Seq: 2}, nil); return err },
		"batch": func() error {
			_, err := w.Enqueue(t.Context(), 0, at, wire.Cursor{Seq: 2}, []wire.Task{{Channel: "mail", Priority: "normal"}, {Channel: "mail", Priority: "normal"}})
			return err
		},
	} {
		err := within(t, 4*time.Second, try)
		if news.CodeOf(err) != news.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Ready(t.Context()); err == nil {
		t.Error("it says that it is ready")
	}

	outside(t, server.Options{StoreDir: dir, Port: port})
	within(t, 20*time.Second, func() bool {
		for w.Ready(t.Context()) != nil { // the client tries four times a second
			<-time.After(10 * time.Millisecond)
		}
		return true
	})
	add(t, w, first("4"), 0)
	if seq := within(t, 20*time.Second, func() uint64 { return <-got }); seq != 4 {
		t.Errorf("event %d", seq)
	}
	if _, err := w.Enqueue(t.Context(), 0, at, wire.Cursor{Seq: 2}, []wire.Task{{Channel: "mail", Priority: "normal", Payload: []byte("two")}}); err != nil {
		t.Fatal(err)
	}
	j := within(t, 20*time.Second, func() *wire.Job { return <-jobs })
	if string(j.Payload) != "two" {
		t.Errorf("job %q", j.Payload)
	}
	if err := j.Done(t.Context()); err != nil {
		t.Error(err)
	}
	cancel()
	for range 2 {
		if err := within(t, 10*time.Second, func() error { return <-ended }); err != nil {
			t.Error(err)
		}
	}
}

// A server that takes connections and then says nothing must not hold anyone
// for longer than one time limit, however many wait.
func TestWire_StuckServer(t *testing.T) {
	t.Parallel()
	srv := outside(t, server.Options{})
	relay := newRelay(t, srv.Addr().String())
	w := connected(t, "nats://"+relay.address)
	fill(t, w, 1)
	relay.stop()
	errs := make(chan error, 5)
	for i := range 5 {
		go func() {
			_, err := w.Append(t.Context(), first(fmt.Sprint("stuck ", i)), 0)
			errs <- err
		}()
	}
	for range 5 {
		if err := within(t, 9*time.Second, func() error { return <-errs }); news.CodeOf(err) != news.Unavailable {
			t.Error(err)
		}
	}
	relay.goOn()
	for { // what was on its way may arrive now, in any number; then all is well
		if _, err := w.Append(t.Context(), first("after"), 0); err == nil {
			break
		} else if news.CodeOf(err) != news.Unavailable {
			t.Fatal(err)
		}
	}
	n, err := w.LastSeq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := follow(t, w, 1, int(n)); got.err != nil {
		t.Error(got.err)
	}
}

// relay passes bytes between a client and a server until it is told to stop.
type relay struct {
	address string
	mu      sync.RWMutex // held for writing while nothing passes
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := &relay{address: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			go r.pass(c, s)
			go r.pass(s, c)
		}
	}()
	return r
}

func (r *relay) stop() { r.mu.Lock() }
func (r *relay) goOn() { r.mu.Unlock() }

func (r *relay) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		r.mu.RLock()
		_, err = to.Write(b[:n])
		r.mu.RUnlock()
		if err != nil {
			return
		}
	}
}

func TestOpen_Listen(t *testing.T) {
	dir := t.TempDir()
	w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 2, Listen: "127.0.0.1:0"})
	info, err := os.Stat(filepath.Join(dir, "nats-password"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, url := range []string{"nats://" + w.ListenAddr(), "nats://operator:wrong@" + w.ListenAddr(), "nats://operator:@" + w.ListenAddr(), "nats://dateline:@" + w.ListenAddr()} {
		if _, err := wire.Open(t.Context(), wire.Config{URL: url, Queues: 2, Log: zerolog.Nop()}); err == nil {
			t.Errorf("%s is let in", url)
		}
	}
	t.Run("its operator only reads", func(t *testing.T) {
		err := within(t, 5*time.Second, func() error {
			_, err := wire.Open(t.Context(), wire.Config{URL: operatorURL(t, w, dir), Queues: 2, Log: zerolog.Nop()})
			return err
		})
		if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), "only reads") {
			t.Error(err)
		}
	})
	t.Run("port taken", func(t *testing.T) {
		err := within(t, 5*time.Second, func() error {
			_, err := wire.Open(t.Context(), wire.Config{DataDir: t.TempDir(), Listen: w.ListenAddr(), Log: zerolog.Nop()})
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "--nats-listen "+w.ListenAddr()) || !strings.Contains(err.Error(), "another port") {
			t.Error(err)
		}
	})
	for listen, says := range map[string]string{
		"0.0.0.0:0": "not a loopback address", "example.org:4222": "not a loopback address", ":4222": "not a loopback address",
		"127.0.0.1": "not host:port", "127.0.0.1:x": "no port", "127.0.0.1:70000": "no port",
	} {
		if _, err := wire.Open(t.Context(), wire.Config{DataDir: t.TempDir(), Listen: listen, Log: zerolog.Nop()}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", listen, err, says)
		}
	}
	t.Run("an empty password file opens no door", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "nats-password"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := wire.Open(t.Context(), wire.Config{DataDir: dir, Listen: "127.0.0.1:0", Log: zerolog.Nop()}); err == nil || !strings.Contains(err.Error(), "remove the file") {
			t.Error(err)
		}
	})
}

func TestOpen_Replicas(t *testing.T) {
	srv := outside(t, server.Options{})
	for replicas, says := range map[int]string{
		3: "the NATS server is no cluster of 3; lower --replicas or add nodes", -1: "choose 1 to 5", 6: "choose 1 to 5",
	} {
		for _, cfg := range []wire.Config{{URL: srv.ClientURL()}, {DataDir: t.TempDir()}} {
			cfg.Queues, cfg.Replicas, cfg.Log = 1, replicas, zerolog.Nop()
			if _, err := wire.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "err_code") {
				t.Errorf("%d replicas: %v, want %q", replicas, err, says)
			}
		}
	}
}

// Nothing about a healthy start is worth a warning.
func TestOpen_WarnsOfNothing(t *testing.T) {
	var log bytes.Buffer
	for _, listen := range []string{"", "127.0.0.1:0"} {
		w, err := wire.Open(t.Context(), wire.Config{DataDir: t.TempDir(), Queues: 1, Listen: listen, Log: zerolog.New(zerolog.SyncWriter(&log)).Level(zerolog.WarnLevel)})
		if err != nil {
			t.Fatal(err)
		}
		add(t, w, first("1"), 0)
		shut(t, w)
		if log.Len() > 0 {
			t.Errorf("listening on %q: %s", listen, log.String())
		}
		log.Reset()
	}
}

// With and without an open port it is the same log.
func TestOpen_ListenOnAndOff(t *testing.T) {
	dir := t.TempDir()
	for n, listen := range []string{"", "127.0.0.1:0", "127.0.0.1:0", ""} {
		w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 2, MaxStore: 64 << 20, Listen: listen})
		add(t, w, first(fmt.Sprint(n)), 0)
		if got := follow(t, w, 1, n+1); got.err != nil {
			t.Error(got.err)
		}
		if st, err := w.Stats(t.Context()); err != nil || st.StoreBytes == 0 || st.StoreLimit != 64<<20 {
			t.Errorf("%+v, %v", st, err)
		}
		shut(t, w)
	}
}

// The operator reads what is public, what waits and what was tried, and changes nothing.
func TestOpen_ListenRights(t *testing.T) {
	dir := t.TempDir()
	w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 2, Listen: "127.0.0.1:0"})
	fill(t, w, 2)
	at := enqueue(t, w, 0, wire.Cursor{}, wire.Cursor{Seq: 1}, tasks("normal", "a"))
	if _, err := w.Bucket(t.Context(), "THINGS", "for a test", 0); err != nil {
		t.Fatal(err)
	}
	before, err := w.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	violations := make(chan error, 10)
	nc, err := nats.Connect(operatorURL(t, w, dir), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, subject := range []string{
		"wire.rel." + news.NewID("1"), "wire.rel.x", "dlv.0.mail.normal", "fan.0", "held.r.x", "later.r", "due.r", "att.r.x", "dead.mail.x",
		"$KV.HEAD.wire", "$KV.THINGS.a", "$JS.API.STREAM.CREATE.MINE", "$JS.API.STREAM.UPDATE.WIRE", "$JS.API.STREAM.DELETE.WIRE",
		"$JS.API.STREAM.PURGE.DEAD", "$JS.API.STREAM.RESTORE.WIRE", "$JS.API.STREAM.SNAPSHOT.WIRE", "$JS.API.STREAM.MSG.DELETE.WIRE",
		"$JS.API.CONSUMER.CREATE.WIRE", "$JS.API.CONSUMER.CREATE.WIRE.mine", "$JS.API.CONSUMER.CREATE.DELIVER_0.mine.dlv.0.mail.normal",
		"$JS.API.CONSUMER.DURABLE.CREATE.WIRE.mine", "$JS.API.CONSUMER.DELETE.DELIVER_0.mail-normal", "$JS.API.CONSUMER.PAUSE.DELIVER_0.mail-normal",
		"$JS.API.CONSUMER.MSG.NEXT.DELIVER_0.mail-normal", "$JS.API.CONSUMER.RESET.DELIVER_0.mail-normal", "$JS.API.ACCOUNT.PURGE.$G",
		"$JS.API.META.LEADER.STEPDOWN", "$JS.API.STREAM.INFO.WIRE", "$JS.dateline.API.STREAM.PURGE.DEAD", "$JS.dateline.API.STREAM.MSG.DELETE.WIRE",
		"$JS.dateline.API.CONSUMER.CREATE.WIRE.mine", "$JS.dateline.API.CONSUMER.MSG.NEXT.DELIVER_0.mail-normal", "$JS.ACK.DELIVER_0.mail-normal.1.1.1.1.1", "$JS.FC.x", "_INBOX.theirs", "$SYS.REQ.SERVER.PING", "anything",
	} {
		if err := nc.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := within(t, 5*time.Second, func() error { return <-violations }); !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), `"`+subject+`"`) {
			t.Errorf("%s: %v", subject, err)
		}
	}
	answers, err := nc.SubscribeSync("wire.rel.x")
	if err != nil {
		t.Fatal(err)
	}
	for _, question := range []string{"STREAM.INFO.WIRE", "DIRECT.GET.WIRE"} { // an answer to a subject of ours stays in the operator's account
		if err := nc.PublishRequest("$JS.dateline.API."+question, "wire.rel.x", []byte(`{"seq":1}`)); err != nil {
			t.Fatal(err)
		}
		if m, err := answers.NextMsg(5 * time.Second); err != nil || len(m.Data) < 100 {
			t.Errorf("%s: %v, %v", question, m, err)
		}
	}
	after, err := w.Stats(t.Context())
	if err != nil || after.LastSeq != before.LastSeq || after.Queued != before.Queued || after.Held+after.Dead+after.Attempts != 0 {
		t.Errorf("%+v became %+v, %v", before, after, err)
	}
	enqueue(t, w, 0, at, wire.Cursor{Seq: 2}, nil)

	live, err := nc.SubscribeSync("wire.rel.>")
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.NewWithDomain(nc, "dateline")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AccountInfo(t.Context()); err != nil {
		t.Error(err)
	}
	names := 0
	for range js.StreamNames(t.Context()).Name() {
		names++
	}
	if names < 6 {
		t.Errorf("%d names of streams", names)
	}
	s, err := js.Stream(t.Context(), "WIRE")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.GetMsg(t.Context(), 1); err != nil || m.Subject != "wire.rel."+news.NewID("1") {
		t.Error(m, err)
	}
	if m, err := nc.Request("$JS.dateline.API.STREAM.MSG.GET.WIRE", []byte(`{"seq":2}`), 5*time.Second); err != nil || !strings.Contains(string(m.Data), news.NewID("2")) {
		t.Error(err)
	}
	for range s.ListConsumers(t.Context()).Info() {
		t.Error("there is a consumer")
	}
	add(t, w, first("3"), 0)
	if m, err := live.NextMsg(5 * time.Second); err != nil || m.Subject != "wire.rel."+news.NewID("3") {
		t.Error(m, err)
	}
	if len(violations) > 0 {
		t.Error(<-violations)
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"nats://127.0.0.1:4222":            "nats://127.0.0.1:4222",
		"nats://user:secret@a:4222/":       "nats://a:4222",
		"tls://token@a, user:secret@[::1]": "tls://a,[::1]",
		"a:4222,nats://u:p%ass@b,nats://c": "a:4222,…,nats://c",
		"nats://u:se/cret@b:1":             "…",
		"nats://se#cret@b:1":               "…",
		"nats://se?cret@b:1":               "…",
		"nats://token/cret@b:1":            "…",
		"nats://u:p@b:port":                "…",
		"nats://u:p@":                      "…",
	} {
		if got := wire.Redact(in); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}
