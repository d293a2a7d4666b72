// Package wiretest gives tests a real log: an embedded server on a folder of
// their own.
package wiretest

import (
	"testing"

	"dateline/publisher/wire"

	"github.com/rs/zerolog"
)

// New opens a log in a temporary folder, with the rights of a publisher, and
// closes it with the test.
func New(t testing.TB) *wire.Wire {
	t.Helper()
	return Open(t, wire.Config{DataDir: t.TempDir(), Queues: 2, Desk: true})
}

// Open opens a log as cfg says and closes it with the test.
func Open(t testing.TB, cfg wire.Config) *wire.Wire {
	t.Helper()
	cfg.Log = zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	w, err := wire.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return w
}
