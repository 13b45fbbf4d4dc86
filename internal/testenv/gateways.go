package testenv

import (
	"errors"
	"net/http"
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

// traefikFrame is the static configuration, which the guide leaves to whoever runs Traefik. A route of ours tells when the dynamic one is read.
const traefikFrame = `global: {checkNewVersion: false, sendAnonymousUsage: false}
log: {level: WARN}
entryPoints: {web: {address: "127.0.0.1:@PORT@"}}
providers: {file: {directory: "@DIR@/dynamic", watch: false}}
`

const traefikReady = `http:
  routers: {ready: {rule: "Host(` + "`ready.invalid`" + `)", service: ready, priority: 1000}}
  services: {ready: {loadBalancer: {servers: []}}}
`

// TraefikPath returns the program of Traefik, as make gateways built it: "" where it is not on the path. No package brings it.
func TraefikPath() string { return find([]string{"traefik"}) }

// Traefik is as Caddy, with a file of Traefik's dynamic configuration, by the program of TraefikPath.
func Traefik(t testing.TB, file string) (url string, stop func()) {
	t.Helper()
	files := map[string]string{"traefik.yaml": traefikFrame, "dynamic/gatehouse.yaml": file, "dynamic/ready.yaml": traefikReady}
	return running(t, "traefik", TraefikPath(), files, func(dir, path string) []string {
		return []string{path, "--configFile=" + filepath.Join(dir, "traefik.yaml")}
	}, func(url string) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		r.Host = "ready.invalid"
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusNotFound {
			return errors.New("it knows no routes yet")
		}
		return nil
	})
}

// gateway runs the program of a Debian package of its name with these files in a folder of their own.
func gateway(t testing.TB, name string, names []string, files map[string]string, command func(dir, path string) []string) (url string, stop func()) {
	t.Helper()
	path, err := program(name, name, names...)
	if err != nil {
		t.Fatal(err)
	}
	return running(t, name, path, files, command, func(string) error { return nil })
}

// running runs the program at path; ready says that it not only listens.
func running(t testing.TB, name, path string, files map[string]string, command func(dir, path string) []string, ready func(url string) error) (url string, stop func()) {
	t.Helper()
	var server *child
	err := onFreePort(func(port int) error {
		url = "http://127.0.0.1:" + strconv.Itoa(port)
		dir := t.TempDir()
		marks := strings.NewReplacer("@PORT@", strconv.Itoa(port), "@LUA@", filepath.Join(dir, "gatehouse.lua"), "@DIR@", dir)
		var wrong error
		for file, text := range files {
			file = filepath.Join(dir, file)
			wrong = errors.Join(wrong, os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(marks.Replace(text)), 0o600))
		}
		if wrong != nil {
			return wrong
		}
		line := command(dir, path)
		var err error
		if server, err = startChild(filepath.Join(dir, "log"), "", line[0], line[1:]...); err != nil {
			return err
		}
		if err := server.ready(func() error { return errors.Join(dial(port), ready(url)) }); err != nil {
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
