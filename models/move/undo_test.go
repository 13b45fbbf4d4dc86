package move_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/move"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// moved is an installation that was moved to an empty database.
func moved(t *testing.T) (from *db.DB, to string) {
	t.Helper()
	from, to = dbtest.SQLite(t, dbtest.NewClock()), testenv.Postgres(t)
	err := from.Tx(t.Context(), func(tx *db.Tx) error { return setting.Put(tx, "secret_canary", "ours") })
	if err == nil {
		_, err = move.Run(t.Context(), move.Options{From: from, To: to, Tell: quiet})
	}
	if err != nil {
		t.Fatal(err)
	}
	return from, to
}

// K8: of two databases that are served each would not hear of what is revoked in the other. So a move is taken back only when nobody serves the new one, and
// nobody will.
func TestAMoveIsTakenBackUnlessTheNewDatabaseIsServed(t *testing.T) {
	from := dbtest.SQLite(t, dbtest.NewClock())
	if _, err := move.Undo(t.Context(), from, move.Back{}); !errors.Is(err, move.ErrNotMoved) {
		t.Fatal(err)
	}
	from, to := moved(t)
	execute(t, to, `INSERT INTO replicas (boot_id, name, version, started_at, seen_at) VALUES (gen_random_uuid(), 'new/7', 'x', now(), clock_timestamp()), (gen_random_uuid(), 'old/3', 'x', now(), now() - interval '1 minute')`)
	there := dbtest.Open(t, to, nil)

	_, err := move.Undo(t.Context(), from, move.Back{To: to})
	var served *move.ErrServed
	if !errors.As(err, &served) || strings.Join(served.Names, " ") != "new/7" {
		t.Fatal("a server runs on it:", err)
	}
	mustRefuse(t, from)
	if _, marked, err := move.Arriving(t.Context(), there); marked || err != nil {
		t.Error("who serves it could not start again", err)
	}

	execute(t, to, "UPDATE replicas SET seen_at = now() - interval '20 seconds'")
	undone, err := move.Undo(t.Context(), from, move.Back{To: to})
	if err != nil || undone.Gone || undone.Revoked != 0 {
		t.Fatalf("%+v %v", undone, err)
	}
	mustWrite(t, from)
	mark, marked, err := move.Arriving(t.Context(), there)
	if _, left := mark.Left(); !marked || !left || err != nil {
		t.Errorf("a server would start on the new one: %+v %v", mark, err)
	}
}

// What can't be looked into may be served.
func TestAMoveIsNotTakenBackUnseen(t *testing.T) {
	from, to := moved(t)
	link, over := testenv.LinkTo(t, to)
	link.Cut()
	other := testenv.Postgres(t)
	migratedFrom := dbtest.SQLite(t, dbtest.NewClock())
	if _, err := move.Run(t.Context(), move.Options{From: migratedFrom, To: other, Tell: quiet}); err != nil {
		t.Fatal(err)
	}
	execute(t, other, `INSERT INTO settings (name, value, updated_at) VALUES ('secret_canary', '"theirs"', now())`)

	for name, address := range map[string]string{"cut off": over, "another installation": other} {
		if _, err := move.Undo(t.Context(), from, move.Back{To: address}); !errors.Is(err, move.ErrUnseen) {
			t.Errorf("%s: %v", name, err)
		}
		mustRefuse(t, from)
	}
	if _, err := move.Undo(t.Context(), from, move.Back{To: over, Blind: true}); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, from)
}

// A database that was dropped is served by nobody.
func TestAMoveIsTakenBackFromADatabaseThatIsGone(t *testing.T) {
	from, to := moved(t)
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal("not a URL")
	}
	u.Path = "/gatehouse_dropped"

	undone, err := move.Undo(t.Context(), from, move.Back{To: u.String()})

	if err != nil || !undone.Gone {
		t.Fatalf("%+v %v", undone, err)
	}
	mustWrite(t, from)
}

// From the hold on nothing can be revoked: what is wrong with the target is said before.
func TestWhatIsWrongWithTheTargetIsSaidBeforeTheHold(t *testing.T) {
	from, taken := dbtest.SQLite(t, dbtest.NewClock()), dbtest.PostgresURL(t)
	execute(t, taken, "INSERT INTO settings (name, value, updated_at) VALUES ('x', '1', now())")
	u, err := url.Parse(taken)
	if err != nil {
		t.Fatal("not a URL")
	}
	u.Path = "/gatehouse_missing"

	for address, says := range map[string]string{taken: "not empty: table settings", u.String(): `move: there is no database "gatehouse_missing" at `} {
		var steps []move.Step
		_, err := move.Run(t.Context(), move.Options{From: from, To: address, Tell: func(e move.Event) { steps = append(steps, e.Step) }})

		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(strings.Split(err.Error(), "\n")[0], "tls") || len(steps) != 0 {
			t.Errorf("%v after %v", err, steps)
		}
	}
}

// S4, A13: what was ended in the new database is not there again in the old one: nobody is signed in, and what else was taken back since is counted.
func TestAMoveThatIsTakenBackBringsNoSessionBackAndSaysWhatItForgets(t *testing.T) {
	clock := dbtest.NewClock()
	from, to := dbtest.SQLite(t, clock), testenv.Postgres(t)
	user, session := db.NewID(), db.NewID()
	put := func(query string, args ...any) {
		t.Helper()
		if err := from.Tx(t.Context(), func(tx *db.Tx) error { _, err := tx.Run(query, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	now := from.Now()
	put("INSERT INTO settings (name, value, updated_at) VALUES ('secret_canary', '\"ours\"', ?)", now)
	put("INSERT INTO users (id, email, name, display_name, password_changed_at, created_at, updated_at) VALUES (?, 'ada@example.com', 'Ada', 'ada', ?, ?, ?)", user, now, now, now)
	put("INSERT INTO sessions (id, digest, user_id, reauthenticated_at, last_seen_at, expires_at, created_at) VALUES (?, 'x', ?, ?, ?, ?, ?)", session, user, now, now, now, now)
	put("INSERT INTO provider_sessions (session_id, issuer, subject) VALUES (?, 'https://login.example', 'ada')", session)
	if _, err := move.Run(t.Context(), move.Options{From: from, To: to, Tell: quiet}); err != nil {
		t.Fatal(err)
	}
	execute(t, to, "UPDATE users SET password_changed_at = now() + interval '10 years', suspended_at = now() + interval '10 years'")

	undone, err := move.Undo(t.Context(), from, move.Back{To: to})

	if want := (move.Since{Passwords: 1, Suspended: 1}); err != nil || undone.Since != want {
		t.Errorf("%+v %v", undone, err)
	}
	for _, table := range []string{"sessions", "provider_sessions"} {
		var n int
		if err := from.Read(t.Context()).Raw("SELECT COUNT(*) FROM " + table).Row().Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d %v", table, n, err)
		}
	}
}

// K8: a database that can't be told to be of this installation is not taken for its own, and not marked.
func TestAMoveIsNotTakenBackFromADatabaseThatIsPerhapsAnothers(t *testing.T) {
	from, to := dbtest.SQLite(t, dbtest.NewClock()), testenv.Postgres(t)
	if _, err := move.Run(t.Context(), move.Options{From: from, To: to, Tell: quiet}); err != nil {
		t.Fatal(err)
	}

	_, err := move.Undo(t.Context(), from, move.Back{To: to})

	if !errors.Is(err, move.ErrUnseen) {
		t.Error(err)
	}
	if _, marked, err := move.Arriving(t.Context(), dbtest.Open(t, to, nil)); marked || err != nil {
		t.Error("it is marked", err)
	}
	mustRefuse(t, from)
}
