package access_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"dateline/publisher/access"
)

// asker sends requests to guarded keys from an address.
type asker struct {
	t *testing.T
	h http.Handler
}

func newAsker(t *testing.T, rates access.Rates) (*asker, *clock) {
	t.Helper()
	keys, err := access.New(good)
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	if err := keys.Open(t.Context(), access.Config{Now: c.now, Rates: rates}); err != nil {
		t.Fatal(err)
	}
	return &asker{t, keys.Require(http.HandlerFunc(noContent))}, c
}

func (a *asker) ask(key, from string) *http.Response {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), http.MethodGet, "/api/v1/releases", nil)
	r.RemoteAddr = from
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	rec := httptest.NewRecorder()
	a.h.ServeHTTP(rec, r)
	return rec.Result()
}

// served counts how many of n requests in a row are not answered by 429.
func (a *asker) served(n int, key, from string) (count int) {
	for range n {
		if a.ask(key, from).StatusCode != http.StatusTooManyRequests {
			count++
		}
	}
	return count
}

const here = "192.0.2.1:1234"

func TestRates_Key(t *testing.T) {
	w := newWorld(t)
	a, clock := &asker{t, w.keys.Require(http.HandlerFunc(noContent))}, w.clock
	cms := w.add("cms", "")
	if got := a.served(300, cms, here); got != 200 {
		t.Errorf("%d of 300 at once are served", got)
	}
	res := a.ask(cms, here)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "1" {
		t.Errorf("%d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if p := problemOf(t, res); p.Detail == "" {
		t.Errorf("%+v", p)
	}
	if got := a.served(1, good, here); got != 1 {
		t.Error("one key's requests count for another")
	}
	clock.forward(time.Second)
	if got := a.served(100, cms, "192.0.2.2:1"); got != 50 { // wherever it comes from
		t.Errorf("%d a second", got)
	}
	clock.forward(time.Hour)
	if got := a.served(300, cms, here); got != 200 {
		t.Errorf("%d of 300 after a rest", got)
	}
}

func TestRates_Address(t *testing.T) {
	t.Run("without a good key", func(t *testing.T) {
		a, clock := newAsker(t, access.Rates{})
		if got := a.served(60, "", here); got != 50 {
			t.Errorf("%d of 60 without a key are heard", got)
		}
		if got := a.served(10, "dl_ABCDEFGHIJKLMNOQ", "192.0.2.1:99"); got != 0 {
			t.Errorf("%d with a wrong key after that", got)
		}
		if got := a.ask(good, here).StatusCode; got != http.StatusNoContent {
			t.Errorf("a good key from the same address: %d", got)
		}
		if got := a.served(1, "", "192.0.2.2:1234"); got != 1 {
			t.Error("another address pays for it")
		}
		clock.forward(time.Second)
		if got := a.served(10, "", here); got != 5 {
			t.Errorf("%d a second", got)
		}
	})
	t.Run("the wait is told in whole seconds", func(t *testing.T) {
		a, clock := newAsker(t, access.Rates{Address: access.Rate{PerSecond: 0.1, Burst: 1}})
		for _, c := range []struct {
			pass time.Duration
			wait string
		}{{0, ""}, {0, "10"}, {500 * time.Millisecond, "10"}, {500 * time.Millisecond, "9"}, {8500 * time.Millisecond, "1"}, {500 * time.Millisecond, ""}} {
			clock.forward(c.pass)
			res := a.ask("", here)
			if got := res.Header.Get("Retry-After"); got != c.wait || (res.StatusCode == http.StatusTooManyRequests) != (c.wait != "") {
				t.Errorf("after %s: %d, Retry-After %q, want %q", c.pass, res.StatusCode, got, c.wait)
			}
		}
	})
	t.Run("networks", func(t *testing.T) {
		for name, tc := range map[string]struct {
			one, other string
			same       bool
		}{
			"one /64":                 {"[2001:db8::1]:1", "[2001:db8::ffff:1:2:3]:9", true},
			"two /64":                 {"[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", false},
			"IPv4 within IPv6":        {"[::ffff:192.0.2.1]:1", "192.0.2.1:1", true},
			"two of IPv4 in IPv6":     {"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:1", false},
			"zones":                   {"[fe80::1%eth0]:1", "[fe80::1%eth1]:1", true},
			"neighbours of IPv4":      {"192.0.2.1:1", "192.0.2.2:1", false},
			"none, as on a socket":    {"@", "", true},
			"none is nobody's either": {"@", "192.0.2.1:1", false},
		} {
			t.Run(name, func(t *testing.T) {
				a, _ := newAsker(t, access.Rates{Address: access.Rate{PerSecond: 1, Burst: 1}})
				a.served(1, "", tc.one)
				if heard := a.served(1, "", tc.other) == 1; heard == tc.same {
					t.Errorf("%s and %s: heard %v", tc.one, tc.other, heard)
				}
			})
		}
	})
	t.Run("so many are remembered, the latest", func(t *testing.T) {
		a, _ := newAsker(t, access.Rates{Address: access.Rate{PerSecond: 0.001, Burst: 1}, Remembered: 2})
		for _, c := range []struct {
			from  int
			heard bool
		}{{1, true}, {2, true}, {1, false}, {3, true}, {1, false}, {2, true}, {3, true}} {
			if heard := a.served(1, "", "192.0.2."+strconv.Itoa(c.from)+":1") == 1; heard != c.heard {
				t.Errorf("address %d: heard %v", c.from, heard)
			}
		}
	})
}
