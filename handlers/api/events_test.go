package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

// U1, Z2: a program reads all that was done in its organization, each event once, and nothing of another's; as lines of JSON, too.
func TestProgramReadsWhatWasDoneInItsOrganization(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		var ids []string
		var lines int
		last, path := time.Time{}, "/v1/events?limit=3&sort=seq"
		for path != "" {
			r := w.want(200, "GET", path, w.mine.text, "")
			for _, one := range r.at("data").([]any) {
				e := one.(map[string]any)
				at, err := time.Parse(time.RFC3339, e["at"].(string))
				if err != nil || at.Before(last) {
					t.Error("out of order", e)
				}
				last, ids = at, append(ids, e["id"].(string))
			}
			same := w.linesOf(path)
			for line := range strings.Lines(string(same.body)) {
				var e struct{ ID string }
				if err := json.Unmarshal([]byte(line), &e); err != nil || same.header.Get("Content-Type") != "application/jsonl" || e.ID != ids[lines] || same.header.Get("Link") != r.header.Get("Link") {
					t.Fatal(err, same.header, line, ids)
				}
				lines++
			}
			path = ""
			if link := r.header.Get("Link"); link != "" {
				path = strings.TrimPrefix(link[1:strings.Index(link, ">")], w.url)
			}
		}
		newest := w.want(200, "GET", "/v1/events?limit=1", w.mine.text, "")
		keys := w.want(200, "GET", "/v1/events?about=key", w.mine.text, "")
		none := w.want(200, "GET", "/v1/events?from="+clock.Now().Add(time.Hour).UTC().Format(time.RFC3339), w.mine.text, "")
		theirs := w.want(200, "GET", "/v1/events", w.them.text, "")

		if len(ids) < 5 || lines != len(ids) || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) || newest.text("data.0.id") != ids[len(ids)-1] {
			t.Error(len(ids), lines, newest.text("data.0.id"), ids)
		}
		if keys.text("data.0.act") != "key.created" || keys.text("data.0.by") != "member" || keys.text("data.0.target_id") != w.mine.key.ID.Show("key") || len(none.at("data").([]any)) != 0 {
			t.Errorf("%s %s", keys.body, none.body)
		}
		if strings.Contains(string(theirs.body), ids[0]) || strings.Contains(string(theirs.body), "Mine") {
			t.Errorf("another organization reads it: %s", theirs.body)
		}
		for _, query := range []string{"from=yesterday", "about=mail", "sort=at", "limit=1000"} {
			w.want(400, "GET", "/v1/events?"+query, w.mine.text, "")
		}
	})
}

// What the directory of an organization did is told with the ids that its pages and its download show.
func TestWhatADirectoryDidIsToldWithItsIDs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		token, group := db.NewID(), db.NewID()
		w.ok(d.Tx(t.Context(), func(tx *db.Tx) error {
			audit.Record(tx, actor.Actor{Kind: actor.Directory, KeyID: token, OrganizationID: w.mine.org}, audit.Event{Act: audit.DirectoryGroupAdded, TargetKind: "directory_group", TargetID: group, OrganizationID: w.mine.org})
			return nil
		}))

		got := w.want(200, "GET", "/v1/events?limit=1", w.mine.text, "")

		if got.text("data.0.by") != "directory" || got.text("data.0.actor_id") != token.Show(scim.TokenPrefix) || got.text("data.0.target_id") != group.Show(scim.GroupPrefix) {
			t.Errorf("%s", got.body)
		}
	})
}

// linesOf asks for lines of JSON.
func (w *world) linesOf(path string) reply {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.url+path, http.NoBody)
	w.ok(err)
	r.Header.Set("Authorization", "Bearer "+w.mine.text)
	r.Header.Set("Accept", "application/jsonl")
	got, err := http.DefaultClient.Do(r)
	w.ok(err)
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	w.ok(err)
	return reply{got.StatusCode, got.Header, body}
}
