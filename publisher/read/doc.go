// Package read is the one door from bytes to a proposal: what a document says
// about itself, looked up in the taxonomy, with the reason for every tag.
//
//   - [Reader.Read] takes a document with one release: a page in text form, an
//     HTML page, Markdown with YAML front matter, release JSON or ninjs.
//   - [Reader.Each] takes those and documents with many: a listing page, RSS,
//     Atom, JSON Feed, a WordPress export, lists and lines of JSON.
//   - [Reader.JSON] takes release JSON and ninjs.
//
// Formats are told apart by content, encodings too: UTF-8, UTF-16 with a byte
// order mark, what XML or HTML declares, and Windows-1251 and 1252.
//
// # What is promised
//
// A proposal is deterministic: the same bytes and taxonomy give the same
// release. Its text is valid UTF-8 without control characters, its HTML holds
// only what the policy in html.go lists, its tags are topics of the taxonomy
// and carry their evidence. Tags an editor wrote are taken as they are and keep
// the classifier away; a label the taxonomy does not know is refused, never
// dropped. What another system wrote (HTML, feeds, exports, ninjs) is taken where
// it names a topic, else it becomes a warning. Every refusal is a [news.Problem]
// that lists all that is wrong.
// The work is bounded: 2 MiB of anything takes about a second.
//
// Countries are proposed by rules that country.go lists; fields, where none is
// stated, are offered apart from the tags until somebody accepts them (see
// [Proposal.AcceptProposals]). A town that may lie in several countries is
// reported and not guessed at. How often all this is right is measured by the
// package eval on testdata/labelled.jsonl, and held there by a test.
//
// Where only the beginning of a text or a summary is there, the release is
// marked partial. A day without a year gets one only from a date beside it,
// within 60 days; a date that reads two ways is refused.
//
// # What is not promised
//
// A release that was read need not be publishable: see [news.Validate].
// Countries that a title, text or dateline suggests are right most of the time;
// their confidence says how sure the rule is. What is an article on an HTML page is
// judged by its look (go-readability), and may hold a line too many or too few.
// An entry of a listing has neither address nor origin.
package read
