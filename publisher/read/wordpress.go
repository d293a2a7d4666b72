package read

import (
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"regexp"
	"strings"

	"dateline/publisher/news"
)

func opensWordPress(s string) bool {
	return strings.Contains(s[:min(len(s), 2*maxDeclaration)], "http://wordpress.org/export/") && rootElement(s) == "rss"
}

// wordpressItem is what is read of an item of a WordPress export. The export's
// namespaces carry its version, so elements are known by their local names.
type wordpressItem struct {
	Title   string `xml:"title"`
	Link    string `xml:"link"`
	PubDate string `xml:"pubDate"`
	GUID    string `xml:"guid"`
	Encoded []struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
	} `xml:"encoded"`
	ID         string `xml:"post_id"`
	DateGMT    string `xml:"post_date_gmt"`
	Date       string `xml:"post_date"`
	Status     string `xml:"status"`
	Type       string `xml:"post_type"`
	Password   string `xml:"post_password"`
	Categories []struct {
		Domain string `xml:"domain,attr"`
		Name   string `xml:",chardata"`
	} `xml:"category"`
}

// wordpress reads the published posts of a WordPress export, one at a time;
// drafts, pages, media and menus are passed.
func (r *Reader) wordpress(text string) iter.Seq2[sheet, error] {
	if err := withoutDTD(text); err != nil {
		return refused(err)
	}
	return func(yield func(sheet, error) bool) {
		e := wordpressExport{in: newXMLDecoder(text), codes: shortCodes()}
		for {
			item, err := e.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case news.CodeOf(err) != "":
				yield(sheet{}, err)
				return
			case err != nil:
				yield(sheet{}, xmlProblem(err))
				return
			}
			if !yield(r.wordpressSheet(&e, item), nil) {
				return
			}
		}
	}
}

// wordpressExport walks along an export.
type wordpressExport struct {
	in             *xml.Decoder
	codes          *regexp.Regexp
	language, site string
	depth          int
}

// next is the next published post; the error at the end is io.EOF.
func (e *wordpressExport) next() (*wordpressItem, error) {
	for {
		token, err := e.in.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.EndElement:
			e.depth--
		case xml.StartElement:
			if item, err := e.element(&t); err != nil || item != nil {
				return item, err
			}
		}
	}
}

func (e *wordpressExport) element(start *xml.StartElement) (*wordpressItem, error) {
	switch start.Name.Local {
	case "language":
		return nil, e.in.DecodeElement(&e.language, start)
	case "base_site_url":
		return nil, e.in.DecodeElement(&e.site, start)
	case "item":
		var item wordpressItem
		if err := e.in.DecodeElement(&item, start); err != nil || !item.isPublished() {
			return nil, err
		}
		return &item, nil
	}
	e.depth++
	return nil, boundsOf(e.depth, 0, 0, 0)
}

func (i *wordpressItem) isPublished() bool {
	switch i.Type {
	case "page", "attachment", "nav_menu_item", "revision", "custom_css", "customize_changeset", "oembed_cache", "user_request":
		return false
	}
	return i.Status == "publish" && i.Password == "" && !strings.HasPrefix(i.Type, "wp_")
}

func (r *Reader) wordpressSheet(e *wordpressExport, item *wordpressItem) sheet {
	s := sheet{
		format: FormatWordPress, rule: ruleLabel, foreign: true, title: plainLine(item.Title), language: e.language,
		date: firstOf(item.PubDate, item.Date), url: webURL(item.Link),
	}
	if !strings.HasPrefix(item.DateGMT, "0000") && item.DateGMT != "" {
		s.date = strings.Replace(item.DateGMT, " ", "T", 1) + "Z"
	}
	if s.origin = originOf(item.GUID, "", ""); !strings.Contains(s.origin, ":") {
		s.origin = originOf(item.ID, "", firstOf(e.site, "wordpress"))
	}
	for _, c := range item.Categories {
		if name := plainLine(c.Name); name != "Uncategorized" && c.Domain != "post_format" {
			s.labels = append(s.labels, name)
		}
	}
	content, excerpt := "", ""
	for _, encoded := range item.Encoded {
		if strings.Contains(encoded.XMLName.Space, "excerpt") {
			excerpt = encoded.Text
		} else {
			content = encoded.Text
		}
	}
	r.setContent(&s, paragraphsOf(content, e.codes), excerpt)
	return s
}

// paragraphsOf makes paragraphs where a blank line parts text, as WordPress
// does, and leaves out its short codes, which stand for pictures and players.
func paragraphsOf(content string, codes *regexp.Regexp) string {
	content = codes.ReplaceAllString(withoutCaptions(content), "")
	if strings.Contains(content, "<p") {
		return content
	}
	var b strings.Builder
	for block := range strings.SplitSeq(content, "\n\n") {
		block = strings.TrimSpace(block)
		name := rootElement(block)
		if block != "" && (name == "" || isInline(name) || name == "br") {
			block = "<p>" + strings.ReplaceAll(block, "\n", "<br>\n") + "</p>"
		}
		b.WriteString(block + "\n")
	}
	return b.String()
}

// shortCodes matches those that stand for pictures, players and layout.
func shortCodes() *regexp.Regexp {
	return regexp.MustCompile(`\[/?(?:gallery|embed|audio|video|playlist|vc_\w+|et_pb_\w+)(?:\s[^\]\n]*)?\]`)
}

// withoutCaptions drops pictures with their captions.
func withoutCaptions(s string) string {
	var b strings.Builder
	for {
		before, rest, opened := strings.Cut(s, "[caption")
		_, after, closed := strings.Cut(rest, "[/caption]")
		if !opened || !closed {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(before + "\n\n")
		s = after
	}
}
