package main

import (
	"math"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

// share is the value of a flag that may stand without one.
type share string

// Set implements flag.Value.
func (s *share) Set(text string) error {
	*s = share(text)
	return nil
}

func (s *share) String() string { return string(*s) }

// IsBoolFlag makes package flag take --read-data for --read-data=true.
func (*share) IsBoolFlag() bool { return true }

// optionalFlag is a flag whose value stands behind "=" or not at all.
type optionalFlag struct{ *cli.GenericFlag }

// TakesValue says that the next word is no value.
func (optionalFlag) TakesValue() bool { return false }

func shareFlag() cli.Flag {
	return optionalFlag{&cli.GenericFlag{
		Name: "read-data", Value: new(share),
		Usage: "read packs to the last byte: all, or =10% or =2GB, another share each time, or =n/m, one of m equal parts",
	}}
}

// parseShare reads --read-data.
func parseShare(c *cli.Context) (repo.ReadShare, error) {
	if !c.IsSet("read-data") {
		return repo.ReadShare{}, nil
	}
	v, _ := c.Generic("read-data").(*share)
	text := strings.ToLower(strings.TrimSpace(v.String()))
	if text == "true" || text == "all" {
		return repo.All(), nil
	}
	bad := usage("for example --read-data, --read-data=10%, --read-data=2GB or --read-data=1/7", "--read-data=%q is neither a share nor a size", text)
	if n, m, ok := strings.Cut(text, "/"); ok {
		part, err := strconv.Atoi(n)
		parts, err2 := strconv.Atoi(m)
		if err != nil || err2 != nil || part < 1 || parts < part || parts > math.MaxInt32 {
			return repo.ReadShare{}, bad
		}
		return repo.ReadShare{Part: part, Parts: parts}, nil
	}
	size, err := parseUnused(text)
	if err != nil || text == "unlimited" || size(1<<40) <= 0 {
		return repo.ReadShare{}, bad
	}
	return repo.ReadShare{Bytes: size}, nil
}
