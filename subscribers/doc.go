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
// Message-ID): "<release id>:<revision that surfaced>", which a minor revision
// between two tries does not change.
//
// Alerts may be held ([Config.Hold]) so that a mistake can be undone: an event is
// fanned out when its window is over, unless the release was withdrawn or
// corrected meanwhile; a correction has a window of its own, and a minor revision
// inside the window decides whom the alert concerns. A withdrawal is never held,
// whatever is held before it, and reaches those who got something. Held alerts
// lie in the log and nowhere else, so a crash loses none, and the hold may be
// another with each start.
//
// A release that a recipient refuses waits by itself for its next try, and what
// else there is for the recipient goes on. Only when a recipient as a whole is
// unwell (it cannot be reached, or asks to be left alone) does everything for it
// wait, withdrawals and corrections at the front. There is one scheduled wake-up
// for a recipient. What fails for good is parked with its reason, and so is what
// the log refuses to keep.
//
// [Subscribers.Audience] tells before a change how many it would reach, and
// [Subscribers.Deliveries] afterwards what became of it.
//
// Of several processes on one NATS server one fans out and delivers; the others
// take subscriptions, stand by, and take over within 15 seconds.
//
// Two things end [Subscribers.Run] with an error, because to go on would lose
// alerts unseen: a cursor of the fan-out that cannot be read, and a queue that
// goes on refusing alerts for another reason than being away or full.
//
// # What is not promised
//
// The order of releases among each other. And when a process that held the lease
// was frozen for longer than that, it may finish what it was sending beside its
// successor: two revisions of a release may then arrive in the wrong order.
package subscribers
