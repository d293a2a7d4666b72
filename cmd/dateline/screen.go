package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"dateline/publisher/news"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// The rules of the screen: data goes to standard output, talk to standard
// error. Colours and progress only on a terminal, and no colours when NO_COLOR
// is set (https://no-color.org). Colour never carries meaning alone.

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// paint colours words, or leaves them as they are.
type paint bool

func paintFor(w io.Writer, env lookupEnv) paint {
	_, plain := env("NO_COLOR")
	return paint(!plain && isTerminal(w))
}

func (p paint) with(code, s string) string {
	if !p {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) bad(s string) string   { return p.with("31;1", s) }
func (p paint) warn(s string) string  { return p.with("33", s) }
func (p paint) bold(s string) string  { return p.with("1", s) }
func (p paint) faint(s string) string { return p.with("2", s) }

// printTable writes rows under headers, without lines around them.
func printTable(w io.Writer, headers []string, rows [][]string) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	t.AppendHeader(asRow(headers))
	for _, r := range rows {
		t.AppendRow(asRow(r))
	}
	t.SuppressTrailingSpaces()
	t.Render()
}

func asRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = visible(c)
	}
	return row
}

// visible drops what could command a terminal or disguise text: other people's
// words stand in tables.
func visible(s string) string { return news.CleanLine(s) }

// printJSON writes v indented, for programs and for people who read JSON.
func printJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// short cuts s to n characters, with an ellipsis.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:n-1]) + "…"
}
