package feeds

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dateline/feeds/index"
	"dateline/feeds/render"
	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

const (
	styleType = "text/css; charset=utf-8"
	pageAge   = time.Minute // how long a page may be kept without asking
	styleAge  = 365 * 24 * time.Hour
	moveAge   = time.Hour // a redirect; not longer, so that a mistake heals
	front     = 10        // releases on the front page
	maxPath   = 4096      // characters of an address; every topic once fits
	maxNear   = 5         // suggestions on the page of an error
)

// errMethod and errMoved end a request before there is a document.
var errMethod = errors.New("only GET and HEAD are answered here")

// moved is the canonical path of what was asked for.
type moved struct{ path string }

func (m *moved) Error() string { return "it is at " + m.path }

// Handler serves feeds and pages. The base URL's own path is stripped by
// whoever mounts it.
func (f *Feeds) Handler() http.Handler { return http.HandlerFunc(f.serve) }

func (f *Feeds) serve(w http.ResponseWriter, r *http.Request) {
	err := errMethod
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		err = f.route(w, r)
	}
	if err != nil {
		f.refuse(w, r, err)
	}
}

func (f *Feeds) route(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.EscapedPath()
	switch {
	case len(path) > maxPath:
		return news.Problemf(news.BadRequest, "the address has %d characters, more than %d are not read", len(path), maxPath)
	case path == "/" || path == "":
		return f.overview(w, r, "/", func() ([]byte, error) {
			fragments, err := f.fragmentsOf(r.Context(), f.index.Window(f.index.Query(news.Selection{}), index.Limits{Count: front, Bytes: 1 << 30}).Entries)
			if err != nil {
				return nil, err
			}
			items := make([][]byte, len(fragments))
			for i, g := range fragments {
				items[i] = g.item
			}
			return f.site.Front(items, f.index.Count)
		})
	case path == "/topics":
		return f.overview(w, r, path, func() ([]byte, error) { return f.site.Topics(f.index.Total(), f.index.Count) })
	case path == "/about-feeds":
		return f.overview(w, r, path, f.site.About)
	case path == "/feeds" || path == "/feeds/":
		w.Header().Set("Cache-Control", maxAge(pageAge))
		http.Redirect(w, r, f.look.Path("/topics"), http.StatusFound)
		return nil
	case strings.HasPrefix(path, "/feeds/"):
		return f.serveSelection(w, r, strings.TrimPrefix(path, "/feeds/"))
	case strings.HasPrefix(path, "/releases/"):
		return f.serveRelease(w, r, strings.TrimPrefix(path, "/releases/"))
	case path == f.look.StylePath():
		f.style(w, r)
		return nil
	case path == "/topics/" || path == "/about-feeds/":
		return &moved{strings.TrimSuffix(path, "/")}
	}
	return news.Problemf(news.NotFound, "there is no page at %s; the list of topics is at /topics", path)
}

// serveSelection answers for what stands behind /feeds/.
func (f *Feeds) serveSelection(w http.ResponseWriter, r *http.Request, rest string) error {
	p, format, err := f.planOf(rest)
	if err != nil {
		return err
	}
	v := f.viewOf(p)
	if format == "" {
		page.Headers(w.Header())
		return f.answer(w, r, validators{tag: v.pageTag}, pageAge, http.StatusOK, func() (*document, error) { return f.selectionPage(r.Context(), p, v) })
	}
	h := w.Header()
	h.Set("Content-Type", format.ContentType())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	return f.answer(w, r, validators{v.feedTag, v.updated()}, render.TTL, http.StatusOK, func() (*document, error) { return f.feed(r.Context(), p, v, format) })
}

// planOf finds the plan and format of a path behind /feeds/; a path that is not
// the canonical one gives *moved.
func (f *Feeds) planOf(rest string) (*plan, render.Format, error) {
	name, format := splitFormat(rest)
	if p, ok := f.plans.get(name); ok && format.canonical {
		return p, format.Format, nil
	}
	decoded, err := url.PathUnescape(name)
	if err != nil {
		return nil, "", news.Problemf(news.BadRequest, "the address is not encoded as one: %s", err)
	}
	s, err := news.ParseSelection(f.cfg.Taxonomy, decoded)
	if err != nil {
		return nil, "", err
	}
	f.simplify(&s)
	if canonical := s.Path(); canonical != name || !format.canonical {
		return nil, "", &moved{"/feeds/" + canonical + format.extension()}
	}
	p, err := f.newPlan(s)
	if err != nil {
		return nil, "", err
	}
	f.plans.put(name, p, 1)
	return p, format.Format, nil
}

// simplify drops what changes nothing: the wish for routine series beside a
// type, which is asked for by its name, and topics beside a group that holds them.
func (f *Feeds) simplify(s *news.Selection) {
	if len(s.Types) > 0 {
		s.Routine = false
	}
	s.Fields = f.withoutMembers(news.KindField, s.Fields)
	s.Countries = f.withoutMembers(news.KindCountry, s.Countries)
}

func (f *Feeds) withoutMembers(k news.TopicKind, slugs []string) []string {
	var out []string
	for _, slug := range slugs {
		if !f.covered(k, slug, slugs) {
			out = append(out, slug)
		}
	}
	return out
}

func (f *Feeds) covered(k news.TopicKind, slug string, by []string) bool {
	for _, group := range by {
		for _, m := range f.cfg.Taxonomy.Members(k, group) {
			if m == slug {
				return true
			}
		}
	}
	return false
}

// asked is the format in a path; the zero value, canonical, is the page.
type asked struct {
	render.Format
	canonical bool
}

func (a asked) extension() string {
	if a.Format == "" {
		return ""
	}
	return "." + string(a.Format)
}

// splitFormat parts the last extension from a path, when it is a format's.
func splitFormat(path string) (string, asked) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		for _, format := range render.Formats {
			if ext := path[i+1:]; strings.EqualFold(ext, string(format)) {
				return path[:i], asked{format, ext == string(format)}
			}
		}
	}
	return path, asked{canonical: true}
}

// serveRelease answers for what stands behind /releases/.
func (f *Feeds) serveRelease(w http.ResponseWriter, r *http.Request, rest string) error {
	id, _, _ := strings.Cut(rest, "/")
	e, ok := f.index.Find(strings.ToLower(id))
	if !ok {
		return news.Problemf(news.NotFound, "there is no release %s", id)
	}
	d, err := f.releasePage(r.Context(), e)
	if err != nil {
		return err
	}
	if r.URL.EscapedPath() != d.path {
		return &moved{d.path}
	}
	page.Headers(w.Header())
	status := http.StatusOK
	if e.Withdrawn {
		status = http.StatusGone
	}
	return f.answer(w, r, validators{tag: d.tag}, pageAge, status, func() (*document, error) { return d, nil })
}

// overview answers with a page over all releases, made anew after every event.
func (f *Feeds) overview(w http.ResponseWriter, r *http.Request, key string, render func() ([]byte, error)) error {
	page.Headers(w.Header())
	now := f.Applied()
	d, kept := f.documents.get(key)
	if !kept || d.asOf != now {
		b, err := render()
		made, err := f.page(b, err, "")
		switch {
		case err == nil:
			made.asOf, d = now, made
			f.documents.put(key, d, d.size())
		case !kept:
			return err
		}
	}
	return f.answer(w, r, validators{tag: d.tag}, pageAge, http.StatusOK, func() (*document, error) { return d, nil })
}

func (f *Feeds) style(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", styleType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", maxAge(styleAge)+", immutable")
	f.served.full.Add(1)
	write(w, r, f.look.Style())
}

func maxAge(d time.Duration) string { return "public, max-age=" + strconv.Itoa(int(d.Seconds())) }

// answer evaluates the preconditions and sends the document, which is made only
// when it has to be sent.
func (f *Feeds) answer(w http.ResponseWriter, r *http.Request, v validators, age time.Duration, status int, make func() (*document, error)) error {
	h, now := w.Header(), f.cfg.Now()
	accepted := codings(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	h.Add("Vary", "Accept-Encoding")
	if status == http.StatusOK {
		if c, ok := v.unchanged(r.Header, accepted, now); ok {
			f.validate(h, v, c, age, now)
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			f.served.notModified.Add(1)
			return nil
		}
	}
	d, err := make()
	if err != nil {
		return err
	}
	c := accepted[0]
	f.validate(h, validators{d.tag, d.changed}, c, age, now)
	f.served.full.Add(1)
	f.send(w, r, status, d, c)
	return nil
}

func (f *Feeds) validate(h http.Header, v validators, c coding, age time.Duration, now time.Time) {
	h.Set("ETag", v.etag(c))
	h.Set("Cache-Control", maxAge(age))
	if t, ok := v.lastModified(now); ok {
		h.Set("Last-Modified", t.UTC().Format(http.TimeFormat))
	}
}

func write(w http.ResponseWriter, r *http.Request, b []byte) {
	if r.Method != http.MethodHead {
		_, _ = w.Write(b) // the client may be gone
	}
}

// refuse answers a request that has no document: with a redirect, a page for
// people, or problem+json for programs.
func (f *Feeds) refuse(w http.ResponseWriter, r *http.Request, err error) {
	h := w.Header()
	for _, name := range []string{"Content-Type", "Content-Encoding", "Access-Control-Allow-Origin"} {
		h.Del(name)
	}
	var m *moved
	if errors.As(err, &m) {
		h.Set("Cache-Control", maxAge(moveAge))
		h.Set("Access-Control-Allow-Origin", "*")
		http.Redirect(w, r, f.look.Path(m.path), http.StatusMovedPermanently)
		return
	}
	status := f.statusOf(err)
	if status >= http.StatusInternalServerError {
		f.served.failed.Add(1)
		f.cfg.Log.Error().Err(err).Str("path", r.URL.Path).Msg("request failed")
	} else {
		f.served.missing.Add(1)
	}
	if status == http.StatusMethodNotAllowed {
		h.Set("Allow", "GET, HEAD")
	}
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "5")
	}
	h.Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") && f.troublePage(w, r, status, err) {
		return
	}
	if status == http.StatusMethodNotAllowed {
		access.Answer(w, status, "only reading is possible here", err.Error(), nil)
		return
	}
	access.Refuse(w, err)
}

func (f *Feeds) statusOf(err error) int {
	switch news.CodeOf(err) {
	case news.NotFound:
		return http.StatusNotFound
	case news.BadRequest:
		return http.StatusBadRequest
	case news.Unavailable:
		return http.StatusServiceUnavailable
	}
	if errors.Is(err, errMethod) {
		return http.StatusMethodNotAllowed
	}
	return http.StatusInternalServerError
}

// troublePage answers with a page, unless that fails too.
func (f *Feeds) troublePage(w http.ResponseWriter, r *http.Request, status int, err error) bool {
	t := page.Trouble{Status: status}
	if status < http.StatusInternalServerError {
		t.Detail = sentence(err.Error())
		t.Near = f.near(r.URL.Path)
	}
	b, err := f.look.Problem(t)
	if err != nil {
		f.cfg.Log.Error().Err(err).Msg("page of an error cannot be rendered")
		return false
	}
	page.Headers(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	write(w, r, b)
	return true
}

// sentence makes one of an error's words.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// near are the selections that a path with unknown topics may have meant.
func (f *Feeds) near(path string) []page.Link {
	rest, isFeed := strings.CutPrefix(path, "/feeds/")
	if !isFeed {
		return nil
	}
	name, format := splitFormat(rest)
	parts := strings.Split(strings.TrimPrefix(name, "routine/"), "/")
	var out []page.Link
	for i := 0; i+1 < len(parts); i += 2 {
		k := news.TopicKind(parts[i])
		for _, value := range strings.Split(parts[i+1], "+") {
			if _, known := f.cfg.Taxonomy.Find(k, value); known {
				continue
			}
			if len(out) == maxNear {
				return out
			}
			if slug := news.Nearest(news.Slugify(value), f.slugs(k)); slug != "" {
				out = append(out, page.Link{Title: f.cfg.Taxonomy.Name(k, slug), Path: "/feeds/" + string(k) + "/" + slug + format.extension()})
			}
		}
	}
	return out
}

func (f *Feeds) slugs(k news.TopicKind) []string {
	if !slices.Contains(news.TopicKinds, k) {
		return nil
	}
	var out []string
	for _, t := range slices.Concat(f.cfg.Taxonomy.Topics(k), f.cfg.Taxonomy.Groups(k)) {
		out = append(out, t.Slug)
	}
	return out
}
