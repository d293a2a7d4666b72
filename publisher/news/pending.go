package news

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Pending is a version of a release that waits at the desk: a draft, or one
// under embargo. A release has at most one. It is no event and is never in the
// public log; when its time comes it becomes one of the given kind.
type Pending struct {
	State   Status `json:"state"`   // Draft or Embargoed
	Version int    `json:"version"` // 1 for the first of its release, one more with every change at the desk, for ever
	Kind    Kind   `json:"kind"`    // of the event it is to become
	Base    int    `json:"base"`    // revision of the public release it is based on, 0 for a release that was never public
	// Until is when the embargo is over, UTC; Zone is the one in which the
	// editor said it. Both are zero for a draft.
	Until time.Time `json:"until,omitzero"`
	Zone  string    `json:"zone,omitempty"`
	// Sealed says that it is, or was, under embargo and that nobody has opened it
	// to those who write drafts: it stays for those who may see what is embargoed.
	Sealed bool `json:"sealed,omitempty"`
	// Notice is the line by which the document says of itself that it is under embargo.
	Notice string `json:"notice,omitempty"`
	// Stalled says why the release was not published when its embargo was over.
	Stalled string `json:"stalled,omitempty"`
	// Leaving is when publishing it began, zero before: from then on nothing
	// changes it, so that nobody is told of a change that comes too late.
	Leaving time.Time `json:"leaving,omitzero"`
	Changed time.Time `json:"changed"` // UTC
	By      string    `json:"by"`      // name of the key that changed it last
	Release Release   `json:"release"`
}

// ETag names the version to whoever changes it, without quotes: "draft-3".
func (p *Pending) ETag() string { return "draft-" + strconv.Itoa(p.Version) }

// Move is something that is done with a version at the desk.
type Move string

// The moves at the desk.
const (
	MoveSave    Move = "saved"     // a new draft, or new content for what waits
	MoveEmbargo Move = "embargoed" // an embargo is set, or another time
	MoveLift    Move = "lifted"    // the embargo is taken off: a draft again
	MoveRelease Move = "released"  // published now, or because the embargo is over
	MoveDiscard Move = "discarded"
)

// MayMove refuses a move that the state of the release does not allow, with a
// [Problem] of code [Conflict] that names the allowed ones. public is the newest
// public state, waiting what is at the desk; either may be nil.
func MayMove(public *Release, waiting *Pending, m Move) error {
	if public != nil && public.Erased && m != MoveDiscard {
		return Problemf(Conflict, "release %s was erased, so nothing can follow; publish the text under another origin", public.ID)
	}
	switch {
	case waiting != nil && !waiting.Leaving.IsZero() && m != MoveRelease:
		return Problemf(Conflict, "the version of release %s that waited is being published at this moment, so it cannot be %s; look at the release, then correct or withdraw it", waiting.Release.ID, m)
	case m == MoveSave, m == MoveEmbargo:
		return nil
	case waiting == nil:
		return Problemf(NotFound, "nothing waits at the desk for this release, so it cannot be %s; a draft can be saved, or the release changed directly", m)
	case m == MoveLift && waiting.State == Draft:
		return Problemf(Conflict, "release %s waits as a draft, without an embargo that could be lifted; it can be edited, embargoed, released or discarded", waiting.Release.ID)
	}
	return nil
}

// MayChange refuses a public change of a release while a version of it waits at
// the desk, because that version is based on what the change would replace. A
// withdrawal is always possible.
func MayChange(waiting *Pending, kind Kind) error {
	if waiting == nil || kind == KindWithdrawn {
		return nil
	}
	if waiting.State == Embargoed {
		return Problemf(Conflict, "a version of release %s waits under embargo, so it cannot be %s past it; let that version come out, or discard it first", waiting.Release.ID, kind)
	}
	return Problemf(Conflict, "a draft of release %s waits at the desk, so it cannot be %s past it; edit and release that draft, or discard it first", waiting.Release.ID, kind)
}

// FollowOn is the kind of event a version at the desk becomes when it is based
// on the public state: a first publication, a correction (a minor revision when
// minor is set), or the return of a withdrawn release.
func FollowOn(public *Release, minor bool) Kind {
	switch {
	case public == nil:
		return KindPublished
	case public.Status == Withdrawn:
		return KindRepublished
	case minor:
		return KindRevised
	}
	return KindCorrected
}

type pendingEnvelope struct {
	Format int `json:"v"`
	Pending
}

// pendingFormat is written into every version at the desk.
const pendingFormat = 1

// EncodePending writes what [DecodePending] reads: JSON, format 1.
func EncodePending(p Pending) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("encode a version at the desk: %w", err)
	}
	b, err := json.Marshal(pendingEnvelope{pendingFormat, p})
	if err != nil {
		return nil, fmt.Errorf("encode a version at the desk: %w", err)
	}
	return b, nil
}

// DecodePending reads a version at the desk. One of a newer format is
// [ErrNewer], whatever else it holds.
func DecodePending(b []byte) (Pending, error) {
	var format struct { // a newer format may have other types in the same places
		Format int `json:"v"`
	}
	if err := json.Unmarshal(b, &format); err == nil && format.Format > pendingFormat {
		return Pending{}, fmt.Errorf("%w: a version at the desk has format %d, this one knows %d", ErrNewer, format.Format, pendingFormat)
	}
	var env pendingEnvelope
	err := json.Unmarshal(b, &env)
	if err == nil && env.Format < 1 {
		err = errors.New("it has no format")
	}
	if err == nil {
		err = env.check()
	}
	if err != nil {
		return Pending{}, fmt.Errorf("decode a version at the desk: %w", err)
	}
	return env.Pending, nil
}

func (p *Pending) check() error {
	switch {
	case !ValidID(p.Release.ID) || p.Version < 1 || p.Base < 0:
		return fmt.Errorf("release id %q, version %d or base %d is wrong", short(p.Release.ID), p.Version, p.Base)
	case p.State == Embargoed && !p.Until.IsZero(), p.State == Draft && p.Until.IsZero():
	default:
		return fmt.Errorf("the state %q does not go with the time %s", p.State, p.Until)
	}
	switch p.Kind {
	case KindPublished, KindRevised, KindCorrected, KindRepublished:
		return nil
	}
	return fmt.Errorf("the kind %q is none a version can become", p.Kind)
}

// MaxEmbargo is how far ahead an embargo may lie.
const MaxEmbargo = 2 * 366 * 24 * time.Hour

// ParseEmbargo reads the time at which an embargo is over: RFC 3339 with an
// offset, or a local time like 2026-12-01T09:00 in an IANA time zone; a zone
// beside an offset says only in which the time is shown. It must lie behind now,
// and at most two years. A local time that a change of clocks
// skips or repeats is read as the later of the two moments it can mean, so that
// nothing is out early; the remark then says so, in one sentence.
func ParseEmbargo(value, zone string, now time.Time) (until time.Time, remark string, err error) {
	value = strings.TrimSpace(value)
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return time.Time{}, "", Problemf(Unacceptable, "there is no time zone %q; use a name of the IANA list like Europe/Vienna or UTC", short(zone))
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, value); err == nil {
			return embargoWithin(t.UTC(), value, now, "")
		}
	}
	wall, err := parseWall(value)
	if err != nil {
		return time.Time{}, "", err
	}
	if zone == "" {
		return time.Time{}, "", Problemf(Unacceptable, "the embargo %s has no time zone; add one like Europe/Vienna, or write an offset: %s:00+01:00", short(value), wall.Format("2006-01-02T15:04"))
	}
	t, remark := resolve(wall, loc)
	return embargoWithin(t, value, now, remark)
}

func parseWall(value string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, nil
		}
	}
	return time.Time{}, Problemf(Unacceptable, "the embargo %q is no time like 2026-12-01T09:00 or 2026-12-01T09:00:00+01:00", short(value))
}

// resolve finds the moment of a local time, given as if it were UTC.
func resolve(wall time.Time, loc *time.Location) (time.Time, string) {
	var fits, all []time.Time
	for _, around := range []time.Duration{-26 * time.Hour, 26 * time.Hour} {
		_, offset := wall.Add(around).In(loc).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second)
		all = append(all, t)
		if local := t.In(loc); local.Format(time.DateTime) == wall.Format(time.DateTime) {
			fits = append(fits, t)
		}
	}
	latest := func(ts []time.Time) time.Time {
		t := ts[0]
		if ts[len(ts)-1].After(t) {
			t = ts[len(ts)-1]
		}
		return t
	}
	said := wall.Format("15:04 on 2 January 2006")
	switch {
	case len(fits) == 0:
		t := latest(all)
		return t, fmt.Sprintf("clocks in %s skip %s; the embargo is over at %s, the later of the two moments it can mean", loc, said, t.In(loc).Format("15:04 MST"))
	case len(fits) == 2 && !fits[0].Equal(fits[1]):
		t := latest(fits)
		return t, fmt.Sprintf("clocks in %s show %s twice; the embargo is over the second time, at %s", loc, said, t.In(loc).Format("15:04 MST"))
	}
	return fits[0], ""
}

func embargoWithin(t time.Time, said string, now time.Time, remark string) (time.Time, string, error) {
	if !t.After(now) {
		return t, "", Problemf(Unacceptable, "the embargo %s is over already (it is %s); publish the release, or give a later time", short(said), now.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if t.Sub(now) > MaxEmbargo {
		return t, "", Problemf(Unacceptable, "the embargo %s is more than two years ahead; give an earlier time", short(said))
	}
	return t, remark, nil
}
