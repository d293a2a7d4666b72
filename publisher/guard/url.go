package guard

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// MaxURL is the length of the longest address taken, in bytes.
const MaxURL = 2048

// CheckURL says at the door what is wrong with an address; the error is one
// sentence that does not repeat the address. Names are not looked up here: a
// name that leads to a closed network is refused when it is called.
func (c *Client) CheckURL(raw string) error {
	_, err := c.parse(raw)
	return err
}

// Normalize checks like [Client.CheckURL] and returns the one way of writing
// the address: scheme and host in lower case and ASCII, no default port, a path.
func (c *Client) Normalize(raw string) (string, error) {
	u, err := c.parse(raw)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

func (c *Client) parse(raw string) (*url.URL, error) {
	if len(raw) > MaxURL {
		return nil, fmt.Errorf("the URL has %d bytes, at most %d fit", len(raw), MaxURL)
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == 0xfffd }) {
		return nil, fmt.Errorf("the URL holds a space, a backslash, a control character or broken UTF-8; remove it")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the URL cannot be read; it must look like https://example.org/hook")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch {
	case u.Scheme != "https" && u.Scheme != "http", u.Opaque != "", u.Hostname() == "":
		return nil, fmt.Errorf("the URL must be absolute and begin with https://, like https://example.org/hook")
	case u.User != nil:
		return nil, fmt.Errorf("the URL carries a user name or password; put a secret into its path instead")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return nil, fmt.Errorf("the URL has a fragment (#…), which is never sent; remove it")
	}
	at, err := c.host(u)
	if err != nil {
		return nil, err
	}
	return u, c.door(u, at)
}

// host normalises u's host and port; the address is valid when it is literal.
func (c *Client) host(u *url.URL) (netip.AddrPort, error) {
	port := 443
	if u.Scheme == "http" {
		port = 80
	}
	standard := port
	if s := u.Port(); s != "" {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil || n == 0 {
			return netip.AddrPort{}, fmt.Errorf("the URL's port is not between 1 and 65535")
		}
		port = int(n)
	} else if strings.HasSuffix(u.Host, ":") {
		return netip.AddrPort{}, fmt.Errorf("the URL has a colon but no port")
	}
	name := u.Hostname()
	ip, err := netip.ParseAddr(name)
	if err == nil {
		name = ip.String()
		if ip.Is6() {
			name = "[" + name + "]"
		}
		if ip.Zone() != "" {
			return netip.AddrPort{}, fmt.Errorf("the URL's address has a zone, which means nothing elsewhere")
		}
	} else if name, err = hostName(name); err != nil {
		return netip.AddrPort{}, err
	}
	u.Host = name
	if port != standard {
		u.Host += ":" + strconv.Itoa(port)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return netip.AddrPortFrom(ip, uint16(port)), nil
}

// hostName takes only names that cannot be mistaken for an address in an old
// notation (0x7f.1, 2130706433, 017700000001).
func hostName(name string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	if err != nil || ascii == "" || len(ascii) > 253 {
		return "", fmt.Errorf("the URL's host is not a name or address")
	}
	last := ascii[strings.LastIndexByte(ascii, '.')+1:]
	if last == "" || last[0] >= '0' && last[0] <= '9' {
		return "", fmt.Errorf("the URL's host looks like a number; write an address as four decimal numbers, like 192.0.2.1")
	}
	return ascii, nil
}

// door refuses what no lookup can make right.
func (c *Client) door(u *url.URL, at netip.AddrPort) error {
	plain := u.Scheme == "http"
	if at.Addr().IsValid() {
		return c.nets.check(at, plain)
	}
	if plain && len(c.nets.allow) == 0 {
		return fmt.Errorf("the URL must begin with https://; plain http goes only to networks opened with --allow-network")
	}
	return nil
}
