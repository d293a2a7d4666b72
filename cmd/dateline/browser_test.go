package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Tests in a browser need two things from outside: Chromium and axe-core. Where
// one is missing they are skipped and say why, unless DATELINE_BROWSER is
// "required": then it is a failure. DATELINE_PICTURES names a folder in which each
// page is left as a picture, to be looked at.
const (
	needBrowser  = "DATELINE_BROWSER"
	keepPictures = "DATELINE_PICTURES"
)

// axe-core is fetched once by npm and kept in the user's cache. Only these bytes
// are ever run.
const (
	axePackage = "axe-core@4.14.1"
	axeArchive = "axe-core-4.14.1.tgz"
	axeSum     = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// tab is a page of a browser.
type tab struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	problems []string // what the browser complained of; guarded by mu
}

// openTab starts a browser; it ends with the test.
func openTab(t *testing.T) *tab {
	t.Helper()
	path, err := browserPath()
	if err != nil {
		without(t, err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	browser, end := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, closeTab := chromedp.NewContext(browser)
	b := &tab{TB: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	listening := make(chan struct{})
	go b.listen(messages, listening)
	t.Cleanup(func() { closeTab(); end(); <-listening })
	if err := chromedp.Do(ctx); err != nil {
		without(t, fmt.Errorf("%s does not start: %w", path, err))
	}
	return b
}

func (b *tab) listen(messages func(func(chromedp.ConsoleMessage, error) bool), done chan<- struct{}) {
	defer close(done)
	for m, err := range messages {
		if err != nil {
			return
		}
		// A page of an error is a "failed" load to the browser.
		if m.Source != "network" && (m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException()) {
			b.mu.Lock()
			b.problems = append(b.problems, m.Text)
			b.mu.Unlock()
		}
	}
}

// complaints are what the browser found wrong since they were asked for last.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.problems
	b.problems = nil
	return out
}

// without ends a test that lacks what it needs from outside.
func without(t *testing.T, err error) {
	t.Helper()
	if os.Getenv(needBrowser) == "required" {
		t.Fatal(err)
	}
	t.Skipf("not tested in a browser: %v", err)
}

func browserPath() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no chromium in the PATH")
}

// axe returns the script of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	script, err := readAxe()
	if err == nil {
		return script
	}
	if err := fetchAxe(t.Context()); err != nil {
		without(t, err)
	}
	if script, err = readAxe(); err != nil {
		t.Fatal(err)
	}
	return script
}

func axePath() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "dateline-tests", axeArchive), err
}

func fetchAxe(ctx context.Context) error {
	path, err := axePath()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "npm", "pack", "--loglevel=error", "--pack-destination", filepath.Dir(path), axePackage).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s cannot be fetched: %w %s", axePackage, err, bytes.TrimSpace(out))
	}
	return nil
}

func readAxe() (string, error) {
	path, err := axePath()
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if sum := sha512.Sum512(b); base64.StdEncoding.EncodeToString(sum[:]) != axeSum {
		return "", fmt.Errorf("%s is not the one that is expected; remove it", path)
	}
	plain, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(plain); ; {
		h, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		if h.Name == "package/axe.min.js" {
			script, err := io.ReadAll(files)
			return string(script), err
		}
	}
}

// do runs steps in the tab, within half a minute.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// ask evaluates an expression in the page, promises included.
func ask[T any](b *tab, expression string) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 60*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%v in %.200s", err, expression)
	}
	return v
}

// screen sets the width of the window, and light or dark.
func (b *tab) screen(width int64, scheme string) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	b.media(emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

func (b *tab) media(p emulation.SetEmulatedMediaParams) {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, p); err != nil {
		b.Fatal(err)
	}
}

// picture leaves a picture of the whole page, if pictures are wanted.
func (b *tab) picture(name string) {
	b.Helper()
	dir := os.Getenv(keepPictures)
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "page"+strings.ReplaceAll(name, "/", "_")+".png"), png, 0o600); err != nil {
		b.Fatal(err)
	}
}
