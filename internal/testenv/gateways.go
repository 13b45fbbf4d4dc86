package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Caddy runs a real Caddy, the one of Debian, with this Caddyfile and returns the address that it serves; it stops when the test ends, or earlier by
// stop. In file, @PORT@ stands for the port that it was given. A file that Caddy refuses fails the test with Caddy's own words.
func Caddy(t testing.TB, file string) (url string, stop func()) {
	t.Helper()
	const options = "{\n\tadmin off\n\tauto_https off\n}\n"
	return gateway(t, "caddy", []string{"caddy"}, map[string]string{"Caddyfile": options + file}, func(dir, path string) []string {
		// It would keep a copy of what it was given, and a name of its own, at home.
		return []string{"env", "XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir, path, "run", "--adapter", "caddyfile", "--config", filepath.Join(dir, "Caddyfile")}
	})
}

// HAProxy is as Caddy, with the program that the configuration loads: @LUA@ stands for where it lies.
func HAProxy(t testing.TB, file, lua string) (url string, stop func()) {
	t.Helper()
	return gateway(t, "haproxy", []string{"haproxy", "/usr/sbin/haproxy"}, map[string]string{"haproxy.cfg": file, "gatehouse.lua": lua}, func(dir, path string) []string {
		return []string{path, "-db", "-f", filepath.Join(dir, "haproxy.cfg")}
	})
}

// gateway runs the program of a Debian package of its name with these files in a folder of their own.
func gateway(t testing.TB, name string, names []string, files map[string]string, command func(dir, path string) []string) (url string, stop func()) {
	t.Helper()
	path, err := program(name, name, names...)
	if err != nil {
		t.Fatal(err)
	}
	var server *child
	err = onFreePort(func(port int) error {
		url = "http://127.0.0.1:" + strconv.Itoa(port)
		dir := t.TempDir()
		marks := strings.NewReplacer("@PORT@", strconv.Itoa(port), "@LUA@", filepath.Join(dir, "gatehouse.lua"))
		var wrong error
		for file, text := range files {
			wrong = errors.Join(wrong, os.WriteFile(filepath.Join(dir, file), []byte(marks.Replace(text)), 0o600))
		}
		if wrong != nil {
			return wrong
		}
		line := command(dir, path)
		if server, err = startChild(filepath.Join(dir, "log"), "", line[0], line[1:]...); err != nil {
			return err
		}
		if err := server.ready(func() error { return dial(port) }); err != nil {
			server.stop()
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(server.stop)
	return url, server.stop
}
