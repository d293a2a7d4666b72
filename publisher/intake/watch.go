package intake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"dateline/publisher"
	"dateline/publisher/news"
	"dateline/publisher/read"

	"github.com/rs/zerolog"
)

// WatchConfig is what a [Watcher] works with.
type WatchConfig struct {
	Dir       string // the folder; it is opened anew for every look
	Publisher Publisher
	Reader    *read.Reader
	Now       func() time.Time
	Period    time.Duration // between two looks; 0 means a second
	Log       zerolog.Logger
}

// Bounds of waiting: for a log that is away, and for a file or folder that the
// system does not let us have.
const (
	awayLeast, awayMost = 2 * time.Second, time.Minute
	failLeast, failMost = 10 * time.Second, 10 * time.Minute
)

// Watch publishes what is put into a folder until ctx ends, and returns nil
// then. See [Watcher.Look] for what it does with a file.
//
// It looks at the folder again and again. The system's notices of changes would
// come a moment earlier, but not from network disks, where such folders often
// lie, and they get lost when many come at once, so that looking would be needed
// beside them.
func Watch(ctx context.Context, cfg WatchConfig) error {
	w := NewWatcher(cfg)
	tick := time.NewTicker(cmp.Or(cfg.Period, time.Second))
	defer tick.Stop()
	for {
		w.Look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Watcher remembers between looks at a folder. Only one goroutine uses it.
type Watcher struct {
	cfg    WatchConfig
	files  map[string]*seen
	away   trouble // the log
	closed trouble // the folder
}

// trouble is something that fails for all files alike.
type trouble struct {
	failures int
	until    time.Time // nothing is tried before
}

// seen is what a watcher remembers of a file.
type seen struct {
	info     fs.FileInfo
	fresh    bool               // not looked into since this state was first seen
	refused  bool               // in this state
	noted    bool               // a note of ours lies beside it
	out      *[sha256.Size]byte // of what was published and could not be put away
	failures int
	until    time.Time // nothing is tried before
}

// NewWatcher makes a watcher that has seen nothing yet.
func NewWatcher(cfg WatchConfig) *Watcher {
	return &Watcher{cfg: cfg, files: map[string]*seen{}}
}

// Look looks at the folder once, and at each file in it that two looks have
// found in the same state, the oldest first:
//
//   - It is published under the origin that the document names, else its URL,
//     else watch:NAME, so that a file saved again under its name is a revision;
//     one with another title and another date than that is refused.
//   - Then it is moved to the folder "published" within, over an older one.
//   - When it is refused it stays, and NAME.error.txt says why and what to do.
//     It is tried again when its size or time changes or the note is deleted.
//   - While the log is away or full, all files wait.
//
// Names that begin with a dot or end in ~, .tmp, .part, .swp or .error.txt are
// left alone, sub-folders too. Links, pipes and devices are refused.
func (w *Watcher) Look(ctx context.Context) {
	now := w.cfg.Now()
	if now.Before(w.away.until) || now.Before(w.closed.until) || ctx.Err() != nil {
		return
	}
	root, err := os.OpenRoot(w.cfg.Dir)
	if err != nil {
		w.cannot(now, err)
		return
	}
	defer root.Close() //nolint:errcheck // a handle on a folder
	f := folder{root}
	files, notes, err := f.list()
	if err != nil {
		w.cannot(now, err)
		return
	}
	if w.closed.failures > 0 {
		w.closed = trouble{}
		w.cfg.Log.Info().Str("folder", w.cfg.Dir).Msg("the watched folder is back")
	}
	w.forget(f, files)
	for _, info := range w.due(now, files, notes) {
		w.take(ctx, f, info)
		if ctx.Err() != nil || w.away.until.After(now) {
			return
		}
	}
}

func (w *Watcher) cannot(now time.Time, err error) {
	w.closed.failures++
	w.closed.until = now.Add(doubled(awayLeast, awayMost, w.closed.failures))
	if w.closed.failures == 1 {
		w.cfg.Log.Error().Err(err).Str("folder", w.cfg.Dir).Msg("the watched folder cannot be read; files are taken again when it can")
	}
}

// forget drops files that are gone, with the notes that lie beside them.
func (w *Watcher) forget(f folder, files []fs.FileInfo) {
	here := make(map[string]bool, len(files))
	for _, info := range files {
		here[info.Name()] = true
	}
	for name, s := range w.files {
		if here[name] {
			continue
		}
		if s.noted {
			w.dropNote(f, name)
		}
		delete(w.files, name)
	}
}

// due lists the files to be tried, the oldest first.
func (w *Watcher) due(now time.Time, files []fs.FileInfo, notes map[string]bool) []fs.FileInfo {
	var out []fs.FileInfo
	for _, info := range files {
		s := w.files[info.Name()]
		switch {
		case s == nil:
			w.files[info.Name()] = &seen{info: info, fresh: true, noted: notes[info.Name()]}
		case !sameState(s.info, info):
			*s = seen{info: info, fresh: true, noted: s.noted}
		case now.Before(s.until):
		case s.refused && (notes[info.Name()] || !s.noted):
		default:
			out = append(out, info)
		}
	}
	slices.SortFunc(out, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	return out
}

// take tries one file and remembers what came of it.
func (w *Watcher) take(ctx context.Context, f folder, info fs.FileInfo) {
	name := info.Name()
	s, log := w.files[name], w.cfg.Log.With().Str("file", name).Logger()
	if s.fresh && f.hasNote(info) { // refused before a restart
		s.fresh, s.refused = false, true
		return
	}
	s.fresh = false
	b, err := f.read(info)
	var e news.Event
	var outcome publisher.Outcome
	var warnings []string
	if err == nil && s.out != nil && *s.out == sha256.Sum256(b) {
		w.done(f, s, b) // it is out; to publish it once more could undo what came since
		return
	}
	if err == nil {
		e, outcome, warnings, err = w.publish(ctx, f, name, b)
	}
	wrong, mendable := problems(err)
	switch {
	case err == nil:
		w.answered()
		log.Info().Str("release_id", e.Release.ID).Str("event_id", e.ID()).Str("outcome", string(outcome)).Strs("warnings", warnings).Msg("file published")
		w.done(f, s, b)
	case ctx.Err() != nil: // it comes again at the next start
	case errors.Is(err, errAway):
		w.waits(err)
	case errors.Is(err, errChanged), errors.Is(err, fs.ErrNotExist):
		// The next look sees what is there now.
	case mendable:
		log.Warn().Strs("problems", wrong).Msg("file refused")
		s.refused = true
		w.note(f, s, wrong, "Correct the file and save it again. It is tried anew when its size or time changes, or when this note is deleted.", tried(info))
	default:
		w.failed(f, s, err)
	}
}

// publish publishes the document of a file.
func (w *Watcher) publish(ctx context.Context, f folder, name string, b []byte) (news.Event, publisher.Outcome, []string, error) {
	doc, err := w.read(b)
	if err == nil {
		err = w.sameRelease(f, name, &doc.Release)
	}
	if err != nil {
		return news.Event{}, "", nil, err
	}
	e, outcome, err := publish(ctx, w.cfg.Publisher, "watch", doc.Release, publisher.Intent{Origin: originOf(name)})
	return e, outcome, doc.Warnings, err
}

// originOf is the origin of a document that names none, from its file's name.
func originOf(name string) string { return "watch:" + name }

func (w *Watcher) read(b []byte) (read.Proposal, error) {
	if words := read.Withheld(b); words != "" {
		return read.Proposal{}, embargoed(words)
	}
	doc, err := w.cfg.Reader.Read(b)
	if err != nil {
		return doc, err
	}
	if words := read.EmbargoNotice(doc.Release.Title + "\n" + doc.Release.Text); words != "" {
		return doc, embargoed(words)
	}
	return doc, nil
}

// sameRelease refuses a document that is known by its file's name alone and has
// neither title nor date of the one that was published under it: a CMS that
// gives every file the same name would replace each release by the next, unseen.
func (w *Watcher) sameRelease(f folder, name string, r *news.Release) error {
	if r.Origin != "" || r.URL != "" {
		return nil
	}
	before, err := w.cfg.Reader.Read(f.archived(name))
	if err != nil || before.Release.Title == r.Title || before.Release.PublishedAt.Equal(r.PublishedAt) {
		return nil //nolint:nilerr // there is none to compare with
	}
	return news.Problemf(news.Conflict, "a file of this name was published before, as %q of %s, and this one would replace that release; give it another name, or, if it is the same release, put origin: %q into it",
		before.Release.Title, before.Release.PublishedAt.Format(time.DateOnly), originOf(name))
}

// waits lets everything wait for the log.
func (w *Watcher) waits(err error) {
	w.away.failures++
	w.away.until = w.cfg.Now().Add(doubled(awayLeast, awayMost, w.away.failures))
	if w.away.failures == 1 {
		w.cfg.Log.Warn().Err(err).Str("folder", w.cfg.Dir).Msg("the log takes nothing; the watched folder waits")
	}
}

func (w *Watcher) answered() {
	if w.away.failures > 0 {
		w.away = trouble{}
		w.cfg.Log.Info().Str("folder", w.cfg.Dir).Msg("the log takes releases again")
	}
}

// failed is for what nobody can mend at the file itself: a disk that does not
// give it, a right that is missing, a fault of ours. It is tried again.
func (w *Watcher) failed(f folder, s *seen, err error) {
	s.failures++
	s.until = w.cfg.Now().Add(doubled(failLeast, failMost, s.failures))
	w.cfg.Log.Error().Err(err).Str("file", s.info.Name()).Msg("file cannot be taken")
	wrong := "something failed here; the server's log says more"
	switch {
	case errors.Is(err, fs.ErrPermission):
		wrong = "the server may not read it; give it the right to"
	case isPathError(err):
		wrong = "it cannot be read from the disk; the server's log says more"
	}
	w.note(f, s, []string{wrong}, "It is tried again by itself, at the latest every ten minutes.")
}

func isPathError(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// note writes the note beside a file.
func (w *Watcher) note(f folder, s *seen, wrong []string, todo ...string) {
	name := s.info.Name()
	if err := f.writeNote(name, noteText(name, wrong, todo...)); err != nil {
		w.cfg.Log.Error().Err(err).Str("file", name).Msg("the note beside a file cannot be written; let the server write into the folder")
		return
	}
	s.noted = true
}

func (w *Watcher) dropNote(f folder, name string) {
	if err := f.removeNote(name); err != nil {
		w.cfg.Log.Warn().Err(err).Str("file", name).Msg("the note beside a file cannot be removed")
	}
}

// done puts a published file away. Should that fail only that is tried again.
func (w *Watcher) done(f folder, s *seen, published []byte) {
	name := s.info.Name()
	w.dropNote(f, name)
	s.noted = false
	err := f.putAway(name, published)
	switch {
	case err == nil:
		delete(w.files, name)
	case errors.Is(err, errChanged), errors.Is(err, fs.ErrNotExist):
		delete(w.files, name) // another process has moved it, or there is a new one
	default:
		sum := sha256.Sum256(published)
		s.out = &sum
		s.failures++
		s.until = w.cfg.Now().Add(doubled(failLeast, failMost, s.failures))
		w.cfg.Log.Error().Err(err).Str("file", name).Msg("a published file cannot be moved; let the server write into the folder and its folder " + archive)
	}
}
