package read

import (
	"encoding/json"
	"slices"
	"strings"

	"dateline/publisher/news"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"golang.org/x/net/html"
)

// Withheld finds the words by which a document itself says that it is not to be
// published now: an embargo notice near its head (see [EmbargoNotice]), or, in
// front matter and release JSON, a status other than published, a draft mark or
// an embargo. It returns them, like "status: draft", or "" when there are none
// or the document cannot be read. It looks at the document as it was sent, not at
// what [Reader.Read] keeps of it: a notice may stand beside the article.
func Withheld(b []byte) string {
	text, err := decode(b, MaxImport)
	if err != nil {
		return ""
	}
	start := strings.TrimLeft(news.Clean(text), " \t\n")
	switch {
	case start == "":
		return ""
	case start[0] == '{' || start[0] == '[':
		return withheldJSON(start)
	case hasFrontMatter(start):
		head, body, _ := cutFrontMatter(start)
		return firstOf(withheldYAML(head), EmbargoNotice(body))
	case start[0] == '<':
		return EmbargoNotice(linesOf(start))
	}
	return EmbargoNotice(start)
}

func withheldYAML(head string) string {
	if len(head) > maxFrontMatter || strings.Count(head, "[")+strings.Count(head, "{") > maxBrackets {
		return ""
	}
	file, err := parser.ParseBytes([]byte(head), 0)
	if err != nil || len(file.Docs) == 0 {
		return ""
	}
	var entries []*ast.MappingValueNode
	switch n := file.Docs[0].Body.(type) {
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	}
	for _, e := range entries {
		values, ok := scalars(e.Value)
		if !ok {
			values = []string{"…"}
		}
		if words := withheldBy(e.Key.GetToken().Value, strings.Join(values, ", ")); words != "" {
			return words
		}
	}
	return ""
}

// withheldJSON looks at release JSON and ninjs, alone, in lists, in lines, and as
// the data of a CloudEvent. The embargo of ninjs has a time, which its reader minds.
func withheldJSON(text string) string {
	in := json.NewDecoder(strings.NewReader(text))
	for in.More() {
		var value json.RawMessage
		if in.Decode(&value) != nil {
			return ""
		}
		if words := withheldValue(value); words != "" {
			return words
		}
	}
	return ""
}

func withheldValue(b json.RawMessage) string {
	if b[0] == '[' {
		var list []json.RawMessage
		if json.Unmarshal(b, &list) != nil {
			return ""
		}
		for _, v := range list {
			if words := withheldObject(v); words != "" {
				return words
			}
		}
		return ""
	}
	return withheldObject(b)
}

func withheldObject(b json.RawMessage) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(b, &object) != nil {
		return ""
	}
	ninjs := kindOfJSON(b) == FormatNinjs
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		value := string(object[key])
		if words, ok := stringsOf(object[key], true); ok {
			value = strings.Join(words, ", ")
		}
		if ninjs && isEmbargoKey(key) {
			continue
		}
		if words := withheldBy(key, value); words != "" {
			return words
		}
	}
	if data := object["data"]; object["specversion"] != nil && len(data) > 0 && data[0] == '{' {
		return withheldObject(data)
	}
	return ""
}

// withheldBy is "key: value" when that keeps a document back.
func withheldBy(key, value string) string {
	value = news.CleanLine(value)
	plain := strings.ToLower(value)
	held := false
	switch k := strings.Trim(strings.ToLower(key), " _-"); k {
	case "status", "state", "pubstatus", "publication_status", "post_status":
		held = !slices.Contains([]string{"", "published", "publish", "public", "usable", "final"}, plain)
	case "draft":
		held = !saysNo(plain)
	case "published":
		held = plain == "false" || plain == "no"
	default:
		held = isEmbargoKey(k) && !saysNo(plain)
	}
	if !held {
		return ""
	}
	return cutNotice(news.CleanLine(key) + ": " + value)
}

func isEmbargoKey(key string) bool {
	key = strings.ToLower(key)
	return strings.HasPrefix(key, "embargo") || strings.HasPrefix(key, "sperrfrist") || strings.HasPrefix(key, "эмбарго")
}

func saysNo(value string) bool {
	return slices.Contains([]string{"", "false", "no", "none", "null", "0", "~"}, value)
}

// linesOf is the text of an HTML document, a line for each block, without looking
// for its article.
func linesOf(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for unseen := ""; ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if unseen == "" {
				b.WriteString(strings.ReplaceAll(string(z.Text()), "\n", " "))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			tag, _ := z.TagName()
			name := string(tag)
			switch {
			case kind == html.StartTagToken && (name == "script" || name == "style"):
				unseen = name
			case kind == html.EndTagToken && name == unseen:
				unseen = ""
			}
			if !isInline(name) {
				b.WriteByte('\n')
			}
		}
	}
}
