package main

import (
	"strings"

	"autochrome/repo"
)

// givenName gives the name that --name gives a snapshot; "": none.
func (s *session) givenName() (string, error) {
	name := s.flags.String("name")
	if name == "" {
		return "", nil
	}
	if name == "latest" || name == wordLive || strings.Contains(name, "@") || isArchive(name) {
		return "", usage("choose another name", "--name %s would never be found: as an ID it means something else", name)
	}
	return name, notValid("--name", repo.ValidName(name))
}

// givenSource gives the name that --source gives a database; "": it is known by
// itself.
func (s *session) givenSource() (string, error) {
	name := s.flags.String("source")
	if name == "" {
		return "", nil
	}
	return name, notValid("--source", repo.ValidSource(name))
}

// notValid makes what the repository says against a text an error of the flag that
// gives it; nil of nil.
func notValid(flag string, err error) error {
	if err == nil {
		return nil
	}
	return usage("", "%s: %s", flag, strings.TrimPrefix(err.Error(), repo.ErrInvalid.Error()+": "))
}
