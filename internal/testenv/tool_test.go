package testenv_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

func TestToolsOfTheGuidesTellTheirVersion(t *testing.T) {
	for _, name := range []string{"bash", "curl", "git", "node", "python3"} {
		said, err := exec.Command(testenv.Tool(t, name), "--version").CombinedOutput()

		if err != nil || !strings.ContainsAny(string(said), "0123456789") {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
}
