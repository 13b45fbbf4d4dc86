package staff_test

import (
	"encoding/csv"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

var eventRow = regexp.MustCompile(`<td class="num"[^>]*>(\d+)</td>`)

// U2: "Who or what" finds what somebody did and what was done to them, by name, address and id, and events by their own ids and those of requests, in all forms in which
// pages and files show them.
func TestWhoOrWhatFindsWhatWasDoneToThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		claire, root := w.Person("claire@example.com", ""), w.Person("root@northwind.example", permission.StaffAdmin)
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Run("UPDATE users SET name = 'Claire Dubois' WHERE id = ?", claire.ID); err != nil {
				return err
			}
			audit.Record(tx, actor.Actor{Kind: actor.User, UserID: root.ID, Name: root.Name, RequestID: "req_given"}, audit.Event{
				Act: audit.UserRoleChanged, TargetKind: "user", TargetID: claire.ID, Details: map[string]string{"from": "", "to": permission.Auditor},
			})
			audit.Record(tx, actor.Actor{Kind: actor.User, UserID: claire.ID, Name: "Claire Dubois", RequestID: "req_other"}, audit.Event{Act: audit.UserRoleChanged, TargetKind: "user", TargetID: root.ID})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		admin := w.As(root)
		rows := func(query string) string {
			page := admin.Get("/admin/audit?id=" + url.QueryEscape(query))
			var all []string
			for _, m := range eventRow.FindAllStringSubmatch(page.Body, -1) {
				all = append(all, m[1])
			}
			return strings.Join(all, ",")
		}
		whole, err := csv.NewReader(strings.NewReader(admin.Get("/admin/audit.csv?id=req_given").Body)).ReadAll()
		if err != nil || len(whole) != 2 {
			t.Fatal(whole, err)
		}
		event := map[string]string{}
		for i, column := range whole[0] {
			event[column] = whole[1][i]
		}
		lines := admin.Get("/admin/audit.jsonl?id=" + event["id"]).Body

		for query, want := range map[string]string{
			"Claire": "2,1", "claire DUBOIS": "2,1", "claire@example.com": "2,1", claire.ID.Show("user"): "2,1", claire.ID.String(): "2,1",
			"req_given": "1", "req_nothing": "", event["id"]: "1", event["uuid"]: "1", "nobody at all": "",
		} {
			if got := rows(query); got != want {
				t.Errorf("%s finds %q, want %q", query, got, want)
			}
		}
		if !strings.Contains(lines, `"id":"`+event["uuid"]+`"`) {
			t.Error("the row of the CSV is not that of the lines", event, lines)
		}
	})
}

// A word that very many things are called by does not make a page wait: it finds the events of some, and says so.
func TestWordsOfManyThingsSayThatThereAreMore(t *testing.T) {
	clock := dbtest.NewClock()
	d := dbtest.SQLite(t, clock)
	w := newWorld(t, d, clock)
	for i := range audit.MostAbout + 1 {
		w.Person("many"+string(rune('a'+i))+"@example.com", "")
	}
	admin := w.As(w.Person("root@northwind.example", permission.StaffAdmin))
	const says = "More than 20 things go by these words"

	few, many := admin.Get("/admin/audit?id=manya"), admin.Get("/admin/audit?id=many")

	if few.Status != 200 || strings.Contains(few.Body, says) || !strings.Contains(many.Body, says) {
		t.Error(few.Status, many.Status)
	}
}
