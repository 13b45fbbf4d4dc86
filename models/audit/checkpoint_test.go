package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

func seed(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// outside is a place that the database's owner does not reach.
type outside struct {
	kept []audit.Checkpoint
	away error
}

func (o *outside) write(_ context.Context, c audit.Checkpoint) error {
	if o.away == nil {
		o.kept = append(o.kept, c)
	}
	return o.away
}

func points(d *db.DB, seeds ...[]byte) (*audit.Checkpoints, *outside) {
	o := &outside{}
	return &audit.Checkpoints{DB: d, Signer: audit.NewSigner(seeds), Pace: audit.Pace{Events: 10, Time: time.Hour}, Write: o.write}, o
}

func run(t *testing.T, c *audit.Checkpoints) {
	t.Helper()
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func verdict(t *testing.T, d *db.DB, c *audit.Checkpoints, kept []audit.Checkpoint) audit.Verdict {
	t.Helper()
	keys, err := audit.KnownKeys(t.Context(), d, c.Signer)
	if err != nil {
		t.Fatal(err)
	}
	v, err := audit.VerifyWith(t.Context(), d, audit.Trust{Keys: keys, Outside: kept})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCheckpointsAreMadeByEventsAndByTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		c, o := points(d, seed(1))
		run(t, c) // of nothing
		for _, step := range []struct {
			events int
			later  time.Duration
			want   int
		}{{1, 0, 1}, {9, 0, 1}, {1, 0, 2}, {0, 2 * time.Hour, 2}, {1, 0, 3}, {1, time.Minute, 3}} {
			fill(t, d, step.events)
			clock.Advance(step.later)
			run(t, c)
			if len(o.kept) != step.want {
				t.Fatalf("%+v: %d", step, len(o.kept))
			}
		}
	})
}

// A place outside that is away loses no checkpoint.
func TestCheckpointsWaitForTheirPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		c, o := points(d, seed(1))
		o.away = errors.New("no route")
		fill(t, d, 1)
		first := c.Run(t.Context())
		fill(t, d, 20)
		second := c.Run(t.Context())
		since, err := audit.WaitingSince(t.Context(), d)

		o.away = nil
		run(t, c)

		none, err2 := audit.WaitingSince(t.Context(), d)
		if first == nil || second == nil || err != nil || err2 != nil || since.IsZero() || !none.IsZero() || len(o.kept) != 2 || o.kept[0].Seq != 1 || o.kept[1].Seq != 21 {
			t.Error(first, second, since, err, none, err2, o.kept)
		}
	})
}

// U3: who owns the database has no checkpoint kept from outside by saying that it is there already, and how far those outside reach is told apart from what the database says.
func TestACheckpointIsWrittenDownWhateverTheDatabaseSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		c, o := points(d, seed(1))
		fill(t, d, 5)
		run(t, c)
		lies := []string{"CREATE TRIGGER lies AFTER INSERT ON audit_checkpoints BEGIN UPDATE audit_checkpoints SET told_at = at WHERE seq = NEW.seq; END"}
		if d.Dialect == db.Postgres {
			lies = []string{
				"CREATE FUNCTION lies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.told_at := NEW.at; RETURN NEW; END $$",
				"CREATE TRIGGER lies BEFORE INSERT ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION lies()",
			}
		}
		for _, s := range lies {
			if _, err := d.Writer().Exec(s); err != nil {
				t.Fatal(s, err)
			}
		}

		fill(t, d, 20)
		run(t, c)
		run(t, c)

		if len(o.kept) != 2 || o.kept[1].Seq != 25 {
			t.Errorf("%+v", o.kept)
		}
		for outside, reach := range []int64{0, 5, 25} {
			if v := verdict(t, d, c, o.kept[:min(outside, len(o.kept))]); !v.Sound || v.Signed != 25 || v.Outside != reach {
				t.Errorf("%d outside: %+v", outside, v)
			}
		}
	})
}

// A database that never keeps that a checkpoint was written down has it written down once a run, and no more.
func TestAnUnkeptReceiptDoesNotRunForEver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		c, o := points(d, seed(1))
		fill(t, d, 5)
		lies := []string{"CREATE TRIGGER lies AFTER UPDATE OF told_at ON audit_checkpoints WHEN NEW.told_at IS NOT NULL BEGIN UPDATE audit_checkpoints SET told_at = NULL WHERE seq = NEW.seq; END"}
		if d.Dialect == db.Postgres {
			lies = []string{
				"CREATE FUNCTION lies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.told_at := NULL; RETURN NEW; END $$",
				"CREATE TRIGGER lies BEFORE UPDATE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION lies()",
			}
		}
		for _, s := range lies {
			if _, err := d.Writer().Exec(s); err != nil {
				t.Fatal(s, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c.Write = func(ctx context.Context, point audit.Checkpoint) error {
			if len(o.kept) == 3 {
				cancel()
			}
			return o.write(ctx, point)
		}

		err := c.Run(ctx)

		if err != nil || len(o.kept) != 1 {
			t.Error(err, len(o.kept))
		}
	})
}

// U3: who owns the database can make all of the log anew, with head row and hashes; what was kept outside finds it.
func TestALogMadeAnewIsFoundByWhatIsOutside(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		c, o := points(d, seed(1))
		fill(t, d, 15)
		run(t, c)
		if v := verdict(t, d, c, o.kept); !v.Sound || v.Checkpoints != 2 || v.Signed != 15 {
			t.Fatalf("%+v", v)
		}
		loose(t, d)
		anew := func(n int, also ...string) {
			t.Helper()
			for _, s := range append([]string{"DELETE FROM audit_events", "DELETE FROM audit_personal", "UPDATE audit_head SET seq = 0, events = 0, hash = " + zeros(d)}, also...) {
				if _, err := d.Writer().Exec(s); err != nil {
					t.Fatal(s, err)
				}
			}
			fill(t, d, n)
		}

		anew(20)
		byTheDatabase := verdict(t, d, c, nil)
		anew(20, "DELETE FROM audit_checkpoints")
		blind, byTheOutside := verdict(t, d, c, nil), verdict(t, d, c, o.kept)
		anew(0)
		gone := verdict(t, d, c, o.kept)

		if byTheDatabase.Sound || !blind.Sound || byTheOutside.Sound || byTheOutside.FirstBad != 15 || gone.Sound {
			t.Errorf("%+v\n%+v\n%+v\n%+v", byTheDatabase, blind, byTheOutside, gone)
		}
	})
}

func zeros(d *db.DB) string {
	hex := fmt.Sprintf("%064d", 0)
	if d.Dialect == db.Postgres {
		return `'\x` + hex + "'"
	}
	return "X'" + hex + "'"
}

// U3: a hundred random tamperings at checkpoints, a hundred found.
func TestEveryTamperingOfACheckpointIsFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		c, _ := points(d, seed(1))
		for range 10 {
			fill(t, d, 10)
			run(t, c)
		}
		random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // which row, not a secret
		forger := audit.NewSigner([][]byte{seed(2)})
		for i := range 100 {
			n := (random.IntN(10) + 1) * 10
			forged := forger.Sign(int64(n), seed(9), d.Now())
			tamper := []string{
				fmt.Sprintf("UPDATE audit_checkpoints SET hash = (SELECT hash FROM audit_events WHERE seq = %d) WHERE seq = %d", n-1, n),
				fmt.Sprintf("UPDATE audit_checkpoints SET seq = seq + 1 WHERE seq = %d", n),
				fmt.Sprintf("UPDATE audit_checkpoints SET signature = (SELECT signature FROM audit_checkpoints WHERE seq <> %d ORDER BY seq LIMIT 1) WHERE seq = %d", n, n),
				fmt.Sprintf("UPDATE audit_checkpoints SET public_key = '%s', signature = '%s' WHERE seq = %d", forged.Key, forged.Signature, n),
				fmt.Sprintf("UPDATE audit_checkpoints SET seq = 1000 + seq WHERE seq = %d", n),
			}[i%5]
			for _, s := range []string{"CREATE TABLE kept AS SELECT * FROM audit_checkpoints", tamper} {
				if _, err := d.Writer().Exec(s); err != nil {
					t.Fatal(s, err)
				}
			}

			v := verdict(t, d, c, nil)

			if v.Sound || v.FirstBad == 0 {
				t.Fatalf("%s went unseen", tamper)
			}
			for _, s := range []string{"DELETE FROM audit_checkpoints", "INSERT INTO audit_checkpoints SELECT * FROM kept", "DROP TABLE kept"} {
				if _, err := d.Writer().Exec(s); err != nil {
					t.Fatal(s, err)
				}
			}
		}
	})
}

// Checkpoints of an old secret stay good when it is long gone, and no key is added by who only owns the database.
func TestOldKeysAreKnownAndOthersAreNot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *dbtest.Clock) {
		old, o := points(d, seed(1))
		fill(t, d, 11)
		run(t, old)
		both, _ := points(d, seed(2), seed(1))
		run(t, both)
		third, _ := points(d, seed(3), seed(2))
		run(t, third)

		last, _ := points(d, seed(3))
		sound := verdict(t, d, last, o.kept)
		stranger, _ := points(d, seed(4))
		unknown := verdict(t, d, stranger, o.kept)

		if !sound.Sound || unknown.Sound {
			t.Errorf("%+v %+v", sound, unknown)
		}
		if _, err := d.Writer().Exec("UPDATE settings SET value = REPLACE(value, '\"keys\":[', '\"keys\":[\"" + stranger.Signer.Keys()[0] + "\",') WHERE name = 'audit.keys'"); err != nil {
			t.Fatal(err)
		}
		keys, err := audit.KnownKeys(t.Context(), d, last.Signer)
		if err != nil || len(keys) != 1 {
			t.Error("a key was added to the list without a signature", keys, err)
		}
	})
}
