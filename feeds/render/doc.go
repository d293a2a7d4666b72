// Package render writes feed documents: RSS 2.0, Atom 1.0 (RFC 4287, tombstones
// of RFC 6721) and JSON Feed 1.1. It is the only user of gorilla/feeds, whose
// types it embeds and completes.
//
// A document is a head, items and a foot:
//
//	frame, err := r.Frame(f, feed)
//	item, err := r.Item(f, release)
//	document := frame.Head(updated) + item + f.Separator() + item … + frame.Foot()
//
// An item is the same in every feed it stands in, so it is rendered once and
// shared. What comes out depends on the arguments alone, never on a clock or on
// the order of a map, and is well-formed for any text that goes in.
package render
