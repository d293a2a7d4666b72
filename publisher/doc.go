// Package publisher is where releases come in: it reads a document, mints or
// finds the release's id, validates, and appends an event to the log. Its HTTP
// API is the only way to change anything; the command line uses it too.
//
// Guarantees: an answer of success means that the event is on disk. Publishing
// the same origin with the same content again does nothing. Of several
// concurrent changes of one release one wins, the others are refused and have
// changed nothing.
package publisher
