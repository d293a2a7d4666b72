// Package mail sends alerts as e-mail: through an SMTP server, or, where none is
// set, as .eml files in a folder, so that nothing is lost silently and the
// messages can be looked at.
//
// A message has a text and an HTML part that say the same, and headers that a
// mail program and a list can work with: List-Id, Auto-Submitted, a Date that is
// the event's, a Message-ID that depends on recipient and event only (so a
// second sending can be recognised) and References from a correction or
// withdrawal to what it is about. Nothing that a release or a subscriber says can
// add a header.
//
// STARTTLS is required of an smtp:// server unless it is on this machine;
// smtps:// speaks TLS from the first byte.
package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"

	"dateline/publisher/news"
	"dateline/subscribers/alert"

	gomail "github.com/wneessen/go-mail"
)

// Config says how mail goes out.
type Config struct {
	// URL of the mail server: smtp://user:password@host:587 (STARTTLS) or
	// smtps://…:465. smtp://host:25?tls=none goes without TLS. Empty writes files.
	URL string
	// From is the sender, like "News desk <news@example.org>"; without a name
	// it goes by Title. Empty means dateline@ the host of Base, which only the
	// outbox accepts.
	From string
	// Title is the publisher's name; empty means Dateline.
	Title string
	// Outbox is the folder for .eml files when URL is empty; it is made.
	Outbox string
	// Base is the address of the pages, without a slash at the end.
	Base     string
	Taxonomy *news.Taxonomy
	// TLS is the configuration to start from; nil means the defaults.
	TLS *tls.Config
}

// transport takes finished messages.
type transport interface {
	deliver(ctx context.Context, m *gomail.Msg, id string) error
	close()
	String() string // where mail goes, without secrets
}

// Sender writes and sends messages. It is safe for concurrent use.
type Sender struct {
	cfg  Config
	from *mail.Address
	host string // of the pages
	out  transport
	text templates
}

// New checks the configuration and opens the outbox; the mail server is called
// only when there is something to send.
func New(cfg Config) (*Sender, error) {
	if cfg.Title = news.CleanLine(cfg.Title); cfg.Title == "" {
		cfg.Title = "Dateline"
	}
	s := &Sender{cfg: cfg}
	base, err := url.Parse(cfg.Base)
	if err != nil || base.Hostname() == "" {
		return nil, fmt.Errorf("the base URL %q is not an absolute address; set --base-url", cfg.Base)
	}
	s.host = base.Hostname()
	if s.from, err = sender(cfg, s.host); err != nil {
		return nil, err
	}
	if s.from.Name == "" {
		s.from.Name = cfg.Title
	}
	if s.text, err = parseTemplates(); err != nil {
		return nil, err
	}
	if cfg.URL == "" {
		s.out, err = openOutbox(cfg.Outbox)
	} else {
		s.out, err = newPool(cfg)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Check says what [New] would refuse of the server's URL and the sender, all of
// it in one line; it calls nobody and makes nothing.
func Check(serverURL, from string) error {
	cfg := Config{URL: serverURL, From: from}
	_, err := sender(cfg, "")
	if serverURL == "" {
		return err
	}
	_, bad := newPool(cfg)
	if err != nil && bad != nil {
		return fmt.Errorf("%w; %w", bad, err)
	}
	return cmp.Or(bad, err)
}

func sender(cfg Config, host string) (*mail.Address, error) {
	from := cfg.From
	if from == "" {
		if cfg.URL != "" {
			return nil, errors.New("a mail server is set but no sender; say who the mails come from with --mail-from")
		}
		if !strings.Contains(host, ".") || strings.Contains(host, ":") {
			host = "localhost.localdomain"
		}
		from = "dateline@" + host
	}
	a, err := mail.ParseAddress(from)
	if err != nil || strings.ContainsAny(from, "\r\n\x00") {
		return nil, fmt.Errorf("the sender %q is not an e-mail address like News desk <news@example.org>; correct --mail-from", from)
	}
	return a, nil
}

// String says where mail goes, in words fit for a log: no password, no user.
func (s *Sender) String() string { return s.out.String() }

// Close ends idle connections.
func (s *Sender) Close() { s.out.close() }

// Send makes one try. Its errors are of the alert package.
func (s *Sender) Send(ctx context.Context, m alert.Message) error {
	msg, id, err := s.compose(m)
	if err != nil {
		return &alert.Permanent{Reason: err.Error()}
	}
	return s.out.deliver(ctx, msg, id)
}
