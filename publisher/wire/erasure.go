package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dateline/publisher/news"

	"github.com/nats-io/nats.go/jetstream"
)

// Erasure is a release that was erased.
type Erasure struct {
	ID   string    `json:"id"`
	Seq  uint64    `json:"seq,omitzero"` // of its last event, the tombstone
	Time time.Time `json:"time"`         // of that event
}

// subjectErasure is where it is noted that a release is, or is to be, erased.
const subjectErasure = "erasure."

// erasureNote is what stands there.
type erasureNote struct {
	Erasure
	Done bool `json:"done"` // nothing of it is left
}

func (w *Wire) noteErasure(ctx context.Context, n erasureNote) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	_, err = w.js.Publish(ctx, subjectErasure+n.ID, data)
	return w.wrote("note an erasure", err)
}

// intend notes, before the tombstone is appended, that an erasure begins: a
// process that ends in between is told of it at its next start.
func (w *Wire) intend(ctx context.Context, e news.Event) error {
	if !e.Release.Erased {
		return nil
	}
	if w.erasures == nil {
		return errNoDesk
	}
	return w.noteErasure(ctx, erasureNote{Erasure: Erasure{ID: e.Release.ID, Time: e.Time}})
}

func (w *Wire) erasureNotes(ctx context.Context) ([]erasureNote, error) {
	if w.erasures == nil {
		return nil, errNoDesk
	}
	var out []erasureNote
	var broken error
	err := w.scanAll(ctx, w.erasures, subjectErasure+"*", func(m jetstream.Msg, _ uint64) {
		var n erasureNote
		if err := json.Unmarshal(m.Data(), &n); err != nil {
			broken = fmt.Errorf("the note of an erasure, %s, cannot be read: %w", m.Subject(), err)
		}
		out = append(out, n)
	})
	return out, errors.Join(err, broken)
}

// Erasures lists the releases of which nothing but the tombstone is left, in the
// order in which that was reached.
func (w *Wire) Erasures(ctx context.Context) ([]Erasure, error) {
	notes, err := w.erasureNotes(ctx)
	if err != nil {
		return nil, err
	}
	var out []Erasure
	for _, n := range notes {
		if n.Done {
			out = append(out, n.Erasure)
		}
	}
	return out, nil
}

// ToErase lists the releases that are to be erased once more, as [Open] found
// them: those that are back because the log was restored from an older backup,
// each of which needs a tombstone again, and those whose erasure was broken off.
// Of the latter Open has removed what it knows of; [Wire.Erase] settles them, after
// whatever else its caller does for an erasure.
func (w *Wire) ToErase() []string { return slices.Clone(w.toErase) }

// finishErasures completes what an earlier process began, and finds releases
// that a restore has brought back.
func (w *Wire) finishErasures(ctx context.Context) error {
	notes, err := w.erasureNotes(ctx)
	if err != nil {
		return err
	}
	listed, err := w.listed()
	if err != nil {
		return err
	}
	done, ids := map[string]bool{}, slices.Collect(maps.Keys(listed))
	for _, n := range notes {
		done[n.ID], ids = n.Done, append(ids, n.ID)
		if !n.Done || listed[n.ID] {
			continue
		}
		if err := w.list(n.Erasure); err != nil {
			return err
		}
		listed[n.ID] = true
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := w.finishErasure(ctx, id, listed[id], done[id]); err != nil {
			return fmt.Errorf("go on with the erasure of release %s: %w", id, err)
		}
	}
	return nil
}

// finishErasure does so for one release. listed says that it has had a
// tombstone, done that nothing but that was left.
func (w *Wire) finishErasure(ctx context.Context, id string, listed, done bool) error {
	tomb, err := w.tombstone(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return w.backAtDesk(ctx, id)
	case err == nil && done:
		return nil
	case news.CodeOf(err) == news.Conflict:
		if listed {
			w.log.Warn().Str("release_id", id).Msg("a release that was erased is back, by a backup; it must be erased again")
			w.toErase = append(w.toErase, id)
		}
		return nil
	case err != nil:
		return err
	}
	w.log.Warn().Str("release_id", id).Msg("an erasure was broken off, it goes on")
	if err := w.list(tomb); err != nil {
		return err
	}
	w.toErase = append(w.toErase, id)
	return w.erase(ctx, tomb)
}

// backAtDesk finds a release that was erased, or never public and erased, and
// waits at the desk again because of a restore.
func (w *Wire) backAtDesk(ctx context.Context, id string) error {
	m, err := w.desk.GetLastMsgForSubject(ctx, subjectPending+id)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound), err == nil && len(m.Data) == 0:
		return nil
	case err != nil:
		return translate("look at the desk", err)
	}
	w.log.Warn().Str("release_id", id).Msg("a release that was erased waits at the desk again, by a backup; it must be erased again")
	w.toErase = append(w.toErase, id)
	return nil
}

// erasuresFile in the data folder lists the erased releases, a JSON object on
// each line. It is there for restores: keep the newest beside the backups.
const erasuresFile = "erasures"

// listed are the releases in the file.
func (w *Wire) listed() (map[string]bool, error) {
	out := map[string]bool{}
	if w.cfg.DataDir == "" {
		return out, nil
	}
	b, err := os.ReadFile(filepath.Join(w.cfg.DataDir, erasuresFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, w.unlisted(err)
	}
	for line := range bytes.Lines(b) {
		var e Erasure
		if json.Unmarshal(line, &e) == nil && news.ValidID(e.ID) { // the last may be torn by a crash
			out[e.ID] = true
		}
	}
	return out, nil
}

// list adds a release to the file, on disk, unless it is there.
func (w *Wire) list(e Erasure) error {
	there, err := w.listed()
	if err != nil || w.cfg.DataDir == "" || there[e.ID] {
		return err
	}
	line, err := json.Marshal(Erasure{ID: e.ID, Time: e.Time})
	if err != nil {
		return err
	}
	return w.unlisted(appendLine(filepath.Join(w.cfg.DataDir, erasuresFile), line))
}

// unlisted answers for a file that cannot be read or written. Beside an external
// server that is no reason to stop, because the server has a list too.
func (w *Wire) unlisted(err error) error {
	switch {
	case err == nil:
		return nil
	case w.emb != nil:
		return fmt.Errorf("the list of erasures: %w; make the data folder readable and writable", plainPath(err))
	}
	w.log.Warn().Err(err).Msg("the data folder does not list the erasures")
	return nil
}

// appendLine adds a line to a file (mode 0600) and syncs it. What a crash has
// left of a line is ended first.
func appendLine(path string, line []byte) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := f.Stat()
	if err != nil {
		return err
	}
	last := []byte{'\n'}
	if end.Size() > 0 {
		if _, err := f.ReadAt(last, end.Size()-1); err != nil {
			return err
		}
	}
	if last[0] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	return errors.Join(f.Sync(), syncFolder(filepath.Dir(path)))
}

func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
