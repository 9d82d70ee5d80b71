package guard

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// judge says how the run ended. All is read once more and compared with the last
// point, and what is lost is counted; where the migration itself ended well the
// validation is asked.
func (x *run) judge(ctx, work context.Context, address string) error {
	err := patiently(work, x.recorder.all)
	if err != nil && !x.report.Failed() {
		return err
	}
	// Where a run failed and not all can be read, the rollback, which has to read
	// it too, says so.
	tooMuch, err := x.weigh(work, true)
	if err != nil || x.report.Failed() {
		return err
	}
	if tooMuch != nil {
		x.report.Outcome, x.report.Reason = Lost, tooMuch.Error()
		return nil
	}
	if x.Command == nil {
		ctx = work // its end was the end of the run, not an interruption
	}
	x.validate(ctx, address)
	return nil
}

// validate runs the user's command, with what is known of the run in its
// environment.
func (x *run) validate(ctx context.Context, address string) {
	if len(x.Validate) == 0 {
		return
	}
	fail := func(how Outcome, why string) { x.report.Outcome, x.report.Reason = how, why }
	lost := int64(0)
	for _, l := range x.report.Losses {
		lost += l.Lost
	}
	env := append(slices.Clone(x.Env), environment(address)...)
	env = append(env,
		"AUTOCHROME_RUN="+x.report.Run,
		"AUTOCHROME_BASE="+x.report.Base.DisplayID(),
		"AUTOCHROME_LAST="+x.report.Last.DisplayID(),
		"AUTOCHROME_POINTS="+strconv.Itoa(x.report.Points),
		"AUTOCHROME_LOST="+strconv.FormatInt(lost, 10),
	)
	c, err := x.start(x.Validate, env)
	if err != nil {
		fail(Invalid, "the validation: "+err.Error())
		return
	}
	err = c.Wait(ctx)
	c.Stop()
	switch {
	case ctx.Err() != nil:
		fail(Interrupted, "it was interrupted during the validation")
	case err != nil:
		fail(Invalid, fmt.Sprintf("the validation says no: %v", err)) // its words may have secrets
	}
}
