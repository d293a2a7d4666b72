package intake

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"dateline/publisher"
	"dateline/publisher/news"
)

const (
	archive    = "published"  // the folder within the folder for what is done
	noteEnding = ".error.txt" // of the note beside a file that was refused
)

// errChanged says that a file is not the one that was looked at any more.
var errChanged = errors.New("the file changed in the meantime")

// folder is the watched folder, opened for one look. Everything goes through
// os.Root, so that no link leads outside.
type folder struct{ root *os.Root }

// leftAlone reports whether a name is that of a file in the making, of an
// editor's copy, or of a note of ours.
func leftAlone(name string) bool {
	if strings.HasPrefix(name, ".") {
		return true
	}
	lower := strings.ToLower(name)
	for _, ending := range []string{"~", ".tmp", ".part", ".swp", noteEnding} {
		if strings.HasSuffix(lower, ending) {
			return true
		}
	}
	return false
}

// list is everything in the folder that is no folder and not left alone, and
// the notes there are.
func (f folder) list() (files []fs.FileInfo, notes map[string]bool, err error) {
	d, err := f.root.Open(".")
	if err != nil {
		return nil, nil, err
	}
	defer d.Close() //nolint:errcheck // only read
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, nil, err
	}
	notes = map[string]bool{}
	for _, e := range entries {
		name := e.Name()
		if file, ok := strings.CutSuffix(name, noteEnding); ok {
			notes[file] = true
		}
		if e.IsDir() || leftAlone(name) {
			continue
		}
		info, err := f.root.Lstat(name)
		if err != nil { // gone since, or on a disk that fails: the next look tells
			continue
		}
		if !info.IsDir() {
			files = append(files, info)
		}
	}
	return files, notes, nil
}

// sameState reports whether nobody has written between two looks at a file.
func sameState(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode().Type() == b.Mode().Type()
}

// read returns the content of a file that is still as info says. What may not be
// read is refused with a Problem.
func (f folder) read(info fs.FileInfo) ([]byte, error) {
	name := info.Name()
	switch {
	case !utf8.ValidString(name) || news.CleanLine(name) != name:
		return nil, news.Problemf(news.Unacceptable, "its name holds control characters, runs of spaces or broken UTF-8; give it a plain name")
	case info.Mode().Type() == fs.ModeSymlink:
		return nil, news.Problemf(news.Unacceptable, "it is a symbolic link, which is not followed; put the file itself here")
	case !info.Mode().IsRegular():
		return nil, news.Problemf(news.Unacceptable, "it is a device, pipe or socket and no file; remove it")
	case info.Size() > publisher.MaxBody:
		return nil, news.Problemf(news.TooLarge, "it has %d kB, at most %d kB are read; shorten it, or use dateline import for a file with many releases", info.Size()>>10, publisher.MaxBody>>10)
	}
	b, now, err := f.content(name)
	if err == nil && !sameState(info, now) {
		err = errChanged
	}
	return b, err
}

// content reads a file of at most MaxBody that nobody writes to meanwhile, and
// what state it is in. Files are told from each other by size and time: on some
// network disks the numbers by which a system knows them do not last.
func (f folder) content(path string) ([]byte, fs.FileInfo, error) {
	// Should it have become a pipe since it was looked at, opening it must not
	// wait for a writer.
	in, err := f.root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close() //nolint:errcheck // only read
	before, err := in.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() || before.Size() > publisher.MaxBody {
		return nil, nil, errChanged
	}
	b, err := io.ReadAll(io.LimitReader(in, publisher.MaxBody+1))
	if err != nil {
		return nil, nil, err
	}
	after, err := in.Stat()
	if err == nil && (!sameState(before, after) || int64(len(b)) != after.Size()) {
		err = errChanged
	}
	return b, after, err
}

// putAway moves a file that was published to the archive, over one of the same
// name. When it turns out that another one was moved, which has replaced it since
// it was read, that one comes back, to be published next.
func (f folder) putAway(name string, published []byte) error {
	// Folder and notes are for the editors to see; the umask may say otherwise.
	if err := f.root.Mkdir(archive, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	path := archive + "/" + name
	if err := f.root.Rename(name, path); err != nil {
		return err
	}
	moved, _, err := f.content(path)
	if err == nil && bytes.Equal(moved, published) || err != nil && !errors.Is(err, errChanged) {
		return nil //nolint:nilerr // somebody has taken it from the archive already
	}
	if _, err := f.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		if err := f.root.Rename(path, name); err != nil {
			return err
		}
	}
	return errChanged
}

// archived is the file of that name that was published last, nil when there is
// none that can be read.
func (f folder) archived(name string) []byte {
	b, _, err := f.content(archive + "/" + name)
	if err != nil {
		return nil
	}
	return b
}

// tried is the line of a note that tells which state of a file it is about, so
// that a restart does not try it again.
func tried(info fs.FileInfo) string {
	return fmt.Sprintf("(tried: %d bytes, saved %s)", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano))
}

// noteText says what is wrong with a file and what to do.
func noteText(name string, wrong []string, todo ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s was not published", strings.ToValidUTF8(news.CleanLine(name), "?"))
	if len(wrong) == 1 {
		fmt.Fprintf(&b, ": %s.\n", wrong[0])
	} else {
		fmt.Fprintf(&b, ", for %d reasons:\n", len(wrong))
		for _, w := range wrong {
			fmt.Fprintf(&b, "- %s\n", w)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(todo, "\n"))
	return b.String()
}

// writeNote puts a note beside a file, whole or not at all.
func (f folder) writeNote(name, text string) (err error) {
	temp := ".dateline-" + rand.Text() + ".tmp"
	out, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = out.WriteString(text)
	err = errors.Join(err, out.Close())
	if err == nil {
		err = f.root.Rename(temp, name+noteEnding)
	}
	if err != nil {
		_ = f.root.Remove(temp) // it is hidden and harmless
	}
	return err
}

// hasNote reports whether the note beside a file is about this very state of it.
func (f folder) hasNote(info fs.FileInfo) bool {
	b, _, err := f.content(info.Name() + noteEnding)
	return err == nil && bytes.Contains(b, []byte(tried(info)))
}

// removeNote removes the note beside a file, if there is one.
func (f folder) removeNote(name string) error {
	if err := f.root.Remove(name + noteEnding); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
