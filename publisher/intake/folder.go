package intake

import (
	"cmp"
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

// read returns the content of a file that is still as info says, and the file's
// identity. What may not be read is refused with a Problem.
func (f folder) read(info fs.FileInfo) ([]byte, fs.FileInfo, error) {
	name := info.Name()
	switch {
	case !utf8.ValidString(name) || news.CleanLine(name) != name:
		return nil, nil, news.Problemf(news.Unacceptable, "its name holds control characters, runs of spaces or broken UTF-8; give it a plain name")
	case info.Mode().Type() == fs.ModeSymlink:
		return nil, nil, news.Problemf(news.Unacceptable, "it is a symbolic link, which is not followed; put the file itself here")
	case !info.Mode().IsRegular():
		return nil, nil, news.Problemf(news.Unacceptable, "it is a device, pipe or socket and no file; remove it")
	case info.Size() > publisher.MaxBody:
		return nil, nil, news.Problemf(news.TooLarge, "it has %d kB, at most %d kB are read; shorten it, or use dateline import for a file with many releases", info.Size()>>10, publisher.MaxBody>>10)
	}
	// Should the file have become a pipe since, opening it must not wait for a writer.
	in, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close() //nolint:errcheck // only read
	before, err := in.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !os.SameFile(info, before) || !sameState(info, before) {
		return nil, nil, errChanged
	}
	b, err := io.ReadAll(io.LimitReader(in, publisher.MaxBody+1))
	if err != nil {
		return nil, nil, err
	}
	after, err := in.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !sameState(before, after) || int64(len(b)) != after.Size() {
		return nil, nil, errChanged
	}
	return b, after, nil
}

// putAway moves a file that was published to the archive, over one of the same
// name. When it has been replaced since it was read, the new one stays, to be
// published next.
func (f folder) putAway(read fs.FileInfo, name string) error {
	// Folder and notes are for the editors to see; the umask may say otherwise.
	if err := f.root.Mkdir(archive, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if now, err := f.root.Lstat(name); err != nil || !os.SameFile(now, read) || !sameState(now, read) {
		return cmp.Or(err, errChanged)
	}
	if err := f.root.Rename(name, archive+"/"+name); err != nil {
		return err
	}
	// It may have been replaced in the moment before it was moved.
	moved, err := f.root.Lstat(archive + "/" + name)
	if err != nil || os.SameFile(moved, read) && sameState(moved, read) {
		return nil //nolint:nilerr // somebody has taken it from the archive already
	}
	if _, err := f.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		if err := f.root.Rename(archive+"/"+name, name); err != nil {
			return err
		}
	}
	return errChanged
}

// archived is the file of that name that was published last, nil when there is
// none that can be read.
func (f folder) archived(name string) []byte {
	path := archive + "/" + name
	if st, err := f.root.Lstat(path); err != nil || !st.Mode().IsRegular() || st.Size() > publisher.MaxBody {
		return nil
	}
	b, err := f.root.ReadFile(path)
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

// maxNote bounds what is read of a note: others may write such files too.
const maxNote = 256 << 10

// hasNote reports whether the note beside a file is about this very state of it.
func (f folder) hasNote(info fs.FileInfo) bool {
	name := info.Name() + noteEnding
	if st, err := f.root.Lstat(name); err != nil || !st.Mode().IsRegular() || st.Size() > maxNote {
		return false
	}
	b, err := f.root.ReadFile(name)
	return err == nil && strings.Contains(string(b), tried(info))
}

// removeNote removes the note beside a file, if there is one.
func (f folder) removeNote(name string) error {
	if err := f.root.Remove(name + noteEnding); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
