package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

// retentionDays is how long snapshots are kept where nobody says otherwise.
const retentionDays = "7"

// counted are the rules of retention that keep a number of snapshots.
var counted = []struct {
	name, usage string
	of          func(*repo.Policy) *int
}{
	{"keep-last", "the newest N", func(p *repo.Policy) *int { return &p.Last }},
	{"keep-hourly", "the newest of each of the last N hours that have one", func(p *repo.Policy) *int { return &p.Hourly }},
	{"keep-daily", "likewise of days", func(p *repo.Policy) *int { return &p.Daily }},
	{"keep-weekly", "likewise of weeks, from Monday on", func(p *repo.Policy) *int { return &p.Weekly }},
	{"keep-monthly", "likewise of months", func(p *repo.Policy) *int { return &p.Monthly }},
	{"keep-yearly", "likewise of years", func(p *repo.Policy) *int { return &p.Yearly }},
}

func retentionDaysFlag() cli.Flag {
	return &cli.StringFlag{Name: "retention-days", Usage: "keep what is younger than so many days; else RETENTION_DAYS, else " + retentionDays}
}

func retentionFlags() []cli.Flag {
	flags := []cli.Flag{retentionDaysFlag()}
	for _, r := range counted {
		flags = append(flags, &cli.StringFlag{Name: r.name, Usage: "keep " + r.usage + "; or unlimited"})
	}
	return append(flags,
		&cli.StringFlag{Name: "keep-within", Usage: "keep what is at most so much older than the newest, such as 1y2m3d4h"},
		&cli.StringSliceFlag{Name: "keep-tag", Usage: "keep what has this tag, k=v or k; may be given several times"},
	)
}

// ruleVariable is the environment variable that stands for a rule's flag.
func ruleVariable(flag string) string {
	if flag == "retention-days" {
		return "RETENTION_DAYS"
	}
	return "AUTOCHROME_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// policy gives the rules of the command line; where it has none, those of the
// environment, then the profile; else the default. typed: they are of the command line.
func (s *session) policy() (p repo.Policy, typed bool, err error) {
	p, err = readPolicy("--", func(flag string) []string {
		switch {
		case !s.flags.IsSet(flag):
			return nil
		case flag == "keep-tag":
			return s.flags.StringSlice(flag)
		}
		return []string{s.flags.String(flag)}
	})
	if err != nil || !p.IsZero() {
		return p, true, err
	}
	p, err = readPolicy("", func(flag string) []string {
		if v := os.Getenv(ruleVariable(flag)); v != "" {
			return []string{v}
		}
		return nil
	})
	if err == nil && p.IsZero() {
		p, err = readPolicy("the config file's ", func(flag string) []string { return fromProfile(s.flags, flag) })
	}
	if err == nil && p.IsZero() {
		p.Age, err = days("RETENTION_DAYS", retentionDays)
	}
	return p, false, err
}

// ruleSettings are the rules as settings.
func ruleSettings() (list []setting) {
	for _, f := range retentionFlags() {
		s := setting{f.Names()[0], f.(cli.DocGenerationFlag).GetUsage(), "", []string{ruleVariable(f.Names()[0])}}
		list = append(list, s)
	}
	return list
}

// readPolicy reads rules by the names of their flags. With dashes, or other
// words before the name, they are those; without, variables.
func readPolicy(dashes string, values func(flag string) []string) (p repo.Policy, err error) {
	name := func(flag string) string {
		if dashes == "" {
			return ruleVariable(flag)
		}
		return dashes + flag
	}
	for _, v := range values("retention-days") {
		if p.Age, err = days(name("retention-days"), v); err != nil {
			return p, err
		}
	}
	for _, r := range counted {
		for _, v := range values(r.name) {
			if *r.of(&p), err = howManyKept(name(r.name), v); err != nil {
				return p, err
			}
		}
	}
	for _, v := range values("keep-within") {
		if p.Within, err = repo.ParsePeriod(v); err != nil {
			return p, usage("for example 30d, or 1y2m3d4h: years, months, days, hours", "%s %q is no length of time", name("keep-within"), v)
		}
	}
	for _, v := range values("keep-tag") {
		rule, err := tagRule(name("keep-tag"), v)
		if err != nil {
			return p, err
		}
		p.Tags = append(p.Tags, rule)
	}
	return p, nil
}

// maxDays is a hundred years.
const maxDays = 36500

func days(name, text string) (time.Duration, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxDays {
		return 0, usage("give a whole number of days from 1 on; to keep all: --auto-cleanup=false or AUTO_CLEANUP=false", "%s %q is no number of days", name, text)
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

func howManyKept(name, text string) (int, error) {
	if text == "unlimited" || text == "-1" {
		return repo.Unlimited, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, usage("give a whole number from 1 on, or unlimited", "%s %q is no number of snapshots", name, text)
	}
	return n, nil
}

func tagRule(name, text string) (repo.TagRule, error) {
	key, value, has := strings.Cut(text, "=")
	if key == "" {
		return repo.TagRule{}, usage("give key=value, or key for any value", "%s %q names no tag", name, text)
	}
	rule := repo.TagRule{Name: key}
	if has {
		rule.Value = &value
	}
	return rule, nil
}

// autoCleanup says whether to clean up after a snapshot was taken: by flag, by
// variable, else yes.
func (s *session) autoCleanup() (bool, error) {
	if s.flags.IsSet("auto-cleanup") {
		return s.flags.Bool("auto-cleanup"), nil
	}
	v, name := os.Getenv("AUTO_CLEANUP"), "AUTO_CLEANUP"
	if v == "" {
		v, name = firstOf(s.flags, "auto-cleanup"), "the config file's auto-cleanup"
	}
	switch strings.ToLower(v) {
	case "", "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	default:
		return false, usage("set it to true or false", "%s %q is neither true nor false", name, v)
	}
}
