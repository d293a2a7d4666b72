package subscribers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"dateline/publisher/guard"
	"dateline/publisher/news"

	"golang.org/x/net/idna"
)

// Channel is a way to reach a recipient.
type Channel string

// The channels.
const (
	Mail    Channel = "mail"
	Webhook Channel = "webhook"
)

// State says whether a subscription alerts.
type State string

// The states.
const (
	Active   State = "active"
	Disabled State = "disabled" // the recipient refused for good; subscribing again wakes it
)

// Wish is what someone asks to be told of. The values of the selection may be
// slugs, names, aliases or codes.
type Wish struct {
	Channel   Channel        `json:"channel"`
	Address   string         `json:"address"` // e-mail address or https URL
	Selection news.Selection `json:"selection"`
}

// Subscription is one wish of one recipient, as the API shows it.
type Subscription struct {
	ID        string         `json:"id"`
	Channel   Channel        `json:"channel"`
	Address   string         `json:"address"`
	Selection news.Selection `json:"selection"`
	Title     string         `json:"title"` // the selection in words
	Path      string         `json:"path"`  // of the selection's feeds, below /feeds/
	State     State          `json:"state"`
	Reason    string         `json:"reason,omitempty"` // why it is disabled
	Created   time.Time      `json:"created"`
	// Recipient is the id by which logs name the mailbox or endpoint.
	Recipient string `json:"recipient"`
	// Failing is what the recipient's newest try failed with; empty when that
	// succeeded, and while it is disabled. It is known to the process that made
	// the try, until that ends.
	Failing  string    `json:"failing,omitempty"`
	FailedAt time.Time `json:"failed_at,omitzero"`
	NextTry  time.Time `json:"next_try,omitzero"` // zero also when the message was given up
	// After is the sequence of the newest event when the subscription was made
	// or woken: only later ones alert.
	After uint64 `json:"after"`
	// Secret is the key that signs an endpoint's webhooks; it is shown once,
	// in the answer that adds the endpoint.
	Secret string `json:"secret,omitempty"`
	// SecretKept says, in the answer to a subscription for an endpoint that was
	// there, that the secret shown before stays in use.
	SecretKept bool `json:"secret_kept,omitempty"`
}

// Limits of the wishes, so that one recipient's record stays small.
const (
	maxWishes = 200 // of one recipient
	maxValues = 100 // of one kind in a selection
	maxMail   = 254 // characters of an address (RFC 5321 section 4.5.3.1)
)

// recipient is what is stored under a recipient's id: one mailbox or endpoint
// with all its wishes, so that it is told of a release once. It is not changed
// once it is in the register.
type recipient struct {
	Channel  Channel   `json:"channel"`
	Address  string    `json:"address"`
	Secret   string    `json:"secret,omitempty"`
	Disabled string    `json:"disabled,omitempty"` // the reason; empty while active
	Wishes   []follows `json:"wishes"`

	id string
}

// follows is one subscription within its recipient.
type follows struct {
	ID        string         `json:"id"`
	Selection news.Selection `json:"selection"`
	Created   time.Time      `json:"created"`
	After     uint64         `json:"after"`
}

func (s *Subscribers) shown(r *recipient, f *follows) Subscription {
	out := Subscription{
		ID: f.ID, Channel: r.Channel, Address: r.Address, Selection: f.Selection, Recipient: r.id,
		Title: f.Selection.Title(s.cfg.Taxonomy), Path: f.Selection.Path(), State: Active, Created: f.Created, After: f.After,
	}
	if r.Disabled != "" {
		out.State, out.Reason = Disabled, r.Disabled
		return out
	}
	what := s.delivery.trouble(r.id)
	out.Failing, out.FailedAt, out.NextTry = what.Answer, what.At, what.Next
	return out
}

// titles are the recipient's selections in words: those that keep accepts.
func (r *recipient) titles(t *news.Taxonomy, keep func(*follows) bool) []string {
	var out []string
	for i := range r.Wishes {
		if f := &r.Wishes[i]; keep(f) {
			out = append(out, f.Selection.Title(t))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// nameRecipient makes a recipient's id from its address: a keyed hash, so that
// neither subjects nor keys nor logs tell the address.
func nameRecipient(key []byte, c Channel, address string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(string(c) + "\n" + address))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// readRecipient reads what is stored under a recipient's id. What it follows is
// put under the topics' present names.
func readRecipient(t *news.Taxonomy, id string, b []byte) (*recipient, error) {
	r := &recipient{id: id}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, err
	}
	switch {
	case !validRecipient(id):
		return nil, errors.New("the key is no recipient's id")
	case r.Channel != Mail && r.Channel != Webhook:
		return nil, fmt.Errorf("there is no channel %q", headOf(string(r.Channel)))
	}
	for i := range r.Wishes {
		t.RefileSelection(&r.Wishes[i].Selection)
	}
	return r, nil
}

// notAfter lets no wish begin behind the event end.
func (r *recipient) notAfter(end uint64) {
	for i := range r.Wishes {
		r.Wishes[i].After = min(r.Wishes[i].After, end)
	}
}

// validRecipient reports whether id is one that nameRecipient made.
func validRecipient(id string) bool {
	b, err := hex.DecodeString(id)
	return err == nil && len(b) == 16 && strings.ToLower(id) == id
}

// headOf is the beginning of a stranger's word, fit for the log.
func headOf(s string) string { return news.CleanLine(s[:min(len(s), 80)]) }

// settle checks a wish and brings it into the one form in which it is stored.
// Every problem is listed in one [news.Problem] of code [news.Unacceptable].
func settle(t *news.Taxonomy, g *guard.Client, w Wish) (settled Wish, identity string, err error) {
	var items []string
	settled.Channel = w.Channel
	switch w.Channel {
	case Mail:
		settled.Address, identity, err = settleMail(w.Address)
	case Webhook:
		settled.Address, err = settleURL(g, w.Address)
		identity = settled.Address
	default:
		err = fmt.Errorf("there is no channel %q; use mail or webhook", w.Channel)
	}
	if err != nil {
		items = append(items, err.Error())
	}
	settled.Selection, err = settleSelection(t, w.Selection)
	if p, ok := errors.AsType[*news.Problem](err); ok {
		items = append(items, p.Items...)
	}
	if len(items) > 0 {
		return Wish{}, "", &news.Problem{Code: news.Unacceptable, Detail: "the subscription cannot be made", Items: items}
	}
	return settled, identity, nil
}

func settleURL(g *guard.Client, raw string) (string, error) {
	if news.Clean(raw) != raw {
		return "", errors.New("the URL holds a control character or another character that is not seen; remove it")
	}
	return g.Normalize(raw)
}

// settleMail returns the address as it is written to and the form by which it
// is recognised, in which case does not matter.
func settleMail(raw string) (address, identity string, err error) {
	if strings.ContainsAny(raw, "\r\n\x00") || news.Clean(raw) != raw {
		return "", "", errors.New("the e-mail address holds a line break, a control character or one that is not seen")
	}
	a, err := mail.ParseAddress(raw)
	if err != nil {
		return "", "", errors.New("the e-mail address cannot be read; it must look like name@example.org")
	}
	at := strings.LastIndexByte(a.Address, '@')
	local, domain := a.Address[:at], a.Address[at+1:]
	if strings.HasPrefix(domain, "[") {
		return "", "", errors.New("the e-mail address ends in a number; it must end in a domain, like name@example.org")
	}
	if domain, err = idna.Lookup.ToASCII(domain); err != nil || domain == "" {
		return "", "", errors.New("the e-mail address ends in something that is no domain")
	}
	address = local + "@" + domain
	if len(address) > maxMail || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", "", fmt.Errorf("the e-mail address is longer than %d characters, or holds a space or control character", maxMail)
	}
	return address, strings.ToLower(address), nil
}

// settleSelection turns every value into its slug, sorted and once each.
func settleSelection(t *news.Taxonomy, s news.Selection) (news.Selection, error) {
	var items []string
	slugs := func(k news.TopicKind, values []string) []string {
		if len(values) > maxValues {
			items = append(items, fmt.Sprintf("there are %d values of the kind %s, at most %d fit", len(values), k, maxValues))
			return nil
		}
		var out []string
		for _, v := range values {
			topic, err := t.Resolve(k, v)
			if err != nil {
				items = append(items, err.Error())
				continue
			}
			out = append(out, topic.Slug)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	s.Fields, s.Countries, s.Sources = slugs(news.KindField, s.Fields), slugs(news.KindCountry, s.Countries), slugs(news.KindSource, s.Sources)
	s.Types, s.Languages = slugs(news.KindType, s.Types), slugs(news.KindLanguage, s.Languages)
	switch s.Role {
	case "", news.About, news.PlaceRole:
	default:
		items = append(items, fmt.Sprintf("the role %q is neither about nor place", s.Role))
	}
	if s.Role != "" && len(s.Countries) == 0 {
		items = append(items, "a role needs a country")
	}
	if len(items) > 0 {
		return s, &news.Problem{Code: news.Unacceptable, Detail: "the selection cannot be read", Items: items}
	}
	return s, nil
}
