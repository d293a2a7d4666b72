package mail

import (
	_ "embed"
	html "html/template"
	"strings"
	text "text/template"
)

//go:embed message.txt
var textSource string

//go:embed message.html
var htmlSource string

// templates are the two forms of a message.
type templates struct {
	text *text.Template
	html *html.Template
}

func parseTemplates() (templates, error) {
	t, err := text.New("text").Parse(textSource)
	if err != nil {
		return templates{}, err
	}
	h, err := html.New("html").Parse(htmlSource)
	return templates{t, h}, err
}

func (t templates) render(v view) (plain, markup string, err error) {
	var a, b strings.Builder
	if err := t.text.Execute(&a, v); err != nil {
		return "", "", err
	}
	if err := t.html.Execute(&b, v); err != nil {
		return "", "", err
	}
	return a.String(), b.String(), nil
}
