package read

import (
	"bytes"
	"iter"
	"net/url"
	"strings"

	"dateline/publisher/news"

	readability "codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Bounds of an HTML page. Extraction looks at the tree several times over.
const (
	maxPageElements = 20_000
	minArticle      = 80  // characters of an article at least
	minOther        = 500 // characters that make another article on the page
)

func opensHTML(s string) bool {
	if strings.HasPrefix(strings.ToLower(s[:min(len(s), 20)]), "<!doctype html") {
		return true
	}
	switch rootElement(s) {
	case "html", "head", "body", "title", "meta", "link", "main", "article", "section", "header", "nav", "div", "p", "h1", "h2", "table", "script", "style":
		return true
	}
	return false
}

// article reads an HTML page with one article: what its metadata and its visible
// labels say, and the text that the extraction finds.
func (r *Reader) article(text string) iter.Seq2[sheet, error] { return single(r.readArticle(text)) }

func (r *Reader) readArticle(text string) (sheet, error) {
	s := sheet{format: FormatHTML, rule: ruleLabel, foreign: true}
	if err := wholePage(text); err != nil {
		return s, err
	}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return s, news.Problemf(news.Unacceptable, "the HTML is nested too deeply; simplify it")
	}
	m, err := metadataOf(doc)
	if err != nil {
		return s, err
	}
	m.fill(r, &s)
	r.pageLabels(&s, doc)
	if n := otherArticles(doc); n > 1 {
		return s, news.Problemf(news.Unacceptable, "this page holds %d articles; publish each from its own page", n)
	}
	article, err := extract(doc, s.url)
	if err != nil {
		s.body = textToHTML(news.Clean(m.body))
		if s.title = firstOf(s.title, m.windowTitle()); s.body != "" {
			err = nil
		}
		return s, err
	}
	if heading := cutHeading(article, s.title); s.title == "" {
		s.title = firstOf(heading, m.windowTitle())
	}
	if date := cutDate(article); s.date == "" {
		s.date = date
	}
	var b bytes.Buffer
	err = html.Render(&b, article)
	s.body = b.String()
	return s, err
}

// cutHeading removes the heading that opens an article, if it is the title or
// there is none yet, and returns it.
func cutHeading(article *html.Node, title string) string {
	for n := range article.Descendants() {
		switch n.DataAtom {
		case atom.H1, atom.H2, atom.H3:
			text := textOf(n)
			if title != "" && news.Slugify(text) != news.Slugify(title) {
				return ""
			}
			n.Parent.RemoveChild(n)
			return text
		}
		if n.Type == html.TextNode && strings.TrimSpace(n.Data) != "" {
			return ""
		}
	}
	return ""
}

// wholePage refuses a page that is too large to look at or that breaks off.
func wholePage(text string) error {
	if strings.Count(text, "<") > 2*maxPageElements {
		return news.Problemf(news.TooLarge, "the page has more than %d HTML elements; send the article alone", maxPageElements)
	}
	lower := strings.ToLower(text)
	opened := strings.Contains(lower, "<html") || strings.Contains(lower, "<body")
	tail := lower[max(0, len(lower)-4*maxDeclaration):]
	open := strings.LastIndexByte(tail, '<') > strings.LastIndexByte(tail, '>')
	if open || opened && !strings.Contains(tail, "</html") && !strings.Contains(tail, "</body") {
		return news.Problemf(news.Unacceptable, "the page breaks off before its end; fetch or send all of it")
	}
	return nil
}

// cutDate removes the line that opens an article if it is a date and no more,
// and returns it.
func cutDate(article *html.Node) string {
	for n := range article.Descendants() {
		text := strings.TrimSpace(n.Data)
		if n.Type != html.TextNode || text == "" {
			continue
		}
		if _, _, ok := parseDate(text); !ok {
			return ""
		}
		n.Data = ""
		return text
	}
	return ""
}

// extract finds the article of a page. It changes doc.
func extract(doc *html.Node, address string) (*html.Node, error) {
	none := news.Problemf(news.Unacceptable, "no article is found on this page, only navigation or too little text; send the page of the release itself, or its text")
	page, _ := url.Parse(address)
	parser := readability.NewParser()
	parser.DisableJSONLD = true
	found, err := parser.ParseAndMutate(doc, page)
	if err != nil || found.Node == nil {
		return nil, none
	}
	if all, linked := weigh(found.Node); all < minArticle || linked*2 > all {
		return nil, none
	}
	return found.Node, nil
}

// weigh counts the characters of text, and those within links.
func weigh(n *html.Node) (all, linked int) {
	if n.Type == html.TextNode {
		return len(strings.TrimSpace(n.Data)), 0
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		a, l := weigh(c)
		all, linked = all+a, linked+l
	}
	if n.DataAtom == atom.A {
		linked = all
	}
	return all, linked
}

// otherArticles counts the article elements, outside each other, that hold a
// heading and a text of some length.
func otherArticles(n *html.Node) int {
	if n.DataAtom == atom.Article {
		if all, linked := weigh(n); all-linked >= minOther && hasHeading(n) {
			return 1
		}
		return 0
	}
	count := 0
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		count += otherArticles(c)
	}
	return count
}

func hasHeading(n *html.Node) bool {
	if n.DataAtom == atom.H1 || n.DataAtom == atom.H2 {
		return true
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if hasHeading(c) {
			return true
		}
	}
	return false
}

// pageLabels takes the labels of a release that are visible on the page, and
// removes them, so that they do not end up in the text.
func (r *Reader) pageLabels(s *sheet, doc *html.Node) {
	v := visible{}
	v.add(doc)
	v.flush()
	blocks := r.blocks(v.lines)
	if len(blocks) != 1 {
		return
	}
	b := blocks[0]
	for key, values := range b.values {
		switch {
		case len(values) == 0, key == "date" && s.date != "", key == "language" && s.language != "":
		default:
			s.set(key, values)
		}
	}
	h := r.headAbove(v.lines, 0, b.from)
	if s.title == "" {
		s.title = h.title
	}
	if s.typ == "" {
		s.typ = h.typ
	}
	for _, nodes := range v.nodes[b.from:b.to] {
		for _, n := range nodes {
			n.Data = ""
		}
	}
}

// visible collects the lines of a page as the text form has them.
type visible struct {
	lines  []pageLine
	nodes  [][]*html.Node // the text nodes of each line
	text   strings.Builder
	parts  []*html.Node
	bullet bool
	term   bool // the line is the name of a label
}

func (v *visible) add(n *html.Node) {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Nav, atom.Footer, atom.Aside, atom.Form, atom.Head, atom.Svg:
		return
	}
	if n.Type == html.TextNode {
		v.text.WriteString(n.Data)
		v.parts = append(v.parts, n)
		return
	}
	apart := n.Type == html.ElementNode && !isInline(n.Data) && n.DataAtom != atom.Time && n.DataAtom != atom.Label
	if apart {
		v.flush()
		v.bullet = n.DataAtom == atom.Li || n.DataAtom == atom.Dd
		v.term = n.DataAtom == atom.Dt || n.DataAtom == atom.Th
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		v.add(c)
	}
	if apart {
		v.flush()
	}
}

func (v *visible) flush() {
	text := news.CleanLine(v.text.String())
	v.text.Reset()
	if text == "" {
		v.parts = nil
		return
	}
	if v.term && !strings.HasSuffix(text, ":") {
		text += ":"
	}
	v.lines = append(v.lines, pageLine{text, v.bullet})
	v.nodes = append(v.nodes, v.parts)
	v.parts, v.bullet, v.term = nil, false, false
}
