package testenv

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis returns the URL of a fresh, empty Redis server of this test's own; it stops when the test ends. Starting one
// takes some 30 ms.
func Redis(t testing.TB) string {
	t.Helper()
	path, err := program("Redis", "redis-server", "redis-server", "valkey-server")
	if err != nil {
		t.Fatal(err)
	}
	var url string
	err = onFreePort(func(port int) error {
		password := random(16)
		url = fmt.Sprintf("redis://:%s@127.0.0.1:%d/0", password, port)
		dir := t.TempDir()
		server, err := startChild(filepath.Join(dir, "log"), "", path, "--bind", "127.0.0.1", "--port", strconv.Itoa(port),
			"--requirepass", password, "--save", "", "--appendonly", "no", "--dir", dir)
		if err != nil {
			return err
		}
		if err := server.ready(func() error { return pingRedis(url) }); err != nil {
			server.stop()
			return err
		}
		t.Cleanup(server.stop)
		return nil
	})
	if err != nil {
		t.Fatalf("start Redis: %v", err)
	}
	return url
}

func pingRedis(url string) error {
	options, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	options.MaxRetries = -1
	client := redis.NewClient(options)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return client.Ping(ctx).Err()
}
