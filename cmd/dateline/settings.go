package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dateline/publisher/news"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const envPrefix = "DATELINE_"

// envName is the environment variable of a flag: --base-url is DATELINE_BASE_URL.
func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// notSettings are flags that make sense only on the command line.
var notSettings = []string{"help", "json"}

// settle fills every flag that the command line leaves open from the
// environment, the credentials folder, or the settings file, in this order. All
// problems are reported at once.
func (p *program) settle(cmd *cobra.Command) error {
	file, err := p.readSettings(cmd)
	if err != nil {
		return err
	}
	var problems []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains(notSettings, f.Name) {
			return
		}
		if f.Changed {
			p.from[f.Name] = "flag"
			return
		}
		value, from, err := p.lookup(envName(f.Name), file)
		if err == nil && from != "" {
			if err = cmd.Flags().Set(f.Name, value); err == nil {
				p.from[f.Name] = from
				return
			}
			// pflag's own message repeats the value, which may be a secret.
			err = fmt.Errorf("%s (%s) is not a value that --%s takes, which is %s", envName(f.Name), from, f.Name, f.Value.Type())
		}
		if err != nil {
			problems = append(problems, err.Error())
		}
	})
	if len(problems) > 0 {
		return usageError{errors.New(strings.Join(problems, "; "))}
	}
	return nil
}

// lookup finds a setting outside the command line; from is "" when it is nowhere.
func (p *program) lookup(name string, file map[string]string) (value, from string, err error) {
	if v, ok := p.env(name); ok {
		return v, "environment", nil
	}
	if path, ok := p.env(name + "_FILE"); ok {
		v, err := readSecret(path)
		return v, path, err
	}
	if dir, ok := p.env("CREDENTIALS_DIRECTORY"); ok {
		v, err := readSecret(filepath.Join(dir, name))
		if err == nil {
			return v, "credentials", nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
	}
	if v, ok := file[name]; ok {
		return v, "file", nil
	}
	if path, ok := file[name+"_FILE"]; ok {
		v, err := readSecret(path)
		return v, path, err
	}
	return "", "", nil
}

func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read a setting: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// readSettings reads the file named by --config, and refuses keys that are no
// setting of any command.
func (p *program) readSettings(cmd *cobra.Command) (map[string]string, error) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, nil //nolint:nilerr // a command without the flag has no file
	}
	if path == "" {
		path, _ = p.env(envName("config"))
	}
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("the settings file: %w", err)
	}
	values, problems := parseSettings(path, string(b), settingNames(cmd.Root()))
	if len(problems) > 0 {
		return nil, usageError{errors.New(strings.Join(problems, "; "))}
	}
	return values, nil
}

// parseSettings reads lines of KEY=VALUE. Quotes around a value are dropped.
func parseSettings(path, text string, known []string) (values map[string]string, problems []string) {
	values = map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		switch {
		case !ok:
			problems = append(problems, fmt.Sprintf("%s:%d is not KEY=VALUE", path, i+1))
		case !slices.Contains(known, strings.TrimSuffix(key, "_FILE")):
			problem := fmt.Sprintf("%s:%d: there is no setting %s", path, i+1, key)
			if near := news.Nearest(key, known); near != "" {
				problem += "; perhaps " + near
			}
			problems = append(problems, problem)
		default:
			values[key] = value
		}
	}
	return values, problems
}

// settingNames lists the environment names of all flags of all commands.
func settingNames(root *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) {
		if n := envName(f.Name); !slices.Contains(notSettings, f.Name) && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(add)
		c.PersistentFlags().VisitAll(add)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	slices.Sort(names)
	return names
}

// strays lists variables of the environment that look like settings but are
// none. What Kubernetes sets for a service of our name is left out.
func strays(environ, known []string) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(known, strings.TrimSuffix(name, "_FILE")) ||
			strings.HasPrefix(name, envPrefix+"PORT") || strings.HasPrefix(name, envPrefix+"SERVICE_") {
			continue
		}
		text := "there is no setting " + name
		if near := news.Nearest(name, known); near != "" {
			text += "; perhaps " + near
		}
		out = append(out, text)
	}
	return out
}
