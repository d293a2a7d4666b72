package read

import (
	"strings"

	"dateline/publisher/news"
)

// labelKey is the key of a sheet that a page's label means, in English, Russian
// or Serbian: "Publishing date" and "Дата публикации" mean date. It is "" for
// other words.
func labelKey(label string) string {
	if len(label) > 60 {
		return ""
	}
	switch news.Slugify(label) {
	case "date", "publishing-date", "publication-date", "published", "data", "data-publikatsii", "datum", "datum-objavljivanja", "datum-objave":
		return "date"
	case "place", "location", "mesto", "mjesto":
		return "place"
	case "source", "sources", "where-we-are", "istochnik", "istochniki", "gde-my-rabotaem", "gde-my-nakhodimsya", "izvor", "izvori", "gde-radimo":
		return "sources"
	case "fields-of-work", "field-of-work", "what-we-do", "sfery-deyatelnosti", "sfera-deyatelnosti", "oblasti-deyatelnosti", "napravleniya-deyatelnosti", "chem-my-zanimaemsya", "chto-my-delaem", "oblasti-rada", "cime-se-bavimo", "sta-radimo":
		return "fields"
	case "content-type", "type", "vid-kontenta", "tip-kontenta", "tip-materiala", "vrsta-sadrzaja", "tip-sadrzaja":
		return "type"
	case "language", "yazyk", "jezik":
		return "language"
	}
	return ""
}

// label is a line like "Place: VIENNA" or "- Place:".
type label struct {
	key, name, value string
	bullet           bool
}

// style tells labels of one layout from the same word in a text.
func (l label) style() string {
	if l.bullet {
		return "- " + l.name
	}
	return l.name
}

func parseLabel(l pageLine) (label, bool) {
	name, value, ok := strings.Cut(l.text, ":")
	if !ok {
		return label{}, false
	}
	name = strings.TrimSpace(name)
	key := labelKey(name)
	return label{key, name, strings.TrimSpace(value), l.bullet}, key != ""
}
