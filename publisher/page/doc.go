// Package page is the look all pages share: one frame, one style sheet, one
// catalogue of words, and the headers that keep a page to itself. Pages are
// HTML without scripts; what they hold for machines is a block of data.
//
// A room that has pages makes a [Look] once, a [Page] from each of its
// templates, and renders a [Frame] with it:
//
//	look, err := page.New(page.Config{BaseURL: base, Name: "Example Newsroom"})
//	topic, err := look.Page(`{{define "main"}}<h1>{{.Title}}</h1>…{{end}}`)
//	b, err := topic.Render(page.Frame{Title: "Policing", Body: …})
//
// In templates {{say "key"}} gives a word of the catalogue, {{count "key" 3}}
// one with the right plural, {{path "/style.css"}} an address on this site,
// {{here "/topics"}} that of a page in the language of this one, and {{date .}} a
// day in words. A word that the catalogue lacks is an error, never an empty place.
//
// A Look speaks one language. Which one a page speaks follows from its address:
// see [SplitLanguage].
package page
