package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/news"
)

// Key is what may be told of a key: everything but its text, which nobody knows.
// Times are in UTC and whole seconds.
type Key struct {
	Name      string    `json:"name"`
	Scopes    []Scope   `json:"scopes"`
	Created   time.Time `json:"created,omitzero"`
	CreatedBy string    `json:"created_by,omitempty"` // the name of a key
	Expires   time.Time `json:"expires,omitzero"`     // never, if zero
	Revoked   time.Time `json:"revoked,omitzero"`
	RevokedBy string    `json:"revoked_by,omitempty"`
}

// State says whether a key works.
type State string

// The states of a key.
const (
	Active  State = "active"
	Expired State = "expired"
	Revoked State = "revoked"
)

// State is the key's state at a time. It expires at the moment Expires.
func (k *Key) State(now time.Time) State {
	switch {
	case !k.Revoked.IsZero():
		return Revoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return Expired
	}
	return Active
}

type hash = [sha256.Size]byte

// record is what is stored of a key, under its name.
type record struct {
	Key
	SHA256 string `json:"sha256"` // of the key's text, in hexadecimal
}

func readRecord(name string, b []byte) (record, hash, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return record{}, hash{}, fmt.Errorf("read the record of a key: %w", err)
	}
	sum, err := hex.DecodeString(r.SHA256)
	if err != nil || len(sum) != sha256.Size || r.Name != name {
		return record{}, hash{}, fmt.Errorf("the record of a key holds no SHA-256 or another key's name")
	}
	return r, hash(sum), nil
}

// wish is the body that asks for a key.
type wish struct {
	Name    string  `json:"name"`
	Scopes  []Scope `json:"scopes"`
	Expires string  `json:"expires"` // RFC 3339, a duration like 90d or 12h, or empty for never
}

// key makes the wish a key, or lists everything that is wrong with it.
func (w *wish) key(now time.Time, by string) (Key, error) {
	var problems []string
	if problem := checkName(w.Name); problem != "" {
		problems = append(problems, problem)
	}
	for _, s := range w.Scopes {
		if !slices.Contains(Scopes(), s) {
			problems = append(problems, noScope(s))
		}
	}
	expires, problem := expiry(w.Expires, now)
	if problem != "" {
		problems = append(problems, problem)
	}
	if len(problems) > 0 {
		return Key{}, &news.Problem{Code: news.Unacceptable, Detail: "the key cannot be made", Items: problems}
	}
	scopes := slices.DeleteFunc(Scopes(), func(s Scope) bool { return !slices.Contains(w.Scopes, s) })
	return Key{Name: w.Name, Scopes: scopes, Created: now.UTC().Truncate(time.Second), CreatedBy: by, Expires: expires}, nil
}

// maxName is the longest name of a key, in characters.
const maxName = 64

func checkName(name string) string {
	if name == AdminName {
		return "the name admin is that of the key in the data folder; choose another"
	}
	if name == "" || len(name) > maxName || strings.Trim(name, "-") != name || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) {
		return fmt.Sprintf("the name %q is not 1 to %d lower-case letters, digits and dashes between them, like newsroom-2", news.CleanLine(name), maxName)
	}
	return ""
}

func noScope(s Scope) string {
	var words []string
	for _, known := range Scopes() {
		words = append(words, string(known))
	}
	if near := news.Nearest(string(s), words); near != "" {
		return fmt.Sprintf("there is no scope %q; perhaps %s", news.CleanLine(string(s)), near)
	}
	return fmt.Sprintf("there is no scope %q; there are %s", news.CleanLine(string(s)), strings.Join(words, ", "))
}

// maxDays is the longest life of a key that is told in days.
const maxDays = 36500

// expiry reads when a key expires, to the second.
func expiry(s string, now time.Time) (at time.Time, problem string) {
	if s == "" {
		return time.Time{}, ""
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		life, ok := lifetime(s)
		if !ok {
			return time.Time{}, fmt.Sprintf("expires %q is neither a time like 2027-01-31T18:00:00Z nor a duration like 90d or 12h", news.CleanLine(s))
		}
		at = now.Add(life)
	}
	at = at.UTC().Truncate(time.Second)
	if !at.After(now) {
		return time.Time{}, fmt.Sprintf("expires %s has passed", at.Format(time.RFC3339))
	}
	return at, ""
}

func lifetime(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil && n <= maxDays
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}
