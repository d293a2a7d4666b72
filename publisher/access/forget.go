package access

import (
	"bytes"
	"context"
	"errors"

	"dateline/publisher/wire"

	"github.com/nats-io/nats.go/jetstream"
)

// Forget removes every answer that was kept for a repeated request and holds the
// text: what a release that is erased said may not be said once more. Such a
// request runs again when it is repeated.
func (k *Keys) Forget(ctx context.Context, text string) error {
	if k.answers == nil {
		return nil
	}
	names, err := k.answers.ListKeys(ctx)
	if err != nil {
		return wire.Explain("look through the answers kept", err)
	}
	defer names.Stop() //nolint:errcheck // the context may have ended it
	for name := range names.Keys() {
		e, err := k.answers.Get(ctx, name)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return wire.Explain("look through the answers kept", err)
		}
		g, err := readGiven(e.Value())
		if err == nil && !bytes.Contains(g.body, []byte(text)) {
			continue
		}
		if err := k.answers.Purge(ctx, name); err != nil {
			return wire.Explain("remove an answer kept", err)
		}
	}
	return nil
}
