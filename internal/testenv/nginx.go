package testenv

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Nginx runs a real nginx with these contents of its http block and returns the address that it serves, such as
// "http://127.0.0.1:41234"; it stops when the test ends, or earlier by stop, which may be called again.
//
// In conf, @PORT@ stands for the port that nginx was given: write "listen 127.0.0.1:@PORT@;". @DIR@ is an empty folder.
// A conf that nginx refuses fails the test with nginx's own words.
func Nginx(t testing.TB, conf string) (url string, stop func()) {
	t.Helper()
	path, err := program("nginx", "nginx-light", "nginx", "/usr/sbin/nginx")
	if err != nil {
		t.Fatal(err)
	}
	var server *child
	err = onFreePort(func(port int) error {
		url = "http://127.0.0.1:" + strconv.Itoa(port)
		server, err = startNginx(path, t.TempDir(), conf, port)
		return err
	})
	if err != nil {
		t.Fatalf("start nginx: %v", err)
	}
	t.Cleanup(server.stop)
	return url, server.stop
}

// nginxFrame keeps everything that nginx writes inside one folder, and runs it as one process in the foreground: a
// worker of its own would change to a user who may not enter the folder.
const nginxFrame = `daemon off;
master_process off;
error_log stderr warn;
pid @DIR@/pid;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path @DIR@/body;
	proxy_temp_path @DIR@/proxy;
	fastcgi_temp_path @DIR@/fastcgi;
	uwsgi_temp_path @DIR@/uwsgi;
	scgi_temp_path @DIR@/scgi;
%s
}
`

func startNginx(path, dir, conf string, port int) (*child, error) {
	text := strings.NewReplacer("@PORT@", strconv.Itoa(port), "@DIR@", dir).Replace(fmt.Sprintf(nginxFrame, conf))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	server, err := startChild(filepath.Join(dir, "log"), "", path, "-e", "stderr", "-p", dir, "-c", file)
	if err != nil {
		return nil, err
	}
	if err := server.ready(func() error { return dial(port) }); err != nil {
		server.stop()
		return nil, err
	}
	return server, nil
}

func dial(port int) error {
	connection, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
	if err != nil {
		return err
	}
	return connection.Close()
}
