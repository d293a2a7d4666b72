package feeds

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dateline/feeds/render"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

const (
	styleType = "text/css; charset=utf-8"
	pageAge   = time.Minute // how long a page may be kept without asking
	styleAge  = 365 * 24 * time.Hour
	maxPath   = 4096 // characters of an address; every topic once fits
)

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
	language, path := page.SplitLanguage(r.URL.EscapedPath())
	switch {
	case !f.follow.caughtUp():
		return news.Problemf(news.Unavailable, "the log is still being read; try again in a moment")
	case len(path) > maxPath:
		return news.Problemf(news.BadRequest, "the address has %d characters, more than %d are not read", len(path), maxPath)
	case language != "":
		return f.routeIn(w, r, language, path)
	case path == "":
		path = "/"
	case strings.HasPrefix(path, "/feeds/") && path != "/feeds/":
		return f.serveSelection(w, r, strings.TrimPrefix(path, "/feeds/"), "")
	case strings.HasPrefix(path, "/releases/"):
		return f.serveRelease(w, r, strings.TrimPrefix(path, "/releases/"))
	case path == "/opml" || strings.HasPrefix(path, "/opml/"):
		return f.serveOPML(w, r, path)
	case path == f.look.StylePath():
		f.style(w, r)
		return nil
	}
	if found, err := f.pageOf(w, r, page.Languages()[0], path); found {
		return err
	}
	if found, err := f.forMachines(w, r, path); found {
		return err
	}
	return news.Problemf(news.NotFound, "there is no page at %s; the list of topics is at /topics", path)
}

// routeIn answers for a path with a language in front: pages that exist in every
// language have one there, everything else is at its plain path.
func (f *Feeds) routeIn(w http.ResponseWriter, r *http.Request, language, path string) error {
	if found, err := f.pageOf(w, r, language, path); found {
		return err
	}
	rest, isFeed := strings.CutPrefix(path, "/feeds/")
	switch {
	case isFeed:
		return f.serveSelection(w, r, rest, language)
	case strings.HasPrefix(path, "/releases/"), path == "/opml", strings.HasPrefix(path, "/opml/"):
		return &moved{path}
	}
	return news.Problemf(news.NotFound, "there is no page at /%s%s; the list of topics is at /%s/topics", language, path, language)
}

// serveSelection answers for what stands behind /feeds/. language is the one in
// front of the path, empty for none; only pages may have one.
func (f *Feeds) serveSelection(w http.ResponseWriter, r *http.Request, rest, language string) error {
	if selection, name, archived := cutArchive(rest); archived {
		return f.serveArchive(w, r, selection, name, language)
	}
	p, format, err := f.planOf(rest)
	var m *moved
	switch {
	case errors.As(err, &m):
		return &moved{inLanguage(language, m.path)}
	case err != nil:
		return err
	case format != "" && language != "":
		return &moved{"/feeds/" + rest}
	}
	if err := f.ended(&p.selection); err != nil {
		return err
	}
	if format == "" {
		return f.serveSelectionPage(w, r, p, language)
	}
	v := f.viewOf(p)
	tag := v.tag(format)
	f.remember(p, v, tag)
	feedHeaders(w.Header(), format)
	vary(w.Header(), "A-IM")
	if f.cfg.Hub != "" {
		w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="hub", <%s/feeds/%s.%s>; rel="self"`, f.cfg.Hub, f.cfg.BaseURL, p.path, format))
	}
	if done, err := f.serveDelta(w, r, p, v, format); done || err != nil {
		return err
	}
	return f.answer(w, r, validators{tag, v.changed()}, render.TTL, http.StatusOK, func() (*document, error) { return f.feed(r.Context(), p, v, format) })
}

func feedHeaders(h http.Header, format render.Format) {
	h.Set("Content-Type", format.ContentType())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
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

// overview answers with a page over all releases.
func (f *Feeds) overview(w http.ResponseWriter, r *http.Request, key string, render func() ([]byte, error)) error {
	page.Headers(w.Header())
	return f.listing(w, r, key, pageAge, render)
}

// listing answers with what depends on all releases, made anew after every
// event. Its ETag is a hash of its bytes.
func (f *Feeds) listing(w http.ResponseWriter, r *http.Request, key string, age time.Duration, render func() ([]byte, error)) error {
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
	return f.answer(w, r, validators{tag: d.tag}, age, http.StatusOK, func() (*document, error) { return d, nil })
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
func (f *Feeds) answer(w http.ResponseWriter, r *http.Request, v validators, age time.Duration, status int, fresh func() (*document, error)) error {
	h, now := w.Header(), f.cfg.Now()
	accepted := acceptedBy(r)
	vary(h, "Accept-Encoding")
	if status == http.StatusOK {
		if c, ok := v.unchanged(r.Header, accepted, now); ok {
			f.validate(h, v, c, age, now)
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			f.served.notModified.Add(1)
			return nil
		}
	}
	d, err := fresh()
	if err != nil {
		return err
	}
	c := accepted[0]
	ready, err := f.encode(d, c)
	if err != nil {
		return err
	}
	f.validate(h, validators{d.tag, d.changed}, c, age, now)
	f.served.full.Add(1)
	f.send(w, r, status, ready)
	return nil
}

func acceptedBy(r *http.Request) []coding {
	return codings(strings.Join(r.Header.Values("Accept-Encoding"), ","))
}

// vary names a request header the answer depends on, in one line with the others.
func vary(h http.Header, name string) {
	if others := h.Get("Vary"); others != "" {
		name = others + ", " + name
	}
	h.Set("Vary", name)
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
