package subscribers_test

import (
	"io"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"

	"github.com/emersion/go-smtp"
)

// postbox is an SMTP server that keeps the mails it gets.
type postbox struct {
	addr string
	came chan *mail.Message
	mu   sync.Mutex
	deny error // answer to every recipient
}

type post struct{ box *postbox }

func (b *postbox) NewSession(*smtp.Conn) (smtp.Session, error) { return post{b}, nil }

func (post) Reset()                               {}
func (post) Logout() error                        { return nil }
func (post) Mail(string, *smtp.MailOptions) error { return nil }

func (p post) Rcpt(string, *smtp.RcptOptions) error {
	p.box.mu.Lock()
	defer p.box.mu.Unlock()
	return p.box.deny
}

func (p post) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(strings.NewReader(string(b)))
	if err != nil {
		return err
	}
	p.box.came <- m
	return nil
}

func newPostbox(t *testing.T) *postbox {
	t.Helper()
	b := &postbox{came: make(chan *mail.Message, 100)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	srv, done := smtp.NewServer(b), make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return b
}

func (b *postbox) answer(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deny = err
}

func (b *postbox) next(t *testing.T) *mail.Message {
	t.Helper()
	select {
	case m := <-b.came:
		return m
	case <-time.After(patience):
		t.Fatal("no mail came")
		return nil
	}
}

func bySMTP(b *postbox, backoff ...time.Duration) func(*subscribers.Config) {
	return func(c *subscribers.Config) {
		c.SMTPURL, c.MailFrom, c.Outbox, c.Backoff = "smtp://"+b.addr, "News desk <news@example.org>", "", backoff
	}
}

func TestSubscribers_Run_mail(t *testing.T) {
	box := newPostbox(t)
	w := newWorld(t, bySMTP(box))
	w.subscribe(subscribers.Mail, "reader@example.net", fields("policing"))
	w.subscribe(subscribers.Mail, "reader@example.net", countries("austria"))
	w.subscribe(subscribers.Mail, "reader@example.net", fields("elections"))

	w.publish("a", tagged("A training", []string{"policing"}, "austria"), news.KindPublished)
	first := box.next(t)
	body, err := io.ReadAll(first.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Policing", "Austria", "Elections"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the mail lacks %q", want)
		}
	}
	r := tagged("A training", []string{"gender-equality"})
	r.Note = "It was not about policing."
	w.publish("a", r, news.KindCorrected)
	second := box.next(t)
	if second.Header.Get("Subject") != "Correction: A training" || second.Header.Get("In-Reply-To") != first.Header.Get("Message-Id") {
		t.Errorf("got %q in reply to %q, want to %q", second.Header.Get("Subject"), second.Header.Get("In-Reply-To"), first.Header.Get("Message-Id"))
	}
	w.withdraw("a")
	if third := box.next(t); third.Header.Get("Subject") != "Withdrawn: A training" || third.Header.Get("In-Reply-To") != second.Header.Get("Message-Id") {
		t.Errorf("got %q in reply to %q", third.Header.Get("Subject"), third.Header.Get("In-Reply-To"))
	}
	w.quiet()
	if n := len(box.came); n != 0 {
		t.Errorf("%d more mails came", n)
	}
}

func TestSubscribers_Run_mailRefused(t *testing.T) {
	box := newPostbox(t)
	box.answer(&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "unknown"})
	w := newWorld(t, bySMTP(box, time.Millisecond))
	w.subscribe(subscribers.Mail, "nobody@example.net", fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	w.eventually("parked", func() bool { return w.givenUp() == 1 })
	w.quiet()
	if st := w.subs.Stats(); sum(st.Failed) != 0 {
		t.Errorf("a final refusal was tried again: %+v", st)
	}
}

func TestSubscribers_Run_mailDelayed(t *testing.T) {
	box := newPostbox(t)
	box.answer(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"})
	w := newWorld(t, bySMTP(box, 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond))
	w.subscribe(subscribers.Mail, "reader@example.net", fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	w.eventually("greylisted", func() bool { return w.subs.Stats().Failed[subscribers.Mail] > 0 })
	box.answer(nil)
	if m := box.next(t); m.Header.Get("Subject") != "A" {
		t.Errorf("got %q", m.Header.Get("Subject"))
	}
	w.quiet()
}

func TestSubscribers_Run_outbox(t *testing.T) {
	w := newWorld(t, func(c *subscribers.Config) { c.Title = "Example Mission" })
	w.subscribe(subscribers.Mail, "reader@example.net", fields("policing"))
	w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	w.eventually("written", func() bool { return w.subs.Stats().Accepted[subscribers.Mail] == 1 })
	files, err := filepath.Glob(filepath.Join(w.cfg.Outbox, "*.eml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"To: <reader@example.net>", `From: "Example Mission" <dateline@news.example.org>`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%q is not in %s", want, b)
		}
	}
}
