// Package subscribers tells people and machines about releases: it keeps
// subscriptions, finds those that an event concerns, and delivers one message
// for each recipient and release by e-mail or webhook.
//
// The way of an event: the fan-out follows the log, matches (package match),
// and writes its recipients into the delivery queues, exactly once
// (a batch and the fan-out's cursor are stored together). The delivery takes
// tasks, reads the release as it is now and the record of what the recipient
// got, decides, sends, and records the outcome before it lets go of the task.
//
// # What is promised
//
// A release gives a recipient one message however many of its subscriptions
// match. What is sent is the release's state at the time of sending: a
// superseded or withdrawn revision is never sent. Who may have got an earlier
// revision gets the correction or withdrawal, whatever it is filed under by
// then; who got none gets the current one if it matches, and nothing when it is
// withdrawn. Minor revisions and back-fill alert nobody, and a subscription
// alerts only for events after it was made.
//
// Nothing is lost by a crash. A message may go out twice only when the process
// dies between sending and recording, and then with the same id (webhook-id or
// Message-ID).
//
// While a recipient fails, everything for it waits behind one scheduled wake-up,
// in order; what fails for good is parked with its reason.
//
// # What is not promised
//
// The order of releases among each other, and one message at a time for a
// recipient when several processes deliver from the same queues.
package subscribers
