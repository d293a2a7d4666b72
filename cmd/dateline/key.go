package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// key is what the API says of a key; Text is there when it was made just now.
type key struct {
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	State     string    `json:"state,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	CreatedBy string    `json:"created_by,omitempty"`
	Expires   time.Time `json:"expires,omitzero"`
	Revoked   time.Time `json:"revoked,omitzero"`
	RevokedBy string    `json:"revoked_by,omitempty"`
	LastUsed  time.Time `json:"last_used,omitzero"`
	Text      string    `json:"key,omitempty"`
}

const keysPath = "/api/v1/keys"

func (p *program) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Add, list and revoke keys of the API",
		Long: `Every client has a key of its own: with a name that the audit shows, with the
scopes it needs, for as long as it needs them. The admin key in the data folder
makes the others and needs no line here.

A key without a scope reads what is public. The scopes beyond that:
  draft           make and change drafts
  publish         publish, correct, republish and import; drafts too
  withdraw        withdraw releases
  read-embargoed  see what is not public yet
  admin           everything, keys and subscriptions too`,
		Example: `  dateline key add newsroom --scope publish,withdraw --expires 90d
  dateline key list
  dateline key revoke newsroom`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("say what to do: key add NAME, key list or key revoke NAME")
			}
			return usagef("there is no %q for keys; use add, list or revoke", args[0])
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(p.keyAddCommand(), p.keyListCommand(), p.keyRevokeCommand())
	return cmd
}

func (p *program) keyAddCommand() *cobra.Command {
	wish := struct {
		Name    string   `json:"name"`
		Scopes  []string `json:"scopes"`
		Expires string   `json:"expires,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a key and print it, this once",
		Long: `Make a key. Its text is printed once and kept nowhere: lose it, and another has to
be made. The name is not used again, also after the key was revoked.`,
		Example: `  dateline key add newsroom --scope publish,withdraw --expires 90d
  dateline key add cms --scope draft > cms.key
  dateline key add statistics --expires 2027-01-31T18:00:00Z`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(cmd)
			if err != nil {
				return err
			}
			wish.Name = args[0]
			body, err := json.Marshal(wish)
			if err != nil {
				return err
			}
			var made key
			if _, err := c.call(cmd.Context(), http.MethodPost, keysPath, http.Header{"Content-Type": {"application/json"}}, body, &made); err != nil {
				return err
			}
			fmt.Fprintf(p.io.err, "Key %s %s, and works %s. It is shown this once:\n", made.Name, made.may(), made.until())
			_, err = fmt.Fprintln(p.io.out, made.Text)
			return err
		},
	}
	cmd.Flags().StringSliceVar(&wish.Scopes, "scope", nil, "`SCOPES`: draft, publish, withdraw, read-embargoed, admin (default none: it only reads)")
	cmd.Flags().StringVar(&wish.Expires, "expires", "", "`WHEN` it ends: a duration like 90d or 12h, or a time like 2027-01-31T18:00:00Z (default never)")
	clientFlags(cmd)
	return cmd
}

func (k *key) may() string {
	if len(k.Scopes) == 0 {
		return "only reads"
	}
	return "may " + strings.Join(k.Scopes, ", ")
}

func (k *key) until() string {
	if k.Expires.IsZero() {
		return "until it is revoked"
	}
	return "until " + k.Expires.Local().Format("2006-01-02 15:04 MST")
}

func (p *program) keyListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys, the revoked ones too",
		Example: `  dateline key list
  dateline key list --json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list struct {
				Keys []key `json:"keys"`
			}
			if err := p.get(cmd, keysPath, &list); err != nil {
				return err
			}
			if asJSON {
				return printJSON(p.io.out, list.Keys)
			}
			rows := make([][]string, len(list.Keys))
			for i, k := range list.Keys {
				rows[i] = []string{k.Name, strings.Join(k.Scopes, ","), k.State, minute(k.Created, "-"), k.CreatedBy, minute(k.Expires, "never"), minute(k.LastUsed, "never")}
			}
			printTable(p.io.out, []string{"name", "scopes", "state", "created", "by", "expires", "last used"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

// minute is a time in a table, without seconds.
func minute(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.Local().Format("2006-01-02 15:04")
}

func (p *program) keyRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke NAME",
		Short:   "End a key for good",
		Long:    "End a key. It does not work any more when the command returns; it stays in the list, and its name is not used again.",
		Example: `  dateline key revoke newsroom`,
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client(cmd)
			if err != nil {
				return err
			}
			if _, err := c.call(cmd.Context(), http.MethodDelete, keysPath+"/"+url.PathEscape(args[0]), nil, nil, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.io.out, "revoked  %s\n", visible(args[0]))
			return err
		},
	}
	clientFlags(cmd)
	return cmd
}
