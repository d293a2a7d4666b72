package read

import (
	"fmt"
	"iter"
	"strings"

	"dateline/publisher/news"
)

// The formats a document can have.
const (
	FormatPage      = "page"      // a release's web page in text form
	FormatListing   = "listing"   // a page in text form that lists several releases
	FormatMarkdown  = "markdown"  // Markdown, with YAML front matter or a heading
	FormatHTML      = "html"      // an HTML page with one article
	FormatJSON      = "json"      // our release JSON
	FormatNinjs     = "ninjs"     // IPTC ninjs 1 to 3, also within our CloudEvents
	FormatRSS       = "rss"       // RSS 0.9 to 2.0
	FormatAtom      = "atom"      // Atom
	FormatJSONFeed  = "jsonfeed"  // JSON Feed
	FormatWordPress = "wordpress" // a WordPress export (WXR)
)

// MaxImport is the largest feed, export or JSON list that [Reader.Each] reads,
// in bytes. Pages are bounded by MaxSize.
const MaxImport = 32 << 20

// format is how documents of one kind open, and what takes them apart.
type format struct {
	opens  func(text string) bool // text without white space before
	sheets func(r *Reader, text string) iter.Seq2[sheet, error]
	large  bool // up to MaxImport
}

// formats lists what documents are told apart by; the first that fits counts,
// and what fits none is a page in text form.
func formats() []format {
	return []format{
		{func(s string) bool { return s[0] == '{' || s[0] == '[' }, (*Reader).jsonValues, true},
		{opensWordPress, (*Reader).wordpress, true},
		{opensFeed, (*Reader).feed, true},
		{opensHTML, (*Reader).article, false},
		{func(s string) bool { return strings.HasPrefix(s, "<?xml") }, unknownXML, false},
		{hasFrontMatter, (*Reader).frontMatters, false},
		{func(s string) bool { return strings.HasPrefix(s, "# ") }, (*Reader).headed, false},
		{func(string) bool { return true }, (*Reader).pages, false},
	}
}

// sheets takes a decoded document apart.
func (r *Reader) sheets(text string) iter.Seq2[sheet, error] {
	text = news.Clean(text)
	start := strings.TrimLeft(text, " \t\n")
	if start == "" {
		return refused(errEmpty())
	}
	for _, f := range formats() {
		if !f.opens(start) {
			continue
		}
		if len(start) > MaxSize && !f.large {
			return refused(news.Problemf(news.TooLarge, "the page has %d kB, at most %d kB are read; shorten it", len(start)>>10, MaxSize>>10))
		}
		return f.sheets(r, start)
	}
	return refused(errEmpty())
}

// Each reads a document with any number of releases: a listing page, RSS, Atom,
// JSON Feed, a WordPress export, a JSON list or lines of ninjs or release JSON, or
// any document that Read takes. The order is the document's.
//
// An entry that is refused comes as an error that names it, with the title,
// address and origin it has in the proposal, and the rest follows. A document
// that is refused as a whole gives one error with an empty proposal; one that
// breaks off gives what was read before.
func (r *Reader) Each(b []byte) iter.Seq2[Proposal, error] {
	return func(yield func(Proposal, error) bool) {
		text, err := decode(b, MaxImport)
		if err != nil {
			yield(Proposal{}, err)
			return
		}
		n := 0
		for s, err := range r.sheets(text) {
			n++
			var p Proposal
			if err == nil {
				p, err = r.propose(s)
			}
			if err != nil {
				p = refusedEntry(s)
				err = nameEntry(err, s, n)
			}
			if !yield(p, err) {
				return
			}
		}
		if n == 0 {
			yield(Proposal{}, errEmpty())
		}
	}
}

func errEmpty() error {
	return news.Problemf(news.Unacceptable, "there is no release in this document; %s", hintFormats)
}

// refusedEntry keeps of an entry what tells it from others.
func refusedEntry(s sheet) Proposal {
	return Proposal{Format: s.format, Release: news.Release{Title: news.CleanLine(s.title), URL: news.CleanLine(s.url), Origin: news.CleanLine(s.origin)}}
}

// nameEntry says which entry of a list is refused.
func nameEntry(err error, s sheet, n int) error {
	if !isListFormat(s.format) {
		return err
	}
	return fmt.Errorf("entry %d, %s: %w", n, quote(s.title), err)
}

func isListFormat(f string) bool {
	switch f {
	case FormatListing, FormatRSS, FormatAtom, FormatJSONFeed, FormatWordPress:
		return true
	}
	return false
}

// nounOf is what a message calls a document with several releases.
func nounOf(f string) string {
	switch f {
	case FormatRSS, FormatAtom, FormatJSONFeed:
		return "feed"
	case FormatWordPress:
		return "WordPress export"
	case FormatNinjs, FormatJSON:
		return "JSON"
	}
	return "page"
}

func unknownXML(_ *Reader, text string) iter.Seq2[sheet, error] {
	if err := withoutDTD(text); err != nil {
		return refused(err)
	}
	return refused(news.Problemf(news.Unacceptable, "this XML is no RSS, Atom, WordPress export or XHTML page; %s", hintFormats))
}

func refused(err error) iter.Seq2[sheet, error] {
	return func(yield func(sheet, error) bool) { yield(sheet{}, err) }
}

// single is the document's one sheet.
func single(s sheet, err error) iter.Seq2[sheet, error] {
	return func(yield func(sheet, error) bool) { yield(s, err) }
}

func (r *Reader) frontMatters(text string) iter.Seq2[sheet, error] {
	return single(r.frontMatter(text))
}

func (r *Reader) headed(text string) iter.Seq2[sheet, error] {
	return single(r.markdownBody(sheet{format: FormatMarkdown, rule: ruleEditor}, text))
}
