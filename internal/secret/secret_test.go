package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
)

func root(t testing.TB, current, previous string) *secret.Root {
	t.Helper()
	r, err := secret.Parse(current, previous)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSecretFileIsMadeOnceAndPrivate(t *testing.T) { // C7
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "data", "secret")
	if secret.Exists(path) {
		t.Fatal("there before it was made")
	}
	versions := make([]string, 16)
	var all sync.WaitGroup
	for i := range versions {
		all.Go(func() {
			r, err := secret.Open(path, "")
			if err != nil {
				t.Error(err)
				return
			}
			versions[i] = r.Version()
		})
	}
	all.Wait()

	for _, v := range versions {
		if v != versions[0] || v == "" {
			t.Fatalf("openers got different secrets: %v", versions)
		}
	}
	file, _ := os.Stat(path)
	dir, _ := os.Stat(filepath.Dir(path))
	if file.Mode().Perm() != 0o600 || dir.Mode().Perm() != 0o700 {
		t.Errorf("modes %v and %v, want 0600 and 0700", file.Mode().Perm(), dir.Mode().Perm())
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%d files, want 1", len(left))
	}
}

func TestUntrustworthySecretsAreRefused(t *testing.T) { // C1
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := secret.Load(path, ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	good := secret.Token(32)
	write := func(text string, mode os.FileMode) {
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write(good, 0o644)
	if _, err := secret.Open(path, ""); !errors.Is(err, secret.ErrExposed) {
		t.Errorf("world-readable: %v", err)
	}
	write(good, 0o640)
	if _, err := secret.Open(path, ""); err != nil {
		t.Errorf("group-readable: %v", err)
	}
	for _, weak := range []string{
		"", "short", good[:31], strings.Repeat("a", 64), strings.Repeat("abcdefghijklmnop", 4),
		"changeme-changeme-changeme-2026-x", "0123456789abcdef0123456789abcdeff",
	} {
		write(weak, 0o600)
		_, err := secret.Open(path, "")
		if !errors.Is(err, secret.ErrWeak) {
			t.Errorf("%q: %v", weak, err)
		}
		if err != nil && weak != "" && strings.Contains(err.Error(), weak) {
			t.Errorf("the error holds the secret")
		}
		if _, err := secret.Parse(good, weak); weak != "" && !errors.Is(err, secret.ErrWeak) {
			t.Errorf("previous %q: %v", weak, err)
		}
	}
}

func TestEachUseHasItsOwnKey(t *testing.T) {
	a, b := secret.Token(32), secret.Token(32)
	r := root(t, " "+a+"\n", b+", "+a)

	if got := len(r.Versions()); got != 2 {
		t.Fatalf("%d roots, want 2", got)
	}
	seen := map[string]string{}
	for _, label := range []string{
		secret.LabelKeyPepper, secret.LabelPassword, secret.LabelCursor, secret.LabelSession,
		secret.LabelForm, secret.LabelMail, secret.LabelFactor, secret.LabelAudit, secret.LabelSigning, secret.LabelNetwork, secret.LabelNotice,
	} {
		for _, key := range r.Keys(label) {
			if other, taken := seen[string(key)]; taken || len(key) != secret.KeySize {
				t.Errorf("%s shares its key with %s", label, other)
			}
			seen[string(key)] = label
		}
		if !bytes.Equal(r.Key(label), root(t, a, "").Key(label)) {
			t.Error("keys differ between starts")
		}
	}
}

func TestSealedTextOpensOnlyInItsPlace(t *testing.T) { // C6
	old, fresh := secret.Token(32), secret.Token(32)
	before := root(t, old, "").Sealer(secret.LabelPassword)
	after := root(t, fresh, old).Sealer(secret.LabelPassword)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := before.Seal(plain, "user-1")

		got, err := after.Open(sealed, "user-1")

		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("a previous root no longer opens: %v", err)
		}
		if !after.Outdated(sealed) || before.Outdated(sealed) {
			t.Fatal("age of sealed text misjudged")
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		altered := sealed[:at] + string(sealed[at]^1) + sealed[at+1:]
		for name, try := range map[string]func() ([]byte, error){
			"swapped record": func() ([]byte, error) { return before.Open(sealed, "user-2") },
			"altered":        func() ([]byte, error) { return before.Open(altered, "user-1") },
			"cut":            func() ([]byte, error) { return before.Open(sealed[:at], "user-1") },
		} {
			if _, err := try(); !errors.Is(err, secret.ErrSealed) {
				t.Fatalf("%s opens", name)
			}
		}
	})
	if _, err := root(t, old, "").Sealer(secret.LabelMail).Open(before.Seal(nil, "x"), "x"); !errors.Is(err, secret.ErrSealed) {
		t.Error("sealed for one use, opened for another")
	}
	if _, err := root(t, fresh, "").Sealer(secret.LabelPassword).Open(before.Seal(nil, "x"), "x"); !errors.Is(err, secret.ErrSealed) {
		t.Error("opened by a stranger's root")
	}
}

func TestSignerTakesPreviousRootsButSignsWithTheCurrent(t *testing.T) { // Z9
	old, fresh := secret.Token(32), secret.Token(32)
	before, after := root(t, old, "").Signer(secret.LabelCursor), root(t, fresh, old).Signer(secret.LabelCursor)
	data := []byte("cursor")
	mac, newer := before.Sign(data), after.Sign(data)

	if !after.Verify(data, mac[:]) || !after.Verify(data, newer[:]) {
		t.Error("a good MAC is refused")
	}
	if before.Verify(data, newer[:]) || after.Verify([]byte("cursos"), mac[:]) || after.Verify(data, nil) {
		t.Error("a bad MAC is taken")
	}
}

func TestCanaryTellsAForeignSecret(t *testing.T) {
	a, b := secret.Token(32), secret.Token(32)
	stored := root(t, a, "").Canary()

	for name, c := range map[string]struct {
		root *secret.Root
		want secret.CanaryState
	}{
		"same":     {root(t, a, ""), secret.CanaryCurrent},
		"replaced": {root(t, b, a), secret.CanaryPrevious},
		"foreign":  {root(t, b, ""), secret.CanaryForeign},
	} {
		if got := c.root.CheckCanary(stored); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if strings.Contains(stored, a) {
		t.Error("the canary holds the secret")
	}
}

func TestTextNeverPrintsItself(t *testing.T) { // U5
	const hidden = "correct-horse"
	var s secret.Text
	if err := s.UnmarshalText([]byte(hidden)); err != nil || s.Reveal() != hidden || s.Empty() {
		t.Fatal("text lost")
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "a", s, "b", struct{ T secret.Text }{s})
	asJSON, _ := json.Marshal(map[string]any{"a": s, "b": &s})
	shown := log.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, &s) + fmt.Sprintf(verb, struct{ t secret.Text }{s})
	}
	shown += fmt.Sprintf("%+v %#v", root(t, hidden+secret.Token(32), ""), *root(t, hidden+secret.Token(32), ""))

	if strings.Contains(shown, hidden) || strings.Contains(shown, fmt.Sprintf("%x", hidden)) {
		t.Errorf("printed: %s", shown)
	}
}

func TestTokensAndCodesAreLongAndDifferent(t *testing.T) { // C5
	seen := map[string]bool{}
	for range 1000 {
		token := secret.Token(32)
		if len(token) != 43 || seen[token] || !regexp.MustCompile(`^[\w-]+$`).MatchString(token) {
			t.Fatalf("token %q", token)
		}
		seen[token] = true
		if !regexp.MustCompile(`^\d{6}$`).MatchString(secret.Code()) {
			t.Fatal("a code is not six digits")
		}
	}
	if len(secret.Token(1)) < 22 {
		t.Error("a token below 128 bits")
	}
	if !secret.Equal("a", "a") || secret.Equal("a", "b") || secret.Equal("a", "") {
		t.Error("Equal is wrong")
	}
}
