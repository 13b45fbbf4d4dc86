package testenv_test

import (
	"bufio"
	"io"
	"net"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
)

// echo is a server that says every line back, and its address.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, bufio.NewReader(conn)
}

func TestLinkCarriesIsCutAndIsMended(t *testing.T) {
	link := testenv.NewLink(t, echo(t))
	conn, from := dial(t, link.Addr)
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := from.ReadString('\n'); line != "hello\n" {
		t.Fatal(line, err)
	}

	link.Cut()
	if _, err := from.ReadByte(); err == nil {
		t.Error("the connection outlives the cut")
	}
	_, refused := dial(t, link.Addr)
	if _, err := refused.ReadByte(); err == nil {
		t.Error("a new connection goes through")
	}
	link.Mend()

	conn, from = dial(t, link.Addr)
	_, _ = io.WriteString(conn, "again\n")
	if line, err := from.ReadString('\n'); line != "again\n" {
		t.Error(line, err)
	}
}

func TestLinkThatHangsLetsThroughAfterwards(t *testing.T) {
	link := testenv.NewLink(t, echo(t))
	conn, from := dial(t, link.Addr)
	_, _ = io.WriteString(conn, "before\n")
	if line, err := from.ReadString('\n'); line != "before\n" {
		t.Fatal(line, err)
	}
	link.Hang()
	_, _ = io.WriteString(conn, "while\n")
	got := make(chan string, 1)
	go func() { line, _ := from.ReadString('\n'); got <- line }()
	select {
	case line := <-got:
		t.Error("it let through", line)
	default:
	}

	link.Mend()

	if line := <-got; line != "while\n" {
		t.Error(line)
	}
}
