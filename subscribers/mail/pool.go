package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"dateline/subscribers/alert"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

const (
	connectTime = 5 * time.Second
	sendTime    = 30 * time.Second // a server may look at a message for some time before it answers
	idleTime    = 30 * time.Second // servers close idle connections after minutes
	maxIdle     = 8
)

// pool keeps a few connections to the mail server open between messages.
type pool struct {
	host string
	port int
	opts []gomail.Option
	tls  *tls.Config // set for smtps
	how  string
	idle chan *conn
}

// conn is one connection; nobody else uses it while a message is on it.
type conn struct {
	client *gomail.Client
	smtp   *smtp.Client
	raw    net.Conn
	free   time.Time
}

func newPool(cfg Config) (*pool, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Path != "" && u.Path != "/" {
		// The address itself stays out of the error: it may hold a password.
		return nil, errors.New("--smtp-url is not an address like smtp://user:password@mail.example.org:587 or smtps://mail.example.org:465")
	}
	p := &pool{host: u.Hostname(), port: 587, idle: make(chan *conn, maxIdle)}
	if u.Scheme == "smtps" {
		p.port = 465
	}
	if s := u.Port(); s != "" {
		if p.port, err = strconv.Atoi(s); err != nil || p.port < 1 || p.port > 65535 {
			return nil, errors.New("the port of --smtp-url is not between 1 and 65535")
		}
	}
	policy, err := p.security(u, cfg.TLS)
	if err != nil {
		return nil, err
	}
	p.opts = []gomail.Option{
		gomail.WithPort(p.port), gomail.WithTimeout(sendTime), gomail.WithTLSPolicy(policy),
		gomail.WithoutNoop(), gomail.WithoutRset(), gomail.WithHELO(heloName(cfg.Base)),
	}
	if policy != gomail.NoTLS {
		p.opts = append(p.opts, gomail.WithTLSConfig(p.tlsConfig(cfg.TLS)))
	}
	if err := p.login(u, policy); err != nil {
		return nil, err
	}
	_, err = gomail.NewClient(p.host, p.opts...)
	return p, err
}

// security reads the scheme and ?tls=; the default is TLS, except towards this machine.
func (p *pool) security(u *url.URL, base *tls.Config) (gomail.TLSPolicy, error) {
	if u.Scheme == "smtps" {
		p.tls, p.how = p.tlsConfig(base), "TLS"
		return gomail.TLSOpportunistic, nil // the connection has TLS already; go-mail only looks
	}
	mode := u.Query().Get("tls")
	if mode == "" {
		if mode = "required"; isLoopback(p.host) {
			mode = "none"
		}
	}
	switch mode {
	case "required":
		p.how = "STARTTLS"
		return gomail.TLSMandatory, nil
	case "none":
		p.how = "without TLS"
		return gomail.NoTLS, nil
	}
	return 0, errors.New("tls= in --smtp-url is neither required nor none")
}

func (p *pool) tlsConfig(base *tls.Config) *tls.Config {
	c := base.Clone()
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.ServerName == "" {
		c.ServerName = p.host
	}
	return c
}

func (p *pool) login(u *url.URL, policy gomail.TLSPolicy) error {
	if u.User == nil {
		return nil
	}
	how := gomail.SMTPAuthAutoDiscover
	if policy == gomail.NoTLS {
		if !isLoopback(p.host) {
			return errors.New("--smtp-url would send the password in the clear; leave out tls=none, or the password")
		}
		how = gomail.SMTPAuthPlainNoEnc
	}
	password, _ := u.User.Password()
	p.opts = append(p.opts, gomail.WithSMTPAuth(how), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	return nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func heloName(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" {
		return "localhost"
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if ip.Is4() {
			return "[" + ip.String() + "]"
		}
		return "[IPv6:" + ip.String() + "]"
	}
	return u.Hostname()
}

func (p *pool) String() string {
	return net.JoinHostPort(p.host, strconv.Itoa(p.port)) + " (" + p.how + ")"
}

func (p *pool) close() {
	for {
		select {
		case c := <-p.idle:
			c.end()
		default:
			return
		}
	}
}

func (c *conn) end() {
	_ = c.raw.SetDeadline(time.Now().Add(time.Second))
	_ = c.client.CloseWithSMTPClient(c.smtp) // says QUIT; nothing depends on it
	_ = c.raw.Close()
}

// take gives an idle connection, or a new one; reused tells which.
func (p *pool) take(ctx context.Context, fresh bool) (c *conn, reused bool, err error) {
	for !fresh {
		select {
		case c := <-p.idle:
			if time.Since(c.free) < idleTime {
				return c, true, nil
			}
			c.end()
			continue
		default:
		}
		break
	}
	c, err = p.dial(ctx)
	return c, false, err
}

// dial connects and logs in. The end of ctx closes the connection, because the
// library's conversation with the server does not look at ctx.
func (p *pool) dial(ctx context.Context) (*conn, error) {
	c, stop := &conn{}, func() bool { return true }
	dial := func(dialCtx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: connectTime}
		raw, err := d.DialContext(dialCtx, network, address)
		if err != nil {
			return nil, err
		}
		c.raw, stop = raw, context.AfterFunc(ctx, func() { _ = raw.Close() })
		if p.tls != nil {
			return tls.Client(raw, p.tls), nil
		}
		return raw, nil
	}
	opts := append([]gomail.Option{gomail.WithDialContextFunc(dial)}, p.opts...)
	var err error
	if c.client, err = gomail.NewClient(p.host, opts...); err != nil {
		return nil, err
	}
	c.smtp, err = c.client.DialToSMTPClientWithContext(ctx)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil && c.raw != nil {
		_ = c.raw.Close()
	}
	return c, err
}

func (p *pool) give(c *conn) {
	c.free = time.Now()
	select {
	case p.idle <- c:
	default:
		c.end()
	}
}

// deliver makes one try, and a second one at once when a kept connection turns
// out to be dead before anything was sent on it.
func (p *pool) deliver(ctx context.Context, m *gomail.Msg, _ string) error {
	c, reused, err := p.take(ctx, false)
	if err == nil {
		if err = p.hand(ctx, c, m); err != nil && reused && nothingSent(err) {
			if c, _, err = p.take(ctx, true); err == nil {
				err = p.hand(ctx, c, m)
			}
		}
	}
	return verdict(err)
}

// hand sends a message on a connection and keeps or ends the connection. ctx
// breaks the sending off.
func (p *pool) hand(ctx context.Context, c *conn, m *gomail.Msg) error {
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	err := c.client.SendWithSMTPClient(c.smtp, m)
	if m.IsDelivered() {
		err = nil // what follows the acceptance does not undo it
	}
	if !stop() || err != nil {
		c.end()
		return err
	}
	p.give(c)
	return nil
}

func nothingSent(err error) bool {
	e, ok := errors.AsType[*gomail.SendError](err)
	return ok && (e.Reason == gomail.ErrConnCheck || e.Reason == gomail.ErrSMTPMailFrom && (e.ErrorCode() == 0 || e.ErrorCode() == 421))
}

// verdict sorts an error by who can mend it. A refusal of the recipient or of
// the message is final; anything about the connection, the login or our own
// sender address is for the operator to mend, so it is tried again.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return &alert.Temporary{Reason: "the mail server cannot be used: " + stage(err), Whole: true}
	}
	code := e.ErrorCode()
	answer := strconv.Itoa(code)
	if s := e.EnhancedStatusCode(); s != "" {
		answer += " " + s
	}
	switch {
	case code >= 500 && e.Reason != gomail.ErrSMTPMailFrom && e.Reason != gomail.ErrConnCheck:
		return &alert.Permanent{Reason: fmt.Sprintf("the mail server answered %s to %s", answer, e.Reason)}
	case code != 0:
		return &alert.Temporary{
			Reason: fmt.Sprintf("the mail server answered %s to %s", answer, e.Reason),
			Whole:  code == 421 || e.Reason == gomail.ErrConnCheck || e.Reason == gomail.ErrSMTPMailFrom,
		}
	}
	return &alert.Temporary{
		Reason:  "the connection to the mail server broke while " + e.Reason.String(),
		Unknown: e.Reason == gomail.ErrSMTPDataClose || e.Reason == gomail.ErrWriteContent,
	}
}

// stage names what failed before a message was sent, without addresses.
func stage(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns):
		return "its name cannot be resolved"
	case errors.As(err, &cert):
		return "its certificate is not accepted"
	case errors.As(err, &op):
		return "no connection"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "no time left"
	}
	return "it does not accept TLS or the login"
}
