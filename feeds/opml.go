package feeds

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"dateline/feeds/site"
	"dateline/publisher/news"
)

const (
	opmlType = "text/x-opml; charset=utf-8"
	opmlAge  = time.Hour
	maxOPML  = 500 // feeds in a list that was asked for; every topic once fits
)

// serveOPML answers for lists of feeds: of everything, of a kind (/opml/field), of
// a group (/opml/field/human), and of what a query names: each field, country,
// source, type and language as a feed of its own, and each path of a selection as
// "feed". A list that was asked for by a query is made for the one who asks.
func (f *Feeds) serveOPML(w http.ResponseWriter, r *http.Request, path string) error {
	h := w.Header()
	h.Set("Content-Type", opmlType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Disposition", `attachment; filename="feeds.opml"`)
	if strings.HasSuffix(path, "/") {
		return &moved{strings.TrimRight(path, "/")}
	}
	if path != "/opml" {
		list, canonical, err := f.listOf(strings.Split(strings.TrimPrefix(path, "/opml/"), "/"))
		switch {
		case err != nil:
			return err
		case canonical != path:
			return &moved{canonical}
		}
		return f.listing(w, r, path, opmlAge, list)
	}
	q, err := question(r)
	if err != nil {
		return err
	}
	some, err := f.listed(q)
	if err != nil {
		return err
	}
	if len(some) == 0 {
		return f.listing(w, r, path, opmlAge, f.site.OPML)
	}
	b, err := f.site.OPMLOf(f.cfg.Title, some...)
	d, err := f.page(b, err, "")
	if err != nil {
		return err
	}
	return f.answer(w, r, validators{tag: d.tag}, opmlAge, http.StatusOK, func() (*document, error) { return d, nil })
}

// listOf finds the list of a kind or of a topic, and its canonical path.
func (f *Feeds) listOf(parts []string) (list func() ([]byte, error), path string, err error) {
	k := news.TopicKind(parts[0])
	if !slices.Contains(news.TopicKinds, k) || len(parts) > 2 {
		return nil, "", news.Problemf(news.NotFound, "there is no list of feeds for %q; use /opml, /opml/field, /opml/country, /opml/source, /opml/type, /opml/language or a group below them", strings.Join(parts, "/"))
	}
	if len(parts) == 1 {
		return func() ([]byte, error) { return f.site.OPMLOfKind(k) }, "/opml/" + string(k), nil
	}
	name, err := url.PathUnescape(parts[1])
	if err != nil {
		return nil, "", news.Problemf(news.BadRequest, "the address is not encoded as one: %s", err)
	}
	topic, err := f.cfg.Taxonomy.Resolve(k, name)
	if err != nil {
		return nil, "", err
	}
	return func() ([]byte, error) { return f.site.OPMLOfGroup(topic) }, "/opml/" + string(k) + "/" + topic.Slug, nil
}

// listed are the selections of a query, each once: topics in the order of
// kinds, then paths.
func (f *Feeds) listed(q url.Values) ([]news.Selection, error) {
	var out []news.Selection
	seen := map[string]bool{}
	add := func(s news.Selection) {
		if path := s.Path(); !seen[path] {
			seen[path] = true
			out = append(out, s)
		}
	}
	for _, k := range news.TopicKinds {
		for _, value := range q[string(k)] {
			if value == "" {
				continue
			}
			topic, err := f.cfg.Taxonomy.Resolve(k, value)
			if err != nil {
				return nil, err
			}
			add(site.With(news.Selection{}, k, []string{topic.Slug}))
		}
	}
	for _, path := range q["feed"] {
		s, err := news.ParseSelection(f.cfg.Taxonomy, strings.TrimPrefix(strings.ReplaceAll(path, " ", "+"), "/feeds/"))
		if err != nil {
			return nil, err
		}
		f.simplify(&s)
		add(s)
	}
	if len(out) > maxOPML {
		return nil, news.Problemf(news.BadRequest, "the list would have %d feeds, more than %d are not listed", len(out), maxOPML)
	}
	return out, nil
}
