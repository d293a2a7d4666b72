package wire

import (
	"crypto/sha256"
	"encoding/hex"

	"dateline/publisher/news"
)

// ReadWith is the same log, read through fn: it sees every release that is read
// from the log or the desk before it is handed out. The log is never rewritten,
// so what was filed under a topic that has another name now is put under that
// name here. fn must be safe for concurrent use and change no slice in place.
// What is closed is closed for both.
func (w *Wire) ReadWith(fn func(*news.Release)) *Wire { return &Wire{w.core, fn} }

func (w *Wire) refile(r *news.Release) {
	if w.readWith != nil {
		w.readWith(r)
	}
}

func (w *Wire) decode(b []byte) (news.Event, error) {
	e, err := news.Decode(b)
	if err == nil {
		w.refile(&e.Release)
	}
	return e, err
}

func (w *Wire) decodePending(b []byte) (news.Pending, error) {
	p, err := news.DecodePending(b)
	if err == nil {
		w.refile(&p.Release)
	}
	return p, err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
