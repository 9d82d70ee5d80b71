package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"
)

func validateCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "validate", Usage: "check that everything is ready for the next snapshot",
		Description: "Checks the settings, the repository, the right to write there, the free space, the clocks and\n" +
			"Chroma. Nothing is changed but one file that is written and removed again.\n" +
			"Exit code 1 when a check failed; a warning is none.",
		Action: p.action(validate),
	}
}

// The states of a check.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "fail"
)

// checkJSON is what one check came to.
type checkJSON struct {
	Check   string `json:"check"`
	State   string `json:"state"` // ok, warn or fail
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func passed(format string, args ...any) checkJSON {
	return checkJSON{State: checkOK, Message: fmt.Sprintf(format, args...)}
}

func doubtful(hint, format string, args ...any) checkJSON {
	return checkJSON{State: checkWarn, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func failed(err error) checkJSON {
	message, hint := explain(err)
	return checkJSON{State: checkFail, Message: message, Hint: hint}
}

func validate(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	v := &validation{session: s}
	defer v.close()
	list := []checkJSON{}
	failures := 0
	for _, c := range []struct {
		name string
		run  func(ctx context.Context) checkJSON
	}{
		{"installation", v.installation}, {"settings", v.settings}, {"repository", v.repository}, {"writing", v.writing},
		{"chroma", v.chroma}, {"space", v.space}, {"clock", v.clock},
	} {
		x := c.run(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		x.Check = c.name
		list = append(list, x)
		if x.State == checkFail {
			failures++
		}
	}
	var err error
	if s.json {
		err = s.printJSON(struct {
			Checks   []checkJSON `json:"checks"`
			Failures int         `json:"failures"`
		}{list, failures})
	} else {
		err = s.printChecks(list)
	}
	if err == nil && failures > 0 {
		err = fmt.Errorf("%s failed", plural(failures, "check"))
	}
	return err
}

func (s *session) printChecks(list []checkJSON) error {
	t := &table{}
	for _, x := range list {
		if s.quiet && x.State == checkOK {
			continue
		}
		t.add(x.Check, x.State, x.Message)
		if x.Hint != "" {
			t.add("", "", "hint: "+x.Hint)
		}
	}
	return t.write(s.out)
}
