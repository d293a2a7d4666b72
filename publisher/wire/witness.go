package wire

import (
	"context"
	"errors"

	"github.com/rs/zerolog"
)

// witnessed keeps the head of an external server's log twice: in a bucket
// beside the log, which all publishers share, and in this process's data
// folder, because a server that lost everything has lost its bucket too.
type witnessed struct {
	shared, own headKeeper
	log         zerolog.Logger
}

// load is the later of both; one that knows nothing is a new data folder, or a
// new server.
func (h *witnessed) load(ctx context.Context) (link, bool, error) {
	shared, sharedKnown, err := h.shared.load(ctx)
	if err != nil {
		return shared, sharedKnown, err
	}
	own, ownKnown, err := h.own.load(ctx)
	if err != nil || own.seq > shared.seq {
		return own, ownKnown, err
	}
	return shared, sharedKnown || ownKnown, nil
}

func (h *witnessed) save(ctx context.Context, l link) error {
	if err := h.shared.save(ctx, l); err != nil {
		return err
	}
	h.noted(h.own.save(ctx, l))
	return nil
}

func (h *witnessed) reset(ctx context.Context, l link) error {
	if err := h.shared.reset(ctx, l); err != nil {
		return err
	}
	h.noted(h.own.reset(ctx, l))
	return nil
}

// noted tells of a data folder that takes no head. That is no reason to stop: an
// older head, or none, is a weaker witness and not a false one.
func (h *witnessed) noted(err error) {
	if err != nil {
		h.log.Warn().Err(err).Msg("the data folder does not witness the log's head")
	}
}

func (h *witnessed) close() error { return errors.Join(h.shared.close(), h.own.close()) }
