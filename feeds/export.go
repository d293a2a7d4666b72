package feeds

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dateline/feeds/check"
	"dateline/feeds/render"
	"dateline/publisher/news"
)

// exportMark is the file that says that a folder is an export, and up to which
// event it is current.
const exportMark = ".dateline-export"

// exportCodings are the codings of a document in an export, with the endings of
// their files: what web servers call precompressed siblings.
func exportCodings() map[string]string {
	return map[string]string{"": "", "gzip": ".gz", "zstd": ".zst", "br": ".br"}
}

// exportRetry is the pause after a write that failed, a full disk for instance.
const exportRetry = 10 * time.Second

// Export writes what is served as files below dir, for a web server or a CDN, and
// keeps them current until ctx ends, which gives nil: the feeds of every topic and
// of each field with each country that has releases, with their archives, the
// pages of topics and releases, the lists and maps. Pages are files index.html in
// a folder of their own; each file has compressed siblings (.gz, .zst, .br), is
// written aside and renamed, and is written again only when its bytes change. The
// files of what is gone, a withdrawn release or an old name of a topic, are
// removed: what is not there is for the server behind to answer.
//
// A page of a topic also tells what changes without an event, such as the pace of
// the last weeks; in the export it is as of the last event that touched it.
//
// The folder is made when missing; one that holds other things is refused.
func (f *Feeds) Export(ctx context.Context, dir string) error {
	x, err := f.newExport(dir)
	if err != nil {
		return err
	}
	defer x.root.Close() //nolint:errcheck // it was only read and written below
	for {
		moved := f.follow.next()
		if f.follow.caughtUp() {
			err := x.update(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				f.cfg.Log.Error().Err(err).Msg("the export is behind, and will be tried again")
				moved = after(exportRetry)
			}
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil
		}
	}
}

// after is closed when d is over.
func after(d time.Duration) <-chan struct{} {
	done := make(chan struct{})
	time.AfterFunc(d, func() { close(done) })
	return done
}

// export is a folder that is kept current.
type export struct {
	f    *Feeds
	root *os.Root
	done uint64 // the event up to which it is current
	full bool   // this process has written everything once
}

func (f *Feeds) newExport(dir string) (*export, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is exported is public
		return nil, fmt.Errorf("make the folder of the export: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of the export: %w", err)
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the folder of the export: %w", err), root.Close())
	}
	ours := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == exportMark })
	if len(entries) > 0 && !ours {
		return nil, errors.Join(fmt.Errorf("the folder %s holds something else; choose an empty one for the export", dir), root.Close())
	}
	return &export{f: f, root: root}, nil
}

// update writes what changed since the last time; the first time everything,
// because the taxonomy, the looks or the program may have changed.
func (x *export) update(ctx context.Context) error {
	to := x.f.Applied()
	if x.full && to <= x.done {
		return nil
	}
	var err error
	if x.full {
		err = x.some(ctx, to)
	} else {
		err = x.everything(ctx)
	}
	if err == nil {
		err = x.write(exportMark, []byte(strconv.FormatUint(to, 10)+"\n"))
	}
	if err == nil {
		x.done, x.full = to, true
	}
	return err
}

// everything writes all documents and removes the files that are none of them.
func (x *export) everything(ctx context.Context) error {
	written := map[string]bool{exportMark: true}
	for _, s := range x.selections() {
		if err := x.selection(ctx, s, "", written); err != nil {
			return err
		}
	}
	for _, id := range x.f.index.IDs() {
		if err := x.release(ctx, id, written); err != nil {
			return err
		}
	}
	if err := x.overviews(ctx, written); err != nil {
		return err
	}
	return x.clean(written)
}

// selections are those of one topic, and of each field with each country.
func (x *export) selections() []news.Selection {
	t := x.f.cfg.Taxonomy
	out := []news.Selection{{}, {Routine: true}}
	for _, k := range news.TopicKinds {
		for _, topic := range slices.Concat(t.Topics(k), t.Groups(k)) {
			if s, err := news.ParseSelection(t, string(k)+"/"+topic.Slug); err == nil {
				out = append(out, s)
			}
		}
	}
	for _, field := range t.Topics(news.KindField) {
		for _, country := range t.Topics(news.KindCountry) {
			s := news.Selection{Fields: []string{field.Slug}, Countries: []string{country.Slug}}
			if len(x.f.index.Window(x.f.index.Query(s), x.f.limits).Entries) > 0 {
				out = append(out, s)
			}
		}
	}
	return out
}

// some writes what the events behind done, up to and including to, touched.
func (x *export) some(ctx context.Context, to uint64) error {
	touched, oldest := map[string]news.Selection{}, map[string]string{}
	releases := map[string]bool{}
	for seq := x.done + 1; seq <= to; seq++ {
		e, err := x.f.cfg.Wire.At(ctx, seq)
		if err != nil {
			if news.CodeOf(err) == news.Unavailable {
				return err
			}
			continue // erased or unreadable: it is not in the feeds either
		}
		history, err := x.f.cfg.Wire.History(ctx, e.Release.ID, seq)
		if err != nil {
			return err
		}
		releases[e.Release.ID] = true
		for i := range history {
			r := &history[i].Event.Release
			month := r.PublishedAt.Format("2006-01")
			for _, s := range news.Touched(x.f.cfg.Taxonomy, r) {
				p := s.Path()
				touched[p] = s
				if oldest[p] == "" || month < oldest[p] {
					oldest[p] = month
				}
			}
			for _, k := range news.TopicKinds { // groups are made of their members
				for _, g := range x.f.cfg.Taxonomy.Groups(k) {
					if s, err := news.ParseSelection(x.f.cfg.Taxonomy, string(k)+"/"+g.Slug); err == nil && s.Match(x.f.cfg.Taxonomy, r) {
						touched[s.Path()], oldest[s.Path()] = s, min(month, cmp.Or(oldest[s.Path()], month))
					}
				}
			}
		}
	}
	if len(releases) > 0 {
		every := news.Selection{Routine: true}
		touched[every.Path()], oldest[every.Path()] = every, oldest["all"]
	}
	for p, s := range touched {
		if err := x.selection(ctx, s, oldest[p], nil); err != nil {
			return err
		}
	}
	for id := range releases {
		if err := x.release(ctx, id, nil); err != nil {
			return err
		}
	}
	return x.overviews(ctx, nil)
}

// selection writes a selection's page and feeds, with the documents of their
// archives down to the month since, "" for all.
func (x *export) selection(ctx context.Context, s news.Selection, since string, written map[string]bool) error {
	base := "/feeds/" + s.Path()
	if err := x.document(ctx, base, written); err != nil {
		return err
	}
	for _, format := range render.Formats {
		seen := map[string]bool{}
		for at := base + "." + string(format); at != "" && !seen[at]; {
			seen[at] = true
			body, err := x.fetch(ctx, at, written)
			if err != nil || body == nil {
				return err
			}
			next := check.Document(string(format), body).Previous
			u, err := url.Parse(next)
			if err != nil || next == "" {
				break
			}
			i := strings.Index(u.Path, "/feeds/")
			if i < 0 {
				break
			}
			at = u.Path[i:]
			if _, name, ok := cutArchive(strings.TrimPrefix(at, "/feeds/")); ok && name < since {
				break
			}
		}
	}
	return nil
}

// release writes the page of a release, or removes that of a withdrawn one, and
// those that it had under other titles.
func (x *export) release(ctx context.Context, id string, written map[string]bool) error {
	e, ok := x.f.index.Find(id)
	if !ok || e.Withdrawn {
		return x.remove("releases/" + id)
	}
	d, err := x.f.releasePage(ctx, e)
	if err != nil {
		return err
	}
	if written == nil {
		if err := x.keepOnly("releases/"+id, path.Base(d.path)); err != nil {
			return err
		}
	}
	return x.document(ctx, d.path, written)
}

// overviews writes what looks over everything.
func (x *export) overviews(ctx context.Context, written map[string]bool) error {
	for _, p := range []string{"/", "/topics", "/about-feeds", "/opml", "/robots.txt", "/sitemap-pages.xml", "/sitemap-news.xml", x.f.look.StylePath()} {
		if err := x.document(ctx, p, written); err != nil {
			return err
		}
	}
	parts, err := x.fetch(ctx, "/sitemap.xml", written)
	if err != nil {
		return err
	}
	listed := mapPart.FindAllString(string(parts), -1)
	for _, at := range listed {
		if err := x.document(ctx, at, written); err != nil {
			return err
		}
	}
	entries, err := fs.ReadDir(x.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	for _, e := range entries { // a part whose last release was withdrawn is listed no more
		if at := mapPart.FindString("/" + e.Name()); at != "" && !slices.Contains(listed, at) {
			if err := x.remove(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// mapPart finds the parts of the map that list releases.
var mapPart = regexp.MustCompile(`/sitemap-releases-[0-9a-f]+\.xml`)

func (x *export) document(ctx context.Context, p string, written map[string]bool) error {
	_, err := x.fetch(ctx, p, written)
	return err
}

// fetch gets a document in every coding as a reader would, and writes it. It
// returns the plain bytes, nil for what is not served.
func (x *export) fetch(ctx context.Context, p string, written map[string]bool) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var plain []byte
	for coding, ending := range exportCodings() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p, nil)
		if err != nil {
			return nil, err
		}
		if coding != "" {
			r.Header.Set("Accept-Encoding", coding)
		}
		w := &answer{header: http.Header{}, status: http.StatusOK}
		x.f.serve(w, r)
		if w.status >= http.StatusInternalServerError {
			return nil, fmt.Errorf("%s answers %d", p, w.status)
		}
		if w.status != http.StatusOK {
			return nil, nil
		}
		if w.header.Get("Content-Encoding") != coding {
			continue // not in this coding
		}
		if coding == "" {
			plain = w.body.Bytes()
		}
		name := fileOf(p, w.header.Get("Content-Type")) + ending
		if err := x.write(name, w.body.Bytes()); err != nil {
			return nil, err
		}
		if written != nil {
			written[name] = true
		}
	}
	return plain, nil
}

// fileOf is the file of a path: pages get a folder of their own.
func fileOf(p, contentType string) string {
	name := strings.TrimPrefix(path.Clean(p), "/")
	if strings.HasPrefix(contentType, "text/html") {
		return path.Join(name, "index.html")
	}
	if path.Ext(name) == "" {
		return path.Join(name, "index")
	}
	return name
}

// answer takes what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// write writes a file aside and renames it, unless it has these bytes already.
func (x *export) write(name string, b []byte) error {
	if old, err := x.root.ReadFile(name); err == nil && bytes.Equal(old, b) {
		return nil
	}
	if err := x.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	aside := path.Join(path.Dir(name), ".new-"+path.Base(name))
	f, err := x.root.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err == nil {
		_, err = f.Write(b)
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = x.root.Rename(aside, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the export: %w", err), x.remove(aside))
	}
	return nil
}

func (x *export) remove(name string) error {
	if err := x.root.RemoveAll(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove from the export: %w", err)
	}
	return nil
}

// keepOnly removes from a folder what has another name.
func (x *export) keepOnly(dir, name string) error {
	entries, err := fs.ReadDir(x.root.FS(), dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the export: %w", err)
	}
	for _, e := range entries {
		if e.Name() != name {
			if err := x.remove(path.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// clean removes the files that were not written.
func (x *export) clean(written map[string]bool) error {
	var stray []string
	err := fs.WalkDir(x.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !written[name] {
			stray = append(stray, name)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("look through the export: %w", err)
	}
	for _, name := range stray {
		if err := x.remove(name); err != nil {
			return err
		}
	}
	return nil
}
