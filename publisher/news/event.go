package news

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Kind says what happened to a release.
type Kind string

// The kinds of event. Published opens the life of a release; Revised is a minor
// change that alerts nobody; Corrected needs a note; Withdrawn needs a reason
// and removes the text; Republished follows Withdrawn.
const (
	KindPublished   Kind = "published"
	KindRevised     Kind = "revised"
	KindCorrected   Kind = "corrected"
	KindWithdrawn   Kind = "withdrawn"
	KindRepublished Kind = "republished"
)

// Event is one change of one release, with the full state after it.
type Event struct {
	Kind     Kind      `json:"kind"`
	Time     time.Time `json:"time"`               // UTC, milliseconds
	Backfill bool      `json:"backfill,omitempty"` // an import: alerts nobody
	Release  Release   `json:"release"`
}

// ID is the id of the event: "<release id>:<revision>".
func (e *Event) ID() string { return e.Release.ID + ":" + strconv.Itoa(e.Release.Revision) }

// Alerts reports whether the event is one that people are told about.
func (e *Event) Alerts() bool { return e.Kind != KindRevised && !e.Backfill }

// Next makes the event that turns the release prev (nil for a first
// publication) into next. It sets next's identity, revision, status and times:
//
//   - the id and first origin stay those of prev;
//   - UpdatedAt is now, in UTC and whole milliseconds;
//   - SurfacedAt is now for every kind but a revision, which keeps prev's, and a
//     first publication by back-fill, which takes the release's own date;
//   - a withdrawal keeps title and tags and drops text, summary, links and contacts.
//
// Illegal moves are refused with a [Problem] of code [Conflict] that names the
// allowed ones.
func Next(prev *Release, next Release, kind Kind, now time.Time, backfill bool) (Event, error) {
	if err := allowed(prev, kind); err != nil {
		return Event{}, err
	}
	now = now.UTC().Truncate(time.Millisecond)
	next.Revision, next.Status, next.UpdatedAt = 1, Published, now
	if prev != nil {
		next.ID, next.Origin, next.Revision = prev.ID, prev.Origin, prev.Revision+1
		if next.OtherOrigins == nil {
			next.OtherOrigins = prev.OtherOrigins
		}
	}
	if kind == KindWithdrawn {
		next.Status = Withdrawn
		next.Summary, next.HTML, next.Text = "", "", ""
		next.Links, next.Contacts, next.Note = nil, nil, ""
	} else {
		next.Reason = ""
	}
	next.SurfacedAt, next.SurfacedRevision = now, next.Revision
	switch {
	case kind == KindRevised:
		next.SurfacedAt, next.SurfacedRevision = prev.SurfacedAt, prev.SurfacedRevision
	case kind == KindPublished && backfill:
		next.SurfacedAt = next.PublishedAt.UTC().Truncate(time.Millisecond)
	}
	return Event{Kind: kind, Time: now, Backfill: backfill, Release: next}, nil
}

func allowed(prev *Release, kind Kind) error {
	switch {
	case prev == nil && kind == KindPublished,
		prev != nil && prev.Status == Published && (kind == KindRevised || kind == KindCorrected || kind == KindWithdrawn),
		prev != nil && prev.Status == Withdrawn && kind == KindRepublished:
		return nil
	case prev == nil:
		return Problemf(NotFound, "there is no such release, so it cannot be %s; publish it first", kind)
	case prev.Status == Withdrawn:
		return Problemf(Conflict, "release %s was withdrawn, so it cannot be %s; the only move left is to republish it", prev.ID, kind)
	default:
		return Problemf(Conflict, "release %s is published, so it cannot be %s; it can be revised, corrected or withdrawn", prev.ID, kind)
	}
}

// codecVersion is written into every encoded event. Raise it when the meaning
// of a field changes; keep decoding all earlier ones (testdata/events holds a
// frozen fixture of each).
const codecVersion = 1

type envelope struct {
	Version int `json:"v"`
	Event
}

// Encode writes the event in Dateline's own format, version 1: one JSON object
// with "v", "kind", "time", "backfill" and "release".
func Encode(e Event) ([]byte, error) {
	b, err := json.Marshal(envelope{codecVersion, e})
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID(), err)
	}
	return b, nil
}

// ErrNewer is returned for an event that a newer dateline wrote.
var ErrNewer = errors.New("a newer dateline wrote this event; run that version")

// Decode reads what Encode of this or an earlier version wrote. Unknown fields
// are ignored, so that an older reader survives a newer writer of the same version.
func Decode(b []byte) (Event, error) {
	var env envelope
	if err := json.Unmarshal(b, &env); err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	if env.Version > codecVersion {
		return Event{}, fmt.Errorf("%w: version %d, this one knows %d", ErrNewer, env.Version, codecVersion)
	}
	if env.Version < 1 {
		return Event{}, errors.New("decode event: it has no version")
	}
	if env.Release.ID == "" || env.Release.Revision < 1 || env.Kind == "" {
		return Event{}, fmt.Errorf("decode event: release id, revision or kind is missing")
	}
	return env.Event, nil
}
