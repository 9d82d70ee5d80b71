package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// newApp makes the tree of commands. args is the command line as typed.
func newApp(out *console, args []string) *cli.App {
	p := &program{out: out, command: typed(args)}
	app := &cli.App{
		Name:  "autochrome",
		Usage: "content-addressed snapshots of Chroma databases, and exact rollback",
		Description: "snapshot create takes one, rollback brings it back. Flags may stand anywhere;\n" +
			"what begins with a dash and is no flag goes behind a bare --.\n" +
			"Where a command wants a snapshot: its id, any unique prefix, its --name, or latest.",
		Flags:  globalFlags(),
		Writer: out.out, ErrWriter: out.err,
		Commands: []*cli.Command{
			initCommand(p),
			keyCommand(p),
			{
				Name: "snapshot", Usage: "take snapshots and look at them",
				Subcommands: []*cli.Command{createCommand(p), listCommand(p), infoCommand(p), verifyCommand(p), acceptCommand(p),
					holdCommand(p), tagCommand(p), deleteCommand(p), cleanupCommand(p)},
			},
			lsCommand(p),
			statsCommand(p),
			objectCommand(p),
			catCommand(p),
			diffCommand(p),
			rollbackCommand(p),
			restoreCommand(p),
			exportCommand(p),
			importCommand(p),
			verifyArchiveCommand(p),
			guardCommand(p),
			watchCommand(p),
			pruneCommand(p),
			copyCommand(p),
			mirrorCommand(p),
			checkCommand(p),
			repairCommand(p),
			statusCommand(p),
			metricsCommand(p),
			auditLogCommand(p),
			validateCommand(p),
			healthCommand(p),
			configCommand(p),
			completionCommand(p),
			manCommand(p),
			versionCommand(p),
		},
		HideHelpCommand: true, // see arrange
		HideVersion:     true,
		// A tag's value may contain commas.
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageOf,
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				return p.printVersion(c)
			}
			return cli.ShowAppHelp(c)
		},
	}
	prepare(app.Commands, "autochrome")
	return app
}

// prepare sets what is the same for all commands.
func prepare(commands []*cli.Command, parent string) {
	for _, c := range commands {
		c.HideHelpCommand = true
		c.OnUsageError = usageOf
		name := parent + " " + c.Name
		if len(c.Subcommands) > 0 && c.Action == nil {
			c.Action = func(*cli.Context) error { return which(name, c.Subcommands) }
		}
		prepare(c.Subcommands, name)
	}
}

// which answers a group of commands without a command.
func which(name string, commands []*cli.Command) error {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return usage(fmt.Sprintf("see: %s --help", name), "%s what? It has: %s", name, strings.Join(names, ", "))
}

// usageOf makes an error of urfave/cli one of ours, without its printed help.
func usageOf(c *cli.Context, err error, _ bool) error {
	return usage(helpHint(c.Command.HelpName), "%v", err)
}

func helpHint(command string) string { return fmt.Sprintf("see: %s --help", command) }
