package subscribers_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire/wiretest"
	"dateline/subscribers"

	"github.com/rs/zerolog"
)

func TestSubscribers_Handler_create(t *testing.T) {
	w := newWorld(t, nil)
	wish := subscribers.Wish{Channel: subscribers.Webhook, Address: "HTTPS://Hooks.Example.org:443/x", Selection: news.Selection{
		Fields: []string{"Policing", "policing"}, Countries: []string{"AT", "central-asia"}, Languages: []string{"en"},
	}}
	rec := w.call("POST", "/api/v1/subscriptions", wish)
	var made subscribers.Subscription
	if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil || rec.Code != http.StatusCreated {
		t.Fatalf("%d %s %v", rec.Code, rec.Body, err)
	}

	t.Run("names, aliases and codes become slugs", func(t *testing.T) {
		if made.Path != "field/policing/country/austria+central-asia/language/en" || made.Address != "https://hooks.example.org/x" || made.State != subscribers.Active {
			t.Errorf("got %+v", made)
		}
		if rec.Header().Get("Location") != base+"/api/v1/subscriptions/"+made.ID || rec.Header().Get(subscribers.HeaderOutcome) != "created" {
			t.Errorf("headers %v", rec.Header())
		}
	})
	t.Run("an endpoint's secret is shown once", func(t *testing.T) {
		if !strings.HasPrefix(made.Secret, "whsec_") {
			t.Errorf("secret %q", made.Secret)
		}
		other := wish
		other.Selection = fields("elections")
		second := w.call("POST", "/api/v1/subscriptions", other).Body.String()
		if made.SecretKept || !strings.Contains(second, `"secret_kept":true`) {
			t.Errorf("the first answer was %+v, the second %s", made, second)
		}
		for _, r := range []string{
			second, w.call("GET", "/api/v1/subscriptions", nil).Body.String(),
			w.call("GET", "/api/v1/subscriptions/"+made.ID, nil).Body.String(),
		} {
			if strings.Contains(r, "whsec_") || !strings.Contains(r, `"id"`) {
				t.Errorf("got %s", r)
			}
		}
	})
	t.Run("the same again is the same subscription", func(t *testing.T) {
		again := wish
		again.Selection.Countries = []string{"Central Asia", "Austria"}
		rec := w.call("POST", "/api/v1/subscriptions", again)
		if rec.Code != http.StatusOK || rec.Header().Get(subscribers.HeaderOutcome) != "unchanged" || !strings.Contains(rec.Body.String(), made.ID) {
			t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
		}
	})
	t.Run("removed", func(t *testing.T) {
		for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
			if rec := w.call("DELETE", "/api/v1/subscriptions/"+made.ID, nil); rec.Code != want {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
		}
		if rec := w.call("GET", "/api/v1/subscriptions/"+made.ID, nil); rec.Code != http.StatusNotFound {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		if n := w.subs.Stats().Subscriptions; n != 1 {
			t.Errorf("%d subscriptions are left", n)
		}
	})
}

func TestSubscribers_Handler_mailboxes(t *testing.T) {
	w := newWorld(t, nil)
	first := w.subscribe(subscribers.Mail, "Reader <Reader@Example.ORG>", fields("policing"))
	if first.Address != "Reader@example.org" || first.Secret != "" || first.SecretKept {
		t.Errorf("got %+v", first)
	}
	rec := w.call("POST", "/api/v1/subscriptions", subscribers.Wish{Channel: subscribers.Mail, Address: "reader@EXAMPLE.org", Selection: fields("policing")})
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), first.ID) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestSubscribers_Handler_concurrently(t *testing.T) {
	w := newWorld(t, nil)
	var mu sync.Mutex
	ids, secrets := map[string]bool{}, 0
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			rec := w.call("POST", "/api/v1/subscriptions", subscribers.Wish{Channel: subscribers.Webhook, Address: "https://hooks.example.org/", Selection: fields("policing")})
			var s subscribers.Subscription
			if err := json.Unmarshal(rec.Body.Bytes(), &s); err != nil || rec.Code/100 != 2 {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			ids[s.ID] = true
			if s.Secret != "" {
				secrets++
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 || secrets != 1 {
		t.Errorf("%d subscriptions, %d secrets", len(ids), secrets)
	}
}

func TestSubscribers_Handler_refusals(t *testing.T) {
	w := newWorld(t, func(c *subscribers.Config) { c.AllowNetworks = nil })
	body := func(channel, address, selection string) string {
		b, _ := json.Marshal(address)
		return `{"channel":"` + channel + `","address":` + string(b) + `,"selection":` + selection + `}`
	}
	for _, tt := range []struct {
		name, body string
		status     int
		want       []string
	}{
		{"no JSON", "nonsense", 400, []string{"not a subscription"}},
		{"two values", body("mail", "a@example.org", "{}") + "{}", 400, []string{"not a subscription"}},
		{"an unknown field", `{"chanel":"mail"}`, 400, []string{"not a subscription"}},
		{"too large", `{"channel":"` + strings.Repeat("x", subscribers.MaxBody) + `"}`, 413, []string{"shorten"}},
		{"an unknown channel", body("pigeon", "a@example.org", "{}"), 422, []string{"pigeon"}},
		{"several problems at once", body("mail", "nobody", `{"fields":["polising"],"countries":["atlantis","austria"],"role":"maybe"}`), 422, []string{"name@example.org", "policing", "atlantis", "maybe"}},
		{"a role without a country", body("mail", "a@example.org", `{"role":"about"}`), 422, []string{"a role needs a country"}},
		{"a line break in an address", body("mail", "a@example.org\r\nBcc: b@example.org", "{}"), 422, []string{"line break"}},
		{"a null byte in an address", body("mail", "a\x00@example.org", "{}"), 422, []string{"control character"}},
		{"two addresses", body("mail", "a@example.org, b@example.org", "{}"), 422, []string{"cannot be read"}},
		{"an address literal", body("mail", "a@[10.0.0.1]", "{}"), 422, []string{"domain"}},
		{"plain http", body("webhook", "http://example.org/", "{}"), 422, []string{"https://"}},
		{"a private address", body("webhook", "https://10.0.0.1/", "{}"), 422, []string{"--allow-network"}},
		{"metadata", body("webhook", "https://169.254.169.254/", "{}"), 422, []string{"metadata"}},
		{"a password in a URL", body("webhook", "https://u:p@example.org/", "{}"), 422, []string{"password"}},
		{"a line break in a URL", body("webhook", "https://example.org/\r\nX: y", "{}"), 422, []string{"control character"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.call("POST", "/api/v1/subscriptions", tt.body)
			if rec.Code != tt.status || rec.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s %s", rec.Code, rec.Header(), rec.Body)
			}
			for _, want := range tt.want {
				if !strings.Contains(rec.Body.String(), want) {
					t.Errorf("%q is not in %s", want, rec.Body)
				}
			}
		})
	}
	if n := w.subs.Stats().Subscriptions; n != 0 {
		t.Errorf("%d subscriptions were made", n)
	}
	t.Run("another content type", func(t *testing.T) {
		if rec := w.callAs("text/plain", "POST", "/api/v1/subscriptions", "x"); rec.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	})
}

func TestSubscribers_Summary(t *testing.T) {
	w := newWorld(t, func(c *subscribers.Config) {
		c.SMTPURL, c.MailFrom = "smtp://user:hunter22@mail.example.org", "news@example.org"
		c.AllowNetworks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	got := w.subs.Summary()
	if !strings.Contains(got, "mail.example.org:587 (STARTTLS)") || !strings.Contains(got, "opened networks (1)") || strings.Contains(got, "hunter22") {
		t.Errorf("got %q", got)
	}
}

func TestCheckMail(t *testing.T) {
	if err := subscribers.CheckMail("smtp://mail.example.org", "news@example.org"); err != nil {
		t.Error(err)
	}
	const url = "smtp://mail.example.org:0"
	err := subscribers.CheckMail(url, "news@example.org")
	_, later := subscribers.New(t.Context(), subscribers.Config{BaseURL: base, SMTPURL: url, MailFrom: "news@example.org"})
	if err == nil || later == nil || err.Error() != later.Error() {
		t.Errorf("the check says %v, New says %v", err, later)
	}
}

func TestSubscribers_Ready(t *testing.T) {
	w := newWorld(t, nil)
	w.eventually("ready", func() bool { return w.subs.Ready(t.Context()) == nil })

	idle, err := subscribers.New(t.Context(), subscribers.Config{
		Wire: wiretest.New(t), Taxonomy: w.tax, BaseURL: base, Now: time.Now, Outbox: t.TempDir(), Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if idle.Ready(t.Context()) == nil {
		t.Error("ready without running")
	}
}
