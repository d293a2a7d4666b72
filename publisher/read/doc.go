// Package read is the one door from bytes to a proposal: what a document says
// about itself, looked up in the taxonomy, with the reason for every tag.
//
//   - [Reader.Read] takes a release page in text form, Markdown with YAML front
//     matter, or release JSON, and tells them apart by content.
//   - [Reader.JSON] takes release JSON.
//
// # What is promised
//
// A proposal is deterministic: the same bytes and taxonomy give the same
// release. Its text is valid UTF-8 without control characters, its HTML holds
// only what the policy in html.go lists, its tags are topics of the taxonomy
// and carry their evidence. Tags an editor wrote are taken as they are and keep
// the classifier away; a label the taxonomy does not know is refused, never
// dropped. Every refusal is a [news.Problem] that lists all that is wrong.
// The work is bounded: 2 MiB of anything takes about a second.
//
// # What is not promised
//
// A release that was read need not be publishable: see [news.Validate].
// Countries that a title or dateline suggests are right most of the time; their
// confidence says how sure the rule is.
package read
