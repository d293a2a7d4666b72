package read

import (
	"slices"
	"strings"

	"dateline/publisher/news"
)

// settle makes the words of another system fit for the rules of our own: what
// it files under sources, fields, type and language, and its labels, are kept
// where they name a topic, of whatever kind; the rest becomes a warning. It does
// nothing to a document written for us, whose unknown labels are refused.
func (r *Reader) settle(d *draft, s *sheet) {
	if !s.foreign {
		return
	}
	labels := slices.Concat(s.sources, s.fields, s.labels)
	s.sources, s.fields = nil, nil
	var unknown []string
	for _, label := range labels[:min(len(labels), maxNames)] {
		if label = news.CleanLine(label); label != "" && !r.file(s, label) && !slices.Contains(unknown, label) {
			unknown = append(unknown, label)
		}
	}
	if typ := news.CleanLine(s.typ); typ != "" && !r.isTopic(news.KindType, typ) {
		s.typ = ""
		if !r.file(s, typ) && !slices.Contains(unknown, typ) {
			unknown = append(unknown, typ)
		}
	}
	s.language = r.languageOf(s.language)
	if len(unknown) > 0 {
		d.warn("no topic is called %s", quotedList(unknown))
	}
}

// file puts a label under the kind of topic it names; countries stand among the
// sources, from where withoutCountries takes them.
func (r *Reader) file(s *sheet, label string) bool {
	for _, part := range append([]string{label}, categoryParts(label)...) {
		switch {
		case r.isTopic(news.KindField, part):
			s.fields = append(s.fields, part)
		case r.isTopic(news.KindSource, part), r.isTopic(news.KindCountry, part):
			s.sources = append(s.sources, part)
		case r.isTopic(news.KindType, part):
			if s.typ == "" {
				s.typ = part
			}
		default:
			continue
		}
		return true
	}
	return false
}

// categoryParts are other ways to read a category: the end of a path, as in
// "Topics/Policing", "Topics > Policing" and "country: Austria".
func categoryParts(label string) []string {
	i := strings.LastIndexAny(label, "/>:")
	if i < 0 {
		return nil
	}
	return []string{strings.TrimSpace(label[i+1:])}
}

// isTopic reports whether a name is one of a single topic, not of a group.
func (r *Reader) isTopic(k news.TopicKind, name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	topic, ok := r.find(k, name)
	return ok && topic.Members == nil
}

// languageOf is a language the taxonomy knows, or "": "en-GB" and "en_GB" are "en".
func (r *Reader) languageOf(stated string) string {
	stated = news.CleanLine(stated)
	tag, _, _ := strings.Cut(strings.ReplaceAll(stated, "_", "-"), "-")
	for _, name := range []string{stated, strings.ToLower(tag)} {
		if r.isTopic(news.KindLanguage, name) {
			return name
		}
	}
	return ""
}

// quotedList repeats at most eight of the words in a message.
func quotedList(words []string) string {
	const most = 8
	quoted := make([]string, 0, most)
	for _, w := range words[:min(len(words), most)] {
		quoted = append(quoted, quote(w))
	}
	list := strings.Join(quoted, ", ")
	if len(words) > most {
		list += ", …"
	}
	return list
}
