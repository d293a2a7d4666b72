package feeds

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dateline/publisher/news"
	"dateline/publisher/page"
)

// maxQuery bounds the question of a form, in bytes; every topic once fits.
const maxQuery = 16 << 10

// find answers for the finder: with its page, or, when its form was sent, with
// the way to the selection that was chosen. So a selection has one address
// however it was asked for, and no question is ever kept.
func (f *Feeds) find(w http.ResponseWriter, r *http.Request, language string) error {
	q, err := question(r)
	if err != nil {
		return err
	}
	if !asks(q) {
		return f.overview(w, r, page.InLanguage(language, "/feeds"), func() ([]byte, error) {
			return f.sites[language].Finder(f.index.Total(), f.index.Count)
		})
	}
	s, err := f.chosen(q)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, f.look.Path(page.InLanguage(language, "/feeds/"+s.Path())), http.StatusSeeOther) //nolint:gosec // the path is made of our own topics' slugs
	return nil
}

// question reads the query of a request.
func question(r *http.Request) (url.Values, error) {
	if len(r.URL.RawQuery) > maxQuery {
		return nil, news.Problemf(news.BadRequest, "the question has %d bytes, more than %d are not read", len(r.URL.RawQuery), maxQuery)
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, news.Problemf(news.BadRequest, "the question behind the ? is not encoded as one: %s", err)
	}
	return q, nil
}

// asks reports whether a query comes from the finder's form: other parameters,
// such as those by which campaigns are counted, ask nothing.
func asks(q url.Values) bool {
	return q.Has("role") || q.Has("routine") || slices.ContainsFunc(news.TopicKinds, func(k news.TopicKind) bool { return q.Has(string(k)) })
}

// chosen is the canonical selection of a query. A role that no country goes
// with says nothing.
func (f *Feeds) chosen(q url.Values) (news.Selection, error) {
	s := news.Selection{Routine: q.Get("routine") != ""}
	parts := []string{}
	if s.Routine {
		parts = append(parts, "routine")
	}
	for _, k := range news.TopicKinds {
		var slugs []string
		for _, value := range q[string(k)] {
			if value == "" {
				continue
			}
			topic, err := f.cfg.Taxonomy.Resolve(k, value)
			if err != nil {
				return s, err
			}
			slugs = append(slugs, topic.Slug)
		}
		if len(slugs) == 0 {
			continue
		}
		parts = append(parts, string(k), strings.Join(slugs, "+"))
		if role := q.Get("role"); k == news.KindCountry && role != "" {
			parts = append(parts, "role", role)
		}
	}
	if len(parts) == 0 || len(parts) == 1 && s.Routine {
		parts = append(parts, "all")
	}
	s, err := news.ParseSelection(f.cfg.Taxonomy, strings.Join(parts, "/"))
	f.simplify(&s)
	return s, err
}
