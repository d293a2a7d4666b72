package feeds

import "dateline/publisher/news"

// Apply makes an event visible as Run does, for benchmarks that must not
// measure the log.
func Apply(f *Feeds, seq uint64, e *news.Event) { f.apply(seq, e, true) }

// PartDigits is how finely the map of the site is parted.
var PartDigits = partDigits
