package read

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"dateline/publisher/news"
)

// bodyKeys are the keys of which release JSON holds exactly one.
func bodyKeys() []string { return []string{"body", "html", "text"} }

func (r *Reader) releaseJSON(b []byte) (sheet, error) {
	s := sheet{format: FormatJSON, rule: ruleEditor}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return s, jsonProblem(b, err)
	}
	if object == nil {
		return s, news.Problemf(news.BadRequest, "the release JSON is null; send one object with title, date and body")
	}
	known := slices.Concat(headKeys(), bodyKeys())
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var items, bodies []string
	for _, key := range keys {
		if len(items) == maxNames {
			break
		}
		if !slices.Contains(known, key) {
			items = append(items, unknownKey(key, "", known))
			continue
		}
		values, ok := stringsOf(object[key], isList(key))
		switch {
		case !ok && isList(key):
			items = append(items, "the key "+quote(key)+" does not hold a string or a list of strings")
		case !ok:
			items = append(items, "the key "+quote(key)+" does not hold a string")
		case slices.Contains(bodyKeys(), key) && len(values) > 0:
			bodies = append(bodies, key)
			if err := r.setBody(&s, key, news.Clean(values[0])); err != nil {
				items = append(items, err.Error())
			}
		default:
			s.set(key, values)
		}
	}
	if len(bodies) > 1 {
		items = append(items, "the text is given more than once, as "+strings.Join(bodies, " and ")+"; keep one")
	}
	return s, refusal(items)
}

func (r *Reader) setBody(s *sheet, key, value string) error {
	switch key {
	case "html":
		s.body = value
	case "text":
		s.body = textToHTML(value)
	default:
		html, err := r.markdown.html(value)
		if err != nil {
			return err
		}
		s.body = html
	}
	return nil
}

// stringsOf reads a string, null, or where list is true a list of strings.
func stringsOf(raw json.RawMessage, list bool) ([]string, bool) {
	if string(raw) == "null" {
		return nil, true
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, true
	}
	var many []*string
	if !list || json.Unmarshal(raw, &many) != nil {
		return nil, false
	}
	out := make([]string, 0, len(many))
	for _, v := range many {
		if v == nil {
			return nil, false
		}
		out = append(out, *v)
	}
	return out, true
}

func jsonProblem(b []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return news.Problemf(news.BadRequest, "the JSON breaks at %s: %s", position(b, syntax.Offset), strings.TrimPrefix(syntax.Error(), "json: "))
	}
	return news.Problemf(news.BadRequest, "the release JSON is no object; send one object with title, date and body")
}

// position is the line and column, counted from 1, of the byte before offset.
func position(b []byte, offset int64) string {
	before := b[:max(0, min(offset-1, int64(len(b))))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("%d:%d (line:column)", line, column)
}
