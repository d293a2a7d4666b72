package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrRefused is in the chain of every error that says the guard closed the way.
var ErrRefused = errors.New("the address is not one that may be called from here")

// always lists what no setting opens: link-local networks, where most clouds
// keep their metadata services, and the metadata addresses elsewhere.
func always() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"169.254.0.0/16", "fe80::/10", // link-local
		"168.63.129.16/32",              // Azure
		"100.100.100.200/32",            // Alibaba
		"192.0.0.192/32",                // Oracle
		"fd00:ec2::/32", "fd20:ce::/32", // Amazon, Google
		"fd00:42::42/128", // Scaleway
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// networks decides about addresses.
type networks struct {
	allow  []netip.Prefix
	never  []netip.Prefix
	public *ssrf.Guardian
}

func newNetworks(allow []netip.Prefix) *networks {
	return &networks{allow: allow, never: always(), public: ssrf.New(ssrf.WithAnyPort())}
}

// check says whether a resolved address may be dialled; plain stands for http.
func (n *networks) check(at netip.AddrPort, plain bool) error {
	ip := at.Addr()
	for _, a := range append([]netip.Addr{ip}, embedded(ip)...) {
		if contains(n.never, a) {
			return fmt.Errorf("%w: %s is a link-local or metadata address, which --allow-network does not open", ErrRefused, ip)
		}
	}
	if n.allowed(ip) {
		return nil
	}
	if plain {
		return fmt.Errorf("%w: plain http goes only to networks opened with --allow-network; use https", ErrRefused)
	}
	if err := n.public.SafeAddr(ip); err != nil {
		return fmt.Errorf("%w: %s is private, local or reserved; open its network with --allow-network", ErrRefused, ip)
	}
	if p := at.Port(); p != 443 && p < 1024 {
		return fmt.Errorf("%w: port %d; use 443 or one above 1023", ErrRefused, p)
	}
	return nil
}

// allowed reports whether the operator opened the network of ip. An IPv6
// address that only wraps an IPv4 one counts as the latter.
func (n *networks) allowed(ip netip.Addr) bool {
	if inner := embedded(ip); len(inner) > 0 {
		return !slices.ContainsFunc(inner, func(a netip.Addr) bool { return !contains(n.allow, a) })
	}
	return contains(n.allow, ip)
}

func contains(nets []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(ip.WithZone("")) })
}

// embedded returns the IPv4 addresses that an IPv6 address stands for: mapped
// and compatible (RFC 4291 section 2.5.5), NAT64 (RFC 6052), 6to4 (RFC 3056),
// and both ends of Teredo (RFC 4380 section 4).
func embedded(ip netip.Addr) []netip.Addr {
	if !ip.Is6() {
		return nil
	}
	b := ip.As16()
	v4 := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	in := func(s string) bool { return netip.MustParsePrefix(s).Contains(ip.WithZone("")) }
	switch {
	case ip.Is4In6():
		return []netip.Addr{ip.Unmap()}
	case in("64:ff9b::/96"), in("64:ff9b:1::/48"), in("::/96") && b[12] != 0:
		return []netip.Addr{v4(12)}
	case in("2002::/16"):
		return []netip.Addr{v4(2)}
	case in("2001::/32"):
		client := v4(12).As4()
		for i := range client {
			client[i] = ^client[i]
		}
		return []netip.Addr{v4(4), netip.AddrFrom4(client)}
	}
	return nil
}

// control is what the dialer asks before each connect, with the resolved address.
func (c *Client) control(plain bool) func(network, address string, _ syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		err := c.judge(network, address, plain)
		if err != nil {
			c.refused.Add(1)
			return err
		}
		c.dialled.Add(1)
		return nil
	}
}

func (c *Client) judge(network, address string, plain bool) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: the network %s", ErrRefused, network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q has no plain address and port", ErrRefused, address)
	}
	return c.nets.check(at, plain)
}
