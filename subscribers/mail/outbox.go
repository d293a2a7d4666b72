package mail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"dateline/subscribers/alert"

	gomail "github.com/wneessen/go-mail"
)

// outbox writes each message to a file of its own. The name comes from the
// message's id: a second writing of the same message takes the first one's place.
type outbox struct{ dir string }

func openOutbox(dir string) (*outbox, error) {
	if dir == "" {
		return nil, errors.New("mail has nowhere to go; set --smtp-url, or a folder for the outbox")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the mail outbox: %w; make the data folder writable, or set --smtp-url", plainPath(err))
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return nil, fmt.Errorf("write to the mail outbox: %w; make the folder writable, or set --smtp-url", plainPath(err))
	}
	return &outbox{dir}, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func (o *outbox) String() string { return "files in " + o.dir + " (no mail server is set)" }

func (o *outbox) close() {}

func (o *outbox) deliver(_ context.Context, m *gomail.Msg, id string) error {
	if err := o.write(m, id); err != nil {
		return &alert.Temporary{Reason: "the outbox cannot be written: " + cause(err), Whole: true}
	}
	return nil
}

// write makes the file durable before it has its name, and the name before it returns.
func (o *outbox) write(m *gomail.Msg, id string) error {
	f, err := os.CreateTemp(o.dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	_, err = m.WriteTo(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(o.dir, id+".eml")); err != nil {
		return err
	}
	d, err := os.Open(o.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func plainPath(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

// cause is the system's word for what happened, without the path.
func cause(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err.Error()
	}
	return "the disk does not take it"
}
