// Package page is the look all pages share: one frame, one style sheet, one
// catalogue of words, and the headers that keep a page to itself. Pages are
// HTML without scripts.
//
// A room that has pages makes a [Look] once, a [Page] from each of its
// templates, and renders a [Frame] with it:
//
//	look, err := page.New(page.Config{BaseURL: base, Name: "Example Newsroom"})
//	topic, err := look.Page(`{{define "main"}}<h1>{{.Title}}</h1>…{{end}}`)
//	b, err := topic.Render(page.Frame{Title: "Policing", Body: …})
//
// In templates {{say "key"}} gives a word of the catalogue, {{count "key" 3}}
// one with the right plural, {{path "/topics"}} an address on this site, and
// {{date .}} a day in words. A word that the catalogue lacks is an error, never
// an empty place.
package page
