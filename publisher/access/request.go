package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"dateline/publisher/news"
)

// Query reads the request's query and refuses what it does not know: an
// option that is misspelt must not pass for one that was not given.
func Query(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, news.Problemf(news.BadRequest, "the query cannot be read; check its percent signs and ampersands")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			text := fmt.Sprintf("there is no parameter %q here", news.CleanLine(name))
			if near := news.Nearest(name, known); near != "" {
				text += "; perhaps " + near
			}
			return nil, news.Problemf(news.BadRequest, "%s", text)
		}
		if len(values) > 1 {
			return nil, news.Problemf(news.BadRequest, "the parameter %s stands twice", name)
		}
	}
	return q, nil
}

// Body reads the request's body into what, which points at a struct: one JSON
// object of the type application/json (415) without unknown keys (400). The
// sentence of 400 is wanted, which says what the body should be.
func Body(r *http.Request, what any, wanted string) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return news.Problemf(news.Unsupported, "the Content-Type %q is not read here; send application/json", r.Header.Get("Content-Type"))
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err = d.Decode(what); err == nil {
		if _, err = d.Token(); err == nil {
			err = errors.New("more than one value")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	}
	if err != nil {
		return news.Problemf(news.BadRequest, "%s", wanted)
	}
	return nil
}
