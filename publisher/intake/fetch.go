package intake

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	maxFetch     = 8 << 20 // of a body, in bytes, compressed or not
	maxRedirects = 5
	fetchTime    = time.Minute // for an answer with all its redirects
	maxValidator = 1 << 10     // of an ETag or a date, in bytes
)

// errGone says that a source answered 410.
var errGone = errors.New("gone")

// answer is what a source says.
type answer struct {
	body     []byte // nil when nothing has changed
	etag     string
	modified string
	final    string        // hash of the address that answered
	moved    bool          // for good, says the source
	wait     time.Duration // how long it asks to be left alone, beside an error
	fresh    time.Duration // how long it says that its answer holds
}

// fetch asks an address, following redirects, each through the guard. m gives
// the validators of the last answer. Errors name no address.
func (p *Puller) fetch(ctx context.Context, address string, m mark) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTime, errors.New("it takes longer than a minute"))
	defer cancel()
	var a answer
	for range maxRedirects + 1 {
		to, permanent, err := p.hop(ctx, address, m, &a)
		if err != nil || to == "" {
			return a, err
		}
		a.moved = a.moved || permanent
		address = to
	}
	return a, fmt.Errorf("it leads from one address to another more than %d times", maxRedirects)
}

// hop makes one request. to is where it leads on, "" when a is the answer.
func (p *Puller) hop(ctx context.Context, address string, m mark, a *answer) (to string, permanent bool, err error) {
	if err := p.cfg.Client.CheckURL(address); err != nil {
		return "", false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", false, errors.New("its address cannot be read")
	}
	sum := sha256.Sum256([]byte(address))
	a.final = hex.EncodeToString(sum[:16])
	asked := p.head(req.Header, m, a.final)
	res, err := p.cfg.Client.Do(req)
	if err != nil {
		return "", false, bare(ctx, err)
	}
	defer res.Body.Close()
	a.fresh = maxAge(res.Header.Get("Cache-Control"))
	switch res.StatusCode {
	case http.StatusOK:
		a.etag, a.modified = validator(res.Header.Get("ETag")), validator(res.Header.Get("Last-Modified"))
		a.body, err = body(ctx, res)
		return "", false, err
	case http.StatusNotModified:
		if !asked {
			return "", false, errors.New("it answers 304 to a request without conditions")
		}
		return "", false, nil
	case http.StatusGone:
		return "", false, errGone
	case http.StatusMovedPermanently, http.StatusPermanentRedirect:
		to, err = target(req.URL, res.Header.Get("Location"))
		return to, true, err
	case http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect:
		to, err = target(req.URL, res.Header.Get("Location"))
		return to, false, err
	}
	a.wait = retryAfter(res.Header.Get("Retry-After"), p.cfg.Now())
	return "", false, fmt.Errorf("it answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))
}

// head fills in the request's header; asked tells whether it holds conditions.
// Validators are sent only to the address that gave them.
func (p *Puller) head(h http.Header, m mark, final string) (asked bool) {
	h.Set("User-Agent", p.cfg.UserAgent)
	h.Set("Accept", "application/rss+xml, application/atom+xml, application/feed+json, application/json;q=0.9, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5")
	h.Set("Accept-Encoding", "gzip")
	if m.Final != final {
		return false
	}
	if m.ETag != "" {
		h.Set("If-None-Match", m.ETag)
	}
	if m.Modified != "" {
		h.Set("If-Modified-Since", m.Modified)
	}
	return m.ETag != "" || m.Modified != ""
}

// body reads what an answer holds, unpacked.
func body(ctx context.Context, res *http.Response) ([]byte, error) {
	in := io.LimitReader(res.Body, maxFetch+1)
	switch coding := strings.ToLower(strings.TrimSpace(res.Header.Get("Content-Encoding"))); coding {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("its answer cannot be unpacked: %w", bare(ctx, err))
		}
		in = io.LimitReader(z, maxFetch+1)
	default:
		return nil, errors.New("its answer comes in a coding that was not asked for")
	}
	b, err := io.ReadAll(in)
	switch {
	case len(b) > maxFetch:
		return nil, fmt.Errorf("its answer is larger than %d MiB", maxFetch>>20)
	case err != nil:
		return nil, fmt.Errorf("its answer breaks off: %w", bare(ctx, err))
	}
	return b, nil
}

// target is where a redirect leads.
func target(from *url.URL, location string) (string, error) {
	to, err := url.Parse(location)
	if err != nil || location == "" {
		return "", errors.New("it leads on without saying where to")
	}
	to = from.ResolveReference(to)
	to.Fragment = ""
	if from.Scheme == "https" && to.Scheme != "https" {
		return "", errors.New("it leads from https to another scheme")
	}
	return to.String(), nil
}

// bare drops the address, which may hold secrets, from an error of the client,
// and says what ended a wait.
func bare(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err
}

// validator is a header to be sent back as it came, unless it is absurdly long.
func validator(v string) string {
	if len(v) > maxValidator {
		return ""
	}
	return v
}

// maxAge is what Cache-Control says about how long an answer holds (RFC 9111
// section 5.2.2.1).
func maxAge(header string) time.Duration {
	for directive := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if strings.EqualFold(name, "max-age") {
			return seconds(strings.Trim(value, `"`))
		}
	}
	return 0
}

// retryAfter is how long a source asks to be left alone (RFC 9110 section
// 10.2.3), in seconds or until a time.
func retryAfter(header string, now time.Time) time.Duration {
	if t, err := http.ParseTime(header); err == nil {
		return max(0, t.Sub(now))
	}
	return seconds(strings.TrimSpace(header))
}

func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// ttl is how long RSS 2.0 says that it may be kept, in minutes within the feed.
func ttl(b []byte) time.Duration {
	m := regexp.MustCompile(`<ttl>\s*(\d{1,5})\s*</ttl>`).FindSubmatch(b[:min(len(b), 64<<10)])
	if m == nil {
		return 0
	}
	return 60 * seconds(string(m[1]))
}
