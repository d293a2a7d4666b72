package guard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/guard"

	"golang.org/x/net/dns/dnsmessage"
)

// closed are hosts that must never be called, in every notation we know of.
var closed = []string{
	"127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1",
	"0.0.0.0", "0", "0.1.2.3", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
	"[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001:0:7f00:1::]",
	"[2001:0:808:808::f5ff:fffe]", "[2001:db8::1]", "[3fff::1]", "[2001:2::1]", "[100::1]", "[5f00::1]", "[fec0::1]",
	"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "[::ffff:10.0.0.1]", "[::ffff:c0a8:1]",
	"100.64.0.1", "100.127.255.255", "169.254.0.1", "169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]",
	"0xa9fea9fe", "2852039166", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "[fd00:ec2::254]", "[fd20:ce::254]",
	"[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd12:3456::1]", "[ff02::1]", "[ff05::2]",
	"192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "198.19.255.255", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
	"①②⑦.⓪.⓪.①", "127。0。0。1",
}

// metadata are those of them that no setting opens.
var metadata = []string{
	"169.254.169.254", "169.254.170.2", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "100.100.100.200",
	"168.63.129.16", "192.0.0.192", "[fd00:ec2::254]", "[fd20:ce::254]", "[fe80::1]",
}

func everything() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
}

func get(t *testing.T, c *guard.Client, url string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(r)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func TestClient_Do_closedAddresses(t *testing.T) {
	c := guard.New(guard.Config{Connect: time.Second, Whole: 2 * time.Second})
	for _, scheme := range []string{"https://", "http://"} {
		for _, host := range closed {
			for _, port := range []string{"", ":8443"} {
				if err := get(t, c, scheme+host+port+"/"); err == nil {
					t.Errorf("%s%s%s was called", scheme, host, port)
				}
			}
		}
	}
	if n := c.Stats().Dialled; n != 0 {
		t.Errorf("%d connections went out", n)
	}
	if c.Stats().Refused == 0 {
		t.Error("the dial-time check was never asked")
	}
}

func TestClient_Do_metadataStaysClosed(t *testing.T) {
	c := guard.New(guard.Config{Allow: everything(), Connect: time.Second})
	for _, host := range metadata {
		for _, scheme := range []string{"https://", "http://"} {
			if err := get(t, c, scheme+host+"/latest/meta-data/"); !errors.Is(err, guard.ErrRefused) {
				t.Errorf("%s%s: got %v", scheme, host, err)
			}
			if err := c.CheckURL(scheme + host + "/"); !errors.Is(err, guard.ErrRefused) {
				t.Errorf("at the door, %s%s: got %v", scheme, host, err)
			}
		}
	}
	if n := c.Stats().Dialled; n != 0 {
		t.Errorf("%d connections went out", n)
	}
}

func TestClient_Do(t *testing.T) {
	var calls atomic.Int64
	hook := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	})
	srv := httptest.NewServer(hook)
	defer srv.Close()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

	t.Run("an opened network is called by plain http", func(t *testing.T) {
		c := guard.New(guard.Config{Allow: loopback})
		defer c.Close()
		if err := get(t, c, srv.URL); err != nil {
			t.Fatal(err)
		}
		if c.Stats().Dialled != 1 {
			t.Errorf("stats %+v", c.Stats())
		}
	})
	t.Run("a redirect is handed back and not followed", func(t *testing.T) {
		before := calls.Load()
		c := guard.New(guard.Config{Allow: loopback})
		defer c.Close()
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/away", nil)
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusFound || calls.Load() != before+1 {
			t.Errorf("status %d, %d calls", res.StatusCode, calls.Load()-before)
		}
	})
	t.Run("proxies of the environment are ignored", func(t *testing.T) {
		before := calls.Load()
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
			t.Setenv(name, srv.URL)
		}
		c := guard.New(guard.Config{})
		for _, url := range []string{"http://10.0.0.1/", "https://10.0.0.1/"} {
			if err := get(t, c, url); !errors.Is(err, guard.ErrRefused) {
				t.Errorf("%s: got %v", url, err)
			}
		}
		if calls.Load() != before {
			t.Error("the proxy was called")
		}
	})
	t.Run("other schemes are refused", func(t *testing.T) {
		c := guard.New(guard.Config{Allow: everything()})
		for _, url := range []string{"file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/"} {
			if err := get(t, c, url); !errors.Is(err, guard.ErrRefused) {
				t.Errorf("%s: got %v", url, err)
			}
		}
	})
	t.Run("an endless answer ends with the time for the whole call", func(t *testing.T) {
		drip := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		}))
		defer drip.Close()
		c := guard.New(guard.Config{Allow: loopback, Whole: 50 * time.Millisecond})
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, drip.URL, nil)
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err == nil {
			t.Error("the body ended by itself")
		}
	})
}

// TestClient_Do_rebinding: a name that the door and the first lookup know as a
// public address, and that leads to loopback when it is dialled.
func TestClient_Do_rebinding(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var accepted atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_ = c.Close()
		}
	}()
	resolver, lookups := rebinder(t)
	addrs, err := resolver.LookupNetIP(t.Context(), "ip4", "hook.example.org")
	if err != nil || addrs[0] != netip.MustParseAddr("93.184.215.14") {
		t.Fatalf("the first lookup gave %v, %v", addrs, err)
	}
	c := guard.New(guard.Config{Resolver: resolver})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := c.CheckURL("https://hook.example.org:" + port + "/"); err != nil {
		t.Errorf("the door refused: %v", err)
	}
	if err := get(t, c, "https://hook.example.org:"+port+"/"); !errors.Is(err, guard.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if lookups.Load() < 2 || accepted.Load() != 0 || c.Stats().Dialled != 0 {
		t.Errorf("%d lookups, %d connections accepted, %+v", lookups.Load(), accepted.Load(), c.Stats())
	}
}

// rebinder is a name server whose first answer is public and whose later ones are 127.0.0.1.
func rebinder(t *testing.T) (*net.Resolver, *atomic.Int64) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	var lookups atomic.Int64
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				ip := [4]byte{127, 0, 0, 1}
				if lookups.Add(1) == 1 {
					ip = [4]byte{93, 184, 215, 14}
				}
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
					Body:   &dnsmessage.AResource{A: ip},
				}}
			}
			if b, err := m.Pack(); err == nil {
				_, _ = pc.WriteTo(b, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}, &lookups
}

func check(t *testing.T, c *guard.Client, url, want string) {
	t.Helper()
	err := c.CheckURL(url)
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %q in it", err, want)
	}
}

func TestClient_CheckURL(t *testing.T) {
	strict, open := guard.New(guard.Config{}), guard.New(guard.Config{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}})
	for _, tt := range []struct {
		name, url string
		strict    string // part of the sentence; "" means taken
		open      string
	}{
		{"https", "https://example.org/hook?x=1", "", ""},
		{"a port above 1023", "https://example.org:8443/", "", ""},
		{"plain http", "http://example.org/", "must begin with https://", ""},
		{"an address in an opened network", "http://10.1.2.3:80/", "plain http", ""},
		{"an address beside it", "https://10.2.0.1/", "private", "private"},
		{"a low port", "https://1.1.1.1:25/", "port 25", "port 25"},
		{"no scheme", "example.org/hook", "must be absolute", "must be absolute"},
		{"another scheme", "ftp://example.org/", "must be absolute", "must be absolute"},
		{"javascript", "javascript:alert(1)", "must be absolute", "must be absolute"},
		{"user info", "https://user:pw@example.org/", "user name", "user name"},
		{"a fragment", "https://example.org/#x", "fragment", "fragment"},
		{"a line break", "https://example.org/\r\nX: y", "control character", "control character"},
		{"a null byte", "https://example.org/\x00", "control character", "control character"},
		{"a space", "https://example.org/a b", "space", "space"},
		{"a backslash", `https://example.org\@10.0.0.1/`, "backslash", "backslash"},
		{"no host", "https:///hook", "must be absolute", "must be absolute"},
		{"a number for a host", "https://2130706433/", "looks like a number", "looks like a number"},
		{"port 0", "https://example.org:0/", "port", "port"},
		{"a port too high", "https://example.org:65536/", "port", "port"},
		{"too long", "https://example.org/" + strings.Repeat("x", guard.MaxURL), "at most", "at most"},
		{"empty", "", "must be absolute", "must be absolute"},
		{"a zone", "https://[fe80::1%25eth0]/", "zone", "zone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, strict, tt.url, tt.strict)
			check(t, open, tt.url, tt.open)
		})
	}
}

func TestClient_Normalize(t *testing.T) {
	c := guard.New(guard.Config{})
	for in, want := range map[string]string{
		"HTTPS://Example.ORG:443":         "https://example.org/",
		"https://example.org./a?b=C":      "https://example.org/a?b=C",
		"https://bücher.example/":         "https://xn--bcher-kva.example/",
		"https://[2606:4700:0:0::1]:8443": "https://[2606:4700::1]:8443/",
	} {
		if got, err := c.Normalize(in); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
}

func FuzzClient_Normalize(f *testing.F) {
	f.Add("https://example.org:8443/a?b#c")
	f.Add("http://[::ffff:127.0.0.1]/")
	c := guard.New(guard.Config{})
	f.Fuzz(func(t *testing.T, raw string) {
		once, err := c.Normalize(raw)
		if err != nil {
			return
		}
		if twice, err := c.Normalize(once); err != nil || twice != once {
			t.Errorf("%q became %q, then %q, %v", raw, once, twice, err)
		}
		if strings.ContainsAny(once, "\r\n\x00 ") {
			t.Errorf("%q became %q", raw, once)
		}
	})
}
