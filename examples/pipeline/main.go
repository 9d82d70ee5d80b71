// Command pipeline takes a snapshot, migrates, validates, and rolls back what
// failed.
//
//	go run ./examples/pipeline MIGRATE VALIDATE
//
// Both are commands of a shell; they find the snapshot's id in AUTOCHROME_BASE.
// It exits with 0, with 30 when it failed and was rolled back, with 31 when it
// failed and was not, and with autochrome's own code when there is no snapshot.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pipeline MIGRATE VALIDATE")
		os.Exit(2)
	}
	os.Exit(run(os.Args[1], os.Args[2]))
}

func run(migrate, validate string) int {
	made, err := autochrome("snapshot", "create", "--tag", "made-by=pipeline")
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// From here on Ctrl-C reaches the commands, and what they make of it is a
	// failure like any other.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failure := ""
	if step(ctx, made.ID, migrate) != nil {
		failure = "the migration failed"
	} else if step(ctx, made.ID, validate) != nil {
		failure = "the validation says no"
	}
	if failure == "" {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s; rolling back to %s\n", failure, made.ID)
	back, err := autochrome("rollback", made.ID, "--yes", "--drop-extra")
	if err != nil {
		return 31
	}
	fmt.Fprintf(os.Stderr, "%d records compared\n", back.Compared)
	return 30
}

// result is what is needed of what autochrome prints.
type result struct {
	ID       string `json:"snapshot_id"`
	Compared int    `json:"compared"`
}

func autochrome(args ...string) (r result, err error) {
	cmd := exec.Command("autochrome", append([]string{"--json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

func step(ctx context.Context, base, command string) error {
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = append(os.Environ(), "AUTOCHROME_BASE="+base)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	return ctx.Err()
}
