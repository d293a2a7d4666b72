package news

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
//   - the event's time and UpdatedAt are now, in UTC and whole milliseconds, or
//     prev's UpdatedAt when the clock went back, so that they never fall;
//   - SurfacedAt is that time for every kind but a revision, which keeps prev's,
//     and a first publication by back-fill, which takes the release's own date;
//   - a revision without a note keeps that of prev, with its time;
//   - a withdrawal keeps title and tags and drops text, summary, links, contacts,
//     the dateline as it stood and the words that tags were found by;
//   - an erasure, which is a withdrawal with next.Erased set and may follow one,
//     keeps the tags alone.
//
// Neither prev nor the slices of next are changed. A move that the status does
// not allow is refused with a [Problem] of code [Conflict] that names the allowed
// ones, a change of a release that does not exist with [NotFound], and a
// correction without a note or a withdrawal without a reason with [Unacceptable].
func Next(prev *Release, next Release, kind Kind, now time.Time, backfill bool) (Event, error) {
	if err := allowed(prev, &next, kind); err != nil {
		return Event{}, err
	}
	if err := explained(&next, kind); err != nil {
		return Event{}, err
	}
	now = now.UTC().Truncate(time.Millisecond)
	if prev != nil && now.Before(prev.UpdatedAt) {
		now = prev.UpdatedAt
	}
	next.Revision, next.Status, next.UpdatedAt = 1, Published, now
	if prev != nil {
		next.ID, next.Origin, next.Revision = prev.ID, prev.Origin, prev.Revision+1
		if next.OtherOrigins == nil {
			next.OtherOrigins = prev.OtherOrigins
		}
	}
	switch kind {
	case KindWithdrawn:
		next.Status = Withdrawn
		next.withoutText()
		if next.Erased {
			next.withoutTrace()
		}
	case KindPublished:
		next.Note, next.NotedAt, next.Reason, next.ReplacedBy, next.Erased = "", time.Time{}, "", "", false
	default:
		next.Reason, next.ReplacedBy, next.Erased = "", "", false
		next.noted(prev, kind, now)
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

// noted dates the release's correction note, or keeps the one that prev has.
func (r *Release) noted(prev *Release, kind Kind, now time.Time) {
	r.NotedAt = time.Time{}
	switch {
	case strings.TrimSpace(r.Note) != "":
		r.NotedAt = now
	case kind == KindRevised:
		r.Note = prev.Note
		if r.Note != "" {
			r.NotedAt = prev.NoteTime()
		}
	}
}

func allowed(prev, next *Release, kind Kind) error {
	switch {
	case prev == nil && kind == KindPublished,
		prev != nil && prev.Status == Published && (kind == KindRevised || kind == KindCorrected || kind == KindWithdrawn),
		prev != nil && prev.Status == Withdrawn && !prev.Erased && (kind == KindRepublished || kind == KindWithdrawn && next.Erased):
		return nil
	case prev == nil:
		return Problemf(NotFound, "there is no such release, so it cannot be %s; publish it first", kind)
	case prev.Erased:
		return Problemf(Conflict, "release %s was erased, so it cannot be %s; nothing can follow: publish the text under another origin", prev.ID, kind)
	case prev.Status == Withdrawn:
		return Problemf(Conflict, "release %s was withdrawn, so it cannot be %s; it can only be republished or erased", prev.ID, kind)
	default:
		return Problemf(Conflict, "release %s is published, so it cannot be %s; it can be revised, corrected, withdrawn or erased", prev.ID, kind)
	}
}

// explained refuses a change that owes readers a word and does not say it.
func explained(next *Release, kind Kind) error {
	switch {
	case kind == KindCorrected && strings.TrimSpace(next.Note) == "":
		return Problemf(Unacceptable, "a correction needs a note that says what was wrong")
	case kind == KindWithdrawn && strings.TrimSpace(next.Reason) == "":
		return Problemf(Unacceptable, "a withdrawal needs a reason, which readers will see")
	}
	return nil
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
// with "v", "kind", "time", "backfill" and "release". It refuses an event
// without id, revision or kind, which Decode would refuse too.
func Encode(e Event) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID(), err)
	}
	b, err := json.Marshal(envelope{codecVersion, e})
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID(), err)
	}
	return b, nil
}

// check is nil for an event that can be kept: known kind, an id that fits into
// subjects and URLs, a revision, and the status that belongs to the kind.
func (e *Event) check() error {
	switch e.Kind {
	case KindPublished, KindRevised, KindCorrected, KindWithdrawn, KindRepublished:
	default:
		return fmt.Errorf("the kind %q is unknown", e.Kind)
	}
	if !ValidID(e.Release.ID) || e.Release.Revision < 1 {
		return fmt.Errorf("release id %q or revision %d is wrong", e.Release.ID, e.Release.Revision)
	}
	if want := map[bool]Status{true: Withdrawn, false: Published}[e.Kind == KindWithdrawn]; e.Release.Status != want {
		return fmt.Errorf("status %q does not belong to the kind %q", e.Release.Status, e.Kind)
	}
	return nil
}

// ErrNewer is returned for an event that a newer dateline wrote.
var ErrNewer = errors.New("a newer dateline wrote this event; run that version")

// Decode reads what Encode of this or an earlier version wrote. Unknown fields
// are ignored, so that an older reader survives a newer writer of the same
// version. An event of a newer version is [ErrNewer], whatever else it holds.
func Decode(b []byte) (Event, error) {
	var env envelope
	if err := json.Unmarshal(b, &env); err != nil {
		// A newer version may have other types in the same places.
		var v struct {
			Version int `json:"v"`
		}
		if json.Unmarshal(b, &v) == nil && v.Version > codecVersion {
			return Event{}, newer(v.Version)
		}
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	if env.Version > codecVersion {
		return Event{}, newer(env.Version)
	}
	if env.Version < 1 {
		return Event{}, errors.New("decode event: it has no version")
	}
	if err := env.check(); err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	return env.Event, nil
}

func newer(version int) error {
	return fmt.Errorf("%w: version %d, this one knows %d", ErrNewer, version, codecVersion)
}
