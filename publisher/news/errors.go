package news

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the machine's word for what is wrong with a request.
type Code string

// The codes, each with the HTTP status the API answers.
const (
	BadRequest   Code = "bad-request"   // 400: cannot be read at all
	Forbidden    Code = "forbidden"     // 403: the key lacks a scope
	NotFound     Code = "not-found"     // 404
	Gone         Code = "gone"          // 410: it was there, and has ended
	Conflict     Code = "conflict"      // 409: concurrent change or illegal move
	Stale        Code = "stale"         // 412: If-Match names an older revision
	NeedsMatch   Code = "needs-match"   // 428: If-Match is missing
	TooLarge     Code = "too-large"     // 413
	Unsupported  Code = "unsupported"   // 415: not a kind of document we read
	Unacceptable Code = "unprocessable" // 422: read, but refused; every problem listed
	RateLimited  Code = "rate-limited"  // 429
	Unavailable  Code = "unavailable"   // 503: the log is away
	DiskFull     Code = "disk-full"     // 507
)

// Problem is an error that a person can act on: what is wrong, where, what to do.
type Problem struct {
	Code   Code
	Detail string   // one sentence, lower case, no full stop
	Items  []string // each single problem, when there are several
}

func (p *Problem) Error() string {
	if len(p.Items) == 0 {
		return p.Detail
	}
	return p.Detail + ": " + strings.Join(p.Items, "; ")
}

// Problemf makes a Problem with a formatted sentence.
func Problemf(code Code, format string, args ...any) error {
	return &Problem{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Problem in err's chain, or "".
func CodeOf(err error) Code {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
