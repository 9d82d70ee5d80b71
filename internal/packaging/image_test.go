package packaging

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImage builds the image where a container engine runs, and has it say what
// it is. Everywhere else TestDockerfile reads what it is made of.
func TestImage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		t.Skipf("no container engine: %v %s", err, out)
	}
	const image = "autochrome-test"
	run(t, root, "docker", "build", "--build-arg", "VERSION=v1.2.3", "--tag", image, ".")
	t.Cleanup(func() { run(t, root, "docker", "rmi", image) })
	// Another user than the image's has no name there, and needs /tmp too.
	for _, user := range []string{"65532:65532", "1000:1000"} {
		said := run(t, root, "docker", "run", "--rm", "--user", user, image, "version")
		if !strings.HasPrefix(said, "autochrome v1.2.3") {
			t.Errorf("as %s it says %s", user, said)
		}
	}
}
