package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/demo"
)

// U3: a backup from which somebody took the beginning of the audit log, and wrote that it was archived, is refused: nobody signed that.
func TestABackupWithoutTheBeginningOfItsLogIsRefused(t *testing.T) {
	whole := installation{t, t.TempDir()}
	_, stop := whole.serve("", "demo")
	stop()
	whole.dir = filepath.Join(whole.dir, "demo")
	backup := filepath.Join(t.TempDir(), "backup.db")
	whole.must("backup", backup)
	d, err := db.Open(context.Background(), db.Options{URL: "sqlite:" + backup})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"INSERT INTO audit_archives (last_seq, first_seq, previous_hash, hash, at, public_key, signature) SELECT 15, 1, zeroblob(32), hash, at, '', '' FROM audit_events WHERE seq = 15",
		"DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE seq <= 15)", "DELETE FROM audit_events WHERE seq <= 15",
	} {
		if _, err := d.Writer().Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	elsewhere := installation{t, t.TempDir()}
	secret, err := os.ReadFile(filepath.Join(whole.dir, "secret"))
	if err == nil {
		err = os.WriteFile(filepath.Join(elsewhere.dir, "secret"), secret, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}

	code, out, bad := elsewhere.run("", "restore", backup)

	if code == 0 || !strings.Contains(bad, "not whole") || !strings.Contains(bad, "not signed") {
		t.Error(code, out, bad)
	}
	if _, err := os.Stat(filepath.Join(elsewhere.dir, "gatehouse.db")); !os.IsNotExist(err) {
		t.Error("it was put in place", err)
	}
}

// S4: who signed out after the backup was made is not signed in again by its restore; their cookie opens nothing.
func TestARestoreSignsEverybodyOut(t *testing.T) {
	whole := installation{t, t.TempDir()}
	address, stop := whole.serve("", "demo")
	visitor := signedIn(t, address)
	stop()
	whole.dir = filepath.Join(whole.dir, "demo")
	backup := filepath.Join(t.TempDir(), "backup.db")
	whole.must("backup", backup)
	seen := func() int {
		address, stop := whole.serve("", "serve")
		defer stop()
		return seenBy(t, visitor, address)
	}

	before := seen()
	whole.must("restore", "--force", backup)
	after := seen()

	if before != http.StatusOK || after == http.StatusOK {
		t.Error(before, after)
	}
}

// S4: the command that does the same for databases that were restored by other means reaches a server that runs, at its next request.
func TestSignOutAllReachesAServerThatRuns(t *testing.T) {
	whole := installation{t, t.TempDir()}
	address, stop := whole.serve("", "demo")
	defer stop()
	visitor := signedIn(t, address)
	running := installation{t, filepath.Join(whole.dir, "demo")}

	before := seenBy(t, visitor, address)
	said := running.must("users", "sign-out-all")
	after := seenBy(t, visitor, address)

	if before != http.StatusOK || after != http.StatusUnauthorized || !strings.Contains(said, "Everybody is signed out") {
		t.Error(before, after, said)
	}
}

func signedIn(t *testing.T, address string) *rig.Visitor {
	t.Helper()
	visitor, err := rig.NewVisitor(address)
	if err == nil {
		err = visitor.SignIn("dev@kestrel.example", demo.Password)
	}
	if err != nil {
		t.Fatal(err)
	}
	return visitor
}

// seenBy is the status of a page that asks to be signed in, for the visitor's cookies.
func seenBy(t *testing.T, visitor *rig.Visitor, address string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/console/apps", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range visitor.Cookies() {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
