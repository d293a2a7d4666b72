// Package site makes the pages people read: the front page, the list of topics,
// a page for each selection and each release. They are twins of the feeds and
// made from the same windows; what they look like is the business of
// [page.Look].
package site
