// Package webhook sends alerts to HTTP endpoints by Standard Webhooks 1.0.
//
// The body is the CloudEvent of the release's current event, the same that the
// API answers, with content type application/cloudevents+json. The headers are
// webhook-id (the same over all tries, minor revisions in between or not), webhook-timestamp (the
// time of the try, in seconds) and webhook-signature ("v1," and the HMAC-SHA256
// of id, timestamp and body under the endpoint's key).
//
// A 2xx answer is success, 410 ends the endpoint for good, and anything else is
// a failure that may pass: a 3xx too, which is not followed. An answer with the
// header "webhook-delivery: disable" ends the endpoint whatever its status, and
// a failure with "webhook-delivery: abort-message" ends the message. What an
// endpoint says in its body is read up to 64 KiB, to keep the connection, and
// told nobody.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"dateline/publisher/guard"
	"dateline/publisher/news"
	"dateline/subscribers/alert"
)

// Sender posts messages. It is safe for concurrent use.
type Sender struct {
	client   *guard.Client
	taxonomy *news.Taxonomy
	base     string
	bodies   bodies
}

// New makes a sender; base is the address of the pages, without a slash at the end.
func New(client *guard.Client, t *news.Taxonomy, base string) *Sender {
	return &Sender{client: client, taxonomy: t, base: base}
}

// secretPrefix opens every key (Standard Webhooks, "Signing keys").
const secretPrefix = "whsec_"

// NewSecret makes an endpoint's key: 32 random bytes behind "whsec_".
func NewSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// Send makes one try. Its errors are of the alert package.
func (s *Sender) Send(ctx context.Context, m alert.Message) error {
	body, err := s.bodies.of(m.Event.ID(), func() ([]byte, error) { return news.CloudEvent(s.taxonomy, s.base, m.Event) })
	if err != nil {
		return &alert.Permanent{Reason: "the event cannot be encoded"}
	}
	signature, err := sign(m.Secret, m.ID, m.Now, body)
	if err != nil {
		return &alert.Permanent{Reason: "the endpoint's key is damaged; remove the subscription and add it again"}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Address, bytes.NewReader(body))
	if err != nil {
		return &alert.Permanent{Reason: "the endpoint's URL cannot be used"}
	}
	r.Header = http.Header{
		"Content-Type":      {"application/cloudevents+json; charset=utf-8"},
		"User-Agent":        {"Dateline (+" + s.base + "/)"},
		"Webhook-Id":        {m.ID},
		"Webhook-Timestamp": {strconv.FormatInt(m.Now.Unix(), 10)},
		"Webhook-Signature": {signature},
	}
	res, err := s.client.Do(r)
	if err != nil {
		return &alert.Temporary{Reason: plainly(err), Unknown: mayHaveArrived(err), Whole: unreached(err)}
	}
	defer res.Body.Close()
	// An answer that stops halfway is an answer: the status counts.
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, guard.MaxBody))
	return judge(res, m.Now)
}

func judge(res *http.Response, now time.Time) error {
	reason := "the endpoint answered " + strconv.Itoa(res.StatusCode)
	wish := strings.ToLower(strings.TrimSpace(res.Header.Get("Webhook-Delivery")))
	switch code := res.StatusCode; {
	case wish == "disable":
		return &alert.Permanent{Reason: reason + " and disabled itself, so it wants no more", Gone: true}
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusGone:
		return &alert.Permanent{Reason: reason + ", so it wants no more", Gone: true}
	case wish == "abort-message":
		return &alert.Permanent{Reason: reason + " and asked for no more tries of this message"}
	case code >= 300 && code < 400:
		reason += ", and redirects are not followed; subscribe the new address"
	}
	return &alert.Temporary{
		Reason: reason, After: retryAfter(res.Header.Get("Retry-After"), now),
		Whole: res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable,
	}
}

// retryAfter reads both forms of RFC 9110 section 10.2.3; 0 when there is none.
func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func sign(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || len(key) == 0 {
		return "", fmt.Errorf("the key is not base64")
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// bodies keeps the last few encoded events, because one event goes to many
// endpoints at about the same time.
type bodies struct {
	mu   sync.Mutex
	ids  []string
	byID map[string][]byte
}

const keptBodies = 16

func (b *bodies) of(id string, encode func() ([]byte, error)) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if body, ok := b.byID[id]; ok {
		return body, nil
	}
	body, err := encode()
	if err != nil {
		return nil, err
	}
	if b.byID == nil {
		b.byID = map[string][]byte{}
	}
	b.byID[id], b.ids = body, append(b.ids, id)
	if len(b.ids) > keptBodies {
		delete(b.byID, b.ids[0])
		b.ids = b.ids[1:]
	}
	return body, nil
}
