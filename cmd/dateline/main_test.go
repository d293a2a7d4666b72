package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"dateline/publisher/access"

	"github.com/rogpeppe/go-internal/testscript"
)

// asProgram makes the test binary behave as the dateline command, so that tests
// can run, signal and kill a real process of it.
const asProgram = "DATELINE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		for _, ours := range []string{asProgram, needBrowser, keepPictures} {
			_ = os.Unsetenv(ours)
		}
		main()
		return
	}
	testscript.Main(m, map[string]func(){"dateline": main})
}

// server is a dateline server in a process of its own.
type server struct {
	t    testing.TB
	cmd  *exec.Cmd
	data string
	done chan struct{} // closed when the process has ended
	exit error         // how it ended; read it behind done
	mu   sync.Mutex
	logs strings.Builder // guarded by mu
	*client
}

// testBase is the base URL of test servers: the same after each start, while
// ports change.
const testBase = "https://news.example.org"

// startServer runs "dateline serve" on a data folder and returns when it
// serves. It is killed with the test unless it has ended before.
func startServer(t testing.TB, data string, flags ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--base-url", testBase, "--queues", "2"}, flags...)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, cmd: cmd, data: data, done: make(chan struct{})}
	serving := make(chan bool, 1)
	go s.watch(stderr, serving)
	t.Cleanup(s.kill)
	if !<-serving {
		<-s.done
		t.Fatalf("the server did not start: %v", s.exit)
	}
	addr, err := findAddress(data)
	if err != nil {
		t.Fatal(err)
	}
	key, err := access.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	s.client = &client{base: addr.URL, key: key, http: &http.Client{}}
	s.awaitReady(addr.Ops)
	return s
}

// watch passes the server's warnings on, tells when it serves, and waits for its end.
func (s *server) watch(stderr io.Reader, serving chan<- bool) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		s.mu.Lock()
		s.logs.WriteString(line + "\n")
		s.mu.Unlock()
		if strings.Contains(line, `"message":"serving"`) {
			serving <- true
		}
		if !strings.Contains(line, `"level":"info"`) {
			fmt.Fprintln(os.Stderr, "server:", line)
		}
	}
	s.exit = s.cmd.Wait()
	close(serving)
	close(s.done)
}

// logged is everything that the server has written so far.
func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs.String()
}

// awaitReady asks until the server is ready: there is no event to wait for
// outside its process.
func (s *server) awaitReady(ops string) {
	s.t.Helper()
	for {
		state, err := askReady(s.t.Context(), ops)
		if err == nil && state.Ready {
			return
		}
		if s.t.Context().Err() != nil {
			s.t.Fatal("the server did not become ready")
		}
	}
}

// kill ends the process at once, as a power cut would (SIGKILL).
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// stop ends the process as Ctrl-C does and returns its error.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	<-s.done
	return s.exit
}

// publishText publishes a document and returns its event.
func (s *server) publishText(t testing.TB, text string) event {
	t.Helper()
	var e event
	if _, err := s.call(t.Context(), http.MethodPost, "/api/v1/releases", document{kind: "text/plain"}.header(), []byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// fetch gets a path as a feed reader does.
func (s *server) fetch(t testing.TB, path string) (int, http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, b
}

// cli runs a command in this process against the server and returns its output.
func (s *server) cli(t testing.TB, args ...string) string {
	t.Helper()
	out, talk, code := runCommand(t, append(args, "--data", s.data)...)
	if code != exitOK {
		t.Fatalf("dateline %v: exit code %d: %s", args, code, talk)
	}
	return out
}

// runCommand runs a command line in this process, without any environment.
func runCommand(t testing.TB, args ...string) (out, talk string, code int) {
	t.Helper()
	var o, e strings.Builder
	code = run(t.Context(), args, stdio{in: strings.NewReader(""), out: &o, err: &e}, func(string) (string, bool) { return "", false })
	return o.String(), e.String(), code
}

func decodeJSON[T any](t testing.TB, s string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
