package read

import (
	stdhtml "html"
	"regexp"
	"strings"

	"dateline/publisher/news"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxElements bounds the elements of a body; a release has some hundreds at
// most, and building a tree of badly nested ones takes twenty times as many.
const maxElements = 20_000

// sanitizer keeps what a release needs of HTML: paragraphs, headings, lists,
// quotes, emphasis, tables and links to http, https and mailto. No styles,
// classes, ids, scripts, images or embedded things.
type sanitizer struct{ policy *bluemonday.Policy }

func newSanitizer() *sanitizer {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote",
		"em", "strong", "b", "i", "sub", "sup", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(false)
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[1-9][0-9]?$`)).OnElements("td", "th")
	return &sanitizer{p}
}

// clean returns the body as balanced HTML of the allowed elements, and as plain
// text with a blank line between paragraphs. Headings become h2 to h4.
func (s *sanitizer) clean(body string) (safe, text string, err error) {
	body = s.policy.Sanitize(body)
	if strings.Count(body, "<") > 2*maxElements {
		return "", "", news.Problemf(news.Unacceptable, "the text has more than %d HTML elements; split or simplify it", maxElements)
	}
	nodes, err := html.ParseFragment(strings.NewReader(body), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		return "", "", news.Problemf(news.Unacceptable, "the HTML of the text is nested too deeply; simplify it")
	}
	var out strings.Builder
	plain := &plainText{}
	for _, n := range nodes {
		if n.DataAtom == atom.P && textOf(n) == "" {
			continue
		}
		headings(n)
		plain.add(n)
		if err := html.Render(&out, n); err != nil {
			return "", "", err
		}
	}
	plain.flush(false)
	if out.Len() > 2*MaxSize {
		return "", "", news.Problemf(news.TooLarge, "the text grows to %d kB of HTML; shorten it", out.Len()>>10)
	}
	return strings.TrimSpace(news.Clean(out.String())), news.Clean(plain.out.String()), nil
}

// headings brings all headings to the levels h2 to h4: h1 is the page's own.
func headings(n *html.Node) {
	switch n.DataAtom {
	case atom.H1:
		n.Data, n.DataAtom = "h2", atom.H2
	case atom.H5, atom.H6:
		n.Data, n.DataAtom = "h4", atom.H4
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		headings(c)
	}
}

// plainText collects the text of HTML, block by block.
type plainText struct {
	out   strings.Builder
	block strings.Builder
	mark  string // stands before the next block: a list mark
	tight bool   // the last block was a list item
}

func (p *plainText) add(n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		p.block.WriteString(strings.ReplaceAll(n.Data, "\n", " "))
		return
	case n.DataAtom == atom.Br:
		p.block.WriteByte('\n')
		return
	}
	item := n.DataAtom == atom.Li || n.DataAtom == atom.Tr
	block := item || isBlock(n.DataAtom)
	if block {
		p.flush(false)
	}
	if n.DataAtom == atom.Li {
		p.mark = "- "
	}
	if (n.DataAtom == atom.Td || n.DataAtom == atom.Th) && strings.TrimSpace(p.block.String()) != "" {
		p.block.WriteString(" | ")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.add(c)
	}
	if block {
		p.flush(item)
	}
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.H2, atom.H3, atom.H4, atom.Ul, atom.Ol, atom.Blockquote, atom.Table, atom.Caption, atom.Thead, atom.Tbody, atom.Tfoot:
		return true
	}
	return false
}

// flush ends a block. Blocks are parted by a blank line, items of one list or
// table by a line end.
func (p *plainText) flush(item bool) {
	var lines []string
	for line := range strings.SplitSeq(p.block.String(), "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	p.block.Reset()
	if len(lines) == 0 {
		return
	}
	switch {
	case p.out.Len() == 0:
	case p.tight && (item || p.mark != ""):
		p.out.WriteByte('\n')
	default:
		p.out.WriteString("\n\n")
	}
	p.out.WriteString(p.mark + strings.Join(lines, "\n"))
	p.tight, p.mark = item || p.mark != "", ""
}

// textToHTML makes paragraphs of plain text: a blank line parts them, a line
// end within one becomes a break.
func textToHTML(text string) string {
	var b strings.Builder
	for block := range strings.SplitSeq(text, "\n\n") {
		if block = strings.TrimSpace(block); block != "" {
			b.WriteString("<p>" + strings.ReplaceAll(stdhtml.EscapeString(block), "\n", "<br>\n") + "</p>\n")
		}
	}
	return b.String()
}
