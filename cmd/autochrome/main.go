// Command autochrome takes snapshots of a Chroma database and brings any of
// them back, exactly. See docs/ for the manual and docs/errors.md for the exit
// codes.
//
// Start with newApp, the tree of commands, and session, what each command gets.
package main

import (
	"context"
	"errors"
	"os"

	_ "autochrome/internal/memory" // acts by itself
)

func main() { os.Exit(start()) }

// start carries out the program's own command line and gives the exit code.
func start() int {
	return run(untilSignal(context.Background()), os.Args, newConsole(os.Stdin, os.Stdout, os.Stderr))
}

// run carries out one command line and gives the exit code.
func run(ctx context.Context, args []string, out *console) int {
	err := execute(ctx, args, out)
	interrupted := ctx.Err() != nil && !errors.As(err, new(*guardError)) // which says how it ended
	if err != nil && wantsNagios(args) {
		err = out.unknown(err, interrupted)
	}
	code := exitCode(err, interrupted)
	if err != nil {
		out.printError(err, interrupted, code)
	}
	return code
}

func execute(ctx context.Context, args []string, out *console) error {
	out.json = wantsJSON(args) // how errors of the command line itself are told
	app := newApp(out, args)
	if len(args) > 1 && args[1] == completeWord {
		complete(ctx, app, out, args[2:])
		return nil
	}
	line, err := arrange(app, args)
	if err != nil {
		return err
	}
	if err := refuseSecrets(line.flags); err != nil {
		return err
	}
	if err := configure(app, &line); err != nil {
		return err
	}
	return app.RunContext(context.WithValue(ctx, dashesKey{}, line.dashes), line.args())
}
