// Package site makes the pages people read: the front page, the list of topics,
// the finder, a page for each selection, each part of its archive and each
// release. They are twins of the feeds and made from the same windows; what they
// look like is the business of [page.Look]. A [Site] speaks one language: names
// of topics come from the catalogue, and from the taxonomy where it has none.
//
// It also writes what a page says to machines: JSON-LD of an article, and lists
// of feeds in OPML.
package site
