package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/script use the command as a person would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// server starts a server on the folder data and lets later commands find it.
			"server": func(ts *testscript.TestScript, _ bool, flags []string) {
				data := ts.MkAbs("data")
				s := startServer(ts.Value("t").(testing.TB), data, flags...)
				ts.Setenv("DATELINE_DATA", data)
				ts.Setenv("SERVER", s.base)
				ts.Setenv("KEY", s.key)
				ts.Defer(s.kill)
			},
			// big writes a file of so many MiB.
			"big": func(ts *testscript.TestScript, _ bool, args []string) {
				mib, err := strconv.Atoi(args[1])
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("Title\n"+strings.Repeat("word ", mib<<20/5)), 0o600))
			},
			// soon sets SOON to the local time of UTC in so long a while.
			"soon": func(ts *testscript.TestScript, _ bool, args []string) {
				d, err := time.ParseDuration(args[0])
				ts.Check(err)
				ts.Setenv("SOON", time.Now().UTC().Add(d).Format("2006-01-02T15:04"))
			},
			// bytes writes a file from a quoted Go string, for what a script cannot hold.
			"bytes": func(ts *testscript.TestScript, _ bool, args []string) {
				text, err := strconv.Unquote(`"` + strings.ReplaceAll(args[1], `"`, `\"`) + `"`)
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
			},
		},
		Setup: func(env *testscript.Env) error {
			env.Values["t"] = env.T().(testing.TB)
			return nil
		},
	})
}

// Every block of commands in the README is run, in order, by a shell, against a
// server on the folder the README speaks of.
func TestReadme(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, filepath.Join(dir, defaultData), "--base-url", "")
	fence := regexp.MustCompile("(?ms)^```(sh|markdown)\n(.*?)^```$")
	ran := 0
	for _, m := range fence.FindAllStringSubmatch(readRepo(t, "README.md"), -1) {
		if m[1] == "markdown" {
			for _, name := range []string{"release.md", "archive/old.md"} {
				text := m[2]
				if name != "release.md" {
					text = strings.NewReplacer("4711", "12", "2026-11-23", "2001-05-06").Replace(text)
				}
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		block := strings.ReplaceAll(m[2], "http://127.0.0.1:8080", s.base)
		if first, _, _ := strings.Cut(block, "\n"); strings.HasPrefix(first, "go ") {
			checkGoBlock(t, block)
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", block)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s\nends with %v:\n%s", block, err, out)
		}
		ran++
	}
	if ran < 5 {
		t.Errorf("only %d blocks of commands found", ran)
	}
	_, _, body := s.fetch(t, "/feeds/field/policing/country/austria.atom")
	if !strings.Contains(string(body), "4628b471-2013-5625-9382-222713aba1a7") {
		t.Errorf("the README's feed does not hold the README's release:\n%s", body)
	}
}

// checkGoBlock looks at commands that would start this very test again, or
// never end: the packages exist, and our own part of the line is one we take.
func checkGoBlock(t *testing.T, block string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(block), "\n") {
		switch {
		case line == "go test ./...", line == "go install ./cmd/dateline":
		case strings.HasPrefix(line, "go run ./cmd/dateline "):
			checkCommandLine(t, strings.Fields(strings.TrimPrefix(line, "go run ./cmd/dateline ")))
		case strings.HasPrefix(line, "dateline "):
			checkCommandLine(t, strings.Fields(strings.TrimPrefix(line, "dateline ")))
		default:
			t.Errorf("README: nothing checks the line %q", line)
		}
	}
}

// The README's first command, as it stands.
func TestDemo_once(t *testing.T) {
	out, talk, code := runCommand(t, "demo", "--once")
	if code != exitOK || !strings.Contains(out, "ok: every feed holds what it must") {
		t.Errorf("exit code %d\n%s%s", code, out, talk)
	}
}
