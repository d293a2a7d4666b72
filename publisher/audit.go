package publisher

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire"
)

// As lets what is done with ctx stand in the trail under a name: that of a way
// in, such as a watched folder, which has no key.
func As(ctx context.Context, name string) context.Context {
	return access.With(ctx, access.Caller{Name: name})
}

// Entry is one line of the trail: who did what, when and from where. It is on
// disk before the change it speaks of, so that no change is without one.
type Entry struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"` // UTC
	By   string    `json:"by"`   // name of the key, or of what acted by itself
	From string    `json:"from,omitempty"`
	// What is the kind of event (published, corrected …) or the move at the desk
	// (saved, embargoed, lifted, released, discarded).
	What   string `json:"what"`
	Event  string `json:"event,omitempty"` // id of the event, for a public change
	Hash   string `json:"hash,omitempty"`  // SHA-256 of that event as it is in the log
	Before *State `json:"before,omitempty"`
	After  *State `json:"after,omitempty"`
	// Changes are the parts in which the two differ. Texts stand as their length and hash.
	Changes []Difference `json:"changes,omitempty"`
	Why     string       `json:"why,omitempty"`
	// Refused is set on an entry that takes another back: the change with the
	// entry ID Undoes did not take place.
	Refused string `json:"refused,omitempty"`
	Undoes  string `json:"undoes,omitempty"`

	about string // the subject of the trail it stands in
}

// State is where a release stood.
type State struct {
	Status   news.Status `json:"status"`
	Revision int         `json:"revision,omitempty"` // public
	Version  int         `json:"version,omitempty"`  // at the desk
	Until    time.Time   `json:"until,omitzero"`
	Title    string      `json:"title,omitempty"`
}

// Difference is a part of a release before and after a change.
type Difference struct {
	Part   string `json:"part"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

func publicState(r *news.Release) *State {
	if r == nil {
		return nil
	}
	return &State{Status: r.Status, Revision: r.Revision, Title: r.Title}
}

func deskState(w *news.Pending) *State {
	if w == nil {
		return nil
	}
	return &State{Status: w.State, Revision: w.Base, Version: w.Version, Until: w.Until, Title: w.Release.Title}
}

// noteEvent writes the entry of a public change that is about to be made.
func (p *Publisher) noteEvent(ctx context.Context, old *news.Release, e news.Event) (Entry, error) {
	b, err := news.Encode(e)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{What: string(e.Kind), Event: e.ID(), Hash: digest(b), Before: publicState(old), After: publicState(&e.Release), Changes: differences(old, &e.Release), Why: cmp.Or(e.Release.Reason, e.Release.Note)}
	if e.Release.Erased {
		entry.What, entry.Changes, entry.Before = "erased", nil, nil
	}
	return p.note(ctx, e.Release.ID, entry)
}

// noteMove writes the entry of a move at the desk that is about to be made.
func (p *Publisher) noteMove(ctx context.Context, was, is *news.Pending, m news.Move, why string) (Entry, error) {
	entry := Entry{What: string(m), Before: deskState(was), After: deskState(is), Why: why}
	var old, now *news.Release
	id := ""
	if was != nil {
		old, id = &was.Release, was.Release.ID
	}
	if is != nil {
		now, id = &is.Release, is.Release.ID
		entry.Changes = differences(old, now)
	}
	return p.note(ctx, id, entry)
}

// noteRefused takes back the entry of a change that did not take place. When
// that cannot be written either, the log tells: it has no such event.
func (p *Publisher) noteRefused(ctx context.Context, of Entry, why error) {
	if passing(why) && news.CodeOf(why) != news.DiskFull {
		return // nobody knows whether it took place; the log will tell
	}
	if _, err := p.note(ctx, of.about, Entry{What: of.What, Refused: why.Error(), Undoes: of.ID}); err != nil {
		p.cfg.Log.Warn().Err(err).Str("release_id", of.about).Msg("a change that was refused stands in the trail")
	}
}

func (p *Publisher) note(ctx context.Context, about string, entry Entry) (Entry, error) {
	caller := access.From(ctx)
	entry.about = about
	entry.ID, entry.Time, entry.By = rand.Text(), p.cfg.Now().UTC().Truncate(time.Millisecond), caller.Name
	if caller.Remote.IsValid() {
		entry.From = caller.Remote.String()
	}
	b, err := json.Marshal(entry)
	if err != nil {
		return entry, fmt.Errorf("note who did what: %w", err)
	}
	return entry, p.cfg.Wire.Note(ctx, about, b)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// differences lists the parts in which two states of a release differ, in words.
// old may be nil.
func differences(old, next *news.Release) []Difference {
	if old == nil {
		old = &news.Release{}
	}
	var out []Difference
	before, after := parts(old), parts(next)
	for i := range before {
		if before[i].value != after[i].value {
			out = append(out, Difference{before[i].name, before[i].value, after[i].value})
		}
	}
	return out
}

type part struct{ name, value string }

// parts are what an editor can change of a release, each as one line.
func parts(r *news.Release) []part {
	return []part{
		{"title", r.Title}, {"summary", r.Summary}, {"text", sized(r.Text)}, {"html", sized(r.HTML)},
		{"date", dateOf(r)}, {"language", r.Language}, {"type", r.Type}, {"dateline", r.Dateline.Raw}, {"places", inJSON(r.Places)},
		{"countries", countriesOf(r)}, {"fields", inJSON(r.FieldSlugs())}, {"sources", inJSON(r.SourceSlugs())},
		{"url", r.URL}, {"links", inJSON(r.Links)}, {"contacts", inJSON(r.Contacts)}, {"translation of", r.TranslationOf},
		{"note", r.Note}, {"reason", r.Reason}, {"replaced by", r.ReplacedBy},
	}
}

func sized(text string) string {
	if text == "" {
		return ""
	}
	return strconv.Itoa(len([]rune(text))) + " characters, " + digest([]byte(text))[:16]
}

func dateOf(r *news.Release) string {
	switch {
	case r.PublishedAt.IsZero():
		return ""
	case r.DayOnly:
		return r.PublishedAt.Format(time.DateOnly)
	}
	return r.PublishedAt.Format(time.RFC3339)
}

func countriesOf(r *news.Release) string {
	var out []string
	for _, c := range r.Countries {
		out = append(out, c.Slug+" ("+string(c.Role)+")")
	}
	return inJSON(out)
}

// inJSON is v on one line; nothing for an empty list.
func inJSON[T any](v []T) string {
	if len(v) == 0 {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil { // lists of strings and links always encode
		return err.Error()
	}
	return string(b)
}

// Past is the history of a release: its events, and for those who may see it the
// trail and what waits.
type Past struct {
	ID      string      `json:"id"`
	Events  []PastEvent `json:"events,omitzero"` // nil for what is no release
	Trail   []Entry     `json:"trail,omitzero"`  // nil for who may not see it
	Waiting *Desk       `json:"waiting,omitempty"`
	Erased  bool        `json:"erased,omitempty"`

	public []wire.Record // the events themselves
}

// PastEvent is one revision of a release, as everybody may see it.
type PastEvent struct {
	ID       string       `json:"id"`
	Seq      uint64       `json:"seq"`
	Kind     news.Kind    `json:"kind"`
	Time     time.Time    `json:"time"`
	Revision int          `json:"revision"`
	Title    string       `json:"title"`
	Note     string       `json:"note,omitempty"`
	Reason   string       `json:"reason,omitempty"`
	Changes  []Difference `json:"changes,omitempty"`
	// Documents are the feeds it touched, as paths below the base URL.
	Documents []string `json:"documents"`

	By   string `json:"by,omitempty"`   // for those who may see the trail
	From string `json:"from,omitempty"` // the same
}

// History returns the events of a release, oldest first, with what each
// changed. An administrator gets the trail, too: entries of changes that did not
// take place are left out, and whoever may see it gets what waits at the desk.
func (p *Publisher) History(ctx context.Context, id string) (Past, error) {
	if !news.ValidID(id) {
		return Past{}, news.Problemf(news.NotFound, "%q is not the id of a release; an id looks like %s", id, news.NewID("https://example.org/"))
	}
	records, err := p.cfg.Wire.History(ctx, id, 0)
	if err != nil {
		return Past{}, err
	}
	past := Past{ID: id, Events: []PastEvent{}, public: records}
	var old *news.Release
	for i := range records {
		e := &records[i].Event
		past.Events = append(past.Events, PastEvent{
			ID: e.ID(), Seq: records[i].Seq, Kind: e.Kind, Time: e.Time, Revision: e.Release.Revision, Title: e.Release.Title,
			Note: noteOf(e), Reason: e.Release.Reason, Changes: differencesSince(old, &e.Release), Documents: touched(p.cfg.Taxonomy, old, &e.Release),
		})
		old = &e.Release
	}
	if old != nil {
		past.Erased = old.Erased
		back := takenBack(records)
		for i := range past.Events { // what a withdrawal takes back is not told by its history
			if past.Events[i].Revision <= back && !access.From(ctx).May(access.Admin) {
				past.Events[i].Changes, past.Events[i].Note = nil, ""
			}
		}
	}
	w, err := p.Waiting(ctx, id)
	switch {
	case err == nil:
		d := deskOf(&w)
		d.Release = &w.Release
		past.Waiting = &d
	case news.CodeOf(err) != news.NotFound:
		return past, err
	}
	if access.From(ctx).May(access.Admin) {
		if past.Trail, err = p.trail(ctx, &past); err != nil {
			return past, err
		}
	}
	if len(past.Events)+len(past.Trail) == 0 && past.Waiting == nil {
		return past, news.Problemf(news.NotFound, "there is no release %s; dateline list shows which there are", id)
	}
	return past, nil
}

// noteOf is the note that came with the event, not one that it carries along.
func noteOf(e *news.Event) string {
	if e.Release.NotedAt.Equal(e.Time) {
		return e.Release.Note
	}
	return ""
}

func differencesSince(old, next *news.Release) []Difference {
	if old == nil {
		return nil
	}
	return differences(old, next)
}

// trail reads the trail of a release and puts the names beside its events.
func (p *Publisher) trail(ctx context.Context, past *Past) ([]Entry, error) {
	notes, err := p.cfg.Wire.Notes(ctx, past.ID)
	if err != nil {
		return nil, err
	}
	all := []Entry{}
	undone := map[string]bool{}
	for _, b := range notes {
		var e Entry
		if err := json.Unmarshal(b, &e); err != nil {
			p.cfg.Log.Error().Err(err).Str("release_id", past.ID).Msg("an entry of the trail cannot be read")
			continue
		}
		undone[e.Undoes] = true
		all = append(all, e)
	}
	delete(undone, "")
	// Entries that were rewritten stand behind later ones, or twice.
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(e Entry) bool {
		twice := seen[e.ID]
		seen[e.ID] = true
		return twice
	})
	slices.SortStableFunc(all, func(a, b Entry) int { return a.Time.Compare(b.Time) })
	made := map[string]*PastEvent{}
	for i, rec := range past.public {
		made[rec.Hash] = &past.Events[i]
	}
	return slices.DeleteFunc(all, func(e Entry) bool {
		if e.Undoes != "" || undone[e.ID] {
			return true
		}
		if e.Event == "" || past.Erased {
			return false
		}
		event := made[e.Hash]
		if event != nil {
			event.By, event.From = e.By, e.From
		}
		return event == nil // it never came into the log
	}), nil
}

// Note adds an entry to the trail of something that is no release: "keys",
// "taxonomy". It comes before what it tells of; refused takes it back when that
// did not take place.
func (p *Publisher) Note(ctx context.Context, about, what, why string) (refused func(error), err error) {
	e, err := p.note(ctx, about, Entry{What: what, Why: why})
	return func(why error) { p.noteRefused(ctx, e, why) }, err
}

// trails are what else has a trail.
func trails() []string { return []string{"keys", "subscriptions", "taxonomy"} }

// getTrail answers with the trail of the keys or the taxonomy, oldest first.
func (p *Publisher) getTrail(w http.ResponseWriter, r *http.Request) error {
	_, err := query(r)
	if err == nil {
		err = access.Need(r.Context(), access.Admin)
	}
	if err != nil {
		return err
	}
	about := r.PathValue("about")
	if !slices.Contains(trails(), about) {
		return news.Problemf(news.NotFound, "there is no trail of %q; there is one of keys, of subscriptions and of taxonomy, and the history of each release", news.CleanLine(about))
	}
	past := Past{ID: about}
	if past.Trail, err = p.trail(r.Context(), &past); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	access.JSON(w, http.StatusOK, "application/json", past)
	return nil
}
