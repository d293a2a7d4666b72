// Package index knows which releases stand in which feed, in memory and without
// their texts. It is filled by [Index.Apply] with the events of the log, in
// order, and answers with a [Window] for any [news.Selection].
//
// What it says depends on the prefix of the log alone: two indexes that were
// given the same events give the same windows, counts and times of change. It
// does no I/O and looks at no clock. All methods are safe for concurrent use;
// entries are never changed once made, so a window stays true for the moment
// at which it was taken.
package index
