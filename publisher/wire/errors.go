package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"dateline/publisher/news"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors that callers tell apart.
var (
	// ErrConflict: another append came first; read the release again and decide anew.
	ErrConflict = errors.New("the release was changed by someone else at the same time")
	// ErrStale: another fan-out has moved the cursor; read it again.
	ErrStale = errors.New("the cursor was moved by another process")
	// ErrNotFound: nothing is stored under that name.
	ErrNotFound = errors.New("not found")
	// ErrLost: the log ends before an event that was acknowledged.
	ErrLost = errors.New("acknowledged events are missing from the log")
	// ErrBroken: the log's chain of hashes does not fit.
	ErrBroken = errors.New("the log is damaged")
	// ErrLocked: another process uses the data folder.
	ErrLocked = errors.New("the data folder is in use by another process")
)

// JetStream's error codes that have a meaning for us.
const (
	codeWrongLastSequence        = 10071
	codeWrongLastSequenceCluster = 10164 // the same from a cluster
	codeNoSpace                  = 10023
	codeMaxBytes                 = 10077
	codeAccountFull              = 10002 // the limit of our account on an external server
	codeStorageFull              = 10047
	codeNoPeers                  = 10005 // a cluster that is still coming together, or too small
	codeNoCluster                = 10074
)

// makeRoom is what to do about a full store.
const makeRoom = "free space or raise --max-store (or the limit of an external NATS server)"

// translate turns what the client library says into what a caller can act on.
func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode {
		case codeNoSpace, codeMaxBytes, codeAccountFull, codeStorageFull:
			return news.Problemf(news.DiskFull, "%s: the store is full; %s, then try again", op, makeRoom)
		}
	}
	if away(err) {
		return fmt.Errorf("%w (%w)", news.Problemf(news.Unavailable, "%s: the log does not answer; try again in a moment", op), err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// away reports whether err says that the server does not answer, or has
// forgotten a consumer, which is made anew.
func away(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) && api.Code == http.StatusServiceUnavailable && api.ErrorCode != codeNoSpace {
		return true // a cluster without a leader, for instance
	}
	for _, target := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrConnectionClosed, nats.ErrNoResponders, nats.ErrDisconnected,
		nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting, nats.ErrNoServers, nats.ErrStaleConnection,
		jetstream.ErrNoStreamResponse, jetstream.ErrNoHeartbeat, jetstream.ErrConsumerDeleted, jetstream.ErrConsumerNotFound,
		jetstream.ErrMsgIteratorClosed, jetstream.ErrServerShutdown, jetstream.ErrConnectionClosed, jetstream.ErrJetStreamNotEnabled,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func isWrongSequence(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == codeWrongLastSequence || api.ErrorCode == codeWrongLastSequenceCluster)
}

// patiently repeats an operation of the start, which a cluster that is still
// coming together leaves without an answer or refuses for the moment, until it
// succeeds or ctx ends.
func patiently[T any](ctx context.Context, op func(context.Context) (T, error)) (T, error) {
	for {
		try, cancel := context.WithTimeout(ctx, callTimeout)
		v, err := op(try)
		cancel()
		var api *jetstream.APIError
		if !away(err) && (!errors.As(err, &api) || api.ErrorCode != codeNoPeers) || ctx.Err() != nil {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, err
		case <-time.After(250 * time.Millisecond):
		}
	}
}
