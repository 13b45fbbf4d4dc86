package apikey_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// K1
func TestKeysInHexadecimalAreFound(t *testing.T) {
	const key = "gk_live_0123456789ABCDEFGHIJKLMNOPQRSTUV1TQnH8"
	plain := hex.EncodeToString([]byte(key))
	pairs := make([]string, len(key))
	for i := range key {
		pairs[i] = fmt.Sprintf("%02x", key[i])
	}
	for name, text := range map[string]string{
		"together": plain, "capitals": strings.ToUpper(plain), "in words": "The dump says " + plain + ", and then ends.", "spaces": strings.Join(pairs, " "), "colons": strings.Join(pairs, ":"),
		"source code": "0x" + strings.Join(pairs, ", 0x"), "lines": plain[:40] + "\n" + plain[40:], "glued to a digit": "a" + plain, "after another dump": hex.EncodeToString([]byte("Authorization: Bearer ")) + plain,
	} {
		found := apikey.Find(text)
		masked := apikey.Mask(text)

		if len(found) != 1 || found[0].Key.Reveal() != key || strings.Contains(strings.ToLower(masked), pairs[20]+pairs[21]+pairs[22]) || !strings.Contains(masked, found[0].Key.Hint()) {
			t.Errorf("%s: %d found, %s", name, len(found), masked)
		}
	}
	for name, text := range map[string]string{"a digest": strings.Repeat("0123456789abcdef", 40), "one digit wrong": plain[:30] + "0" + plain[31:], "prose": strings.Repeat("a dead bee faced a cafe ", 50)} {
		if found := apikey.Find(text); len(found) != 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}
