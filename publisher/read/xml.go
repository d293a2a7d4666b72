package read

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"dateline/publisher/news"
)

// Bounds of XML. The feed parser keeps every entry and, for each element that
// declares a namespace, a copy of all that are in force.
const (
	maxXMLDepth   = 100
	maxEntries    = 20_000
	maxNamespaces = 5_000
	maxPrefixes   = 500
)

// rootElement is the name of the first element of XML or HTML, in lower case,
// behind declarations and comments; "" when the text opens with something else.
func rootElement(s string) string {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		end := ""
		switch {
		case strings.HasPrefix(s, "<!--"):
			end = "-->"
		case strings.HasPrefix(s, "<?"):
			end = "?>"
		case strings.HasPrefix(s, "<!"):
			if end = ">"; ownEntities(s) {
				end = "]>"
			}
		case strings.HasPrefix(s, "<"):
			name := s[1:min(len(s), 40)]
			if i := strings.IndexAny(name, " \t\r\n/>"); i >= 0 {
				name = name[:i]
			}
			return strings.ToLower(name)
		default:
			return ""
		}
		_, rest, ok := strings.Cut(s, end)
		if !ok {
			return ""
		}
		s = rest
	}
}

// withoutDeclaration drops an XML declaration: its encoding is not that of the
// text any more, which is UTF-8.
func withoutDeclaration(s string) string {
	if strings.HasPrefix(s, "<?xml") {
		_, s, _ = strings.Cut(s, "?>")
	}
	return s
}

func newXMLDecoder(text string) *xml.Decoder {
	d := xml.NewDecoder(strings.NewReader(withoutDeclaration(text)))
	d.Strict, d.Entity = false, xml.HTMLEntity
	return d
}

// checkXML refuses document type definitions, and what would make a parser
// take long or much memory.
func checkXML(text string) error {
	if err := withoutDTD(text); err != nil {
		return err
	}
	d := newXMLDecoder(text)
	depth, entries, namespaces, prefixes := 0, 0, 0, 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return xmlProblem(err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			depth++
			if t.Name.Local == "item" || t.Name.Local == "entry" {
				entries++
			}
			for _, a := range t.Attr {
				if a.Name.Space == "xmlns" {
					prefixes++
				}
				if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
					namespaces++
				}
			}
		}
		if err := boundsOf(depth, entries, namespaces, prefixes); err != nil {
			return err
		}
	}
}

func boundsOf(depth, entries, namespaces, prefixes int) error {
	switch {
	case depth > maxXMLDepth:
		return news.Problemf(news.Unacceptable, "the XML nests more than %d elements; it is no feed", maxXMLDepth)
	case entries > maxEntries:
		return news.Problemf(news.TooLarge, "there are more than %d entries; split the document", maxEntries)
	case namespaces > maxNamespaces || prefixes > maxPrefixes:
		return news.Problemf(news.Unacceptable, "the XML declares more than %d namespaces; it is no feed", maxPrefixes)
	}
	return nil
}

// withoutDTD refuses a document type with definitions of its own, before
// anything can be made of its entities.
func withoutDTD(text string) error {
	head := text[:min(len(text), maxDeclaration)]
	at := strings.Index(strings.ToUpper(head), "<!DOCTYPE")
	if at < 0 {
		return nil
	}
	if ownEntities(head[at:]) {
		return news.Problemf(news.Unacceptable, "the XML defines entities of its own (<!DOCTYPE … [), which are not read; send it without")
	}
	return nil
}

// ownEntities reports whether a document type has definitions of its own.
func ownEntities(doctype string) bool {
	end := strings.IndexAny(doctype, "[>")
	return end < 0 || doctype[end] == '['
}

func xmlProblem(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF"), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return news.Problemf(news.Unacceptable, "the XML breaks off before its end; fetch or send all of it")
	case errors.As(err, &syntax):
		return news.Problemf(news.Unacceptable, "the XML breaks in line %d: %s", syntax.Line, news.CleanLine(syntax.Msg))
	}
	return news.Problemf(news.Unacceptable, "the XML cannot be read: %s", quote(err.Error()))
}
