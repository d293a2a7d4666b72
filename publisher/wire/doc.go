// Package wire holds all of JetStream's mechanics: the embedded server or the
// connection to an external one, the streams and buckets with their limits, and
// the few operations the rest of Dateline does on them.
//
// The doors:
//
//   - [Open] starts (or connects), checks the log against its head and makes
//     the streams; [Wire.Close] ends in order.
//   - The log: [Wire.Append] adds an event under revision control,
//     [Wire.Last] and [Wire.History] read one release, [Wire.Follow] replays
//     and then follows everything in order.
//   - The delivery queues: [Wire.Enqueue] writes a batch behind a cursor,
//     [Wire.Drain] hands out what is queued, [Wire.Hold] and [Wire.Wakes] put a
//     recipient's backlog aside until a scheduled time.
//   - [Wire.Record] keeps attempts, [Wire.Park] keeps what was given up.
//   - [Wire.Bucket] gives a key-value bucket.
//   - The desk, for a process that publishes: [Wire.KeepPending] and
//     [Wire.FollowDesk], [Wire.DueAt] and [Wire.Dues], [Wire.Note].
//   - [Wire.Erase] removes what a release said; [Wire.Erasures] lists what was
//     erased, [Wire.ToErase] what a restore brought back.
//
// # What is promised
//
// An append that returned nil is on disk (every write is synced) and noted in
// the head, a second place that names the last acknowledged event by sequence
// and hash. For the embedded server that is a file beside the store; for an
// external one it is a bucket beside the log, which all processes share, and a
// file in each process's data folder, because a server that lost everything has
// lost its bucket too: the later of both counts. A log that holds events while
// no head is known is refused; a new data folder beside a log with its head, and
// a new log under a new folder, are not.
//
// Each event carries the hash of its predecessor. Open compares the log's end
// with its head, and refuses one that is behind it or another; Follow checks the
// chain from event to event, so that whoever replays the log finds a hole in the
// middle too. Both say [ErrLost] or [ErrBroken]; damage is never served in
// silence by who replays the log. A process that only appends, and never
// follows, checks no more than the end.
//
// An operator may accept a loss (Config.AcceptLoss): then every break there is
// now is noted and passed from then on, and a new one is not. The sequences of
// lost events are not given again; whoever stood at one goes on behind the gap.
//
// Enqueue is exactly once: a batch is stored whole with its cursor or not at
// all, and a second writer with an old cursor gets [ErrStale]. Drain is at
// least once: a job that was not finished comes again after a crash.
//
// # Who reaches what
//
// On an external server a process needs the rights of its role alone, as
// deploy/nats.conf gives them: one that publishes makes every stream and bucket,
// and others find them. What is not public lies in an account of its own
// (Config.DeskURL): the streams DESK and EMBARGO and the buckets KEYS, KEYS_USED,
// IDEMPOTENCY, ORIGINS and PULL. Within one account no allow list protects them.
// JetStream sends what it reads, and what a consumer delivers, to whatever subject
// the client names, unchecked; so who may store a message may have it sent to
// JetStream as a request of its own. For the same reason a process that shares the
// account of the log could write into the log; the chain of hashes tells of it.
//
// Without Config.DeskURL the desk lies beside the log: right for one process that
// plays all roles, as with the embedded server, whose operator account (on
// Config.Listen) is another one and asks for named streams only.
//
// # Erasure
//
// An erased event leaves a hole in the log. Its place in the chain is noted in the
// stream ERASED before it is removed, so readers pass exactly the holes that
// erasures have left. The data folder lists erased releases in the file erasures,
// a JSON object with id and time on each line; put the newest list back with a
// backup, and Open finds what the backup brought back.
//
// # What is not promised
//
// The order of jobs in a queue among each other, and the order of Follow among
// several calls.
package wire
