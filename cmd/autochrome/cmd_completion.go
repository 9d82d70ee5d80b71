package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

// completions are the scripts that shells read; each asks __complete what may
// stand where the cursor is.
//
//go:embed completion
var completions embed.FS

// shells are those with a completion, and the ending of its script.
var shells = []struct{ name, ending string }{{"bash", "bash"}, {"zsh", "zsh"}, {"fish", "fish"}, {"powershell", "ps1"}}

func completionCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the completion for a shell: bash, zsh, fish or powershell", ArgsUsage: "SHELL",
		Description: "bash:        source <(autochrome completion bash), in ~/.bashrc\n" +
			"zsh:         source <(autochrome completion zsh), in ~/.zshrc behind compinit\n" +
			"fish:        autochrome completion fish > ~/.config/fish/completions/autochrome.fish\n" +
			"PowerShell:  autochrome completion powershell | Out-String | Invoke-Expression, in $PROFILE",
		Action: p.action(func(_ context.Context, s *session) error {
			args, err := s.args(0, "SHELL")
			if err != nil {
				return err
			}
			var names []string
			for _, sh := range shells {
				if names = append(names, sh.name); sh.name != args[0] {
					continue
				}
				script, err := completions.ReadFile("completion/autochrome." + sh.ending)
				if err == nil {
					_, err = s.out.Write(script)
				}
				return err
			}
			return usage(meant(nearest(args[0], names), "autochrome completion --help"), "there is a completion for %s, and none for %q", strings.Join(names, ", "), args[0])
		}),
	}
}

// completeWord is the hidden command that the scripts call, with the name of
// the shell and the words behind the program's name up to the one that is being
// typed, which may be empty. It prints :words, :files or :folders, which says
// what may stand there, and then the words: one on each line, with what it is
// about behind a tab. It asks nobody, never fails, and says nothing of errors.
const completeWord = "__complete"

func complete(ctx context.Context, app *cli.App, out *console, args []string) {
	if len(args) < 2 {
		return
	}
	shell, words := args[0], args[1:]
	last := len(words) - 1
	typing := shellWord{text: words[last]}
	switch shell {
	case "bash": // as they were typed
		words = glued(words)
		last = len(words) - 1
		for i, w := range words[:last] {
			words[i] = readWord(w).text
		}
		typing = readWord(words[last])
	case "fish": // as it was typed
		typing = readWord(words[last])
	case "powershell":
		typing.text = strings.TrimSuffix(words[last], ".")
	}
	for i, w := range words[:last] {
		words[i] = atHome(w)
	}
	words[last] = typing.text
	out.inTerminal, out.errTerminal, out.err, out.json = false, false, io.Discard, false
	t := readTyped(app, words)
	kind := t.wants()
	mode := ":words"
	switch kind {
	case wantsFile:
		mode = ":files"
	case wantsFolder:
		mode = ":folders"
	}
	_ = out.print("%s", mode) // nobody can be told
	for _, c := range t.candidates(ctx, app, out, kind) {
		if !strings.HasPrefix(c.word, t.current) || strings.IndexFunc(c.word, steers) >= 0 {
			continue
		}
		if line, ok := c.line(shell, typing); ok {
			_ = out.print("%s", line)
		}
	}
}

// glued puts words together again that bash parts at =, : and @, which it counts
// as ends of words. @3 may be a word of its own; else the name of a run stands
// before it.
func glued(words []string) []string {
	var out []string
	join := false
	for i, w := range words {
		isBreak := w != "" && strings.Trim(w, "=:@") == ""
		if (isBreak || join) && i > 0 && (w != "@" || isRun(out[len(out)-1])) {
			out[len(out)-1] += w
		} else {
			out = append(out, w)
		}
		join = isBreak
	}
	return out
}

// isRun reports whether a word is a run's name, or the beginning of one.
func isRun(word string) bool {
	word = strings.TrimPrefix(word, repo.RunPrefix)
	return word != "" && word[0] >= '0' && word[0] <= '9' && !strings.Contains(word, "@")
}

// candidate is a word that may stand where the cursor is.
type candidate struct{ word, about string }

// line is a candidate as a shell's script wants it: bash as it takes the place of
// what is typed, the others as it is. It gives false where that cannot be done.
func (c candidate) line(shell string, typing shellWord) (string, bool) {
	about := printable(c.about)
	switch shell {
	case "zsh":
		escape := strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace
		if about == "" {
			return escape(c.word), true
		}
		return escape(c.word) + ":" + about, true
	case "bash":
		return typing.quoted(c.word)
	}
	if about == "" {
		return c.word, true
	}
	return fmt.Sprintf("%s\t%s", c.word, about), true
}
