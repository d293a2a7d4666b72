package wire

import (
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// readers is the account of the operator. It is not the one that holds the
// streams, because every subject there is ours alone: one message that we did
// not write breaks the log's chain, and with rights in the same account even the
// answer to a question can be sent to such a subject.
const readers = "OPERATOR"

// questions are the requests that the operator may make. None makes a consumer:
// one on a queue would take alerts away, and a pushing one publishes where it
// likes. None reaches the desk, the embargoes or a bucket, and none tells how
// much lies there: a list of all streams would.
func questions(queues int) []string {
	out := []string{"INFO", "STREAM.NAMES"}
	streams := []string{streamWire, streamLater, streamAttempts, streamDead}
	for n := range queues {
		streams = append(streams, fmt.Sprintf(streamQueue, n))
	}
	for _, s := range streams {
		out = append(out, "STREAM.INFO."+s, "STREAM.MSG.GET."+s, "DIRECT.GET."+s, "DIRECT.GET."+s+".>",
			"CONSUMER.NAMES."+s, "CONSUMER.LIST."+s, "CONSUMER.INFO."+s+".*")
	}
	return out
}

// readPrefix stands before the operator's requests, as before those of a client
// that is told the domain "dateline" (nats --js-domain dateline).
const readPrefix = "$JS.dateline.API."

func mayPublish(queues int) []string {
	allow := []string{"$SYS.REQ.USER.INFO"}
	for _, q := range questions(queues) {
		allow = append(allow, readPrefix+q)
	}
	return allow
}

// seen are the subjects that the operator may subscribe to.
func seen() []string { return []string{subjectRelease + ">", subjectAttempt + ">", subjectDead + ">"} }

// letRead opens the account with the streams to the operator's. A server with
// several accounts gives none of them a store by itself.
func (e *embedded) letRead(queues int) error {
	ours := e.srv.GlobalAccount()
	theirs, err := e.srv.LookupAccount(readers)
	if err != nil {
		return err
	}
	if !ours.JetStreamEnabled() {
		if err := ours.EnableJetStream(nil, nil); err != nil {
			return err
		}
	}
	for _, q := range questions(queues) {
		if err := ours.AddServiceExport("$JS.API."+q, []*server.Account{theirs}); err != nil {
			return err
		}
		if err := theirs.AddServiceImport(ours, readPrefix+q, "$JS.API."+q); err != nil {
			return err
		}
	}
	for _, subject := range seen() {
		if err := ours.AddStreamExport(subject, []*server.Account{theirs}); err != nil {
			return err
		}
		if err := theirs.AddStreamImport(ours, subject, ""); err != nil {
			return err
		}
	}
	return nil
}
