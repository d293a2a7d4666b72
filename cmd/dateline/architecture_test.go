package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// allowedTop is everything that may lie at the top of the repository.
var allowedTop = []string{
	".ci", ".dockerignore", ".git", ".gitignore", ".golangci.yml", "ARCHITECTURE.md", "BENCHMARKS.md", "CHANGELOG.md",
	"CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md",
	"cmd", "deploy", "docker-compose.yml", "feeds", "go.mod", "go.sum", "publisher", "subscribers",
}

// allowedImports says for each of our packages (the longest prefix counts)
// which others of ours it may import.
var allowedImports = map[string][]string{
	"dateline/publisher/news":   {},
	"dateline/publisher/wire":   {"dateline/publisher/news"},
	"dateline/publisher/guard":  {"dateline/publisher/news"},
	"dateline/publisher/page":   {"dateline/publisher/news"},
	"dateline/publisher/access": {"dateline/publisher/news", "dateline/publisher/wire"},
	"dateline/publisher":        {"dateline/publisher"},
	"dateline/feeds":            {"dateline/feeds", "dateline/publisher/news", "dateline/publisher/wire", "dateline/publisher/access", "dateline/publisher/page"},
	"dateline/subscribers":      {"dateline/subscribers", "dateline/publisher/news", "dateline/publisher/wire", "dateline/publisher/access", "dateline/publisher/page", "dateline/publisher/guard"},
	"dateline/cmd":              {"dateline"},
}

// onlyIn says where a library may be used outside tests.
var onlyIn = map[string][]string{
	"github.com/nats-io/nats-server/v2": {"dateline/publisher/wire"},
	"github.com/gorilla/feeds":          {"dateline/feeds/render"},
	"github.com/spf13/cobra":            {"dateline/cmd"},
	"github.com/wneessen/go-mail":       {"dateline/subscribers/mail"},
	"code.dny.dev/ssrf":                 {"dateline/publisher/guard"},
}

type sourceFile struct {
	pkg, path string
	test      bool
	imports   []string
}

func sources(t *testing.T) []sourceFile {
	t.Helper()
	var out []sourceFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			if err == nil {
				return fs.SkipDir
			}
			return err
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		s := sourceFile{pkg: "dateline/" + filepath.ToSlash(rel), path: path, test: strings.HasSuffix(path, "_test.go")}
		for _, im := range f.Imports {
			name, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d source files found: the walk is broken", len(out))
	}
	return out
}

func under(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

// ruleFor is the rule of the longest prefix of a package.
func ruleFor(pkg string) (allowed []string, found bool) {
	for p := pkg; p != "."; p = filepath.ToSlash(filepath.Dir(p)) {
		if allowed, found = allowedImports[p]; found {
			return allowed, true
		}
	}
	return nil, false
}

func TestArchitecture_importsPointOneWay(t *testing.T) {
	for _, f := range sources(t) {
		allowed, found := ruleFor(f.pkg)
		if !found {
			t.Errorf("%s: package %s has no place in the architecture", f.path, f.pkg)
		}
		for _, im := range f.imports {
			switch {
			case !under(im, "dateline"):
				continue
			case im == "dateline/publisher/wire/wiretest" && !f.test:
				t.Errorf("%s imports wiretest outside a test", f.path)
			case im == f.pkg, f.test && im == "dateline/publisher/wire/wiretest", f.pkg == "dateline/publisher/wire/wiretest":
				continue
			case !slices.ContainsFunc(allowed, func(a string) bool { return under(im, a) }):
				t.Errorf("%s imports %s, which %s may not know", f.path, im, f.pkg)
			}
		}
	}
}

func TestArchitecture_newsIsPure(t *testing.T) {
	for _, f := range sources(t) {
		if f.pkg != "dateline/publisher/news" || f.test {
			continue
		}
		for _, im := range f.imports {
			if strings.Contains(strings.Split(im, "/")[0], ".") || im == "os" || im == "net/http" || im == "io/fs" || im == "log" {
				t.Errorf("%s imports %s; the domain uses the pure standard library only", f.path, im)
			}
		}
	}
}

func TestArchitecture_librariesStayInTheirRooms(t *testing.T) {
	used := map[string]bool{}
	for _, f := range sources(t) {
		for lib, rooms := range onlyIn {
			if !slices.ContainsFunc(f.imports, func(im string) bool { return under(im, lib) }) {
				continue
			}
			used[lib] = true
			if !f.test && !slices.ContainsFunc(rooms, func(r string) bool { return under(f.pkg, r) }) {
				t.Errorf("%s imports %s, which only %v may", f.path, lib, rooms)
			}
		}
	}
	for lib := range onlyIn {
		if !used[lib] {
			t.Errorf("nobody imports %s: the rule is dead", lib)
		}
	}
}

func TestArchitecture_topLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(allowedTop, e.Name()) && !strings.Contains(string(ignored), "/"+e.Name()) {
			t.Errorf("%s has no place at the top level", e.Name())
		}
	}
}

// The two documents that lead people through the code must not lead astray.
func TestArchitecture_documentsNameRealPaths(t *testing.T) {
	path := regexp.MustCompile("`((?:cmd|publisher|feeds|subscribers|deploy|\\.ci)/[a-zA-Z0-9_./-]*)`")
	for _, name := range []string{"ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "SECURITY.md"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		found := path.FindAllStringSubmatch(string(b), -1)
		if name == "ARCHITECTURE.md" && len(found) < 10 {
			t.Errorf("%s names only %d paths", name, len(found))
		}
		for _, m := range found {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
}

// A patch level would refuse Go installations that could build us. 1.26.0 is
// what our dependencies ask for themselves.
func TestArchitecture_goVersion(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^go 1\.26(\.0)?$`).Match(b) || strings.Contains(string(b), "\ntoolchain ") {
		t.Error("go.mod must say go 1.26 (or 1.26.0) and name no toolchain")
	}
}
