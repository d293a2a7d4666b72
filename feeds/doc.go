// Package feeds turns the log of releases into feeds and pages and serves them.
//
// [Feeds.Run] follows the log and keeps an index in memory; [Feeds.Handler]
// serves
//
//	/feeds/<selection>.rss, .atom, .json   the feed of a selection
//	/feeds/<selection>                     its page
//	/releases/{id}/{slug}                  the page of a release
//	/, /topics, /about-feeds               the front page, all topics, what a feed is
//	/style-<hash>.css                      the sheet of the pages
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
// # What is not promised
//
// Archives beyond the window, and any coding but gzip.
package feeds
