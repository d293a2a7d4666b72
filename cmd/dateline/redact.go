package main

import (
	"net/url"
	"strings"
)

// redact hides the password and user in a URL, and everything in what is none.
func redact(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "…"
	}
	if u.User != nil {
		u.User = url.User("…")
	}
	u.RawQuery = ""
	out, err := url.PathUnescape(u.String())
	if err != nil {
		return "…"
	}
	return out
}

// pathOf is the path of a base URL without a slash at the end.
func pathOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}
