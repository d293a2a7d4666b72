// Package intake brings releases in for an organisation that leaves its CMS as
// it is: from a folder that is watched ([Watch]) and from feeds and listings
// that are pulled ([Pull]).
//
// # What is promised
//
// What comes in is read by the reader and published by the publisher, like a
// request to the API, so the rules and the guarantees are the same. Doing it
// again does nothing: a crash between any two steps, a restart, and two
// processes with the same folder or the same addresses make no second release
// and lose none. A document that says of itself that it is a draft or under
// embargo is refused. While the log is away nothing is given up; it is tried
// again. Nothing outside the folder is read or written, whatever links lie in
// it, and no address is called that the guard refuses.
//
// # What is not promised
//
// A file that is not put into the folder by an atomic rename may be taken half
// written, if its writer pauses for longer than a look takes to come round. An
// entry that a feed shows and drops between two pulls is never seen. What
// vanishes from a folder or feed is not withdrawn.
package intake
