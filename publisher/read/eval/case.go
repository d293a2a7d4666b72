// Package eval measures how well releases are read: it compares what the
// reader proposes with labels that people gave, so that a change of a rule or
// of the taxonomy shows as figures and as the releases it got wrong.
//
//   - [Parse] reads labelled releases, one JSON object a line.
//   - [Score] reads each with a [read.Reader] and counts.
//
// # What is promised
//
// Scoring is deterministic and changes nothing. A label that the taxonomy does
// not know is an error, never a miss. Of a case without a file the reader gets
// title, text, date, and what the labels of a page would say of type and
// sources; never its fields, places and countries. Fields are proposed from
// title, text and sources alone.
package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"dateline/publisher/news"
)

// MaxLine is the longest line that is read, in bytes.
const MaxLine = 4 << 20

// Case is one labelled release: its document and what a careful editor would
// say of it. A label that is nil or empty is not scored; an empty list that is
// not nil says "none".
type Case struct {
	ID   string `json:"id"`
	File string `json:"file"` // the document, beside the labels; without it, it is made of the next

	Title       string   `json:"title"`
	Text        string   `json:"text"`
	Dateline    string   `json:"dateline"`      // put before the text
	SourceNames []string `json:"source_labels"` // as a page has them, given to the reader

	Date      string    `json:"date"`
	Type      string    `json:"type"`
	Language  string    `json:"language"`
	Sources   []string  `json:"sources"`
	Fields    []string  `json:"fields"`
	Places    []string  `json:"places"` // names
	Countries Countries `json:"countries"`

	// The names other sets have for the same.
	Origin        string   `json:"origin"`
	Summary       string   `json:"summary"`
	Lang          string   `json:"lang"`
	DatelineRaw   string   `json:"dateline_raw"`
	DatelinePlace []string `json:"dateline_place"`
	AboutGold     []string `json:"about_countries_gold"`
	Flags         []string `json:"flags"`
}

// Countries are slugs, names or codes in each role.
type Countries struct {
	About []string `json:"about"`
	Place []string `json:"place"`
}

// Parse reads labelled releases, one JSON object a line; blank lines are
// passed. Countries, sources and fields may be slugs, names, aliases or codes.
// A problem names its line.
func Parse(r io.Reader) ([]Case, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, MaxLine)
	var out []Case
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var c Case
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&c); err != nil {
			return nil, news.Problemf(news.Unacceptable, "line %d is not a labelled release: %s", n, strings.TrimPrefix(err.Error(), "json: "))
		}
		c.settle(n)
		if c.File == "" && c.Title == "" {
			return nil, news.Problemf(news.Unacceptable, "line %d has neither a title nor a file", n)
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("the labelled releases cannot be read: %w", err)
	}
	if len(out) == 0 {
		return nil, news.Problemf(news.Unacceptable, "there are no labelled releases; write one JSON object a line, with title, text and labels")
	}
	return out, nil
}

// settle brings the names of other sets into our own.
func (c *Case) settle(line int) {
	first := func(s *string, other string) {
		if *s == "" {
			*s = other
		}
	}
	first(&c.ID, c.Origin)
	first(&c.ID, c.File)
	first(&c.ID, fmt.Sprintf("line %d", line))
	first(&c.Text, c.Summary)
	first(&c.Language, c.Lang)
	first(&c.Dateline, c.DatelineRaw)
	if c.AboutGold != nil {
		c.Countries.About = c.AboutGold
	}
	if c.Places == nil && c.DatelinePlace != nil {
		c.Places = c.DatelinePlace
	}
	if c.SourceNames == nil {
		c.SourceNames = c.Sources
	}
}

// document is what the reader gets to see: release JSON without the labels
// that are scored, but for those a page would state.
func (c *Case) document() ([]byte, error) {
	text := c.Text
	if c.Dateline != "" {
		text = c.Dateline + " " + text
	}
	if strings.TrimSpace(text) == "" {
		text = c.Title
	}
	date := c.Date
	if date == "" {
		date = "2020-01-01"
	}
	doc := map[string]any{"title": c.Title, "date": date, "text": text}
	if len(c.SourceNames) > 0 {
		doc["sources"] = c.SourceNames
	}
	if c.Type != "" {
		doc["type"] = c.Type
	}
	return json.Marshal(doc)
}
