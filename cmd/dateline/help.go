package main

import "github.com/spf13/cobra"

// helpTopics are pages of help that are no commands.
func helpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "what the exit codes mean", Long: `Exit codes:
  0  it worked; also when publishing changed nothing
  1  it failed; the message says why
  2  the command line or a setting is wrong
  4  the key is missing, unknown or has not the right
`},
		{Use: "environment", Short: "how settings are found", Long: `Every flag of every command can also be set by the environment or a file. The
name is DATELINE_ and the flag in upper case, with _ for -:

  --base-url https://news.example.org    DATELINE_BASE_URL=https://news.example.org

A flag goes before the environment, the environment before the file given by
--config (or DATELINE_CONFIG): lines of KEY=VALUE, # starts a comment; the same
file serves systemd (EnvironmentFile) and containers (--env-file).

NAME_FILE instead of NAME reads the value from a file, for secrets:
DATELINE_KEY_FILE=/run/secrets/key. A file of the setting's name in
$CREDENTIALS_DIRECTORY (systemd's LoadCredential=DATELINE_KEY:…) does the same.

Commands that talk to a server find it and its key by --server and --key, or in
the data folder (--data) that a server on this machine uses.

NO_COLOR switches colours off. "dateline config" shows every setting, its value
and where it came from.
`},
	}
}
