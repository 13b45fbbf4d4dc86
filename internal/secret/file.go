package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrExposed is returned for a secret file that every account of the machine
// may read.
var ErrExposed = errors.New("secret: the file is readable by everyone")

const maxFile = 4096

// Open returns the root secret in the file at path, and makes file and folder
// (0600, 0700, whatever the umask) when there is none. Several processes may
// open the same path at once and get the same secret. Ask Exists first when a
// new secret would be wrong, as it is for a database that holds a canary.
// Previous is as in Parse.
func Open(path, previous string) (*Root, error) {
	r, err := Load(path, previous)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("secret: make %s: %w", path, err)
	}
	return Load(path, previous)
}

// Exists reports whether there is a file at path.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Load is Open for a file that must be there: without one it fails with
// fs.ErrNotExist. It fails with ErrExposed or ErrWeak for a file that should not
// be trusted.
func Load(path, previous string) (*Root, error) {
	text, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := Parse(text, previous)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// ReadFile returns the trimmed text of a secret file of at most 4 KiB, for any
// setting with a _FILE twin. It fails with ErrExposed when everyone may read it;
// a group may, since that is how containers get theirs.
func ReadFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%w: chmod 600 %s", ErrExposed, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// create writes a new secret beside path and links it into place: whoever comes
// second finds the first one's, and nobody ever reads half a file.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".secret-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(Token(KeySize) + "\n")
	err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
