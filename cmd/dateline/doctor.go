package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"dateline/publisher"
	"dateline/publisher/access"

	"github.com/spf13/cobra"
)

// finding is the result of one check, with the command that mends what failed.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Says  string `json:"says"`
	Mend  string `json:"mend,omitempty"`
}

func (p *program) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything and say how to mend what fails",
		Example: `  dateline doctor
  dateline doctor --data /var/lib/dateline --json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := p.examine(cmd)
			failed := 0
			var rows [][]string
			for _, f := range found {
				state := "ok"
				if !f.OK {
					state = "FAILED"
					failed++
				}
				rows = append(rows, []string{f.Check, state, f.Says, f.Mend})
			}
			if asJSON {
				if err := printJSON(p.io.out, found); err != nil {
					return err
				}
			} else {
				printTable(p.io.out, []string{"check", "state", "says", "mend with"}, rows)
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d checks failed", failed, len(found))
			}
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	clientFlags(cmd)
	return cmd
}

// examine runs all checks; one that failed does not keep the others from running.
func (p *program) examine(cmd *cobra.Command) []finding {
	data, _ := cmd.Flags().GetString("data")
	server, _ := cmd.Flags().GetString("server")
	var found []finding
	check := func(name, mend string, look func() (string, error)) {
		says, err := look()
		f := finding{Check: name, OK: err == nil, Says: says}
		if err != nil {
			f.Says, f.Mend = err.Error(), mend
		}
		found = append(found, f)
	}
	if server == "" {
		check("data folder", "dateline serve --data "+data, func() (string, error) { return privateFolder(data) })
		check("readiness", "dateline serve --data "+data, func() (string, error) { return readyNow(cmd.Context(), data) })
	}
	check("server and key", "dateline serve --data "+data, func() (string, error) {
		c, err := p.client(cmd)
		if err != nil {
			return "", err
		}
		_, err = c.call(cmd.Context(), http.MethodGet, "/api/v1/events?after=0", nil, nil, nil)
		return c.base + " answers and takes the key", err
	})
	check("embargoes", "dateline desk", func() (string, error) {
		var list struct {
			Waiting []publisher.Desk `json:"waiting"`
		}
		if err := p.get(cmd, deskPath, &list); err != nil {
			return "", err
		}
		for _, d := range list.Waiting {
			if d.Stalled != "" {
				return "", fmt.Errorf("release %s was not published when its embargo was over: %s; see to it with dateline desk show %s", d.ID, d.Stalled, d.ID)
			}
		}
		return "none is overdue that this key may see", nil
	})
	return found
}

// privateFolder checks that a data folder is there and that others cannot read its secrets.
func privateFolder(dir string) (string, error) {
	for _, name := range []string{dir, filepath.Join(dir, access.KeyFile)} {
		st, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		if st.Mode().Perm()&0o077 != 0 {
			return "", fmt.Errorf("%s can be read by others (mode %o); run chmod go= on it", name, st.Mode().Perm())
		}
	}
	return dir + " is there and private", nil
}

func readyNow(ctx context.Context, data string) (string, error) {
	addr, err := findAddress(data)
	if err != nil {
		return "", err
	}
	state, err := askReady(ctx, addr.Ops)
	if err != nil {
		return "", err
	}
	for part, says := range state.Parts {
		if says != "ok" {
			return "", fmt.Errorf("%s: %s", part, says)
		}
	}
	return "every part is ready", nil
}
