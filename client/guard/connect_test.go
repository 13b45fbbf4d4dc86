package guard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// user is a program that uses what Connect shows.
const user = `package main

import "net/http"

func main() {
	if _, err := protected(http.NotFoundHandler()); err != nil {
		panic(err)
	}
}
`

// The file is taken as it is shown, into a module that knows of nothing but this one.
func TestGoOfConnectCompilesAndRunsAsShown(t *testing.T) {
	repository, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"protected.go": gatewayfile.Go(gatewayfile.Options{GatehouseURL: "https://portal.example", APISlug: "orders"}),
		"main.go":      user,
		"go.mod":       "module orders.example\n\ngo 1.26\n\nrequire github.com/gatehouse-dev/gatehouse v0.0.0\n\nreplace github.com/gatehouse-dev/gatehouse => " + repository + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := exec.CommandContext(t.Context(), testenv.Tool(t, "go"), "run", ".")
	program.Dir, program.Env = dir, append(os.Environ(), "GATEWAY_KEY=gk_live_x", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0")

	if said, err := program.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
