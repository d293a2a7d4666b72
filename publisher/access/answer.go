package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxAnswer is the largest body of an answer that is kept, in bytes.
const maxAnswer = 256 << 10

// given is what is stored of a request: while it runs its start, then its
// answer. The body stands behind the JSON and a line feed, as it is.
type given struct {
	Fingerprint string      `json:"fingerprint"`
	Started     time.Time   `json:"started,omitzero"`
	Status      int         `json:"status,omitempty"` // 0 while it runs
	Header      http.Header `json:"header,omitempty"`
	body        []byte
}

func (g *given) encode() []byte {
	b, err := json.Marshal(g)
	if err != nil { // strings, a number and a time always encode
		panic(fmt.Sprintf("encode an answer: %v", err))
	}
	return slices.Concat(b, []byte("\n"), g.body)
}

func running(fingerprint string, now time.Time) []byte {
	return (&given{Fingerprint: fingerprint, Started: now.UTC()}).encode()
}

func readGiven(b []byte) (*given, error) {
	head, body, _ := bytes.Cut(b, []byte("\n"))
	g := &given{body: body}
	if err := json.Unmarshal(head, g); err != nil {
		return nil, fmt.Errorf("read a stored answer: %w", err)
	}
	return g, nil
}

// replay gives the answer again.
func (g *given) replay(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, g.Header)
	h.Set("Cache-Control", "no-store")
	h.Set(HeaderReplayed, "true")
	w.WriteHeader(g.Status)
	if len(g.body) > 0 {
		_, _ = w.Write(g.body) // the client may be gone again
	}
}

// answer holds back what a handler writes, so that it is stored before the
// client sees it. One that grows too large to be kept goes out as it comes.
type answer struct {
	http.ResponseWriter
	status  int
	body    bytes.Buffer
	through bool
	done    bool
}

// Unwrap lets [http.ResponseController] reach the deadlines of the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if status < http.StatusOK {
		a.ResponseWriter.WriteHeader(status) // only news of what is to come
		return
	}
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if !a.through && a.body.Len()+len(b) > maxAnswer {
		a.through = true
		if err := a.pass(); err != nil {
			return 0, err
		}
	}
	if a.through {
		return a.ResponseWriter.Write(b)
	}
	return a.body.Write(b)
}

// FlushError sends what there is, unless the answer is still held back.
func (a *answer) FlushError() error {
	if !a.through {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// pass sends what was held back.
func (a *answer) pass() error {
	a.ResponseWriter.WriteHeader(a.status)
	if a.body.Len() == 0 {
		return nil
	}
	_, err := a.ResponseWriter.Write(a.body.Bytes())
	return err
}

// send ends an answer that was held back.
func (a *answer) send() {
	if a.through {
		return
	}
	a.WriteHeader(http.StatusOK)
	_ = a.pass() // the client may be gone
}

// kept reports whether a repeat gets this answer again: what was refused says
// nothing lasting, and may quote what was sent.
func (a *answer) kept() bool {
	return !a.through && a.status < http.StatusMultipleChoices
}

// given is the answer as it is stored.
func (a *answer) given(fingerprint string) []byte {
	a.WriteHeader(http.StatusOK)
	header := http.Header{}
	for name, values := range a.Header() {
		if slices.Contains([]string{"Content-Type", "Etag", "Location", "Retry-After"}, name) || strings.HasPrefix(name, "Dateline-") {
			header[name] = values
		}
	}
	return (&given{Fingerprint: fingerprint, Status: a.status, Header: header, body: a.body.Bytes()}).encode()
}
