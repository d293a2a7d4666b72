package publisher

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/catalogue"
	"dateline/publisher/news"
)

// Listed is one release in a list.
type Listed struct {
	ID        string      `json:"id"`
	Revision  int         `json:"revision"`
	Status    news.Status `json:"status"`
	Erased    bool        `json:"erased,omitempty"`
	Title     string      `json:"title"`
	Language  string      `json:"language,omitempty"`
	Type      string      `json:"type,omitempty"`
	Published time.Time   `json:"published"`
	Updated   time.Time   `json:"updated"`
	Surfaced  time.Time   `json:"surfaced"` // the order of the list: when it came, or was corrected, for the public
	URL       string      `json:"url"`      // of the page
}

const (
	listLimit = 50
	listMax   = 500
)

// listReleases answers with a page of releases, the newest first: filtered by
// field, country (with role), source, type, language, status, words of the title
// and date. The next page is behind "next", and in the header Link (RFC 8288).
func (p *Publisher) listReleases(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "field", "country", "role", "source", "type", "language", "routine", "status", "q", "from", "before", "limit", "cursor")
	if err != nil {
		return err
	}
	filter, err := p.filterOf(q)
	if err != nil {
		return err
	}
	limit, err := limitOf(q.Get("limit"))
	if err != nil {
		return err
	}
	after, err := cursorOf(q.Get("cursor"))
	if err != nil {
		return err
	}
	if !p.list.CaughtUp() {
		return news.Problemf(news.Unavailable, "the list of releases is still being read; try again in a moment")
	}
	p.catchUp(r.Context())
	page, next := p.list.List(filter, after, limit)
	out := struct {
		Releases []Listed `json:"releases"`
		Next     string   `json:"next,omitempty"`
	}{Releases: make([]Listed, 0, len(page))}
	for i := range page {
		out.Releases = append(out.Releases, p.listed(&page[i]))
	}
	if next != nil {
		out.Next = cursorText(next)
		q.Set("cursor", out.Next)
		w.Header().Set("Link", "<"+p.cfg.BaseURL+"/api/v1/releases?"+q.Encode()+`>; rel="next"`)
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", out)
	return nil
}

// listLag is how long a list waits for what was published just before.
const listLag = 250 * time.Millisecond

// catchUp lets whoever has published see it in the list, unless that takes long.
func (p *Publisher) catchUp(ctx context.Context) {
	last, err := p.cfg.Wire.LastSeq(ctx)
	if err != nil {
		return // the list is as old as the log's last answer
	}
	ctx, cancel := context.WithTimeout(ctx, listLag)
	defer cancel()
	_ = p.list.Await(ctx, last) // a list that is a little old is better than none
}

func (p *Publisher) listed(e *catalogue.Entry) Listed {
	return Listed{
		ID: e.ID, Revision: e.Revision, Status: e.Status, Erased: e.Erased, Title: e.Title, Language: e.Language, Type: e.Type,
		Published: e.Published, Updated: e.Updated, Surfaced: e.Surfaced, URL: news.ReleaseURL(p.cfg.BaseURL, e.ID, e.Title),
	}
}

// filterOf reads the filter: values of one kind are joined by commas and mean
// any of them, kinds together mean all.
func (p *Publisher) filterOf(q url.Values) (catalogue.Filter, error) {
	f := catalogue.Filter{Words: q.Get("q"), Status: news.Status(q.Get("status"))}
	switch f.Status {
	case "", news.Published, news.Withdrawn:
	case news.Draft, news.Embargoed:
		return f, news.Problemf(news.BadRequest, "what is a draft or under embargo is listed by /api/v1/desk")
	default:
		return f, news.Problemf(news.BadRequest, "status=%s is neither published nor withdrawn", news.CleanLine(q.Get("status")))
	}
	var parts []string
	for _, kind := range []string{"field", "country", "role", "source", "type", "language"} {
		if v := q.Get(kind); v != "" {
			if strings.Contains(v, "/") {
				return f, news.Problemf(news.BadRequest, "%s=%s holds a slash; join several values of a kind by commas, and give each kind a parameter of its own", kind, news.CleanLine(v))
			}
			parts = append(parts, kind, strings.ReplaceAll(v, ",", "+"))
		}
	}
	if len(parts) == 0 {
		parts = []string{"all"}
	}
	var err error
	if f.Selection, err = news.ParseSelection(p.cfg.Taxonomy, strings.Join(parts, "/")); err != nil {
		return f, err
	}
	f.Selection.Routine = true
	if q.Has("routine") {
		if f.Selection.Routine, err = flag(q.Get("routine"), "routine"); err != nil {
			return f, err
		}
	}
	if f.From, err = dayOf(q, "from"); err == nil {
		f.Before, err = dayOf(q, "before")
	}
	return f, err
}

func dayOf(q url.Values, name string) (time.Time, error) {
	v := q.Get(name)
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, v)
	if err != nil {
		return t, news.Problemf(news.BadRequest, "%s=%s is no date like 2026-11-24", name, news.CleanLine(v))
	}
	return t, nil
}

func limitOf(v string) (int, error) {
	if v == "" {
		return listLimit, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > listMax {
		return 0, news.Problemf(news.BadRequest, "limit=%s is not a number between 1 and %d", news.CleanLine(v), listMax)
	}
	return n, nil
}

func cursorText(c *catalogue.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.Surfaced.UnixMilli(), 10) + " " + c.ID))
}

func cursorOf(v string) (*catalogue.Cursor, error) {
	if v == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(v)
	at, id, _ := strings.Cut(string(b), " ")
	ms, numErr := strconv.ParseInt(at, 10, 64)
	if err != nil || numErr != nil || !news.ValidID(id) {
		return nil, news.Problemf(news.BadRequest, "the cursor is not one from an earlier answer; leave it out to begin at the newest release")
	}
	return &catalogue.Cursor{Surfaced: time.UnixMilli(ms).UTC(), ID: id}, nil
}

func (p *Publisher) getHistory(w http.ResponseWriter, r *http.Request) error {
	if _, err := query(r); err != nil {
		return err
	}
	past, err := p.History(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", past)
	return nil
}

// Filed is how many releases, withdrawn ones too, are filed under a topic.
func (p *Publisher) Filed(k news.TopicKind, slug string) int { return p.list.Count(k, slug) }

// WaitingFor is how many versions at the desk are filed under a topic.
func (p *Publisher) WaitingFor(k news.TopicKind, slug string) (n int) {
	for _, w := range p.desk.all() {
		named := news.Release{Tells: &news.TopicRef{Kind: k, Slug: slug}}
		for _, s := range news.Touched(p.cfg.Taxonomy, &w.Release) {
			if s.Match(p.cfg.Taxonomy, &named) {
				n++
				break
			}
		}
	}
	return n
}
