package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) healthCommand() *cobra.Command {
	var ops, data string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a server whether it is ready",
		Long: `Ask a server's operations port whether it can do its work. The exit code is 0
when it is ready and 1 when not, as container checks want it.`,
		Example: `  dateline health
  dateline health --ops http://127.0.0.1:9090 --json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ops == "" {
				ops = "http://" + defaultOps
				if addr, err := findAddress(data); err == nil {
					ops = addr.Ops
				}
			}
			state, err := askReady(cmd.Context(), ops)
			if err != nil {
				return err
			}
			if err := p.printReadiness(state, asJSON); err != nil {
				return err
			}
			if !state.Ready {
				return errQuiet
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&ops, "ops", "", "`URL` of the operations port (default: the one noted in the data folder)")
	cmd.Flags().StringVar(&data, "data", defaultData, "data `FOLDER` of a server on this machine")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func askReady(ctx context.Context, ops string) (readiness, error) {
	var state readiness
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(ops, "/")+"/readyz", nil)
	if err != nil {
		return state, usagef("--ops %q is not an address like http://127.0.0.1:9090", ops)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return state, fmt.Errorf("no server answers at %s: %w; start one with 'dateline serve'", ops, bareURLError(err))
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&state); err != nil {
		return state, fmt.Errorf("%s is not the operations port of a dateline server", ops)
	}
	return state, nil
}

func (p *program) printReadiness(state readiness, asJSON bool) error {
	if asJSON {
		return printJSON(p.io.out, state)
	}
	var rows [][]string
	for _, part := range append([]string{"log"}, allRoles...) {
		if text, ok := state.Parts[part]; ok {
			rows = append(rows, []string{part, text})
		}
	}
	printTable(p.io.out, []string{"part", "state"}, rows)
	return nil
}
