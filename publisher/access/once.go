package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// HeaderKey makes a request repeatable.
	HeaderKey = "Idempotency-Key"
	// HeaderReplayed marks an answer that was given before.
	HeaderReplayed = "Idempotent-Replayed"
	// MaxOnce is the largest body of a request with an Idempotency-Key, in bytes.
	MaxOnce = 2 << 20
)

const (
	maxHeaderKey = 255         // characters
	abandoned    = time.Minute // a request that runs for so long has lost its process
	finishTime   = 5 * time.Second
)

// Once lets a client repeat a POST, PUT or DELETE whose answer it did not get,
// after draft-ietf-httpapi-idempotency-key-header: requests of one key of ours
// with the same header Idempotency-Key, 1 to 255 visible ASCII characters, run
// once in 24 hours. A repeat gets the first one's answer, marked
// "Idempotent-Replayed: true"; 409 with Retry-After while the first still runs;
// 422 when it is not the same request (method, path, query, If-Match,
// Content-Type and body). Such a request has a body of at most 2 MiB (413), and
// its answer is held back until it is complete.
//
// Only what succeeded is kept, with a body of at most 256 KiB, of callers with a
// scope; not what changes nothing (inspect, dry_run), and nothing once the store
// is full but for what is kept for withdrawals. Everything else a repeat runs
// again. It runs again too when the process
// that ran it first ended before the answer was stored, or took longer than a
// minute. While the bucket of answers is away such requests get 503.
//
// Requests without the header pass untouched. Once belongs behind
// [Keys.Require], which tells callers apart.
func (k *Keys) Once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := r.Header.Values(HeaderKey)
		if len(values) == 0 || !k.worthKeeping(r) {
			next.ServeHTTP(w, r)
			return
		}
		if err := k.once(w, r, values, next); err != nil {
			k.refuse(w, r, err)
		}
	})
}

// worthKeeping reports whether the answer to a request says something that a
// repeat would not: it changes something, by a caller who may, and there is room
// beyond what is kept for withdrawals.
func (k *Keys) worthKeeping(r *http.Request) bool {
	changes := r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodDelete
	dry, _ := strconv.ParseBool(r.URL.Query().Get("dry_run"))
	if !changes || dry || len(From(r.Context()).Scopes) == 0 || strings.HasSuffix(r.URL.Path, "/inspect") {
		return false
	}
	return k.cfg.Wire == nil || !k.cfg.Wire.InReserve(r.Context())
}

func (k *Keys) once(w http.ResponseWriter, r *http.Request, values []string, next http.Handler) error {
	id, err := nameRequest(From(r.Context()).Name, values)
	if err != nil {
		return err
	}
	body, err := readOnce(w, r)
	if err != nil {
		return err
	}
	c, before, err := k.claim(r.Context(), id, fingerprint(r, body))
	switch {
	case errors.Is(err, errRunning):
		w.Header().Set("Retry-After", "1")
		return news.Problemf(news.Conflict, "the first request with this %s is still running; repeat it in a moment", HeaderKey)
	case err != nil:
		return err
	case before != nil:
		before.replay(w)
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	a := &answer{ResponseWriter: w}
	defer k.abandon(r.Context(), c, a)
	next.ServeHTTP(a, r)
	k.finish(r.Context(), c, a)
	a.send()
	return nil
}

// nameRequest is the name under which a caller's request is remembered.
func nameRequest(caller string, values []string) (string, error) {
	v := values[0]
	if len(values) > 1 || v == "" || len(v) > maxHeaderKey || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", news.Problemf(news.BadRequest, "%s is not one word of 1 to %d visible ASCII characters, such as a UUID", HeaderKey, maxHeaderKey)
	}
	sum := sha256.Sum256([]byte(caller + "\x00" + v))
	return hex.EncodeToString(sum[:]), nil
}

func readOnce(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxOnce))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, news.Problemf(news.TooLarge, "a request with %s has a body of at most %d MiB; leave the header out, or send less", HeaderKey, MaxOnce>>20)
	}
	if err != nil {
		return nil, news.Problemf(news.BadRequest, "the body broke off; send it again")
	}
	return body, nil
}

// fingerprint tells one request from another.
func fingerprint(r *http.Request, body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %x", r.Method, r.URL.EscapedPath(), r.URL.RawQuery,
		r.Header.Values("If-Match"), r.Header.Values("Content-Type"), sha256.Sum256(body))
	return hex.EncodeToString(h.Sum(nil))
}

// claim is this process's right to run a request.
type claim struct {
	id, fingerprint string
	revision        uint64
}

var errRunning = errors.New("another runs the request")

// claim gives the right to run a request, or the answer that was given before,
// or errRunning.
func (k *Keys) claim(ctx context.Context, id, wanted string) (claim, *given, error) {
	if k.answers == nil {
		return claim{}, nil, news.Problemf(news.BadRequest, "this server does not publish and keeps no answers; leave %s out", HeaderKey)
	}
	for range tries {
		now := k.now()
		mine := running(wanted, now)
		revision, err := k.answers.Create(ctx, id, mine)
		if err == nil {
			return claim{id, wanted, revision}, nil, nil
		}
		if !isConflict(err) {
			return claim{}, nil, wire.Explain("note the request", err)
		}
		e, err := k.answers.Get(ctx, id)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue // given up in this moment
		}
		if err != nil {
			return claim{}, nil, wire.Explain("look the request up", err)
		}
		g, err := readGiven(e.Value())
		switch {
		case err != nil:
			return claim{}, nil, err
		case g.Fingerprint != wanted:
			return claim{}, nil, news.Problemf(news.Unacceptable, "this %s was used for another request; use a new one for each", HeaderKey)
		case g.Status != 0:
			return claim{}, g, nil
		case now.Sub(g.Started) <= abandoned:
			return claim{}, nil, errRunning
		}
		revision, err = k.answers.Update(ctx, id, mine, e.Revision())
		if err == nil {
			return claim{id, wanted, revision}, nil, nil
		}
		if !isConflict(err) {
			return claim{}, nil, wire.Explain("take the request over", err)
		}
	}
	return claim{}, nil, errRunning
}

// finish stores the answer, or gives the claim up when the answer is not kept.
func (k *Keys) finish(ctx context.Context, c claim, a *answer) {
	a.done = true
	if !a.kept() {
		k.release(ctx, c)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	_, err := k.answers.Update(ctx, c.id, a.given(c.fingerprint), c.revision)
	if err != nil && !isConflict(err) { // in a conflict another has taken over, and its answer counts
		k.cfg.Log.Warn().Err(err).Msg("the answer to a repeatable request was not stored")
		k.release(ctx, c)
	}
}

// abandon gives the claim up when the handler panicked.
func (k *Keys) abandon(ctx context.Context, c claim, a *answer) {
	if !a.done {
		k.release(ctx, c)
	}
}

// release lets a repeat run. If it fails, a repeat has to wait until the claim
// is too old.
func (k *Keys) release(ctx context.Context, c claim) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if err := k.answers.Purge(ctx, c.id, jetstream.LastRevision(c.revision)); err != nil && !isConflict(err) {
		k.cfg.Log.Warn().Err(err).Msg("a repeatable request was not given up")
	}
}
