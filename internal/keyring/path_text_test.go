package keyring_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// D6: what an old decoder reads as a slash, or another takes for one, is no letter of a name.
func TestAPathIsTextWithNothingInItThatLooksLikeASlash(t *testing.T) {
	for _, path := range []string{"%C0%AF", "%FF", "a%e0%80%afb", "%ED%A0%80", "%C3", "%EF%BC%8F", "%E2%88%95", "%e2%81%84", "%E2%A7%B8", "%EF%BC%BC", "%EF%BC%8E%EF%BC%8E", "%E2%80%A5", "a%E2%88%95..%E2%88%95admin"} {
		if got, err := keyring.Canonical("/v2/" + path); err == nil {
			t.Errorf("%s is read as %s", path, got)
		}
	}
	for _, path := range []string{"%C3%BC", "%E6%97%A5%E6%9C%AC", "caf%c3%a9/%F0%9F%8D%8A", "a%20b", "100%25"} {
		if _, err := keyring.Canonical("/v2/" + path); err != nil {
			t.Errorf("%s is refused", path)
		}
	}
}
