package outbound_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/outbound"
)

func TestNothingInsideIsReachedUnlessItIsNamed(t *testing.T) { // N1
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") }))
	defer inside.Close()
	byName := strings.Replace(inside.URL, "127.0.0.1", "localhost", 1)

	for _, address := range []string{inside.URL, byName} {
		_, err := outbound.NewClient(nil).Get(address) //nolint:bodyclose,noctx // there is none
		if !errors.Is(err, outbound.ErrAddress) {
			t.Errorf("%s was answered: %v", address, err)
		}
	}
	answer, err := outbound.NewClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}).Get(inside.URL) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}

func TestOnlyAddressesOfTheInternetArePublic(t *testing.T) { // N1
	for _, refused := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1",
		"::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
	} {
		if outbound.Public(netip.MustParseAddr(refused)) {
			t.Errorf("%s is public", refused)
		}
	}
	for _, taken := range []string{"8.8.8.8", "140.82.121.4", "2a00:1450:4001:800::200e"} {
		if !outbound.Public(netip.MustParseAddr(taken)) {
			t.Errorf("%s is not public", taken)
		}
	}
}

func TestAnswersAreBoundedAndRedirectsNotFollowed(t *testing.T) { // N1, N2
	here := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "/exact", http.StatusFound)
		case "/exact":
			_, _ = io.WriteString(w, strings.Repeat("x", outbound.MostBody))
		default:
			_, _ = io.WriteString(w, strings.Repeat("x", outbound.MostBody+1))
		}
	}))
	defer server.Close()
	read := func(path string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := outbound.Fetch(t.Context(), outbound.NewClient(here), r)
		return len(text), err
	}

	n, exact := read("/exact")
	_, long := read("/long")
	_, away := read("/away")

	if exact != nil || n != outbound.MostBody {
		t.Errorf("an answer of the most that there may be: %d bytes, %v", n, exact)
	}
	if !errors.Is(long, outbound.ErrTooLong) {
		t.Errorf("a long answer: %v", long)
	}
	if away == nil || !strings.Contains(away.Error(), "302") {
		t.Errorf("a redirect was followed: %v", away)
	}
}
