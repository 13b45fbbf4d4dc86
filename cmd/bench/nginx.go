package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
)

// nginxSection is R4: nginx with our own file in front of a service, asking us, against the same asking a program that always says yes. The
// CPU is that of nginx and of whom it asks.
func nginxSection(ctx context.Context, b *bench) error {
	path := nginxPath()
	if path == "" {
		fmt.Println("nginx is not installed: what a check behind it costs is left out")
		return nil
	}
	us, err := b.gatehouse(ctx)
	if err != nil {
		return err
	}
	yes, err := b.floor(ctx, "yes")
	if err != nil {
		return err
	}
	var sides [2]contender
	for i, asked := range []*program{us, yes} {
		gate, err := b.gate(ctx, path, asked.address)
		if err != nil {
			return err
		}
		sides[i] = contender{[]string{"nginx-authz", "nginx-yes"}[i], []*program{gate, asked}, load{address: gate.address, connections: b.connections, requests: calls(b.filled.texts[:inUse])}}
	}
	return b.against(ctx, sides[0], sides[1], "cpu")
}

// gate starts nginx in front of a service of its own that answers at once.
func (b *bench) gate(ctx context.Context, nginx, asked string) (*program, error) {
	front, err1 := freePort()
	service, err2 := freePort()
	dir, err3 := os.MkdirTemp(b.filled.dir, "nginx-")
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, fmt.Errorf("%w, %w, %w", err1, err2, err3)
	}
	conf := "daemon off;\nmaster_process off;\nerror_log stderr error;\npid " + dir + "/pid;\nevents { worker_connections 512; }\nhttp {\naccess_log off;\n"
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		conf += name + "_temp_path " + dir + "/" + name + ";\n"
	}
	conf += "server { listen " + service + "; location / { return 200; } }\n" +
		gatewayfile.Nginx(gatewayfile.Options{GatehouseURL: "http://" + asked, APISlug: "orders", Environment: "live", Token: b.filled.gateway, Upstream: "http://" + service, Listen: front}) + "}\n"
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	gate, err := launch(ctx, front, nil, nginx, "-e", "stderr", "-p", dir, "-c", file)
	if err == nil {
		b.beside = append(b.beside, gate)
	}
	return gate, err
}

// calls are requests for the service, as clients send them.
func calls(texts []string) [][]byte {
	all := make([][]byte, 0, len(texts))
	for _, text := range texts {
		all = append(all, []byte("GET /v2/orders/7 HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "+text+"\r\n\r\n"))
	}
	return all
}

func nginxPath() string {
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} { // Debian keeps it out of the PATH of users
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}
