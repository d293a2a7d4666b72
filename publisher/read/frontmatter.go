package read

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"dateline/publisher/news"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of front matter: the YAML parser is slow on many open brackets.
const (
	maxFrontMatter = 16 << 10
	maxBrackets    = 64
)

// hasFrontMatter reports whether text opens with a line of three dashes.
func hasFrontMatter(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimRight(line, " \t") == "---"
}

// frontMatter reads Markdown that opens with YAML between two lines of three dashes.
func (r *Reader) frontMatter(text string) (sheet, error) {
	head, body, ok := cutFrontMatter(text)
	if !ok {
		return sheet{}, news.Problemf(news.Unacceptable, "the front matter does not end; close it with a line of three dashes")
	}
	if len(head) > maxFrontMatter || strings.Count(head, "[")+strings.Count(head, "{") > maxBrackets {
		return sheet{}, news.Problemf(news.Unacceptable, "the front matter is too large or too nested; at most %d kB and %d brackets are read, and the text belongs below it", maxFrontMatter>>10, maxBrackets)
	}
	s := sheet{format: FormatMarkdown, rule: ruleEditor}
	if err := readYAML(&s, head); err != nil {
		return s, err
	}
	return r.markdownBody(s, body)
}

func cutFrontMatter(text string) (head, body string, ok bool) {
	_, rest, _ := strings.Cut(text, "\n")
	for at := 0; at <= len(rest); {
		line, _, more := strings.Cut(rest[at:], "\n")
		if l := strings.TrimRight(line, " \t"); l == "---" || l == "..." {
			return rest[:at], rest[min(at+len(line)+1, len(rest)):], true
		}
		if !more {
			break
		}
		at += len(line) + 1
	}
	return "", "", false
}

// readYAML fills s from a YAML mapping of scalars and lists of scalars. It
// reads the syntax tree, so that values stay as they were written and aliases
// cannot grow.
func readYAML(s *sheet, head string) error {
	file, err := parser.ParseBytes([]byte(head), 0)
	if err != nil {
		return yamlProblem(err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil
	}
	var entries []*ast.MappingValueNode
	switch n := file.Docs[0].Body.(type) {
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	case *ast.CommentGroupNode:
		return nil
	default:
		return news.Problemf(news.Unacceptable, "the front matter is no list of keys with values, like title: …")
	}
	var items []string
	for _, e := range entries {
		if item := setEntry(s, e); item != "" {
			items = append(items, item)
		}
	}
	return refusal(items)
}

// setEntry takes one "key: value" over and returns what is wrong with it.
func setEntry(s *sheet, e *ast.MappingValueNode) string {
	key := e.Key.GetToken().Value
	where := fmt.Sprintf(" (line %d)", lineOf(e.Key.GetToken().Position.Line))
	if !slices.Contains(headKeys(), key) {
		return unknownKey(key, where, headKeys())
	}
	values, ok := scalars(e.Value)
	if !ok || len(values) > 1 && !isList(key) {
		want := "a single value"
		if isList(key) {
			want = "a value or a list of values"
		}
		return "the key " + quote(key) + where + " does not hold " + want
	}
	s.set(key, values)
	return ""
}

// lineOf counts the line of dashes above the front matter.
func lineOf(line int) int { return line + 1 }

// scalars returns the words of a scalar or of a list of scalars.
func scalars(n ast.Node) ([]string, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return nil, true
	case *ast.StringNode:
		return []string{n.Value}, true
	case *ast.LiteralNode:
		return []string{n.Value.Value}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return []string{n.GetToken().Value}, true
	case *ast.SequenceNode:
		var out []string
		for _, v := range n.Values {
			if _, nested := v.(*ast.SequenceNode); nested {
				return nil, false
			}
			words, ok := scalars(v)
			if !ok {
				return nil, false
			}
			out = append(out, words...)
		}
		return out, true
	}
	return nil, false
}

func yamlProblem(err error) error {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil && y.GetToken().Position != nil {
		return news.Problemf(news.Unacceptable, "the front matter is no YAML: line %d: %s; put values with a colon or a quote into quotes", lineOf(y.GetToken().Position.Line), news.CleanLine(y.GetMessage()))
	}
	return news.Problemf(news.Unacceptable, "the front matter is no YAML: %s", news.CleanLine(err.Error()))
}
