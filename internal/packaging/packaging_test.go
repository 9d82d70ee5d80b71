package packaging

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

// run gives what a program says.
func run(t *testing.T, folder string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestInstall: make install puts a program that runs, its manual pages and its
// completions where systems look for them.
func TestInstall(t *testing.T) {
	dest, bin := t.TempDir(), filepath.Join(t.TempDir(), "bin", "autochrome")
	run(t, root, "make", "install", "BIN="+bin, "DESTDIR="+dest, "PREFIX=/usr", "VERSION=v1.2.3")
	said := run(t, dest, "usr/bin/autochrome", "version")
	if !strings.HasPrefix(said, "autochrome v1.2.3") || !strings.Contains(said, ", repository format ") {
		t.Errorf("it says %s", said)
	}
	if runtime.GOOS == "linux" {
		needsNoLibrary(t, filepath.Join(dest, "usr/bin/autochrome"))
	}
	for _, file := range []string{
		"man/man1/autochrome.1", "man/man1/autochrome-snapshot-create.1",
		"bash-completion/completions/autochrome", "zsh/site-functions/_autochrome", "fish/vendor_completions.d/autochrome.fish",
	} {
		text, err := os.ReadFile(filepath.Join(dest, "usr/share", file))
		if err != nil || !strings.Contains(string(text), "autochrome") {
			t.Errorf("%s: %v: %.50s", file, err, text)
		}
	}
}

// needsNoLibrary: a program that asks for a loader, or for libraries, does not
// start in an empty image, nor on a system with another C library.
func needsNoLibrary(t *testing.T, program string) {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("%s needs a loader (%v)", program, p.Type)
		}
	}
}

// TestReproducible: two copies of the source in two folders give the same
// bytes.
func TestReproducible(t *testing.T) {
	build := buildInDockerfile(t)
	var sums []string
	for range 2 {
		folder := t.TempDir()
		copySource(t, folder)
		out := filepath.Join(t.TempDir(), "autochrome")
		run(t, folder, "sh", "-c", strings.ReplaceAll(build, "/out/usr/local/bin/autochrome", out))
		program, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(program), folder) {
			t.Errorf("the program names the folder that it was built in")
		}
		sums = append(sums, fmt.Sprintf("%x", sha256.Sum256(program)))
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds differ: %s, %s", sums[0], sums[1])
	}
}

// copySource copies what git knows of, as it lies there.
func copySource(t *testing.T, folder string) {
	t.Helper()
	for _, name := range strings.Split(strings.TrimSpace(run(t, root, "git", "ls-files", "*.go", "*go.mod", "go.sum", "cmd/autochrome/completion/*")), "\n") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // it is about to be removed
		}
		to := filepath.Join(folder, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o755)
		}
		if err == nil {
			err = os.WriteFile(to, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// instructions are those of the Dockerfile: name and the rest of the line.
func instructions(t *testing.T) (all [][2]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
		if name, rest, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			all = append(all, [2]string{name, rest})
		}
	}
	return all
}

// buildInDockerfile is the command that compiles there; TestReproducible runs
// it.
func buildInDockerfile(t *testing.T) string {
	t.Helper()
	for _, i := range instructions(t) {
		if i[0] == "RUN" && strings.Contains(i[1], "go build") {
			return strings.NewReplacer("GOOS=$TARGETOS ", "", "GOARCH=$TARGETARCH ", "", "$VERSION", "v1.2.3").Replace(i[1])
		}
	}
	t.Fatal("the Dockerfile compiles nothing")
	return ""
}

// TestDockerfile: no engine is needed to see that the image is small, not
// root's, and made of things that are there.
func TestDockerfile(t *testing.T) {
	known := []string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "USER", "ENV", "VOLUME", "ENTRYPOINT", "CMD"}
	stages := map[string]bool{}
	stage, user, commands := "", "", ""
	for _, i := range instructions(t) {
		words := strings.Fields(i[1])
		switch i[0] {
		case "FROM":
			words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") })
			stage, user = words[0], ""
			if len(words) == 3 && words[1] == "AS" {
				stages[words[2]] = true
			}
			if goVersion := strings.TrimPrefix(stage, "golang:"); goVersion != stage && !strings.Contains(read(t, "go.mod"), "\ngo "+goVersion) {
				t.Errorf("%s is not what go.mod says", stage)
			}
		case "USER":
			user = i[1]
		case "RUN":
			commands += i[1] + " "
		case "COPY":
			for _, w := range words[:len(words)-1] {
				from, ok := strings.CutPrefix(w, "--from=")
				if ok && !stages[from] {
					t.Errorf("COPY from %s, which is no stage", from)
				}
				if strings.HasPrefix(w, "/") && !strings.Contains(commands, " "+w+"/") {
					t.Errorf("COPY of %s, which nobody made", w)
				}
				if !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "--") {
					if _, err := os.Stat(filepath.Join(root, w)); err != nil {
						t.Error(err)
					}
				}
			}
		case "ENTRYPOINT":
			if i[1] != `["/usr/local/bin/autochrome"]` {
				t.Errorf("ENTRYPOINT %s", i[1])
			}
		}
		if !slices.Contains(known, i[0]) {
			t.Errorf("unknown instruction %s", i[0])
		}
	}
	if stage != "scratch" || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("the last stage is %s, its user %q", stage, user)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReleases: goreleaser builds the platforms that make cross compiles, in
// the same way, and packs files that there are.
func TestReleases(t *testing.T) {
	var c struct {
		Before struct{ Hooks []string }
		Builds []struct {
			Flags, Ldflags, Env, Goos, Goarch []string
		}
		Archives []struct{ Files []any }
		Nfpms    []struct {
			Formats  []string
			Contents []struct{ Src, Dst string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".goreleaser.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	build := c.Builds[0]
	cross := regexp.MustCompile(`for t in ([^;]*); do`).FindStringSubmatch(read(t, "Makefile"))[1]
	var platforms []string
	for _, system := range build.Goos {
		for _, arch := range build.Goarch {
			platforms = append(platforms, system+"/"+arch)
		}
	}
	if got := strings.Join(platforms, " "); got != cross {
		t.Errorf("goreleaser builds %s, make cross %s", got, cross)
	}
	if !slices.Equal(build.Flags, []string{"-trimpath"}) || !slices.Equal(build.Env, []string{"CGO_ENABLED=0"}) || !strings.HasPrefix(build.Ldflags[0], "-s -w -X main.version=") {
		t.Errorf("it builds with %+v", build)
	}
	if !slices.Equal(c.Nfpms[0].Formats, []string{"deb", "rpm"}) {
		t.Errorf("packages are %v", c.Nfpms[0].Formats)
	}
	// What the hooks make comes out in a folder of the test.
	bin := filepath.Join(t.TempDir(), "bin")
	for _, hook := range c.Before.Hooks {
		run(t, root, append(strings.Fields(hook), "BIN="+bin+"/autochrome")...)
	}
	var files []string
	for _, f := range c.Archives[0].Files {
		switch f := f.(type) {
		case string:
			files = append(files, f)
		case map[string]any:
			files = append(files, f["src"].(string))
		}
	}
	for _, f := range c.Nfpms[0].Contents {
		files = append(files, f.Src)
	}
	for _, f := range files {
		pattern := filepath.Join(root, strings.TrimSuffix(f, "/**/*"))
		if rest, ok := strings.CutPrefix(f, "bin/"); ok {
			pattern = filepath.Join(bin, rest)
		}
		if found, err := filepath.Glob(pattern); err != nil || len(found) == 0 {
			t.Errorf("there is no %s: %v", f, err)
		}
	}
}
