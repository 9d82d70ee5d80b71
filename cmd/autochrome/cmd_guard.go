package main

import (
	"github.com/urfave/cli/v2"
)

func guardCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "guard", Usage: "run a migration that cannot hurt: autochrome guard -- python migrate.py", ArgsUsage: "[run] -- COMMAND ...",
		Description: "Takes a snapshot, runs the command with the address of a recording proxy in its\n" +
			"environment, and makes every batch that it writes a point to go back to. A command\n" +
			"that fails, loses too much, or takes too long is rolled back.\n\n" +
			"guard -- COMMAND is short for guard run -- COMMAND.",
		Subcommands: []*cli.Command{
			guardRunCommand(p), guardResumeCommand(p), guardProxyCommand(p),
			guardStatusCommand(p), guardListCommand(p), guardShowCommand(p),
		},
	}
}
