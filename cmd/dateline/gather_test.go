package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"dateline/publisher/guard"
	"dateline/publisher/read"
)

// unpacked lists what unpack finds in b: names, or names with the reason.
func unpacked(t *testing.T, name string, b []byte) []string {
	t.Helper()
	var out []string
	err := unpack(t.Context(), name, bytes.NewReader(b), func(f found) error {
		line := f.name + "=" + string(f.body[:min(10, len(f.body))])
		if f.err != nil {
			line = f.name + "!" + f.err.Error()
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zipOf(t *testing.T, fill func(*zip.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	fill(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipFile(t *testing.T, z *zip.Writer, name, text string, mode fs.FileMode) {
	t.Helper()
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	w, err := z.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestUnpack(t *testing.T) {
	bomb := strings.Repeat("\x00", read.MaxImport+1)
	inZip := zipOf(t, func(z *zip.Writer) {
		zipFile(t, z, "a.md", "text of a", 0o600)
		zipFile(t, z, "../../etc/b.md", "text of b", 0o600)
		zipFile(t, z, "link", "/etc/passwd", fs.ModeSymlink|0o777)
		zipFile(t, z, "bomb", bomb, 0o600)
	})
	if len(inZip) > 1<<20 {
		t.Fatalf("the bomb is no bomb: %d bytes", len(inZip))
	}
	var tarred bytes.Buffer
	z := gzip.NewWriter(&tarred)
	w := tar.NewWriter(z)
	for _, h := range []*tar.Header{
		{Name: "a.md", Typeflag: tar.TypeReg, Size: 9, Mode: 0o600},
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("text of a")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []interface{ Close() error }{w, z} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		body []byte
		want []string
	}{
		"a document":       {[]byte("hello"), []string{"x=hello"}},
		"an empty file":    {nil, []string{"x="}},
		"zip":              {inZip, []string{"x/a.md=text of a", "x/etc/b.md=text of b", "x/link!it is a link or device within the archive", "x/bomb!it is larger than 32 MiB"}},
		"tar in gzip":      {tarred.Bytes(), []string{"x/a.md=text of a", "x/link!it is a link or device within the archive"}},
		"a truncated zip":  {inZip[:len(inZip)/2], []string{"x!the archive cannot be read: zip: not a valid zip file"}},
		"a truncated gzip": {tarred.Bytes()[:20], []string{"x!it cannot be read: unexpected EOF"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := unpacked(t, "x", c.body); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestGather_addresses(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/feed":
			_, _ = w.Write([]byte("a feed"))
		case "/moved":
			http.Redirect(w, r, "/feed", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	open := guard.New(guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	shut := guard.New(guard.Config{})
	t.Cleanup(open.Close)
	t.Cleanup(shut.Close)
	for name, c := range map[string]struct {
		g    *guard.Client
		path string
		want string
	}{
		"an allowed network":         {open, "/feed", "a feed"},
		"a private network":          {shut, "/feed", "!https"},
		"an address that moved":      {open, "/moved", "!it has moved"},
		"nothing behind the address": {open, "/nothing", "!404"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			err := gather(t.Context(), c.g, []string{srv.URL + c.path}, func(f found) error {
				line := string(f.body)
				if f.err != nil {
					line = "!" + f.err.Error()
				}
				got = append(got, line)
				return nil
			})
			if err != nil || len(got) != 1 || !strings.HasPrefix(got[0], c.want[:1]) || !strings.Contains(got[0], strings.TrimPrefix(c.want, "!")) {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}
