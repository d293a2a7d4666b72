package mail_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"html"
	"io"
	"math/big"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers/alert"
	"dateline/subscribers/mail"

	message "github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const base = "https://news.example.org"

// server is an SMTP server that keeps what it gets.
type server struct {
	addr string
	mu   sync.Mutex
	got  []letter
	// conns counts connections; rcpt and data decide about a message.
	conns      int
	rcpt, data func(to string) error
	login      string
}

type letter struct {
	from, to string
	body     []byte
	tls      bool
	user     string
}

type session struct {
	srv    *server
	conn   *smtp.Conn
	letter letter
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns++
	return &session{srv: s, conn: c}, nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user+":"+password != s.srv.login {
			return smtp.ErrAuthFailed
		}
		s.letter.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.letter.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.to = to
	if s.srv.rcpt != nil {
		return s.srv.rcpt(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.srv.data != nil {
		if err := s.srv.data(s.letter.to); err != nil {
			return err
		}
	}
	l := s.letter
	l.body = b
	_, l.tls = s.conn.TLSConnectionState()
	s.srv.mu.Lock()
	defer s.srv.mu.Unlock()
	s.srv.got = append(s.srv.got, l)
	return nil
}

func (s *session) Reset()        { s.letter = letter{user: s.letter.user} }
func (s *session) Logout() error { return nil }

// serve starts a server; with a certificate it offers STARTTLS, or speaks TLS
// from the start when implicit.
func serve(t *testing.T, cert *tls.Certificate, implicit bool) *server {
	t.Helper()
	s := &server{}
	srv := smtp.NewServer(s)
	srv.AllowInsecureAuth = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	if cert != nil {
		cfg := &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
		if implicit {
			l = tls.NewListener(l, cfg)
		} else {
			srv.TLSConfig = cfg
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return s
}

func certificate(t *testing.T) (*tls.Certificate, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func sender(t *testing.T, cfg mail.Config) *mail.Sender {
	t.Helper()
	cfg.Base, cfg.Taxonomy = base, news.DefaultTaxonomy()
	if cfg.From == "" {
		cfg.From = "News desk <news@example.org>"
	}
	s, err := mail.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// about is a message about one release's newest event.
func about(kind news.Kind, revision int) alert.Message {
	at := time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)
	e := news.Event{Kind: kind, Time: at, Release: news.Release{
		ID: news.NewID("x"), Revision: revision, Status: news.Published, Title: "Training for border police", Language: "en", Text: "The first paragraph.\n\nThe second one.",
		PublishedAt: at, SurfacedRevision: revision, Places: []news.Place{{Name: "Graz", Country: "austria"}},
	}}
	return alert.Message{
		ID: e.ID(), Recipient: "abc", Address: "reader@example.net", Event: e, Attempt: 1, Now: at,
		Matching: []string{"Policing", "Austria"}, Following: []string{"Austria", "Elections", "Policing"},
	}
}

// parsed is a mail as a mail program sees it.
type parsed struct {
	header     message.Header
	text, html string
}

func parse(t *testing.T, b []byte) parsed {
	t.Helper()
	r, err := message.CreateReader(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	p := parsed{header: r.Header}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			p.html = string(body)
		} else {
			p.text = string(body)
		}
	}
}

func wantAll(t *testing.T, what, s string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(s, p) {
			t.Errorf("%s lacks %q:\n%s", what, p, s)
		}
	}
}

func TestSender_Send_smtp(t *testing.T) {
	srv := serve(t, nil, false)
	s := sender(t, mail.Config{URL: "smtp://" + srv.addr})
	for _, m := range []alert.Message{about(news.KindPublished, 1), about(news.KindPublished, 1)} {
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	correction := about(news.KindCorrected, 2)
	correction.Event.Release.Note = "The number of officers was wrong."
	correction.Earlier = []string{about(news.KindPublished, 1).ID}
	withdrawal := about(news.KindWithdrawn, 3)
	withdrawal.Event.Release.Status, withdrawal.Event.Release.Reason, withdrawal.Event.Release.Text = news.Withdrawn, "It was a draft.", ""
	withdrawal.Earlier, withdrawal.Matching = []string{about(news.KindPublished, 1).ID, correction.ID}, nil
	for _, m := range []alert.Message{correction, withdrawal} {
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if len(srv.got) != 4 || srv.conns != 1 {
		t.Fatalf("%d messages on %d connections, want 4 on 1", len(srv.got), srv.conns)
	}
	first, again, second, third := parse(t, srv.got[0].body), parse(t, srv.got[1].body), parse(t, srv.got[2].body), parse(t, srv.got[3].body)

	t.Run("headers", func(t *testing.T) {
		h := first.header
		for name, want := range map[string]string{
			"From": `"News desk" <news@example.org>`, "To": "<reader@example.net>", "Subject": "Training for border police",
			"Date": "Wed, 04 Mar 2026 09:30:00 +0000", "Auto-Submitted": "auto-generated", "List-Id": `"Dateline" <alerts.news.example.org>`,
			"User-Agent": "", "X-Mailer": "", "In-Reply-To": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if srv.got[0].from != "news@example.org" || srv.got[0].to != "reader@example.net" {
			t.Errorf("envelope %+v", srv.got[0])
		}
	})
	t.Run("both parts say everything", func(t *testing.T) {
		for what, part := range map[string]string{"text": first.text, "html": first.html} {
			wantAll(t, what, part, "Training for border police", "4 March 2026", "Graz, Austria", "The first paragraph.", "Policing", "Austria", "Elections",
				news.ReleaseURL(base, news.NewID("x"), "Training for border police"), "news@example.org", "To follow less or to stop")
		}
	})
	t.Run("a second sending is the same message", func(t *testing.T) {
		if first.header.Get("Message-Id") != again.header.Get("Message-Id") || first.header.Get("Message-Id") == "" {
			t.Errorf("ids %q and %q", first.header.Get("Message-Id"), again.header.Get("Message-Id"))
		}
	})
	t.Run("a correction", func(t *testing.T) {
		if got := second.header.Get("Subject"); got != "Correction: Training for border police" {
			t.Errorf("subject %q", got)
		}
		if id := first.header.Get("Message-Id"); second.header.Get("In-Reply-To") != id || second.header.Get("References") != id {
			t.Errorf("refers to %q and %q, not to %q", second.header.Get("In-Reply-To"), second.header.Get("References"), id)
		}
		wantAll(t, "text", second.text, "What was corrected: The number of officers was wrong.")
		wantAll(t, "html", second.html, "What was corrected:", "The number of officers was wrong.")
	})
	t.Run("a withdrawal", func(t *testing.T) {
		if got := third.header.Get("Subject"); got != "Withdrawn: Training for border police" {
			t.Errorf("subject %q", got)
		}
		if got := third.header.Get("In-Reply-To"); got != second.header.Get("Message-Id") {
			t.Errorf("replies to %q", got)
		}
		wantAll(t, "References", third.header.Get("References"), first.header.Get("Message-Id"), second.header.Get("Message-Id"))
		wantAll(t, "text", third.text, "Why it was withdrawn: It was a draft.", "no longer filed under")
		wantAll(t, "html", third.html, "Why it was withdrawn:", "It was a draft.")
	})
}

func TestSender_Send_failures(t *testing.T) {
	refuse := func(code int, e smtp.EnhancedCode) func(string) error {
		return func(to string) error { return &smtp.SMTPError{Code: code, EnhancedCode: e, Message: "no <" + to + ">"} }
	}
	for _, tt := range []struct {
		name       string
		rcpt, data func(string) error
		permanent  bool
		reason     string
	}{
		{"the recipient is unknown", refuse(550, smtp.EnhancedCode{5, 1, 1}), nil, true, "550 5.1.1"},
		{"the recipient is greylisted", refuse(451, smtp.EnhancedCode{4, 7, 1}), nil, false, "451 4.7.1"},
		{"the message is refused", nil, refuse(554, smtp.EnhancedCode{5, 6, 0}), true, "554 5.6.0"},
		{"the mailbox is full", nil, refuse(452, smtp.EnhancedCode{4, 2, 2}), false, "452 4.2.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := serve(t, nil, false)
			srv.rcpt, srv.data = tt.rcpt, tt.data
			err := sender(t, mail.Config{URL: "smtp://" + srv.addr}).Send(t.Context(), about(news.KindPublished, 1))
			_, permanent := errors.AsType[*alert.Permanent](err)
			if err == nil || permanent != tt.permanent || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("got %T %v", err, err)
			}
			if err != nil && strings.Contains(err.Error(), "example.net") {
				t.Errorf("the reason tells the address: %v", err)
			}
		})
	}
	t.Run("no server", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		err = sender(t, mail.Config{URL: "smtp://" + l.Addr().String()}).Send(t.Context(), about(news.KindPublished, 1))
		if _, ok := errors.AsType[*alert.Temporary](err); !ok {
			t.Errorf("got %T %v", err, err)
		}
	})
	t.Run("a silent server does not outlive the context", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err = sender(t, mail.Config{URL: "smtp://" + l.Addr().String()}).Send(ctx, about(news.KindPublished, 1))
		if _, ok := errors.AsType[*alert.Temporary](err); !ok {
			t.Errorf("got %T %v", err, err)
		}
	})
	t.Run("a kept connection that died is replaced", func(t *testing.T) {
		srv := serve(t, nil, false)
		drop := make(chan net.Conn, 10)
		s := sender(t, mail.Config{URL: "smtp://" + proxy(t, srv.addr, drop)})
		for range 2 {
			if err := s.Send(t.Context(), about(news.KindPublished, 1)); err != nil {
				t.Fatal(err)
			}
			_ = (<-drop).Close()
		}
		if len(srv.got) != 2 {
			t.Errorf("%d messages", len(srv.got))
		}
	})
}

// proxy forwards to addr and hands out each connection it made.
func proxy(t *testing.T, addr string, conns chan<- net.Conn) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
			conns <- in
		}
	}()
	return l.Addr().String()
}

func TestSender_Send_security(t *testing.T) {
	cert, trust := certificate(t)
	t.Run("STARTTLS with login", func(t *testing.T) {
		srv := serve(t, cert, false)
		srv.login = "user:secret"
		s := sender(t, mail.Config{URL: "smtp://user:secret@" + srv.addr + "?tls=required", TLS: trust})
		if err := s.Send(t.Context(), about(news.KindPublished, 1)); err != nil {
			t.Fatal(err)
		}
		if !srv.got[0].tls || srv.got[0].user != "user" {
			t.Errorf("got %+v", srv.got[0])
		}
	})
	t.Run("TLS from the start with login", func(t *testing.T) {
		srv := serve(t, cert, true)
		srv.login = "user:secret"
		s := sender(t, mail.Config{URL: "smtps://user:secret@" + srv.addr, TLS: trust})
		if err := s.Send(t.Context(), about(news.KindPublished, 1)); err != nil {
			t.Fatal(err)
		}
		if !srv.got[0].tls || srv.got[0].user != "user" {
			t.Errorf("got %+v", srv.got[0])
		}
	})
	t.Run("a server without STARTTLS gets nothing", func(t *testing.T) {
		srv := serve(t, nil, false)
		err := sender(t, mail.Config{URL: "smtp://" + srv.addr + "?tls=required"}).Send(t.Context(), about(news.KindPublished, 1))
		if _, ok := errors.AsType[*alert.Temporary](err); !ok || len(srv.got) != 0 {
			t.Errorf("got %T %v, %d messages", err, err, len(srv.got))
		}
	})
	t.Run("an unknown certificate gets nothing", func(t *testing.T) {
		srv := serve(t, cert, false)
		err := sender(t, mail.Config{URL: "smtp://" + srv.addr + "?tls=required"}).Send(t.Context(), about(news.KindPublished, 1))
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a wrong password is for the operator to mend", func(t *testing.T) {
		srv := serve(t, nil, false)
		srv.login = "user:secret"
		err := sender(t, mail.Config{URL: "smtp://user:wrong@" + srv.addr}).Send(t.Context(), about(news.KindPublished, 1))
		if _, ok := errors.AsType[*alert.Temporary](err); !ok || strings.Contains(err.Error(), "wrong") {
			t.Errorf("got %T %v", err, err)
		}
	})
}

func TestSender_Send_outbox(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	s := sender(t, mail.Config{Outbox: dir})
	for _, m := range []alert.Message{about(news.KindPublished, 1), about(news.KindPublished, 1), about(news.KindCorrected, 2)} {
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v; want 2, because a second sending takes the first one's place", len(files), err)
	}
	var subjects []string
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, b)
		subjects = append(subjects, p.header.Get("Subject"))
		if want := "<" + strings.TrimSuffix(f.Name(), ".eml") + "@example.org>"; p.header.Get("Message-Id") != want {
			t.Errorf("file %s holds %s", f.Name(), p.header.Get("Message-Id"))
		}
	}
	slices.Sort(subjects)
	if !slices.Equal(subjects, []string{"Correction: Training for border police", "Training for border police"}) {
		t.Errorf("subjects %q", subjects)
	}
}

func TestNew_refusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, url, from, outbox, want string }{
		{"nowhere to go", "", "", "", "--smtp-url"},
		{"a folder that is a file", "", "", file, "make the data folder writable"},
		{"another scheme", "http://mail.example.org", "a@example.org", "", "smtp://"},
		{"no host", "smtp://", "a@example.org", "", "smtp://"},
		{"a bad port", "smtp://mail.example.org:99999", "a@example.org", "", "port"},
		{"a bad tls mode", "smtp://mail.example.org?tls=maybe", "a@example.org", "", "tls="},
		{"a password in the clear", "smtp://user:hunter22@mail.example.org?tls=none", "a@example.org", "", "in the clear"},
		{"no sender", "smtp://mail.example.org", "", "", "--mail-from"},
		{"a broken sender of files", "", "nobody", "", "--mail-from"},
		{"a broken sender", "smtp://mail.example.org", "nobody", "", "--mail-from"},
		{"a sender with a line break", "smtp://mail.example.org", "a@example.org\r\nBcc: b@example.org", "", "--mail-from"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mail.New(mail.Config{URL: tt.url, From: tt.from, Outbox: tt.outbox, Base: base, Taxonomy: news.DefaultTaxonomy()})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter22") {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
			if tt.url == "" && tt.from == "" {
				return // the outbox is the matter, which only New looks at
			}
			if early := mail.Check(tt.url, tt.from); early == nil || early.Error() != err.Error() {
				t.Errorf("the check says %v, New says %v", early, err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ name, url, from string }{
		{"files", "", ""},
		{"files with a sender", "", "News desk <news@example.org>"},
		{"a server", "smtp://user:hunter22@mail.example.org", "news@example.org"},
		{"a server with TLS", "smtps://mail.example.org:465", "news@example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := mail.Check(tt.url, tt.from); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("both problems are told at once", func(t *testing.T) {
		err := mail.Check("smtp://user:hunter22@mail.example.org?tls=none", "nobody")
		if err == nil || strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "\n") {
			t.Fatalf("got %v", err)
		}
		wantAll(t, "the error", err.Error(), "in the clear", "--mail-from")
	})
}

func TestSender_String(t *testing.T) {
	for url, want := range map[string]string{
		"smtp://user:hunter22@mail.example.org": "mail.example.org:587 (STARTTLS)",
		"smtps://mail.example.org":              "mail.example.org:465 (TLS)",
		"smtp://127.0.0.1:1025":                 "127.0.0.1:1025 (without TLS)",
		"smtp://sink:1025?tls=none":             "sink:1025 (without TLS)",
	} {
		if got := sender(t, mail.Config{URL: url}).String(); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
}

func TestSender_Send_title(t *testing.T) {
	for _, tt := range []struct{ name, title, from, wantFrom, wantList string }{
		{"a sender without a name goes by it", "Example Mission", "news@example.org", "Example Mission", "Example Mission"},
		{"a sender with a name keeps that", "Example Mission", "News desk <news@example.org>", "News desk", "Example Mission"},
		{"none", "", "news@example.org", "Dateline", "Dateline"},
		{"beyond ASCII, with signs that headers use", "Büro, \"Ost\" <Wien>", "news@example.org", "Büro, \"Ost\" <Wien>", "Büro, \"Ost\" <Wien>"},
		{"a line break adds no header", "Mission\r\nBcc: b@example.org", "news@example.org", "Mission Bcc: b@example.org", "Mission Bcc: b@example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := sender(t, mail.Config{Outbox: dir, Title: tt.title, From: tt.from}).Send(t.Context(), about(news.KindPublished, 1)); err != nil {
				t.Fatal(err)
			}
			b := onlyFile(t, dir)
			p := parse(t, b)
			from, err := p.header.AddressList("From")
			if err != nil || len(from) != 1 || from[0].Name != tt.wantFrom || from[0].Address != "news@example.org" {
				t.Errorf("From is %v, %v", from, err)
			}
			phrase, id, _ := strings.Cut(p.header.Get("List-Id"), " <alerts.")
			name, err := netmail.ParseAddress(phrase + " <a@a>")
			if err != nil || name.Name != tt.wantList || id != "news.example.org>" {
				t.Errorf("List-Id is %q", p.header.Get("List-Id"))
			}
			if p.header.Has("Bcc") {
				t.Error("a header was added")
			}
			wantAll(t, "text", p.text, tt.wantList+", "+base)
			wantAll(t, "html", html.UnescapeString(p.html), tt.wantList+`, <a href="`+base)
		})
	}
}

func TestSender_Send_withdrawn(t *testing.T) {
	write := func(t *testing.T, edit func(*news.Release)) parsed {
		t.Helper()
		m := about(news.KindWithdrawn, 2)
		m.Event.Release.Status, m.Event.Release.Reason, m.Event.Release.Text = news.Withdrawn, "It was a draft.", ""
		edit(&m.Event.Release)
		b, err := written(t, m)
		if err != nil {
			t.Fatal(err)
		}
		return parse(t, b)
	}
	t.Run("what replaces it is linked", func(t *testing.T) {
		p := write(t, func(r *news.Release) { r.ReplacedBy = news.NewID("y") })
		url := news.ReleaseURL(base, news.NewID("y"), "")
		wantAll(t, "text", p.text, "Read instead: "+url, "The notice: ")
		wantAll(t, "html", p.html, `<a href="`+url+`"`, "Read instead")
		p = write(t, func(*news.Release) {})
		if strings.Contains(p.text+p.html, "Read instead") {
			t.Errorf("nothing replaces it, and yet: %s", p.text)
		}
	})
	t.Run("an erased one keeps its words to itself", func(t *testing.T) {
		p := write(t, func(r *news.Release) {
			r.Erased, r.Title, r.Places, r.Language, r.Reason = true, news.ErasedTitle, nil, "ar", "A court said so."
		})
		if got := p.header.Get("Subject"); got != news.ErasedTitle {
			t.Errorf("subject %q", got)
		}
		wantAll(t, "text", p.text, "Erased release", "4 March 2026", "Why it was erased: A court said so.", "The notice: "+news.ReleaseURL(base, news.NewID("x"), news.ErasedTitle))
		wantAll(t, "html", p.html, `<span lang="en" dir="ltr">Erased release</span>`, "Why it was erased:")
	})
}

func TestSender_Send_following(t *testing.T) {
	const all = "All that you follow:"
	for name, want := range map[string]bool{"other selections are listed too": true, "the same list is not repeated": false} {
		t.Run(name, func(t *testing.T) {
			m := about(news.KindPublished, 1)
			if !want {
				m.Following = m.Matching
			}
			b, err := written(t, m)
			if err != nil {
				t.Fatal(err)
			}
			p := parse(t, b)
			for what, part := range map[string]string{"text": p.text, "html": p.html} {
				wantAll(t, what, part, "because you follow", "Policing", "To follow less or to stop")
				if strings.Contains(part, all) != want {
					t.Errorf("%s:\n%s", what, part)
				}
			}
		})
	}
}

// TestSender_Send_injection: whatever a release or a subscriber says, the
// message has the headers it should and no others.
func TestSender_Send_injection(t *testing.T) {
	clean, err := written(t, about(news.KindPublished, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, evil := range []string{"\r\nBcc: victim@example.com", "\nX-Evil: 1\n\nbody", "\r\n\r\n<script>alert(1)</script>", "=?utf-8?q?=0D=0ABcc:_victim@example.com?=", "\x00", "a\u2028b", "<b>bold</b>"} {
		m := about(news.KindPublished, 1)
		m.Event.Release.Title = "Title" + evil
		m.Event.Release.Places = []news.Place{{Name: "Place" + evil}}
		m.Event.Release.Note, m.Event.Release.Summary = "Note"+evil, "Summary"+evil
		got, err := written(t, m)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(names(t, got), names(t, clean)) {
			t.Errorf("%q: headers %v, want %v", evil, names(t, got), names(t, clean))
		}
		p := parse(t, got)
		if strings.Contains(p.html, "<script>") || strings.Contains(p.html, "<b>") {
			t.Errorf("%q: active HTML: %s", evil, p.html)
		}
		m = about(news.KindPublished, 1)
		m.Address = "reader@example.net" + evil
		if got, err := written(t, m); err == nil && !slices.Equal(names(t, got), names(t, clean)) {
			t.Errorf("%q in the address: headers %v", evil, names(t, got))
		}
	}
}

// written returns the message as the outbox has it.
func written(t *testing.T, m alert.Message) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	if err := sender(t, mail.Config{Outbox: dir}).Send(t.Context(), m); err != nil {
		return nil, err
	}
	return onlyFile(t, dir), nil
}

func onlyFile(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	b, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names(t *testing.T, b []byte) []string {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for k := range m.Header {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
