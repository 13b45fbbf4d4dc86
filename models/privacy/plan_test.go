package privacy_test

import (
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// readsLog is the audit log, or what it holds of persons, read from its beginning.
var readsLog = regexp.MustCompile(`(?m)SCAN (audit_personal|audit_events|[abep])\b`)

// B2-5: whose data is put together, and what is swept, is found by an index: on SQLite one person's download of a long log would hold up every other job.
func TestNobodysDownloadReadsTheWholeLog(t *testing.T) {
	d := dbtest.SQLite(t, nil)
	reads := dbtest.Reads(t, d)
	if err := privacy.Write(t.Context(), d, privacy.Person{ID: db.NewID(), Email: "ada@example.com"}, io.Discard); err != nil {
		t.Fatal(err)
	}

	log := 0
	for _, statement := range reads() {
		if !strings.Contains(statement.SQL, "audit_") {
			continue
		}
		log++
		if plan := dbtest.Plan(t, d, statement); readsLog.MatchString(plan) {
			t.Errorf("%s\n%s", statement.SQL, plan)
		}
	}

	if log < 2 {
		t.Error(log, "statements read the log")
	}
}

// B2-5, L4: what was swept is not looked at again, nothing is looked for while the database is held, and an event from the future holds nothing up.
func TestASweepReadsOnlyWhatCameSinceTheLast(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	visit := func() {
		t.Helper()
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			audit.Record(tx, actor.Actor{Kind: actor.User, UserID: db.NewID(), Name: "Ada", Address: netip.MustParseAddr("203.0.113.7")}, audit.Event{Act: audit.UserSignedIn, TargetKind: "user", TargetID: db.NewID()})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	visit()
	clock.Advance(2000 * 24 * time.Hour)
	visit()
	clock.Advance(-2000 * 24 * time.Hour)
	visit()
	clock.Advance(181 * 24 * time.Hour)
	visit()
	sweep := func() (left int, plans []string) {
		t.Helper()
		reads := dbtest.Reads(t, d)
		if err := privacy.Sweep(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		for _, statement := range reads() {
			if strings.Contains(statement.SQL, "audit_") {
				plans = append(plans, dbtest.Plan(t, d, statement))
			}
		}
		if err := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM audit_personal WHERE field = 'address'").Scan(&left).Error; err != nil {
			t.Fatal(err)
		}
		return left, plans
	}

	first, _ := sweep()
	second, plans := sweep()

	if first != 1 || second != 1 {
		t.Error(first, second)
	}
	if len(plans) != 1 || slices.ContainsFunc(plans, func(p string) bool {
		return !strings.Contains(p, "SEARCH audit_events") || strings.Contains(p, "TEMP B-TREE")
	}) {
		t.Error(plans)
	}
}
