package wire_test

import (
	"errors"
	"strings"
	"testing"

	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

// A server that lost everything has lost the head beside the log; the data
// folders of those who used it have not.
func TestOpen_ExternalServerLostEverything(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	srv := outside(t, server.Options{})
	w := wiretest.Open(t, wire.Config{URL: srv.ClientURL(), DataDir: one, Queues: 2})
	fill(t, w, 3)
	other := wiretest.Open(t, wire.Config{URL: srv.ClientURL(), DataDir: two, Queues: 2}) // a new folder beside a log in order
	if got := follow(t, other, 1, 3); got.err != nil {
		t.Error(got.err)
	}
	shut(t, w)
	shut(t, other)

	empty := outside(t, server.Options{})
	for _, dir := range []string{one, two, one} { // and again: a refusal changes nothing
		_, err := wire.Open(t.Context(), wire.Config{URL: empty.ClientURL(), DataDir: dir, Queues: 2, Log: zerolog.Nop()})
		if !errors.Is(err, wire.ErrLost) || !strings.Contains(err.Error(), "event 3 was acknowledged") ||
			!strings.Contains(err.Error(), "--accept-loss") || !strings.Contains(err.Error(), "--data if "+dir) {
			t.Error(err)
		}
	}
	w = wiretest.Open(t, wire.Config{URL: empty.ClientURL(), DataDir: one, Queues: 2, AcceptLoss: true})
	if seq := add(t, w, first("new"), 0); seq != 4 {
		t.Errorf("the new event has the sequence %d", seq)
	}
	// the loss was accepted for all: the other folder's head is behind the shared one now
	other = wiretest.Open(t, wire.Config{URL: empty.ClientURL(), DataDir: two, Queues: 2})
	if got := follow(t, other, 4, 1); got.err != nil {
		t.Error(got.err)
	}
}

func TestOpen_ExternalHeadIsGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := outside(t, server.Options{})
	w := wiretest.Open(t, wire.Config{URL: srv.ClientURL(), DataDir: dir, Queues: 2})
	fill(t, w, 3)
	shut(t, w)
	js := clientOf(t, srv)
	if err := js.DeleteKeyValue(t.Context(), "HEAD"); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", t.TempDir()} {
		_, err := wire.Open(t.Context(), wire.Config{URL: srv.ClientURL(), DataDir: dir, Queues: 2, Log: zerolog.Nop()})
		if !errors.Is(err, wire.ErrBroken) || !strings.Contains(err.Error(), "noted nowhere") || !strings.Contains(err.Error(), "--accept-loss") {
			t.Error(err)
		}
	}
	shut(t, wiretest.Open(t, wire.Config{URL: srv.ClientURL(), DataDir: dir, Queues: 2, Desk: true})) // the witness suffices
	w = wiretest.Open(t, wire.Config{URL: srv.ClientURL(), Queues: 2})                                // and restores the shared head
	add(t, w, first("4"), 0)
}

// Beside an external server the data folder may be one that cannot be written.
func TestOpen_ExternalWithoutAWitness(t *testing.T) {
	srv := outside(t, server.Options{})
	for range 2 {
		w, err := wire.Open(t.Context(), wire.Config{URL: srv.ClientURL(), DataDir: "/proc/self/data", Queues: 2, Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		add(t, w, first(nats.NewInbox()), 0)
		shut(t, w)
	}
}
