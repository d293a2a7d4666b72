package feeds

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/page"
)

const (
	moveAge = time.Hour // how long a redirect may be kept; not longer, so that a mistake heals
	maxNear = 5         // suggestions on the page of an error
)

// errMethod ends a request that would change something.
var errMethod = errors.New("only GET and HEAD are answered here")

// moved ends a request for another path than the canonical one.
type moved struct{ path string }

func (m *moved) Error() string { return "it is at " + m.path }

// refuse answers a request that has no document: with a redirect, a page for
// people, or problem+json for programs.
func (f *Feeds) refuse(w http.ResponseWriter, r *http.Request, err error) {
	h := w.Header()
	for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Access-Control-Allow-Origin"} {
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
	case news.Gone:
		return http.StatusGone
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
	language, path := page.SplitLanguage(r.URL.Path)
	if language == "" {
		language = page.Languages()[0]
	}
	t := page.Trouble{Status: status}
	if status < http.StatusInternalServerError {
		t.Detail = sentence(err.Error())
		t.Near = f.near(language, path)
		if path == "/feeds" {
			t.Near = f.nearAsked(language, r.URL.Query())
		}
	}
	b, err := f.looks[language].Problem(t)
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
func (f *Feeds) near(language, path string) []page.Link {
	rest, isFeed := strings.CutPrefix(path, "/feeds/")
	if !isFeed {
		return nil
	}
	name, format := splitFormat(rest)
	parts := strings.Split(strings.TrimPrefix(name, "routine/"), "/")
	var out []page.Link
	looked := 0 // each look compares with every topic, and a path may hold a thousand
	for i := 0; i+1 < len(parts); i += 2 {
		out = append(out, f.nearest(language, news.TopicKind(parts[i]), strings.Split(parts[i+1], "+"), format.extension(), &looked)...)
	}
	return out
}

// nearAsked is near for what the finder was asked.
func (f *Feeds) nearAsked(language string, q url.Values) []page.Link {
	var out []page.Link
	looked := 0
	for _, k := range news.TopicKinds {
		out = append(out, f.nearest(language, k, q[string(k)], "", &looked)...)
	}
	return out
}

func (f *Feeds) nearest(language string, k news.TopicKind, values []string, extension string, looked *int) []page.Link {
	var out []page.Link
	for _, value := range values {
		if _, known := f.cfg.Taxonomy.Find(k, value); known {
			continue
		}
		if *looked++; *looked > maxNear {
			break
		}
		if slug := news.Nearest(news.Slugify(value), f.slugs(k)); slug != "" {
			out = append(out, page.Link{Title: f.sites[language].Name(k, slug), Path: "/feeds/" + string(k) + "/" + slug + extension})
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
