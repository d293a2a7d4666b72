package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"dateline/publisher/news"
	"dateline/subscribers/alert"

	gomail "github.com/wneessen/go-mail"
)

// compose writes the message. id names it among all messages, in hexadecimal:
// the same recipient and event give the same id.
func (s *Sender) compose(m alert.Message) (msg *gomail.Msg, id string, err error) {
	if strings.ContainsAny(m.Address, "\r\n\x00") {
		return nil, "", errors.New("the address holds a line break")
	}
	id = mailID(m.Recipient, m.ID)
	v := s.view(m)
	text, html, err := s.text.render(v)
	if err != nil {
		return nil, "", fmt.Errorf("the message cannot be written: %w", err)
	}
	msg = gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary("dateline-"+id))
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(&mail.Address{Address: m.Address})
	msg.Subject(v.Prefix + v.Title)
	msg.SetDateWithValue(m.Event.Time.UTC())
	msg.SetMessageIDWithValue(s.messageID(id))
	if n := len(m.Earlier); n > 0 {
		refs := make([]string, n)
		for i, e := range m.Earlier {
			refs[i] = "<" + s.messageID(mailID(m.Recipient, e)) + ">"
		}
		msg.SetGenHeaderPreformatted(gomail.HeaderInReplyTo, refs[n-1])
		msg.SetGenHeaderPreformatted(gomail.HeaderReferences, strings.Join(refs, "\r\n "))
	}
	msg.SetGenHeaderPreformatted("Dateline-Event", m.ID) // for filters and for tracing
	msg.SetGenHeaderPreformatted("Auto-Submitted", "auto-generated")
	msg.SetGenHeaderPreformatted("List-Id", phrase(s.cfg.Title)+" <alerts."+s.host+">") // RFC 2919
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, id, nil
}

// phrase writes a name as a header takes it: quoted, and encoded where it is
// not ASCII (RFC 2047).
func phrase(name string) string {
	a := mail.Address{Name: name, Address: "a@a"}
	return strings.TrimSuffix(a.String(), " <a@a>")
}

func mailID(recipient, event string) string {
	sum := sha256.Sum256([]byte(recipient + "\n" + event))
	return hex.EncodeToString(sum[:16])
}

// messageID is the address part of a Message-ID (RFC 5322 section 3.6.4).
func (s *Sender) messageID(id string) string {
	return id + "@" + s.from.Address[strings.LastIndexByte(s.from.Address, '@')+1:]
}

// view is what the templates show.
type view struct {
	Prefix, Title, Language, Dir string
	When, Where                  string
	Label, Note                  string // what was corrected, or why it was withdrawn
	Body                         []string
	URL, Instead                 string // Instead: what to read in place of a withdrawn release
	Matching, Following          []string
	Known                        bool // the recipient may have had an earlier revision
	Withdrawn                    bool
	Operator, Publisher, Base    string
}

func (s *Sender) view(m alert.Message) view {
	r := &m.Event.Release
	v := view{
		Title: news.CleanLine(r.Title), Language: r.Language, Dir: "ltr",
		When: r.PublishedAt.Format("2 January 2006"), Where: s.places(r),
		URL: news.ReleaseURL(s.cfg.Base, r.ID, r.Title), Matching: m.Matching, Following: m.Following,
		Known: len(m.Earlier) > 0, Withdrawn: r.Status == news.Withdrawn, Operator: s.from.Address, Publisher: s.cfg.Title, Base: s.cfg.Base,
	}
	if slices.Equal(m.Matching, m.Following) {
		v.Following = nil // the list above says it already
	}
	switch r.Language {
	case "ar", "fa", "he", "ur", "ps", "dv", "yi":
		v.Dir = "rtl"
	}
	switch {
	case r.Erased: // the title is our own and says it
		v.Language, v.Dir, v.Label, v.Note = "en", "ltr", "Why it was erased", r.Reason
		return v
	case v.Withdrawn:
		v.Prefix, v.Label, v.Note = "Withdrawn: ", "Why it was withdrawn", r.Reason
		if r.ReplacedBy != "" {
			v.Instead = news.ReleaseURL(s.cfg.Base, r.ReplacedBy, "")
		}
		return v
	case m.Event.Kind == news.KindRepublished:
		v.Prefix = "Published again: "
	case m.Event.Kind == news.KindCorrected, v.Known:
		v.Prefix = "Correction: "
	}
	if r.Note != "" {
		v.Label, v.Note = "What was corrected", r.Note
	}
	v.Body = opening(r)
	return v
}

func (s *Sender) places(r *news.Release) string {
	var out []string
	for _, p := range r.Places {
		name := p.Name
		if p.Country != "" && !strings.EqualFold(name, s.cfg.Taxonomy.Name(news.KindCountry, p.Country)) {
			name += ", " + s.cfg.Taxonomy.Name(news.KindCountry, p.Country)
		}
		out = append(out, news.CleanLine(name))
	}
	return strings.Join(out, " / ")
}

// maxOpening is how much of a release without a summary a mail quotes, in characters.
const maxOpening = 700

// opening is the summary, or the first paragraphs, whole ones as long as they fit.
func opening(r *news.Release) []string {
	if r.Summary != "" {
		return []string{news.CleanLine(r.Summary)}
	}
	var out []string
	left := maxOpening
	for _, p := range strings.Split(r.Text, "\n\n") {
		runes := []rune(news.CleanLine(p))
		if len(runes) == 0 {
			continue
		}
		if len(runes) > left {
			if len(out) == 0 {
				cut := string(runes[:left])
				if i := strings.LastIndexByte(cut, ' '); i > 0 {
					cut = cut[:i]
				}
				out = append(out, cut+" …")
			}
			break
		}
		out, left = append(out, string(runes)), left-len(runes)
	}
	return out
}
