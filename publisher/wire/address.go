package wire

import (
	"fmt"
	"net/url"
	"strings"
)

// Redact is the address, or list of addresses with commas, of a NATS server
// without users, passwords and tokens; an address that cannot be read is "…".
func Redact(urls string) string {
	parts := strings.Split(urls, ",")
	for i, p := range parts {
		parts[i] = redactOne(p)
	}
	return strings.Join(parts, ",")
}

func redactOne(address string) string {
	address = strings.TrimSpace(address)
	if address == "" {
		return ""
	}
	u, ok := parseAddress(address)
	switch {
	case !ok:
		return "…"
	case strings.Contains(address, "://"):
		return u.Scheme + "://" + u.Host
	}
	return u.Host
}

// parseAddress reads one address as the client library does, but takes no path,
// query or fragment: in them would stand the end of a password that is not
// written as a URL wants it.
func parseAddress(address string) (*url.URL, bool) {
	address = strings.TrimSuffix(strings.TrimSpace(address), "/")
	if !strings.Contains(address, "://") {
		address = "nats://" + address
	}
	u, err := url.Parse(address)
	ok := err == nil && u.Hostname() != "" && u.Path == "" && u.RawQuery == "" && u.Fragment == ""
	return u, ok
}

// checkAddresses refuses a list that the client library would refuse with an
// error that shows the password.
func checkAddresses(flag, urls string) error {
	parts := strings.Split(urls, ",")
	for i, p := range parts {
		if _, ok := parseAddress(p); !ok {
			return fmt.Errorf("%s: address %d of %d is not like nats://user:password@host:4222; in user and password write %%25 for %%, %%40 for @, %%2F for /, %%3A for :, %%2C for a comma, %%23 for # and %%3F for ?", flag, i+1, len(parts))
		}
	}
	return nil
}

// userOf is the user that a list of addresses names first, "" when there is none
// or its name is no word of a subject.
func userOf(urls string) string {
	first, _, _ := strings.Cut(urls, ",")
	u, ok := parseAddress(first)
	if !ok || u.User == nil || !token(u.User.Username()) {
		return ""
	}
	if _, hasPassword := u.User.Password(); !hasPassword {
		return "" // a lone name is a token, which is a secret
	}
	return u.User.Username()
}
