package main

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"smtp://user:SECRET@mail.example.org:587":          "smtp://mail.example.org:587",
		"smtp://user:SECRET@mail.example.org?tls=none":     "smtp://mail.example.org",
		"smtp://user:12#SECRET@mail.example.org":           "…",
		"smtp://user:12/SECRET@mail.example.org":           "…",
		"smtp://user:12?SECRET@mail.example.org":           "…",
		"nats://u:SECRET@a.example.org,nats://v:SECRET2@b": "nats://a.example.org,nats://b",
		"nats://u:pa%ssSECRET@a.example.org":               "…",
		"nats://SECRET@a.example.org:4222":                 "nats://a.example.org:4222",
		"not an address with SECRET":                       "…",
	} {
		got := redact(in)
		if got != want || strings.Contains(got, "SECRET") {
			t.Errorf("redact(%q) is %q, want %q", in, got, want)
		}
	}
}
