package access_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/access"
	"dateline/publisher/news"
	"dateline/publisher/wire/wiretest"
)

func TestKeys_Handler_life(t *testing.T) {
	w := newWorld(t)
	res := w.post(good, `{"name":"newsroom","scopes":["withdraw","publish","publish"],"expires":"90d"}`)
	var made shown
	if err := json.Unmarshal([]byte(bodyOf(t, res)), &made); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatal(res.StatusCode, err)
	}
	if res.Header.Get("Cache-Control") != "no-store" || len(made.Text) != 29 || !strings.HasPrefix(made.Text, "dl_") {
		t.Errorf("%v, key of %d characters", res.Header, len(made.Text))
	}
	now := w.clock.now()
	want := shown{
		Name: "newsroom", Scopes: []access.Scope{access.Publish, access.Withdraw}, Created: now, CreatedBy: "admin", Expires: now.AddDate(0, 0, 90), Text: made.Text,
	}
	check := func(when string, got, want shown) {
		t.Helper()
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Errorf("%s:\n got %s\nwant %s", when, a, b)
		}
	}
	check("made", made, want)
	if got := w.status(made.Text); got != http.StatusNoContent {
		t.Errorf("the new key is answered by %d", got)
	}

	keys, names := w.list()
	if !slices.Equal(names, []string{"admin", "newsroom"}) {
		t.Errorf("listed are %v", names)
	}
	want.Text, want.State, want.LastUsed = "", access.Active, now
	check("listed", keys["newsroom"], want)
	check("the admin key", keys["admin"], shown{Name: "admin", Scopes: []access.Scope{access.Admin}, State: access.Active, LastUsed: now})

	w.clock.forward(time.Hour)
	if res := w.revoke(good, "newsroom"); res.StatusCode != http.StatusNoContent {
		t.Fatal(res.StatusCode)
	}
	if got := w.status(made.Text); got != http.StatusUnauthorized {
		t.Errorf("the revoked key is answered by %d", got)
	}
	keys, _ = w.list()
	want.State, want.Revoked, want.RevokedBy = access.Revoked, now.Add(time.Hour), "admin"
	check("revoked", keys["newsroom"], want)

	w.clock.forward(time.Hour)
	if res := w.revoke(good, "newsroom"); res.StatusCode != http.StatusNoContent {
		t.Errorf("revoked twice: %d", res.StatusCode)
	}
	keys, _ = w.list()
	check("revoked twice", keys["newsroom"], want)
	if res := w.post(good, `{"name":"newsroom","scopes":[]}`); res.StatusCode != http.StatusConflict || !strings.Contains(problemOf(t, res).Detail, "not used again") {
		t.Errorf("the name of a revoked key: %d", res.StatusCode)
	}
}

func TestKeys_Handler_refuses(t *testing.T) {
	w := newWorld(t)
	reader := w.add("reader", "")
	publisher := w.add("publisher", "", access.Publish, access.Withdraw, access.ReadEmbargoed)
	helper := w.add("second-admin", "", access.Admin)
	for name, tc := range map[string]struct {
		key, body string
		status    int
		says      []string
	}{
		"no scope":          {reader, `{"name":"a"}`, 403, []string{"the scope admin", "reader", "has no scope"}},
		"other scopes":      {publisher, `{"name":"a"}`, 403, []string{"the scope admin", "which has publish, withdraw, read-embargoed"}},
		"another admin may": {helper, `{"name":"by-another"}`, 201, nil},
		"the reserved name": {good, `{"name":"admin"}`, 422, []string{"that of the key in the data folder"}},
		"everything wrong":  {good, `{"name":"A b","scopes":["publsh","x"],"expires":"soon"}`, 422, []string{`"A b" is not 1 to 64`, "perhaps publish", "there are draft, publish", `"soon" is neither`}},
		"no name":           {good, `{}`, 422, []string{"is not 1 to 64"}},
		"dash in front":     {good, `{"name":"-a"}`, 422, []string{"is not 1 to 64"}},
		"65 characters":     {good, `{"name":"` + strings.Repeat("a", 65) + `"}`, 422, []string{"is not 1 to 64"}},
		"64 characters":     {good, `{"name":"` + strings.Repeat("a", 64) + `"}`, 201, nil},
		"expired already":   {good, `{"name":"a","expires":"2026-11-23T09:00:00Z"}`, 422, []string{"has passed"}},
		"unknown field":     {good, `{"name":"a","scope":["admin"]}`, 400, []string{"not a wish for a key"}},
		"two values":        {good, `{"name":"a"}{}`, 400, []string{"not a wish for a key"}},
		"no JSON":           {good, `name=a`, 400, []string{"not a wish for a key"}},
		"too large":         {good, `{"name":"` + strings.Repeat("a", access.MaxBody) + `"}`, 413, []string{"larger than 16 kB"}},
	} {
		t.Run(name, func(t *testing.T) {
			res := w.post(tc.key, tc.body)
			if res.StatusCode != tc.status {
				t.Fatalf("status %d", res.StatusCode)
			}
			if tc.status == http.StatusCreated {
				return
			}
			p := problemOf(t, res)
			for _, says := range tc.says {
				if text := p.Detail + " " + strings.Join(p.Errors, "; "); !strings.Contains(text, says) {
					t.Errorf("%q lacks %q", text, says)
				}
			}
		})
	}
	for _, tc := range []struct {
		what, key, name string
		status          int
	}{
		{"nobody", good, "nobody", 404},
		{"no name", good, "a*b", 404},
		{"the admin key", good, "admin", 409},
		{"without the scope", publisher, "reader", 403},
		{"not even its own", reader, "reader", 403},
		{"another admin revokes", helper, "publisher", 204},
		{"an admin revokes itself", helper, "second-admin", 204},
		{"and can no more", helper, "reader", 401},
	} {
		t.Run("revoke: "+tc.what, func(t *testing.T) {
			if res := w.revoke(tc.key, tc.name); res.StatusCode != tc.status {
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
	t.Run("list without the scope", func(t *testing.T) {
		if res := do(t, w.api, http.MethodGet, "/api/v1/keys", reader, ""); res.StatusCode != http.StatusForbidden {
			t.Errorf("status %d", res.StatusCode)
		}
	})
	t.Run("another content type", func(t *testing.T) {
		if res := do(t, w.api, http.MethodPost, "/api/v1/keys", good, `{"name":"a"}`); res.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("status %d", res.StatusCode)
		}
	})
}

func TestKeys_Handler_expires(t *testing.T) {
	w := newWorld(t)
	now := w.clock.now()
	for wish, want := range map[string]time.Time{
		"":                          {},
		"1d":                        now.Add(24 * time.Hour),
		"36500d":                    now.Add(36500 * 24 * time.Hour),
		"90m":                       now.Add(90 * time.Minute),
		"1h30m":                     now.Add(90 * time.Minute),
		"2026-11-23T10:00:00.9Z":    now.Add(time.Hour),
		"2026-11-24T00:00:00+02:00": time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC),
	} {
		name := "k" + strings.ToLower(strings.NewReplacer(":", "", "+", "", ".", "").Replace(wish))
		w.add(name, wish)
		if keys, _ := w.list(); !keys[name].Expires.Equal(want) {
			t.Errorf("%q: expires %v, want %v", wish, keys[name].Expires, want)
		}
	}
	for _, wish := range []string{"0d", "-1d", "36501d", "99999999999d", "90", "d", "-5m", "0s", "500ms", "2026-11-23", "x"} {
		if res := w.post(good, `{"name":"a","expires":"`+wish+`"}`); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", wish, res.StatusCode)
		}
	}
}

func TestKeys_Require_named(t *testing.T) {
	t.Run("the caller is in the context", func(t *testing.T) {
		w := newWorld(t)
		key := w.add("cms", "", access.Draft)
		var got access.Caller
		h := w.keys.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = access.From(r.Context()) }))
		do(t, h, http.MethodGet, "/", key, "")
		if got.Name != "cms" || !slices.Equal(got.Scopes, []access.Scope{access.Draft}) || got.Remote != netip.MustParseAddr("192.0.2.1") {
			t.Errorf("caller %+v", got)
		}
		do(t, h, http.MethodGet, "/", good, "")
		if got.Name != access.AdminName || !got.May(access.Withdraw) {
			t.Errorf("caller %+v", got)
		}
	})
	t.Run("a key ends at its time", func(t *testing.T) {
		w := newWorld(t)
		key := w.add("short", "1h")
		w.clock.forward(time.Hour - 1)
		if got := w.status(key); got != http.StatusNoContent {
			t.Errorf("a nanosecond before: %d", got)
		}
		w.clock.forward(1)
		res := do(t, w.api, http.MethodGet, "/api/v1/keys", key, "")
		if res.StatusCode != http.StatusUnauthorized || !strings.Contains(res.Header.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("at the time: %d %v", res.StatusCode, res.Header)
		}
		if p := problemOf(t, res); p.Title != "the key is expired" || !strings.Contains(p.Detail, "the key short") {
			t.Errorf("%+v", p)
		}
		if keys, _ := w.list(); keys["short"].State != access.Expired {
			t.Errorf("%+v", keys["short"])
		}
	})
	t.Run("nothing but the hash is stored", func(t *testing.T) {
		w := newWorld(t)
		key := w.add("cms", "")
		bucket, err := w.wire.Bucket(t.Context(), "KEYS", "keys of the API: names, scopes and hashes", 0)
		if err != nil {
			t.Fatal(err)
		}
		e, err := bucket.Get(t.Context(), "cms")
		if err != nil || !strings.Contains(string(e.Value()), `"sha256":"`) || strings.Contains(string(e.Value()), strings.TrimPrefix(key, "dl_")) {
			t.Errorf("%v: %s", err, e.Value())
		}
		// Its hash opens nothing.
		var stored struct{ SHA256 string }
		if err := json.Unmarshal(e.Value(), &stored); err != nil || w.status(stored.SHA256) != http.StatusUnauthorized {
			t.Error("the stored hash opens", err)
		}
	})
	t.Run("a restart keeps them, and revocations", func(t *testing.T) {
		w := newWorld(t)
		key, ended := w.add("cms", ""), w.add("old", "")
		w.revoke(good, "old")
		again := openWorld(t, w.wire, w.clock, access.Config{})
		if got := again.status(key); got != http.StatusServiceUnavailable {
			t.Errorf("before the keys are loaded: %d", got)
		}
		again.run()
		if a, b := again.status(key), again.status(ended); a != http.StatusNoContent || b != http.StatusUnauthorized {
			t.Errorf("the key %d, the revoked one %d", a, b)
		}
	})
	t.Run("while nothing is loaded", func(t *testing.T) {
		w := openWorld(t, wiretest.New(t), newClock(), access.Config{})
		res := do(t, w.api, http.MethodGet, "/api/v1/keys", "dl_ABCDEFGHIJKLMNOQ", "")
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(problemOf(t, res).Detail, "being loaded") {
			t.Errorf("another key: %d %v", res.StatusCode, res.Header)
		}
		if got := w.status(good); got != http.StatusNoContent {
			t.Errorf("the admin key: %d", got)
		}
		if got := w.status(""); got != http.StatusUnauthorized {
			t.Errorf("no key: %d", got)
		}
		if res := do(t, w.api, http.MethodGet, "/api/v1/keys", good, ""); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("the list: %d", res.StatusCode)
		}
	})
	t.Run("other processes learn of keys and revocations", func(t *testing.T) {
		w := newWorld(t)
		other := openWorld(t, w.wire, w.clock, access.Config{})
		other.run()
		key := w.add("cms", "")
		other.await("the other process knows the key", func() bool { return other.status(key) == http.StatusNoContent })
		other.revoke(good, "cms")
		if got := other.status(key); got != http.StatusUnauthorized {
			t.Errorf("where it was revoked: %d", got)
		}
		w.await("the other process knows of the revocation", func() bool { return w.status(key) == http.StatusUnauthorized })
	})
	t.Run("a change holds here at once, whatever the watch does", func(t *testing.T) {
		w := openWorld(t, wiretest.New(t), newClock(), access.Config{})
		w.run()() // loaded, and no longer watched
		key := w.add("cms", "")
		if got := w.status(key); got != http.StatusNoContent {
			t.Errorf("added: %d", got)
		}
		w.revoke(good, "cms")
		if got := w.status(key); got != http.StatusUnauthorized {
			t.Errorf("revoked: %d", got)
		}
	})
	t.Run("a revoked key does not come back when the watch brings what was before", func(t *testing.T) {
		w := newWorld(t)
		key := w.add("cms", "")
		bucket, err := w.wire.Bucket(t.Context(), "KEYS", "keys of the API: names, scopes and hashes", 0)
		if err != nil {
			t.Fatal(err)
		}
		before, err := bucket.Get(t.Context(), "cms")
		if err != nil {
			t.Fatal(err)
		}
		w.revoke(good, "cms")
		w.keys.Watched("cms", before.Value(), before.Revision())
		if got := w.status(key); got != http.StatusUnauthorized {
			t.Errorf("status %d", got)
		}
	})
	t.Run("a spoilt record opens nothing and harms no other", func(t *testing.T) {
		w := openWorld(t, wiretest.New(t), newClock(), access.Config{})
		key := w.add("cms", "")
		bucket, err := w.wire.Bucket(t.Context(), "KEYS", "keys of the API: names, scopes and hashes", 0)
		if err != nil {
			t.Fatal(err)
		}
		e, err := bucket.Get(t.Context(), "cms")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bucket.Put(t.Context(), "copied", e.Value()); err != nil { // a record under another name is not believed
			t.Fatal(err)
		}
		if _, err := bucket.PutString(t.Context(), "torn", `{"name":"torn","scopes":["admin"]`); err != nil {
			t.Fatal(err)
		}
		w.run()
		if got := w.status(key); got != http.StatusNoContent {
			t.Errorf("the good one: %d", got)
		}
		if _, names := w.list(); !slices.Equal(names, []string{"admin", "cms"}) {
			t.Errorf("listed are %v", names)
		}
	})
	t.Run("an operator removes one from the bucket", func(t *testing.T) {
		w := newWorld(t)
		key := w.add("cms", "")
		bucket, err := w.wire.Bucket(t.Context(), "KEYS", "keys of the API: names, scopes and hashes", 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := bucket.Purge(t.Context(), "cms"); err != nil {
			t.Fatal(err)
		}
		w.await("the key is gone", func() bool { return w.status(key) == http.StatusUnauthorized })
	})
	t.Run("one of many who ask for a name at once gets it", func(t *testing.T) {
		w := newWorld(t)
		var made atomic.Int32
		var asking sync.WaitGroup
		for range 8 {
			asking.Go(func() {
				switch res := w.post(good, `{"name":"cms","scopes":["draft"]}`); res.StatusCode {
				case http.StatusCreated:
					made.Add(1)
				case http.StatusConflict:
				default:
					t.Errorf("status %d", res.StatusCode)
				}
			})
		}
		asking.Wait()
		if made.Load() != 1 {
			t.Errorf("%d keys of one name", made.Load())
		}
	})
}

func TestKeys_audit(t *testing.T) {
	type change struct{ what, name, by string }
	var changes []change
	var refuse error
	w := openWorld(t, wiretest.New(t), newClock(), access.Config{Audit: func(ctx context.Context, what, name string) error {
		changes = append(changes, change{what, name, access.From(ctx).Name})
		return refuse
	}})
	w.run()
	key := w.add("cms", "")
	refuse = news.Problemf(news.Unavailable, "the trail does not answer")
	if res := w.post(good, `{"name":"other"}`); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("added without a trail: %d", res.StatusCode)
	}
	if res := w.revoke(good, "cms"); res.StatusCode != http.StatusServiceUnavailable || w.status(key) != http.StatusNoContent {
		t.Errorf("revoked without a trail: %d", res.StatusCode)
	}
	refuse = nil
	for range 2 {
		w.revoke(good, "cms")
	}
	w.post(good, `{"name":"cms"}`) // taken
	w.post(good, `{"name":"a b"}`) // refused
	w.revoke(good, "nobody")       // not there
	if _, names := w.list(); !slices.Equal(names, []string{"admin", "cms"}) {
		t.Errorf("listed are %v", names)
	}
	want := []change{{"key.add", "cms: reads what is public, until it is revoked", "admin"}, {"key.add", "other: reads what is public, until it is revoked", "admin"}, {"key.revoke", "cms", "admin"}, {"key.revoke", "cms", "admin"}}
	if !slices.Equal(changes, want) {
		t.Errorf("the trail is %v, want %v", changes, want)
	}
}

func TestKeys_lastUse(t *testing.T) {
	w := newWorld(t)
	key := w.add("cms", "")
	bucket, err := w.wire.Bucket(t.Context(), "KEYS_USED", "when each key was used last", 0)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := bucket.Watch(t.Context(), "cms")
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop() //nolint:errcheck // the test is over
	stored := func() string {
		t.Helper()
		for late := time.After(20 * time.Second); ; {
			select {
			case e := <-watch.Updates():
				if e != nil {
					return string(e.Value())
				}
			case <-late:
				t.Fatal("nothing is stored")
			}
		}
	}
	if keys, _ := w.list(); !keys["cms"].LastUsed.IsZero() {
		t.Errorf("a new key was used at %v", keys["cms"].LastUsed)
	}
	w.status(key)
	if got := stored(); got != "2026-11-23T09:00:00Z" {
		t.Errorf("stored is %s", got)
	}
	for range 3 { // too soon to be stored, but known here
		w.clock.forward(19 * time.Second)
		w.status(key)
	}
	if keys, _ := w.list(); !keys["cms"].LastUsed.Equal(w.clock.now()) {
		t.Errorf("used last at %v", keys["cms"].LastUsed)
	}
	w.clock.forward(3 * time.Second)
	w.status(key)
	if got := stored(); got != "2026-11-23T09:01:00Z" { // the three between were not
		t.Errorf("stored is %s", got)
	}
	other := openWorld(t, w.wire, w.clock, access.Config{})
	other.run()
	if keys, _ := other.list(); !keys["cms"].LastUsed.Equal(w.clock.now()) {
		t.Errorf("another process says %v", keys["cms"].LastUsed)
	}
	t.Run("while the log is away requests are served all the same", func(t *testing.T) {
		if err := w.wire.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock.forward(time.Hour)
		if got := w.status(key); got != http.StatusNoContent {
			t.Errorf("status %d", got)
		}
		if res := do(t, w.api, http.MethodGet, "/api/v1/keys", good, ""); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("the list: %d", res.StatusCode)
		}
		for name, res := range map[string]*http.Response{"add": w.post(good, `{"name":"late"}`), "revoke": w.revoke(good, "cms")} {
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d", name, res.StatusCode)
			}
		}
	})
}

func TestNeed(t *testing.T) {
	all := access.Scopes()
	for name, tc := range map[string]struct {
		has, may []access.Scope
	}{
		"none":           {nil, nil},
		"draft":          {[]access.Scope{access.Draft}, []access.Scope{access.Draft}},
		"publish":        {[]access.Scope{access.Publish}, []access.Scope{access.Draft, access.Publish}},
		"withdraw":       {[]access.Scope{access.Withdraw}, []access.Scope{access.Withdraw}},
		"read embargoed": {[]access.Scope{access.ReadEmbargoed}, []access.Scope{access.ReadEmbargoed}},
		"admin":          {[]access.Scope{access.Admin}, all},
		"unknown":        {[]access.Scope{"everything"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := access.With(t.Context(), access.Caller{Name: "cms", Scopes: tc.has})
			for _, s := range all {
				err := access.Need(ctx, s)
				if want := slices.Contains(tc.may, s); (err == nil) != want || access.From(ctx).May(s) != want {
					t.Errorf("%s: %v", s, err)
				}
				if err != nil && (news.CodeOf(err) != news.Forbidden || !strings.Contains(err.Error(), "the scope "+string(s)+" beyond the key cms")) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	t.Run("all are needed, and those missing are named", func(t *testing.T) {
		ctx := access.With(t.Context(), access.Caller{Name: "cms", Scopes: []access.Scope{access.Publish}})
		err := access.Need(ctx, access.Publish, access.Withdraw, access.Draft, access.ReadEmbargoed)
		if err == nil || !strings.Contains(err.Error(), "the scope withdraw, read-embargoed beyond") {
			t.Error(err)
		}
		if err := access.Need(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Run("nobody may nothing", func(t *testing.T) {
		if err := access.Need(t.Context(), access.Draft); news.CodeOf(err) != news.Forbidden {
			t.Error(err)
		}
		if res := do(t, access.Only(http.HandlerFunc(noContent), access.Draft), http.MethodPost, "/", "", ""); res.StatusCode != http.StatusForbidden {
			t.Errorf("status %d", res.StatusCode)
		}
	})
}
