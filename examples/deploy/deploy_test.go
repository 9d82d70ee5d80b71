package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"autochrome/internal/chromatest"
)

func TestMain(m *testing.M) { chromatest.Main(m) }

// line is a command line of a sample, with the variables that are set for it.
type line struct {
	from string
	args []string // behind "autochrome"
	env  map[string]string
}

// samples are all command lines in the folder.
func samples(t *testing.T) (list []line) {
	t.Helper()
	services, err := filepath.Glob("systemd/*.service")
	if err != nil || len(services) != 3 {
		t.Fatal(services, err)
	}
	for _, file := range services {
		list = append(list, ofUnit(t, file)...)
	}
	for _, file := range []string{"kubernetes/cronjob.yaml", "kubernetes/sidecar.yaml", "compose.yaml"} {
		list = append(list, ofYAML(t, file)...)
	}
	if len(list) != 8 {
		t.Fatalf("%d command lines", len(list))
	}
	return list
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ofUnit reads the commands of a unit of systemd, and the file of variables that
// it names.
func ofUnit(t *testing.T, file string) (list []line) {
	t.Helper()
	env := map[string]string{}
	for l := range strings.Lines(read(t, "systemd/autochrome.env")) {
		// What is commented out is a setting too.
		l = strings.TrimPrefix(strings.TrimSpace(l), "#")
		if name, v, ok := strings.Cut(l, "="); ok && !strings.Contains(name, " ") {
			env[name] = v
		}
	}
	for l := range strings.Lines(read(t, file)) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(l), "ExecStart=/usr/bin/autochrome "); ok {
			list = append(list, line{file, strings.Fields(strings.ReplaceAll(command, "%%", "%")), env})
		}
	}
	return list
}

// ofYAML reads the containers of manifests and of a compose file.
func ofYAML(t *testing.T, file string) (list []line) {
	t.Helper()
	maps := map[string]map[string]string{} // ConfigMaps
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			if v["kind"] == "ConfigMap" {
				maps[v["metadata"].(map[string]any)["name"].(string)] = texts(v["data"].(map[string]any))
			}
			program, isOurs := v["command"].([]any)
			if entry, ok := v["entrypoint"].([]any); ok {
				program, isOurs = append(entry, program...), true
			}
			if isOurs && program[0] == "autochrome" {
				l := line{from: file, env: map[string]string{}}
				args, _ := v["args"].([]any)
				for _, a := range append(program[1:], args...) {
					l.args = append(l.args, fmt.Sprint(a))
				}
				env, _ := v["env"].([]any)
				for _, e := range env {
					x := texts(e.(map[string]any))
					l.env[x["name"]] = x["value"]
				}
				from, _ := v["envFrom"].([]any)
				for _, e := range from {
					name := e.(map[string]any)["configMapRef"].(map[string]any)["name"].(string)
					for k, x := range maps[name] {
						l.env[k] = x
					}
				}
				if all, ok := v["environment"].(map[string]any); ok {
					l.env = texts(all)
				}
				list = append(list, l)
			}
			for _, x := range v {
				walk(x)
			}
		}
	}
	for d := yaml.NewDecoder(strings.NewReader(read(t, file))); ; {
		var doc any
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		walk(doc)
	}
}

func texts(m map[string]any) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = fmt.Sprint(v)
	}
	return out
}

// TestSamples carries out each command line against a real Chroma, with its own
// settings but for the places of things.
func TestSamples(t *testing.T) {
	autochrome := filepath.Join(t.TempDir(), "autochrome")
	if out, err := exec.Command("go", "build", "-o", autochrome, "autochrome/cmd/autochrome").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Versions[0]))
	c.Add(c.CreateCollection("docs", nil), map[string]any{
		"ids": []string{"a", "b"}, "documents": []string{"one", "two"}, "embeddings": [][]float32{{1, 2}, {3, 4}},
	})
	folder := t.TempDir()
	secrets := map[string]string{"AUTOCHROME_PASSWORD_FILE": "", "CHROMADB_TOKEN_FILE": "token", "AUTOCHROME_NOTIFY_URL_FILE": "http://127.0.0.1:1/"}
	for _, l := range samples(t) {
		t.Run(l.from+" "+l.args[0], func(t *testing.T) {
			env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "CHROMA_DATABASE=" + c.Database}
			for name, v := range l.env {
				switch text, isSecret := secrets[name]; {
				case name == "CHROMADB_URL":
					v = c.Server.URL()
				case name == "AUTOCHROME_REPOSITORY":
					v = filepath.Join(folder, filepath.Base(v))
				case name == "AUTOCHROME_METRICS_FILE":
					v = filepath.Join(folder, filepath.Base(v))
				case isSecret && text == "": // the repository here is not encrypted
					continue
				case isSecret:
					v = filepath.Join(folder, name)
					if err := os.WriteFile(v, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				env = append(env, name+"="+v)
			}
			cmd := exec.Command(autochrome, l.args...)
			cmd.Env = env
			if l.args[0] == "watch" {
				watch(t, cmd)
				return
			}
			if l.args[0] != "snapshot" || l.args[1] != "create" { // there must be one to check
				first := exec.Command(autochrome, "snapshot", "create")
				first.Env = env
				if out, err := first.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "warning") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// watch runs one that listens until it has a snapshot, and stops it as systemd
// and Kubernetes do.
func watch(t *testing.T, cmd *exec.Cmd) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(cmd.Args, func(a string) bool { return strings.HasPrefix(a, "--listen") })
	if cmd.Args[i] == "--listen" {
		cmd.Args[i+1] = address
	} else {
		cmd.Args[i] = "--listen=" + address
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	healthy := func() bool {
		answer, err := http.Get("http://" + address + "/healthz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		return err == nil && answer.StatusCode == http.StatusOK && bytes.Contains(b, []byte(`"status":"ok"`))
	}
	for end := time.Now().Add(30 * time.Second); !healthy(); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Fatalf("%v\n%s", err, out.String())
		default:
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			<-ended
			t.Fatalf("there is no snapshot\n%s", out.String())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestUnits has systemd look at its units, where it is installed.
func TestUnits(t *testing.T) {
	units, err := filepath.Glob("systemd/*.[st]*er*") // services and timers
	if err != nil || len(units) != 5 {
		t.Fatal(units, err)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Logf("there is no systemd-analyze here: %v", err)
		return
	}
	folder := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, u := range units {
		text := strings.ReplaceAll(read(t, u), "/usr/bin/autochrome", "/bin/true") // the program must be there
		at := filepath.Join(folder, filepath.Base(u))
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, at)
	}
	out, err := exec.Command(analyze, args...).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte(folder)) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestAlerts finds every metric that an alarm asks for among those that there
// are.
func TestAlerts(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr, For string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus-alerts.yaml")), &rules); err != nil || len(rules.Groups) != 1 || len(rules.Groups[0].Rules) < 5 {
		t.Fatalf("%+v %v", rules, err)
	}
	sources := read(t, "../../metrics/set.go") + read(t, "../../metrics/repository.go")
	for _, r := range rules.Groups[0].Rules {
		if _, err := time.ParseDuration(r.For); err != nil {
			t.Errorf("%s: %v", r.Alert, err)
		}
		found := 0
		for _, word := range strings.FieldsFunc(r.Expr, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') }) {
			if name, ok := strings.CutPrefix(word, "autochrome_"); ok {
				found++
				if !strings.Contains(sources, `"`+name+`"`) {
					t.Errorf("%s: there is no metric %s", r.Alert, word)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s asks for nothing", r.Alert)
		}
	}
}
