package feeds

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// coding is how a body is encoded on its way (RFC 9110 section 8.4.1).
type coding string

const (
	identity coding = "identity"
	gzipped  coding = "gzip"
)

// codings lists the codings a client takes, the best first (RFC 9110 section
// 12.5.3). Who takes none gets identity all the same.
func codings(accept string) []coding {
	if accept == "" {
		return []coding{identity}
	}
	weights := map[coding]float64{}
	for part := range strings.SplitSeq(accept, ",") {
		name, weight := weighted(part)
		if name == "x-gzip" {
			name = string(gzipped)
		}
		weights[coding(name)] = weight
	}
	others, all := weights["*"]
	weight := func(c coding, fallback float64) float64 {
		if w, named := weights[c]; named {
			return w
		}
		if all {
			return others
		}
		return fallback
	}
	zip, plain := weight(gzipped, 0), weight(identity, 0.001) // identity is always taken, last
	switch {
	case zip <= 0:
		return []coding{identity}
	case plain <= 0:
		return []coding{gzipped}
	case plain > zip:
		return []coding{identity, gzipped}
	}
	return []coding{gzipped, identity}
}

// weighted reads "name;q=0.5"; a weight that cannot be read is 0.
func weighted(part string) (name string, weight float64) {
	name, params, _ := strings.Cut(strings.ToLower(part), ";")
	weight = 1
	for p := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
			w, err := strconv.ParseFloat(v, 64)
			if err != nil || w < 0 || w > 1 {
				w = 0
			}
			weight = w
		}
	}
	return strings.TrimSpace(name), weight
}

// validators are what a client can know a document by.
type validators struct {
	tag     string    // differs between documents and their states
	changed time.Time // whole second; zero when there is none
}

// etag is the strong ETag of a coding.
func (v validators) etag(c coding) string {
	if c == gzipped {
		return `"` + v.tag + `-gz"`
	}
	return `"` + v.tag + `"`
}

// lastModified is the time of the last change, when its second is over: until
// then another change could bear the same time.
func (v validators) lastModified(now time.Time) (time.Time, bool) {
	return v.changed, !v.changed.IsZero() && !now.Before(v.changed.Add(time.Second))
}

// unchanged evaluates the preconditions of a GET or HEAD (RFC 9110 section
// 13.2.2) and returns the coding whose copy the client has, if it may go on
// using it. Each coding the client takes may be the one it has.
func (v validators) unchanged(h http.Header, accepted []coding, now time.Time) (coding, bool) {
	if tags := h.Values("If-None-Match"); len(tags) > 0 {
		for _, c := range accepted {
			if matches(tags, v.etag(c)) {
				return c, true
			}
		}
		return "", false
	}
	since, err := http.ParseTime(h.Get("If-Modified-Since"))
	modified, known := v.lastModified(now)
	return accepted[0], err == nil && known && !modified.After(since)
}

// matches compares weakly, as If-None-Match does (RFC 9110 section 13.1.2).
func matches(fields []string, etag string) bool {
	for _, field := range fields {
		if strings.TrimSpace(field) == "*" {
			return true
		}
		if slices.Contains(tagList(field), etag) {
			return true
		}
	}
	return false
}

// tagList reads a list of entity tags, each without W/. What is not one ends it.
func tagList(s string) []string {
	var out []string
	for {
		s = strings.TrimLeft(s, " \t,")
		s = strings.TrimPrefix(s, "W/")
		if !strings.HasPrefix(s, `"`) {
			return out
		}
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			return out
		}
		out = append(out, s[:end+2])
		s = s[end+2:]
	}
}
