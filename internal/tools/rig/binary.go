// Package rig runs the built program from the outside, as an operator does, and visits it over HTTP: for stories that treat Gatehouse as
// a black box, and for the tool that takes screenshots.
package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Tags are those with which Binary builds, parted by commas: to be set before it is called.
var Tags string

// Binary builds cmd/gatehouse once in this process, static as it is shipped, and returns its path. RemoveBinary takes it away again.
var Binary = sync.OnceValues(func() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "gatehouse-rig-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "gatehouse")
	build := exec.Command("go", "build", "-tags", Tags, "-o", path, "./cmd/gatehouse")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build cmd/gatehouse: %w: %s", err, output)
	}
	return path, nil
})

// RemoveBinary removes what Binary built, if it did; for the end of the process.
func RemoveBinary() {
	if path, err := Binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

// Root is the folder of the repository: the nearest one above with a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above %s", dir)
		}
		dir = parent
	}
}
