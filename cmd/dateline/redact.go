package main

import (
	"net/url"
	"strings"

	"dateline/publisher/wire"
)

// redact hides users, passwords and everything behind the host of an address
// or a list of them. What cannot be read for certain becomes "…".
func redact(s string) string {
	address, query, _ := strings.Cut(s, "?")
	if strings.Contains(query, "@") { // a password with a question mark in it
		return "…"
	}
	return wire.Redact(address)
}

// pathOf is the path of a base URL without a slash at the end.
func pathOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}
