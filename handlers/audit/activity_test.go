package audit_test

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"

	handlers "github.com/gatehouse-dev/gatehouse/handlers/audit"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
)

func TestAdminsReadAndDownloadTheActivityOfTheirOrganization(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := catalogtest.New(t, d)
		site := webtest.New(t, d, clock, func(k *web.Kit, r *web.Registrar) {
			(&handlers.Handler{Kit: k, Orgs: w.Org, Activity: activity.NewStore(d)}).Routes(r)
		})
		as := func(a actor.Actor) *webtest.Client { return site.As(account.User{ID: a.UserID}) }
		dev := w.Person("Dana Dev", "")
		w.Join(w.North, dev, "developer")
		key := w.Key(w.Shop, "Web", w.API, w.Read)
		w.Tx(func(tx *db.Tx) error {
			audit.Record(tx, w.Staff, audit.Event{Act: audit.KeySuspended, TargetKind: "key", TargetID: key, OrganizationID: w.North, Details: map[string]string{"name": "Web", "reason": "<b>Too many calls</b>", "until": "lifted by staff"}})
			return nil
		})
		path := "/console/organizations/" + w.North.Show("org") + "/activity"
		owner := as(w.Owner)

		page, narrowed, german := owner.Get(path), owner.Get(path+"?about=app&from=2020-01-01"), owner.Get(path+"?what="+key.Show("key"))
		file := owner.Get(path + ".jsonl?about=key")

		for what, want := range map[string]bool{
			"Key suspended": true, "Staff of this portal": true, "Nora North": true, "App created": true, "Reason: &lt;b&gt;Too many calls&lt;/b&gt; · Until: lifted by staff": true, "Ada Admin": false, "/console/keys/" + key.Show("key"): true,
		} {
			if strings.Contains(page.Body, what) != want {
				t.Errorf("%q is there: %v", what, !want)
			}
		}
		if page.Status != 200 || narrowed.Status != 200 || strings.Contains(narrowed.Body, "Key suspended") || !strings.Contains(narrowed.Body, "Clear filters") || strings.Contains(german.Body, "App created") {
			t.Error(page.Status, narrowed.Status, german.Status)
		}
		var line struct{ Act, By, Actor, Target_id, Result string } //nolint:revive // as the file spells it
		lines := bufio.NewScanner(strings.NewReader(file.Body))
		n := 0
		for lines.Scan() {
			n++
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatal(err, lines.Text())
			}
		}
		if n != 1 || line.Act != "key.suspended" || line.By != "staff" || line.Actor != "" || line.Target_id != key.Show("key") || line.Result != "done" {
			t.Errorf("%d %+v", n, line)
		}
		for _, p := range []string{path, path + ".jsonl"} {
			if got := []int{as(dev).Get(p).Status, as(w.Other).Get(p).Status, as(w.Staff).Get(p).Status, site.Visitor().Get(p).Status}; got[0] != 403 || got[1] != 404 || got[2] != 404 || got[3] != 401 {
				t.Error(p, got)
			}
		}
	})
}
