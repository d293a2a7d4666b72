package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	nats "github.com/nats-io/nats-server/v2/server"
	"github.com/spf13/cobra"
)

type composeFile struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Command     []string          `yaml:"command"`
		Environment map[string]string `yaml:"environment"`
		Volumes     []string          `yaml:"volumes"`
		Ports       []string          `yaml:"ports"`
		Build       struct {
			Context    string `yaml:"context"`
			Dockerfile string `yaml:"dockerfile"`
		} `yaml:"build"`
		DependsOn map[string]struct {
			Condition string `yaml:"condition"`
		} `yaml:"depends_on"`
		Healthcheck map[string]any `yaml:"healthcheck"`
		ReadOnly    bool           `yaml:"read_only"`
		CapDrop     []string       `yaml:"cap_drop"`
		SecurityOpt []string       `yaml:"security_opt"`
		Restart     string         `yaml:"restart"`
		StopGrace   string         `yaml:"stop_grace_period"`
	} `yaml:"services"`
	Volumes map[string]any `yaml:"volumes"`
}

func readRepo(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func knownSettings() []string { return settingNames((&program{}).root()) }

func TestDeploy_compose(t *testing.T) {
	var c composeFile
	if err := yaml.UnmarshalWithOptions([]byte(readRepo(t, "docker-compose.yml")), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	broker, ok := c.Services["nats"]
	if !ok || !strings.HasPrefix(broker.Image, "nats:2.") || broker.Healthcheck == nil {
		t.Fatalf("the service nats is %+v", broker)
	}
	if !slices.Contains(broker.Volumes, "./deploy/nats.conf:/etc/nats/nats.conf:ro") || !slices.Equal(broker.Command, []string{"--config", "/etc/nats/nats.conf"}) {
		t.Errorf("nats does not read deploy/nats.conf: %v %v", broker.Volumes, broker.Command)
	}
	us, ok := c.Services["dateline"]
	if !ok || us.Build.Dockerfile != "deploy/Dockerfile" || us.DependsOn["nats"].Condition != "service_healthy" {
		t.Fatalf("the service dateline is %+v", us)
	}
	for name := range us.Environment {
		if !slices.Contains(knownSettings(), name) {
			t.Errorf("%s is no setting", name)
		}
	}
	for _, name := range natsPasswords(t) {
		if broker.Environment[name] == "" {
			t.Errorf("NATS has no %s", name)
		}
	}
	for setting, user := range map[string]string{"DATELINE_NATS_URL": "//dateline:${DATELINE_NATS_PASSWORD}@", "DATELINE_NATS_DESK_URL": "//desk:${DATELINE_NATS_DESK_PASSWORD}@"} {
		if !strings.Contains(us.Environment[setting], user) {
			t.Errorf("%s is %q, want a user %s", setting, us.Environment[setting], user)
		}
	}
	for name, s := range c.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s has more rights than it needs", name)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s opens %s to everyone", name, p)
			}
		}
		for _, v := range s.Volumes {
			if vol, _, _ := strings.Cut(v, ":"); !strings.HasPrefix(vol, ".") {
				if _, ok := c.Volumes[vol]; !ok {
					t.Errorf("%s uses the volume %s, which is not declared", name, vol)
				}
			}
		}
	}
}

// natsPasswords are the variables that deploy/nats.conf takes its passwords from.
func natsPasswords(t *testing.T) []string {
	t.Helper()
	names := regexp.MustCompile(`\$(DATELINE_\w+)`).FindAllStringSubmatch(readRepo(t, "deploy/nats.conf"), -1)
	var out []string
	for _, m := range names {
		out = append(out, m[1])
	}
	if len(out) != 5 {
		t.Fatalf("deploy/nats.conf takes %v from the environment", out)
	}
	return out
}

// natsOptions reads deploy/nats.conf, with a password for each user.
func natsOptions(t *testing.T) *nats.Options {
	t.Helper()
	for _, name := range natsPasswords(t) {
		t.Setenv(name, "dl0123456789"+name)
	}
	opts, err := nats.ProcessConfigFile(filepath.Join(root, "deploy", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range natsPasswords(t) {
		if err := os.Unsetenv(name); err != nil { // a process of ours would take it for a setting
			t.Fatal(err)
		}
	}
	return opts
}

func TestDeploy_natsConfiguration(t *testing.T) {
	opts := natsOptions(t)
	if !opts.JetStream || !opts.SyncAlways || opts.MaxPayload < 8<<20 || opts.JetStreamMaxStore == 0 || opts.StoreDir == "" {
		t.Errorf("JetStream %v, sync always %v, max payload %d, max store %d, folder %q", opts.JetStream, opts.SyncAlways, opts.MaxPayload, opts.JetStreamMaxStore, opts.StoreDir)
	}
	users := map[string]string{}
	for _, u := range opts.Users {
		users[u.Username] = u.Account.Name
		if !strings.HasPrefix(u.Password, "dl0123456789") {
			t.Errorf("the password of %s is not from the environment", u.Username)
		}
	}
	if want := map[string]string{"dateline": "WIRE", "publisher": "WIRE", "feeds": "WIRE", "subscribers": "WIRE", "desk": "DESK"}; !maps.Equal(users, want) {
		t.Errorf("the users and their accounts are %v, want %v", users, want)
	}
}

func TestDeploy_dockerfile(t *testing.T) {
	text := readRepo(t, "deploy/Dockerfile")
	for _, want := range []string{"FROM golang:1.26", "CGO_ENABLED=0", "FROM scratch", "USER 65532", `HEALTHCHECK`, `CMD ["/dateline","health"]`, `ENTRYPOINT ["/dateline"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("deploy/Dockerfile does not say %s", want)
		}
	}
	// The command it runs must be one we take.
	m := regexp.MustCompile(`(?m)^CMD \[(.*)\]$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatal("deploy/Dockerfile has no CMD")
	}
	checkCommandLine(t, strings.Split(strings.ReplaceAll(m[1], `"`, ""), ","))
}

func TestDeploy_systemdUnit(t *testing.T) {
	text := readRepo(t, "deploy/dateline.service")
	m := regexp.MustCompile(`(?m)^ExecStart=\S+/dateline (.*)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatal("deploy/dateline.service starts no dateline")
	}
	checkCommandLine(t, strings.Fields(m[1]))
	for _, name := range regexp.MustCompile(`DATELINE_[A-Z_]+`).FindAllString(text, -1) {
		if !slices.Contains(knownSettings(), name) {
			t.Errorf("deploy/dateline.service names %s, which is no setting", name)
		}
	}
}

// checkCommandLine fails when the command, its flags or the number of its
// arguments do not exist. It runs nothing.
func checkCommandLine(t *testing.T, args []string) {
	t.Helper()
	cmd, rest, err := (&program{}).root().Find(args)
	if err != nil || cmd.Name() == "dateline" && len(args) > 0 && args[0] != "--help" {
		t.Errorf("dateline %s: no such command (%v)", strings.Join(args, " "), err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("dateline %s: %v", strings.Join(args, " "), err)
		return
	}
	if cmd.Args != nil {
		if err := cmd.Args(cmd, cmd.Flags().Args()); err != nil {
			t.Errorf("dateline %s: %v", strings.Join(args, " "), err)
		}
	}
}

func TestHelp_examplesAreCommandLinesWeTake(t *testing.T) {
	count := 0
	var commands []*cobra.Command
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			commands = append(commands, sub)
			walk(sub)
		}
	}
	walk((&program{}).root())
	for _, cmd := range commands {
		if cmd.Runnable() && cmd.Example == "" && cmd.Name() != "help" {
			t.Errorf("%s has no example", cmd.Name())
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "        ") // what it does stands behind
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, " < ")
			line, _, _ = strings.Cut(line, " > ")
			args, ok := strings.CutPrefix(line, "dateline ")
			if !ok {
				continue
			}
			count++
			checkCommandLine(t, splitShell(args))
		}
	}
	if count < 50 {
		t.Errorf("only %d examples found", count)
	}
}

// splitShell splits at spaces outside double quotes.
func splitShell(s string) []string {
	var out []string
	for i, part := range strings.Split(s, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}
