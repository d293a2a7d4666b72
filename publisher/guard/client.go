package guard

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// MaxBody is how much of an answer's body callers read, in bytes.
const MaxBody = 64 << 10

// Config of a Client. The zero value is the strictest.
type Config struct {
	// Allow opens networks that are closed by default, plain http included.
	Allow []netip.Prefix
	// Connect bounds dialling and the TLS handshake each, Whole the call
	// from dialling to the last byte read. 0 means 5 s and 15 s.
	Connect, Whole time.Duration
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
	// TLS is the configuration to start from; nil means the defaults.
	TLS *tls.Config
}

// Client calls guarded addresses. It is safe for concurrent use and keeps idle
// connections.
type Client struct {
	http             *http.Client
	nets             *networks
	open             []*http.Transport
	dialled, refused atomic.Uint64
}

// New makes a client.
func New(cfg Config) *Client {
	if cfg.Connect == 0 {
		cfg.Connect = 5 * time.Second
	}
	if cfg.Whole == 0 {
		cfg.Whole = 15 * time.Second
	}
	c := &Client{nets: newNetworks(cfg.Allow)}
	secure, plain := c.transport(cfg, false), c.transport(cfg, true)
	c.open = []*http.Transport{secure, plain}
	c.http = &http.Client{
		Timeout:   cfg.Whole,
		Transport: byScheme{secure: secure, plain: plain},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	return c
}

func (c *Client) transport(cfg Config, plain bool) *http.Transport {
	d := &net.Dialer{Timeout: cfg.Connect, KeepAlive: 30 * time.Second, Resolver: cfg.Resolver, Control: c.control(plain)}
	return &http.Transport{
		Proxy:                  nil, // HTTP_PROXY in the environment would lead around the guard
		DialContext:            d.DialContext,
		TLSClientConfig:        cfg.TLS.Clone(),
		TLSHandshakeTimeout:    cfg.Connect,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           1024,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: MaxBody,
	}
}

// byScheme keeps https and http on connections of their own, because the guard
// judges them by different rules.
type byScheme struct{ secure, plain http.RoundTripper }

func (b byScheme) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.URL.Scheme {
	case "https":
		return b.secure.RoundTrip(r)
	case "http":
		return b.plain.RoundTrip(r)
	}
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return nil, fmt.Errorf("%w: the scheme %q", ErrRefused, r.URL.Scheme)
}

// Do calls as [http.Client.Do] does. An answer with a 3xx status is returned as
// it is. The caller reads at most [MaxBody] of the body and closes it.
func (c *Client) Do(r *http.Request) (*http.Response, error) { return c.http.Do(r) }

// Stats counts since the start.
type Stats struct {
	Dialled uint64 // connections that were let out
	Refused uint64 // connections that were not
}

// Stats returns the counts.
func (c *Client) Stats() Stats { return Stats{c.dialled.Load(), c.refused.Load()} }

// Close closes idle connections.
func (c *Client) Close() {
	for _, t := range c.open {
		t.CloseIdleConnections()
	}
}
