package feeds

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// coding is how a body is encoded on its way (RFC 9110 section 8.4.1).
type coding string

const (
	identity  coding = "identity"
	gzipped   coding = "gzip"
	zstandard coding = "zstd" // RFC 8878
	brotlied  coding = "br"   // RFC 7932
)

// allCodings are the codings there are; of those a client takes as gladly, the
// first is the best: ready-made and small, then small, then ready-made.
var allCodings = [...]coding{zstandard, brotlied, gzipped, identity}

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
	weight := func(c coding) float64 {
		if w, named := weights[c]; named {
			return w
		}
		if w, all := weights["*"]; all {
			return w
		}
		if c == identity {
			return 0.0001 // always taken, last
		}
		return 0
	}
	out := make([]coding, 0, len(allCodings))
	for _, c := range allCodings {
		if weight(c) > 0 {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b coding) int { return cmp.Compare(weight(b), weight(a)) })
	if len(out) == 0 {
		return []coding{identity}
	}
	return out
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

// suffixes tell the ETags of codings apart.
var suffixes = map[coding]string{identity: "", gzipped: "-gz", zstandard: "-zst", brotlied: "-br"}

// etag is the strong ETag of a coding.
func (v validators) etag(c coding) string { return `"` + v.tag + suffixes[c] + `"` }

// lastModified is the time of the last change, when its second is over: until
// then another change could bear the same time.
func (v validators) lastModified(now time.Time) (time.Time, bool) {
	return v.changed, !v.changed.IsZero() && !now.Before(v.changed.Add(time.Second))
}

// unchanged evaluates the preconditions of a GET or HEAD (RFC 9110 section
// 13.2.2) and returns the coding whose copy the client has, if it may go on
// using it. It may have one that it would not be sent now; what it says it takes
// decides only between several.
func (v validators) unchanged(h http.Header, accepted []coding, now time.Time) (coding, bool) {
	if tags := h.Values("If-None-Match"); len(tags) > 0 {
		for _, c := range slices.Concat(accepted, allCodings[:]) {
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
