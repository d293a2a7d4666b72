// Package news is the domain of Dateline and nothing else: what a release is,
// how it changes, which topics there are, and how a selection of topics reads
// as a path. It uses the standard library only, does no I/O and logs nothing;
// times and data are handed in.
//
// The main doors are:
//
//   - [Release], the state of one press release after one revision;
//   - [Next], which makes the [Event] of a change and refuses illegal ones;
//   - [Encode] and [Decode], the versioned form in which events are kept, and
//     [CloudEvent], the form in which everyone outside sees them;
//   - [Taxonomy], the topics with their names, aliases and codes;
//   - [Selection], a filter over topics with one canonical path.
//
// Errors meant for people are of type [Problem].
package news
