package stories_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/internal/secret"
)

// A ledger keeps what must stay secret: kind and text.
type ledger struct{ all [][2]string }

func (l *ledger) keep(kind, text string) {
	if text != "" {
		l.all = append(l.all, [2]string{kind, text})
	}
}

// needles are the forms in which a secret could lie somewhere: as it is, its bytes as base64 and hexadecimal, and, when it is an
// encoding itself, the bytes that it stands for, also in another encoding. A key is looked for without its prefix, too.
func needles(text string) [][]byte {
	raw := [][]byte{[]byte(text)}
	if parts := strings.Split(text, "_"); len(parts) == 3 && len(parts[2]) == 38 {
		raw = append(raw, []byte(parts[2][:32]))
	}
	for _, decode := range []func(string) ([]byte, error){base64.RawURLEncoding.DecodeString, base64.RawStdEncoding.DecodeString, base64.StdEncoding.DecodeString, hex.DecodeString} {
		if b, err := decode(text); err == nil && len(b) >= 12 {
			raw = append(raw, b)
		}
	}
	var all [][]byte
	for _, r := range raw {
		all = append(all, r, []byte(hex.EncodeToString(r)), []byte(strings.ToUpper(hex.EncodeToString(r))))
		all = append(all, inBase64(r)...)
	}
	return all
}

// inBase64 is what base64 makes of r wherever in a longer text it begins: without the characters that its neighbours decide.
func inBase64(r []byte) [][]byte {
	var all [][]byte
	for shift := range 3 {
		padded := append(make([]byte, shift), r...)
		first, end := (shift*8+5)/6, len(padded)*8/6
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, []byte(e.EncodeToString(padded)[first:end]))
		}
	}
	return all
}

// leaks fails for each secret that stands in content in whatever form.
func (l *ledger) leaks(t testing.TB, where string, content []byte) {
	t.Helper()
	for _, kept := range l.all {
		for _, needle := range needles(kept[1]) {
			if len(needle) >= 8 && bytes.Contains(content, needle) {
				t.Errorf("a %s stands in %s, as %q…", kept[0], where, needle[:8])
				break
			}
		}
	}
}

// K1: after everything that happened, no store holds a secret.
func (w *world) scan(t testing.TB, auditCSV string) {
	t.Helper()
	if len(w.secrets.all) < 8 {
		t.Fatalf("only %d secrets are known: the scan would prove little", len(w.secrets.all))
	}
	w.keepRootSecret(t)
	w.scanDatabase(t)
	_, log := w.Said()
	w.secrets.leaks(t, "the log", []byte(strings.Join(w.logs, "")+log))
	for _, mail := range w.inbox.Mails() {
		w.secrets.leaks(t, "the mail "+mail.Subject, []byte(mail.Raw+mail.Text+mail.HTML))
	}
	if !strings.Contains(auditCSV, ",") {
		t.Errorf("the audit log as CSV is %q", auditCSV)
	}
	w.secrets.leaks(t, "the audit log", []byte(auditCSV))
}

// keepRootSecret adds the secret of the installation, and the pepper that is derived from it.
func (w *world) keepRootSecret(t testing.TB) {
	t.Helper()
	root, err := os.ReadFile(filepath.Join(w.dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	w.secrets.keep("root secret", strings.TrimSpace(string(root)))
	opened, err := secret.Load(filepath.Join(w.dir, "secret"), "")
	if err != nil {
		t.Fatal(err)
	}
	w.secrets.keep("pepper", string(opened.Key(secret.LabelKeyPepper)))
}

// scanDatabase reads the database as it lies on disk, and a backup of it; on PostgreSQL, every row of every table.
func (w *world) scanDatabase(t testing.TB) {
	t.Helper()
	if url := w.env["GATEHOUSE_DATABASE_URL"]; url != "" {
		w.secrets.leaks(t, "PostgreSQL", dump(t, url))
		return
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	w.run("backup", backup)
	w.secrets.leaks(t, "the backup", read(t, backup))
	files := 0
	err := filepath.WalkDir(w.dir, func(path string, f fs.DirEntry, err error) error {
		if err != nil || !f.Type().IsRegular() || f.Name() == "secret" {
			return gone(err)
		}
		content, err := os.ReadFile(path)
		if err == nil {
			files++
			w.secrets.leaks(t, f.Name(), content)
		}
		return gone(err)
	})
	if err != nil || files < 1 {
		t.Fatal(files, err)
	}
}

// gone passes over files that the running program took away meanwhile.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// dump is all rows of all tables as PostgreSQL writes them: bytes in hexadecimal.
func dump(t testing.TB, url string) []byte {
	t.Helper()
	ctx := context.Background()
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	rows, err := db.Query(ctx, "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 30 {
		t.Fatal(tables, err)
	}
	var all bytes.Buffer
	for _, table := range tables {
		if _, err := db.PgConn().CopyTo(ctx, &all, "COPY (SELECT * FROM "+table+") TO STDOUT"); err != nil {
			t.Fatal(err)
		}
	}
	return all.Bytes()
}

func TestTheScanFindsASecretInEveryForm(t *testing.T) {
	t.Parallel()
	const secret = "gk_live_0123456789abcdefghijABCDEFGHIJ01012345"
	var l ledger
	l.keep("key", secret)
	for name, form := range map[string]string{
		"clear": "x" + secret + "y", "without prefix": "0123456789abcdefghijABCDEFGHIJ01", "hex": hex.EncodeToString([]byte(secret)),
		"base64": base64.StdEncoding.EncodeToString([]byte(secret)), "inside base64": base64.URLEncoding.EncodeToString([]byte("{" + secret + "}")),
		"further inside": base64.StdEncoding.EncodeToString([]byte(`["` + secret + `"]`)),
	} {
		probe := &failures{TB: t}

		l.leaks(probe, name, []byte(form))

		if probe.count != 1 {
			t.Errorf("%s: found %d times", name, probe.count)
		}
	}
	l.leaks(t, "its digest", []byte("hmac of it"))
}

// failures counts instead of failing.
type failures struct {
	testing.TB
	count int
}

func (f *failures) Errorf(string, ...any) { f.count++ }
