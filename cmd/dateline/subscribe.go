package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"dateline/publisher/news"
	"dateline/subscribers"

	"github.com/spf13/cobra"
)

// subscription is what the API says of one, with what this call did.
type subscription struct {
	subscribers.Subscription
	Outcome string `json:"outcome,omitempty"`
}

const subscriptionsPath = "/api/v1/subscriptions"

func (p *program) subscribeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "subscribe",
		Short: "Add an e-mail or webhook subscription",
		Long: `Add a subscription. Within one kind of topic any of the values counts, across
kinds all must hold. Values are names, slugs, codes or aliases; a group such as
central-asia stands for its members. Without any, every release counts.

One person or endpoint gets one message for a release, however many of its
subscriptions match.`,
		Example: `  dateline subscribe email reader@example.org --field policing --country austria
  dateline subscribe webhook https://partner.example.org/hook --country central-asia --role about`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("say which: subscribe email ADDRESS or subscribe webhook URL")
			}
			return usagef("there is no channel %q; use email or webhook", args[0])
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(
		p.subscribeChannel(subscribers.Mail, "email", "ADDRESS", `  dateline subscribe email reader@example.org --field policing --country austria
  dateline subscribe email reader@example.org --source odihr --language ru,en`),
		p.subscribeChannel(subscribers.Webhook, "webhook", "URL", `  dateline subscribe webhook https://partner.example.org/hook
  dateline subscribe webhook https://partner.example.org/hook --field elections --json`),
	)
	return cmd
}

func (p *program) subscribeChannel(channel subscribers.Channel, name, arg, example string) *cobra.Command {
	wish := subscribers.Wish{Channel: channel}
	var role string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     name + " " + arg,
		Short:   "Alert by " + name,
		Example: example,
		Args:    exactly(arg),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(cmd)
			if err != nil {
				return err
			}
			wish.Address, wish.Selection.Role = args[0], news.Role(role)
			body, err := json.Marshal(wish)
			if err != nil {
				return err
			}
			var made subscription
			h, err := c.call(cmd.Context(), http.MethodPost, subscriptionsPath, http.Header{"Content-Type": {"application/json"}}, body, &made.Subscription)
			if err != nil {
				return err
			}
			made.Outcome = h.Get(subscribers.HeaderOutcome)
			return p.showSubscription(made, asJSON)
		},
	}
	f := cmd.Flags()
	s := &wish.Selection
	f.StringSliceVar(&s.Fields, "field", nil, "any of these `FIELDS` of work or dimensions")
	f.StringSliceVar(&s.Countries, "country", nil, "any of these `COUNTRIES` or groups")
	f.StringVar(&role, "role", "", "narrow the countries to those a release is `ROLE`: about or place")
	f.StringSliceVar(&s.Sources, "source", nil, "any of these `SOURCES`")
	f.StringSliceVar(&s.Types, "type", nil, "any of these `TYPES`, like press-release")
	f.StringSliceVar(&s.Languages, "language", nil, "any of these `LANGUAGES`, like en")
	f.BoolVar(&s.Routine, "routine", false, "daily, weekly and spot reports too")
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) showSubscription(s subscription, asJSON bool) error {
	if asJSON {
		return printJSON(p.io.out, s)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s  %s  %s to %s: %s\n", s.Outcome, s.ID, s.Channel, s.Address, s.Title)
	if s.Secret != "" {
		fmt.Fprintf(&b, "secret  %s\nThe secret signs every call (Standard Webhooks 1.0). It is shown this once.\n", s.Secret)
	}
	if s.SecretKept {
		fmt.Fprintln(p.io.err, "The endpoint's secret stays the one that was shown when it was added.")
	}
	_, err := b.WriteTo(p.io.out)
	return err
}

// standing is the state and its reason in a table: of one that fails, what
// the recipient's newest try ended with.
func (s subscription) standing() (state, reason string) {
	if s.Failing == "" {
		return string(s.State), s.Reason
	}
	reason = s.Failing
	if !s.NextTry.IsZero() {
		reason += "; next try " + s.NextTry.Local().Format("2006-01-02 15:04:05")
	}
	return "failing", reason
}

func (p *program) subscriptionsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "subscriptions",
		Short: "List the subscriptions",
		Example: `  dateline subscriptions
  dateline subscriptions --json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Subscriptions []subscription `json:"subscriptions"`
			}
			if err := p.get(cmd, subscriptionsPath, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, list.Subscriptions)
			}
			if len(list.Subscriptions) == 0 {
				fmt.Fprintln(p.io.err, "There are none yet. Add one with: dateline subscribe email ADDRESS --field policing")
				return nil
			}
			rows := make([][]string, len(list.Subscriptions))
			for i, s := range list.Subscriptions {
				state, reason := s.standing()
				rows[i] = []string{s.ID, string(s.Channel), s.Address, s.Title, state, reason}
			}
			printTable(p.io.out, []string{"id", "channel", "address", "selection", "state", "reason"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

func (p *program) unsubscribeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "unsubscribe ID",
		Short:   "Remove a subscription",
		Long:    "Remove a subscription. What was queued for it is not sent any more.",
		Example: `  dateline unsubscribe l2s2l4humisov3yxcjhdyf2j2z`,
		Args:    exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(cmd)
			if err != nil {
				return err
			}
			if _, err := c.call(cmd.Context(), http.MethodDelete, subscriptionsPath+"/"+url.PathEscape(args[0]), nil, nil, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.io.out, "removed  %s\n", args[0])
			return err
		},
	}
	clientFlags(cmd)
	return cmd
}
