package wire

import "github.com/nats-io/nats.go"

// Inside is a connection of its own to the embedded server, with all rights.
func (w *Wire) Inside() (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(w.emb.srv), nats.UserInfo(w.emb.user, w.emb.pass))
}

// OnErase calls fn between the steps of an erasure.
func (w *Wire) OnErase(fn func()) { w.erasing = fn }
