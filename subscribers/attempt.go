package subscribers

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/news"
)

// attempt is the record of one try for a recipient and a release. It carries
// along what the next decision needs: what the recipient was told, or may have been.
type attempt struct {
	Event    string    `json:"event"` // id of the alert tried: that of the event that surfaced
	Channel  Channel   `json:"channel,omitempty"`
	Surfaced int       `json:"surfaced"` // the revision that people are told of by it
	Try      int       `json:"try"`      // 1 for the first of this revision
	At       time.Time `json:"at"`
	Outcome  outcome   `json:"outcome"`
	Answer   string    `json:"answer,omitempty"`
	Millis   int64     `json:"ms,omitempty"`
	Next     time.Time `json:"next,omitzero"`
	// Sent is the newest surfaced revision the recipient certainly has.
	Sent int `json:"sent,omitempty"`
	// Told are the ids of the alerts the recipient has or may have, oldest first.
	Told []string `json:"told,omitempty"`
}

// alertID names what people are told of a release in its present state. A minor
// revision in between, which alerts nobody, does not change it, so that a try
// before the revision and one behind it are the same message to a receiver.
func alertID(r *news.Release) string { return r.ID + ":" + strconv.Itoa(r.SurfacedRevision) }

type outcome string

const (
	trying   outcome = "trying"   // written before the send; found later it means that nobody knows
	accepted outcome = "accepted" // the other side took it
	failed   outcome = "failed"   // it will be tried again
	givenUp  outcome = "given-up"
	late     outcome = "late" // the event was too old to be sent
)

func readAttempt(b []byte) (attempt, error) {
	var a attempt
	err := json.Unmarshal(b, &a)
	return a, err
}

// maxTold bounds the list; the oldest stays, because replies refer to it.
const maxTold = 8

// begin is the record before a send: the event counts as told from here on.
func (a attempt) begin(e *news.Event, now time.Time) attempt {
	next := attempt{Event: alertID(&e.Release), Surfaced: e.Release.SurfacedRevision, Try: 1, At: now, Outcome: trying, Sent: a.Sent, Told: slices.Clone(a.Told)}
	if a.Surfaced == next.Surfaced {
		next.Try = a.Try + 1
	}
	if !slices.Contains(next.Told, next.Event) {
		next.Told = append(next.Told, next.Event)
	}
	if len(next.Told) > maxTold {
		next.Told = slices.Delete(next.Told, 1, 2)
	}
	return next
}

// earlier are the events of before surfaced that the recipient may have.
func (a attempt) earlier(surfaced int) []string {
	var out []string
	for _, id := range a.Told {
		if revisionOf(id) < surfaced {
			out = append(out, id)
		}
	}
	return out
}

func revisionOf(eventID string) int {
	n, err := strconv.Atoi(eventID[strings.LastIndexByte(eventID, ':')+1:])
	if err != nil {
		return 0
	}
	return n
}

// rests reports whether the release, as it is now, was tried already and is not
// to be tried again yet.
func (a attempt) rests(r *news.Release, now time.Time) bool {
	return a.Outcome == failed && a.Surfaced == r.SurfacedRevision && a.Next.After(now)
}

// decide says whether the release in its present state is to be sent to a
// recipient with that last record. matches: the release is in one of its
// selections; assumed: it must have been told of an earlier revision, but the
// record is too old to exist.
func decide(r *news.Release, last attempt, matches, assumed bool) bool {
	known := assumed || len(last.earlier(r.SurfacedRevision)) > 0
	switch {
	case last.Sent >= r.SurfacedRevision:
		return false
	case last.Outcome == givenUp && last.Surfaced == r.SurfacedRevision:
		return false
	case r.Status == news.Withdrawn:
		return known
	}
	return known || matches || len(last.Told) > 0
}
