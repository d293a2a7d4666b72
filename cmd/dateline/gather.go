package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"dateline/publisher/guard"
	"dateline/publisher/read"
)

// found is one document of an import, or the reason why it cannot be had.
type found struct {
	name string
	body []byte
	err  error
}

// gather hands over every document that the arguments name, one at a time:
// files, what lies in folders and archives, and what addresses answer. A
// document that cannot be had is handed over with its reason, and the rest
// follows; only an error of fn ends it early.
func gather(ctx context.Context, g *guard.Client, args []string, fn func(found) error) error {
	for _, arg := range args {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := gatherOne(ctx, g, arg, fn); err != nil {
			return err
		}
	}
	return nil
}

func gatherOne(ctx context.Context, g *guard.Client, arg string, fn func(found) error) error {
	if strings.HasPrefix(arg, "https://") || strings.HasPrefix(arg, "http://") {
		body, err := download(ctx, g, arg)
		if err != nil {
			return fn(found{name: arg, err: err})
		}
		return unpack(ctx, arg, bytes.NewReader(body), fn)
	}
	st, err := os.Stat(arg)
	if err != nil {
		return fn(found{name: arg, err: err})
	}
	if st.IsDir() {
		return gatherFolder(ctx, arg, fn)
	}
	f, err := os.Open(arg)
	if err != nil {
		return fn(found{name: arg, err: err})
	}
	defer f.Close() //nolint:errcheck // only read
	return unpack(ctx, arg, f, fn)
}

// gatherFolder walks a folder in the order of names. Links that lead out of it
// are refused: os.Root sees to it.
func gatherFolder(ctx context.Context, dir string, fn func(found) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fn(found{name: dir, err: err})
	}
	defer root.Close() //nolint:errcheck // only read
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		full := filepath.Join(dir, filepath.FromSlash(name))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fn(found{name: full, err: err})
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		f, err := root.Open(filepath.FromSlash(name))
		if err != nil {
			return fn(found{name: full, err: err})
		}
		defer f.Close() //nolint:errcheck // only read
		if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
			return fn(found{name: full, err: errors.Join(errors.New("it is no file"), err)})
		}
		return unpack(ctx, full, f, fn)
	})
}

// Bounds of what comes out of archives, against bombs.
const (
	maxMembers = 200_000
	maxDepth   = 2 // an archive within a compressed file
)

// unpack hands over a document, or each of an archive, told by the content.
func unpack(ctx context.Context, name string, r io.ReadSeeker, fn func(found) error) error {
	size, err := r.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fn(found{name: name, err: err})
	}
	magic := make([]byte, 4)
	n, _ := io.ReadFull(r, magic) // shorter files are documents
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return fn(found{name: name, err: err})
	}
	if at, ok := r.(io.ReaderAt); ok && n == 4 && string(magic) == "PK\x03\x04" {
		return unzip(ctx, name, at, size, fn)
	}
	return unstream(ctx, name, bufio.NewReader(r), maxDepth, fn)
}

func unzip(ctx context.Context, name string, r io.ReaderAt, size int64, fn func(found) error) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fn(found{name: name, err: fmt.Errorf("the archive cannot be read: %w", err)})
	}
	if len(z.File) > maxMembers {
		return fn(found{name: name, err: fmt.Errorf("the archive has %d members, at most %d are read", len(z.File), maxMembers)})
	}
	for _, m := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if m.FileInfo().IsDir() || hidden(m.Name) {
			continue
		}
		full := path.Join(name, path.Clean("/"+m.Name))
		if !m.Mode().IsRegular() {
			if err := fn(found{name: full, err: errors.New("it is a link or device within the archive")}); err != nil {
				return err
			}
			continue
		}
		f, err := m.Open()
		if err != nil {
			if err := fn(found{name: full, err: err}); err != nil {
				return err
			}
			continue
		}
		err = fn(bounded(full, f))
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// unstream reads a gzip file, a tar archive, or a plain document.
func unstream(ctx context.Context, name string, r *bufio.Reader, depth int, fn func(found) error) error {
	head, _ := r.Peek(512) // shorter ones are documents
	switch {
	case len(head) > 2 && head[0] == 0x1f && head[1] == 0x8b && depth > 0:
		z, err := gzip.NewReader(r)
		if err != nil {
			return fn(found{name: name, err: fmt.Errorf("the file cannot be unpacked: %w", err)})
		}
		return unstream(ctx, name, bufio.NewReader(z), depth-1, fn)
	case len(head) == 512 && string(head[257:262]) == "ustar":
		return untar(ctx, name, tar.NewReader(r), fn)
	}
	return fn(bounded(name, r))
}

// hidden reports whether a member or its folder begins with a dot, as the notes
// that systems leave in archives do.
func hidden(name string) bool {
	return strings.Contains(path.Clean("/"+name), "/.")
}

func untar(ctx context.Context, name string, t *tar.Reader, fn func(found) error) error {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && n == maxMembers {
			err = fmt.Errorf("it has more than %d members", maxMembers)
		}
		if err != nil {
			return fn(found{name: name, err: fmt.Errorf("the archive cannot be read on: %w", err)})
		}
		if hidden(h.Name) {
			continue
		}
		full := path.Join(name, path.Clean("/"+h.Name))
		switch h.Typeflag {
		case tar.TypeReg:
			err = fn(bounded(full, t))
		case tar.TypeDir, tar.TypeXHeader, tar.TypeXGlobalHeader:
		default:
			err = fn(found{name: full, err: errors.New("it is a link or device within the archive")})
		}
		if err != nil {
			return err
		}
	}
}

// bounded reads a document that is not larger than an import takes.
func bounded(name string, r io.Reader) found {
	b, err := io.ReadAll(io.LimitReader(r, read.MaxImport+1))
	switch {
	case err != nil:
		return found{name: name, err: fmt.Errorf("it cannot be read: %w", err)}
	case len(b) > read.MaxImport:
		return found{name: name, err: fmt.Errorf("it is larger than %d MiB", read.MaxImport>>20)}
	}
	return found{name: name, body: b}
}

// download fetches an address through the guard: public addresses only, no
// redirects to elsewhere.
func download(ctx context.Context, g *guard.Client, address string) ([]byte, error) {
	if err := g.CheckURL(address); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "dateline/"+version())
	res, err := g.Do(req)
	if err != nil {
		return nil, bareURLError(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		hint := ""
		if to := res.Header.Get("Location"); to != "" {
			hint = "; it has moved: name the new address"
		}
		return nil, fmt.Errorf("it answered %s%s", res.Status, hint)
	}
	d := bounded(address, res.Body)
	return d.body, d.err
}
