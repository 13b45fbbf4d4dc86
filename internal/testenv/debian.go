package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// program returns the path of the first of these that is there; a name with a slash may hold wildcards, and then the
// highest version wins. Without any it installs the Debian package, when we are root and this is Debian, and looks
// again. The error is one sentence that names what is missing.
func program(what, debianPackage string, names ...string) (string, error) {
	if path := find(names); path != "" {
		return path, nil
	}
	if os.Getuid() != 0 {
		return "", errMissing{what, "install the Debian package " + debianPackage + " (as root these tests install it themselves)"}
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", errMissing{what, "this is not Debian, so install what Debian calls " + debianPackage}
	}
	if err := locked("install", func() error { return install(debianPackage, names) }); err != nil {
		return "", errMissing{what, err.Error()}
	}
	if path := find(names); path != "" {
		return path, nil
	}
	return "", errMissing{what, "the Debian package " + debianPackage + " does not bring it"}
}

func find(names []string) string {
	for _, name := range names {
		if !strings.Contains(name, "/") {
			if path, err := exec.LookPath(name); err == nil {
				return path
			}
			continue
		}
		if paths, err := filepath.Glob(name); err == nil && len(paths) > 0 {
			sort.Strings(paths)
			return paths[len(paths)-1]
		}
	}
	return ""
}

// install asks apt for the package unless another test process just did. The lists of a fresh image are empty or old,
// so a first failure is answered with an update.
func install(debianPackage string, names []string) error {
	if find(names) != "" {
		return nil
	}
	if apt("install", "-y", "--no-install-recommends", debianPackage) == nil {
		return nil
	}
	if err := apt("update"); err != nil {
		return err
	}
	return apt("install", "-y", "--no-install-recommends", debianPackage)
}

func apt(arguments ...string) error {
	arguments = append([]string{"-q", "-o", "DPkg::Lock::Timeout=120"}, arguments...)
	command := exec.Command("apt-get", arguments...)
	// RUNLEVEL=1 keeps the packages from starting services of their own.
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s failed with %q", strings.Join(arguments[3:], " "), lastLine(output))
	}
	return nil
}

func lastLine(output []byte) string {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return lines[len(lines)-1]
}
