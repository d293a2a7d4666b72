// Package access is the API's outer layer: who may do what, how often, and what
// happens when the same request comes twice; and the one form in which a refusal
// is answered (RFC 9457).
//
// # Doors
//
//   - [Load] or [New] makes [Keys] with the admin key, [Keys.Open] adds the
//     others, [Keys.Run] keeps them in memory.
//   - [Keys.Require] stands before every API: it lets good keys through, puts
//     the [Caller] into the request's context, and bounds how many requests come.
//   - [Need] is for handlers: it refuses callers without a scope. Whoever has a
//     good key may read what is public without any. [Only] does it for a whole
//     handler.
//   - [Keys.Once] stands behind Require: a client that got no answer repeats its
//     request with the same Idempotency-Key.
//   - [Keys.Handler] serves /api/v1/keys.
//   - [Refuse] and [Answer] write problems, [Routes] writes those of unknown paths.
//
// # Keys
//
// The admin key is written into the data folder at the first start (mode 0600),
// or given by the environment, and has every right. All others have a name that
// is never used twice, a few scopes, and perhaps an end. Of each no more than
// its SHA-256 is kept: a text of 130 random bits needs no slow hash. How long an
// answer takes says nothing that helps to guess a key.
//
// # What is promised
//
// A revoked key does not work on the process that revoked it once the call has
// returned, nor after any restart, and not on others once the bucket's watch has
// told them, which takes a moment; a process that is cut off from the bucket
// goes on with what it knew. A request that was let in before runs to its end.
// Expiry is judged at every request. Until the keys are loaded only the admin
// key works, and a request with another gets 503.
//
// A change of the keys is audited before it is made, so that none is missing
// from the trail; one that failed afterwards stands there too.
//
// # What is not promised
//
// Limits count on each process by itself. The time of a key's last use is kept
// to the minute, and may be lost while the log is away. Behind a proxy all
// strangers have one address, and one limit. [Keys.Once] runs a request again
// when its process ended, or took more than a minute, before the answer was kept.
package access
