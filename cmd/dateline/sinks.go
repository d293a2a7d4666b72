package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receipt is one alert that has arrived at the demo's own mail server or
// webhook receiver.
type receipt struct {
	recipient string // address or endpoint
	event     string // "<release id>:<revision>"
	at        time.Time
	problem   string // what is wrong with it; empty when nothing is
}

// sinks receive the demo's alerts: a captive SMTP server, which takes mail for
// everyone and delivers nothing, and a webhook receiver, which checks signatures.
type sinks struct {
	mailURL string
	hookURL string

	smtp *smtp.Server
	http *http.Server

	mu       sync.Mutex
	secrets  map[string]string // of each endpoint's path
	receipts []receipt
	arrived  chan struct{} // closed and made anew at each receipt
}

func startSinks(ctx context.Context) (*sinks, error) {
	s := &sinks{secrets: map[string]string{}, arrived: make(chan struct{})}
	var lc net.ListenConfig
	ml, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	hl, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, ml.Close())
	}
	s.mailURL, s.hookURL = "smtp://"+ml.Addr().String(), "http://"+hl.Addr().String()
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{sinks: s}, nil }))
	s.smtp.Domain, s.smtp.MaxMessageBytes = "localhost", 8<<20
	s.smtp.ErrorLog = log.New(io.Discard, "", 0) // a connection that breaks off is no news here
	s.http = &http.Server{Handler: http.HandlerFunc(s.hook), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.smtp.Serve(ml) }() // both end with close
	go func() { _ = s.http.Serve(hl) }()
	return s, nil
}

func (s *sinks) close(ctx context.Context) error {
	return errors.Join(s.http.Shutdown(ctx), s.smtp.Shutdown(ctx))
}

// expectSecret tells with which secret the calls to an endpoint must be signed.
func (s *sinks) expectSecret(path, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[path] = secret
}

func (s *sinks) add(r receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.at = time.Now()
	s.receipts = append(s.receipts, r)
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// all returns what has arrived, and a channel that closes with the next arrival.
func (s *sinks) all() ([]receipt, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]receipt(nil), s.receipts...), s.arrived
}

// hook takes one webhook call: the signature must be right (Standard Webhooks)
// and the body a CloudEvent.
func (s *sinks) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	secret := s.secrets[r.URL.Path]
	s.mu.Unlock()
	got := receipt{recipient: s.hookURL + r.URL.Path}
	if wh, err := webhooks.NewWebhook(secret); err != nil || wh.Verify(body, r.Header) != nil {
		got.problem = "its signature is wrong"
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		got.problem = "its body is no CloudEvent"
	}
	got.event = e.ID
	s.add(got)
	w.WriteHeader(http.StatusNoContent)
}

// mailSession takes mail from one connection.
type mailSession struct {
	sinks *sinks
	to    string
}

func (m *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (m *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	m.to = to
	return nil
}
func (m *mailSession) Reset()        { m.to = "" }
func (m *mailSession) Logout() error { return nil }

func (m *mailSession) Data(r io.Reader) error {
	got := receipt{recipient: m.to}
	mr, err := mail.CreateReader(r)
	if err != nil {
		got.problem = "it is no mail"
	} else {
		got.event = mr.Header.Get("Dateline-Event")
		if got.event == "" {
			got.problem = "it does not say of which event it speaks"
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	m.sinks.add(got)
	return nil
}
