// Package feeds turns the log of releases into feeds and pages and serves them.
//
// [Feeds.Run] follows the log and keeps an index in memory; [Feeds.Handler]
// serves
//
//	/feeds/<selection>.rss, .atom, .json   the feed of a selection
//	/feeds/<selection>/archive/2026-11.rss  its archive: what was published in a month
//	/feeds/<selection>                     its page; /feeds/<selection>/archive/2026-11 older ones
//	/feeds                                 the finder; its form leads to a selection
//	/releases/{id}/{slug}                  the page of a release
//	/, /topics, /about-feeds               the front page, all topics, what a feed is
//	/ru/…                                  the same pages in Russian
//	/opml, /opml/<kind>, /opml/<kind>/<topic>, /opml?field=…  lists of feeds
//	/sitemap.xml and its parts, /sitemap-news.xml, /robots.txt
//	/style-<hash>.css, /favicon.svg, …     what pages need
//
// # What is promised
//
// The same prefix of the log gives the same bytes, ETags and times of change on
// every node and after every restart, in every coding. ETags are strong, one
// per coding. Last-Modified is the second of the last event that changed the
// document, and is left out, together with answers to If-Modified-Since, until
// that second is over. An event is visible in all its feeds once
// [Feeds.Applied] has reached its sequence.
//
// A release is rendered once for each format and shared by all documents; a
// document is put together when it is asked for and kept while it is. Texts
// that are not kept are read from the log again. While the log is away, what is
// kept is served; what is not answers 503, and so does everything until the log
// as it stood at the start has been read: half a feed is never served.
//
// # Archives
//
// What no longer fits into the window is in the archive (RFC 5005), by the
// calendar month, in UTC, of the published date. A busy month has further
// documents (2026-11-2), each of half a window; what comes later stands in a
// later one. The current document leads to the newest one that has something it
// has not, each document to the one before and, once that is full or its month
// over, to the one after; next_url of JSON Feed is the same chain. A walk from
// the current document gives every release; where one stands twice, the copy met
// first is the newest. A feed that fits is marked complete instead.
//
// Archives show the newest revision of a release but minor ones, and a tombstone
// of a withdrawn one. Their bytes change by what comes into a month late, by a
// correction, a withdrawal, an erasure, a change of topics or date, and by the
// arrival of the next document. They have an ETag and no Last-Modified.
//
// # Codings
//
// A document is ready in identity, gzip and zstd, which are joined from items
// compressed once; brotli is made for the first who asks. A client with an ETag
// that is remembered gets what is new since (RFC 3229, A-IM: feed).
//
// # Languages of pages
//
// An address is one document, so that every cache may keep it: nothing depends on
// Accept-Language or a cookie. A release and a selection of one language speak
// that language; every other page speaks English at its plain path and Russian
// behind /ru.
//
// # What is not promised
//
// That figures on pages (how many releases, how many a week) are as old as the
// page's releases: they are counted anew every day.
// That a state is remembered for deltas: a full answer is always right.
package feeds
