package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"
)

// startNATS runs an external NATS server on a folder and port (-1 for any).
func startNATS(t *testing.T, dir string, port int) *nats.Server {
	t.Helper()
	srv, err := nats.NewServer(&nats.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, SyncAlways: true, NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS did not start")
	}
	t.Cleanup(func() { endNATS(srv) })
	return srv
}

func endNATS(srv *nats.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

func TestServer_externalNATSGoesAndComesBack(t *testing.T) {
	dir := t.TempDir()
	broker := startNATS(t, dir, -1)
	port := broker.Addr().(*net.TCPAddr).Port
	s := startServer(t, t.TempDir(), "--nats-url", "nats://127.0.0.1:"+strconv.Itoa(port))
	first := s.publishText(t, policingPage)
	s.awaitInFeed(t, "/feeds/field/policing.json", first.Subject)

	endNATS(broker)
	_, err := s.call(t.Context(), http.MethodPost, "/api/v1/releases", document{kind: "text/markdown"}.header(), []byte(numberedRelease(1)), nil)
	var refused *apiError
	if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("publishing without NATS: %v", err)
	}
	if status, _, body := s.fetch(t, "/feeds/field/policing.json"); status != http.StatusOK || !strings.Contains(string(body), first.Subject) {
		t.Errorf("feeds without NATS: status %d; want the last good copy", status)
	}
	addr, err := findAddress(s.data)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := askReady(t.Context(), addr.Ops); err != nil || state.Ready {
		t.Errorf("ready without NATS: %+v, %v", state, err)
	}

	startNATS(t, dir, port)
	s.awaitReady(addr.Ops)
	second := s.publishText(t, numberedRelease(1))
	s.awaitInFeed(t, "/feeds/all.json", second.Subject)
}

// awaitInFeed asks until a feed holds a release: readers have no event either.
func (s *server) awaitInFeed(t testing.TB, path, id string) {
	t.Helper()
	for {
		_, _, body := s.fetch(t, path)
		if strings.Contains(string(body), id) {
			return
		}
		if t.Context().Err() != nil {
			t.Fatalf("%s never held %s", path, id)
		}
	}
}

func TestServe_withoutNATS(t *testing.T) {
	_, talk, code := runCommand(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--nats-url", "nats://user:hunter2@127.0.0.1:1")
	if code != exitFailed || !strings.Contains(talk, "cannot reach NATS") || !strings.Contains(talk, "--nats-url") || strings.Contains(talk, "hunter2") {
		t.Errorf("exit code %d: %s", code, talk)
	}
}

func TestServe_dataFolderIsAFile(t *testing.T) {
	file := writeFile(t, "data", "not a folder")
	_, talk, code := runCommand(t, "serve", "--data", file, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
	if code != exitFailed || !strings.Contains(talk, "not a directory") || !strings.Contains(talk, "--data") {
		t.Errorf("exit code %d: %s", code, talk)
	}
}

// Ctrl-C ends waiting requests too.
func TestServer_stopsWhileSomebodyWaits(t *testing.T) {
	s := startServer(t, t.TempDir())
	started := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		close(started)
		_, err := s.call(context.WithoutCancel(t.Context()), http.MethodGet, "/api/v1/events?wait=30s", nil, nil, nil)
		done <- err
	}()
	<-started
	begin := time.Now()
	if err := s.stop(); err != nil {
		t.Errorf("the end: %v", err)
	}
	t.Logf("the waiting request ended with %v", <-done) // answered or refused, but not left hanging
	if took := time.Since(begin); took > 25*time.Second {
		t.Errorf("the end took %s: it waited for the request", took)
	}
}

// A folder that may be read and not written. Root may write everywhere, so the
// command runs as nobody then.
func TestServe_readOnlyFolder(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "dateline")
	b, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, b, 0o755); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "serve", "--data", data, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0")
	cmd.Env, cmd.Dir = []string{asProgram + "=1", "HOME=/nonexistent"}, "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		for d := dir; len(d) > len(os.TempDir()); d = filepath.Dir(d) {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "permission denied") || !strings.Contains(string(out), "--data") {
		t.Errorf("ended with %v: %s", err, out)
	}
	if strings.Contains(string(out), "goroutine") {
		t.Errorf("a stack trace: %s", out)
	}
}
