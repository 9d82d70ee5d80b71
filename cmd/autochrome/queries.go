package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"autochrome/restore"
)

// mostQueries bounds the work: each query is compared with every record.
const mostQueries = 10000

func queriesFlag() cli.Flag {
	return &cli.IntFlag{Name: "check-queries", Usage: "ask for the neighbours of `N` records of each collection, before and after, to see whether the index finds them"}
}

// queries reads --check-queries.
func (s *session) queries(part bool) (int, error) {
	n := s.flags.Int("check-queries")
	switch {
	case !s.flags.IsSet("check-queries"):
		return 0, nil
	case n < 1 || n > mostQueries:
		return 0, usage(fmt.Sprintf("1 to %d; 100 are plenty", mostQueries), "--check-queries %d", n)
	case part:
		return 0, usage("leave out --check-queries, or what limits the rollback", "--check-queries is about whole collections, and not about single records or columns")
	case s.flags.Bool("dry-run"):
		return 0, usage("leave out one of them", "--check-queries asks after something was written, and --dry-run writes nothing")
	}
	return n, nil
}

// brokenIndex says which index is broken and how, or "".
func brokenIndex(checks []restore.QueryCheck) string {
	for _, c := range checks {
		if why := c.Broken(); why != "" {
			return fmt.Sprintf("collection %s is broken: %s", c.Collection, why)
		}
	}
	return ""
}

func (s *session) printQueries(checks []restore.QueryCheck) error {
	for _, c := range checks {
		recall := func(x *float64, err string) string {
			switch {
			case err != "":
				return "none: " + err
			case x == nil:
				return "-"
			}
			return fmt.Sprintf("%.1f %%", 100**x)
		}
		if err := s.print("%s: of the %d nearest of %s the index finds %s, before %s; %d of them it does not find where they are, before %d", c.Collection, c.Neighbours,
			plural(c.Queries, "record"), recall(c.After, c.ErrorAfter), recall(c.Before, c.ErrorBefore), c.Missing, c.MissingBefore); err != nil {
			return err
		}
	}
	return nil
}
