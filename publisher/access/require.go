package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"
)

// stranger is why a request comes without a good key, as the answer of 401 says
// it. Its challenge (RFC 9110 section 11.6.1) names an error only when there was
// a key (RFC 6750 section 3).
type stranger struct{ mistake, title, detail string }

func (s *stranger) Error() string { return s.title }

// Require lets only requests with one header "Authorization: Bearer <key>"
// through (RFC 6750 section 2.1), with the [Caller] in their context. Without a
// key the answer is 401; with one that is wrong, expired or revoked too. 503
// says that the keys are not loaded yet, which the admin key need not wait for.
//
// Requests beyond the limit of their key get 429 with Retry-After; so do those
// without a good key beyond the limit of their address. A good key is never held
// up by what others did from its address.
func (k *Keys) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := k.now()
		caller, err := k.caller(r, now)
		if who, ok := errors.AsType[*stranger](err); ok {
			k.turnAway(w, caller, who, now)
			return
		}
		if err != nil {
			Refuse(w, err)
			return
		}
		if k.perKey != nil {
			if wait, ok := k.perKey.take(caller.Name, now); !ok {
				tooMany(w, wait)
				return
			}
		}
		if k.used != nil {
			k.used.note(caller.Name, now)
		}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), caller)))
	})
}

func (k *Keys) now() time.Time {
	if k.cfg.Now == nil {
		return time.Now()
	}
	return k.cfg.Now()
}

// caller says who sends a request. With an error its address alone is known.
func (k *Keys) caller(r *http.Request, now time.Time) (Caller, error) {
	c := Caller{Remote: remoteOf(r)}
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	text = strings.TrimSpace(text)
	if !strings.EqualFold(scheme, "Bearer") || text == "" || len(r.Header.Values("Authorization")) > 1 {
		return c, &stranger{"", "no key", "send the header Authorization: Bearer KEY; the first start wrote the admin key into the data folder"}
	}
	sum := sha256.Sum256([]byte(text))
	if subtle.ConstantTimeCompare(sum[:], k.admin[:]) == 1 {
		c.Name, c.Scopes = AdminName, []Scope{Admin}
		return c, nil
	}
	key, err := k.find(sum)
	if err != nil {
		return c, err
	}
	if key == nil {
		return c, &stranger{"invalid_token", "wrong key", "this server does not know the key; use one that dateline key add made, or the one in the data folder"}
	}
	if state := key.State(now); state != Active {
		return c, &stranger{"invalid_token", "the key is " + string(state), "the key " + key.Name + " does not work any more; ask an administrator for another"}
	}
	c.Name, c.Scopes = key.Name, key.Scopes
	return c, nil
}

// find looks a key up by its hash. How long that takes tells something of the
// hash at most, which is of no use without the key.
func (k *Keys) find(sum hash) (*Key, error) {
	if k.ring == nil {
		return nil, nil //nolint:nilnil // no key is no error
	}
	return k.ring.find(sum)
}

// turnAway answers a request without a good key.
func (k *Keys) turnAway(w http.ResponseWriter, c Caller, who *stranger, now time.Time) {
	if k.perAddress != nil {
		if wait, ok := k.perAddress.take(network(c.Remote), now); !ok {
			tooMany(w, wait)
			return
		}
	}
	challenge := `Bearer realm="dateline"`
	if who.mistake != "" {
		challenge += `, error="` + who.mistake + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	Answer(w, http.StatusUnauthorized, who.title, who.detail, nil)
}
