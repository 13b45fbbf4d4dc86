package scim_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/scim"
)

// crowd has so many users in the directory, members if they are to be, and tells their ids.
func (w *world) crowd(n int, members bool) (ids []string) {
	w.t.Helper()
	w.Tx(func(tx *db.Tx) error {
		ids = nil
		for i := range n {
			u, s, address := db.NewID(), db.NewID(), fmt.Sprintf("u%d@northwind.example", i)
			if _, err := tx.Run("INSERT INTO users (id, email, email_verified_at, name, display_name, created_at, updated_at) VALUES (?, ?, ?, 'n', ?, ?, ?)", u, address, tx.Now, fmt.Sprintf("crowd %d", i), tx.Now, tx.Now); err != nil {
				return err
			}
			if _, err := tx.Run("INSERT INTO scim_users (id, organization_id, user_id, user_name, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", s, w.North, u, address, tx.Now, tx.Now); err != nil {
				return err
			}
			if members {
				if _, err := tx.Run("INSERT INTO members (organization_id, user_id, role, created_at) VALUES (?, ?, 'viewer', ?)", w.North, u, tx.Now); err != nil {
					return err
				}
			}
			ids = append(ids, `"`+s.Show(scim.UserPrefix)+`"`)
		}
		return nil
	})
	return ids
}

// A directory that gives and takes a role again and again writes no mail without end (L7): what it does is done, without a letter.
func TestDirectoryLettersAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.crowd(120, true)
		g := w.post("/Groups", `{"displayName":"g"}`).is("g", 201, "").id()
		w.run("UPDATE scim_groups SET role = 'admin'")
		before := w.count("SELECT COUNT(*) FROM mails")
		all := `{"op":"replace","path":"members","value":[` + strings.Join(ids, ",") + `]}`

		w.patch("/Groups/"+g, all).is("in", 200, "")
		first := w.count("SELECT COUNT(*) FROM mails") - before
		w.patch("/Groups/"+g, `{"op":"remove","path":"members"}`).is("out", 200, "")
		w.patch("/Groups/"+g, all).is("in again", 200, "")

		if most := w.count("SELECT COUNT(*) FROM mails") - before; first != 120 || most > 200 {
			t.Errorf("%d mails, then %d in all", first, most)
		}
		if n := w.count("SELECT COUNT(*) FROM members WHERE organization_id = ? AND role = 'admin'", w.North); n < 120 {
			t.Error(n, "have the role")
		}
	})
}

// What one patch of a group costs is bounded, since all others wait for it (L1, L2); who names members by their ids is not held up by that.
func TestOnePatchDoesNotHoldUpOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.crowd(30, false)
		g := w.post("/Groups", `{"displayName":"g","members":[{"value":`+strings.Join(ids, `},{"value":`)+`}]}`).is("g", 201, "").id()
		var strangers, searches, named []string
		for range scim.MaxUsers + 1 {
			strangers = append(strangers, `"`+db.NewID().Show(scim.UserPrefix)+`"`)
		}
		for i := range 25 {
			searches = append(searches, `{"op":"remove","path":"members[display eq \"x\" or value eq 1]"}`)
			named = append(named, `{"op":"remove","path":"members[value eq \"`+strings.Trim(ids[i], `"`)+`\"]"}`)
		}

		w.patch("/Groups/"+g, `{"op":"add","path":"members","value":[`+strings.Join(strangers, ",")+`]},{"op":"remove","path":"members"}`).is("too many members between", 400, "invalidValue")
		w.patch("/Groups/"+g, strings.Join(searches, ",")).is("too many searches", 413, "")
		w.patch("/Groups/"+g, strings.Join(searches[:20], ",")).is("some searches", 200, "")
		full := `{"op":"add","path":"members","value":[` + strings.Join(strangers[:scim.MaxUsers-30], ",") + `]},`
		w.patch("/Groups/"+g, full+strings.Repeat(`{"op":"remove","path":"members[VALUE eq \"q\" or VALUE eq \"q\" or VALUE eq \"q\"]"},`, 9)+named[0]).is("too many looks", 413, "")
		w.patch("/Groups/"+g, `{"op":"remove","path":"members[value eq \"q\"`+strings.Repeat(` or value eq \"q\"`, 20)+`]"}`).is("too many conditions", 400, "invalidFilter")
		w.patch("/Groups/"+g, strings.Join(named, ",")).is("named", 200, "")
		repeated := strings.TrimSuffix(strings.Repeat(ids[29]+",", scim.MaxUsers+1), ",")
		w.patch("/Groups/"+g, `{"op":"add","path":"members","value":[`+repeated+`]}`).is("the same again", 200, "")

		if n := w.count("SELECT COUNT(*) FROM scim_group_members"); n != 5 {
			t.Error(n, "members left")
		}
	})
}

// What is kept of a directory is bounded, and to look for one does not read all of it (L2, L4).
func TestAFullDirectoryIsSearchedCheaply(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.crowd(scim.MaxUsers, false)
		w.Tx(func(tx *db.Tx) error {
			for i := range scim.MaxSeats / scim.MaxUsers {
				if _, err := tx.Run("INSERT INTO scim_groups (id, organization_id, display_name, name_key, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)", db.NewID(), w.North, fmt.Sprint("Team ", i), fmt.Sprint("team ", i), tx.Now, tx.Now); err != nil {
					return err
				}
			}
			_, err := tx.Run("INSERT INTO scim_group_members (group_id, scim_id) SELECT g.id, s.id FROM scim_groups g JOIN scim_users s ON s.organization_id = g.organization_id")
			return err
		})

		w.post("/Groups", `{"displayName":"one more","members":[{"value":`+ids[0]+`}]}`).is("beyond", 409, "")
		for query, want := range map[string]float64{
			"/Users?filter=userName+eq+%22U7@northwind.example%22":                  1,
			"/Users?filter=userName+eq+%22nobody%22":                                0,
			"/Users?filter=id+eq+" + "%22" + strings.Trim(ids[5], `"`) + "%22":      1,
			"/Users?filter=id+eq+%22x%22":                                           0,
			"/Users?count=1":                                                        scim.MaxUsers,
			"/Groups?filter=displayName+eq+%22TEAM+3%22&excludedAttributes=members": 1,
			"/Groups?filter=externalId+eq+%22x%22":                                  0,
			"/Groups?excludedAttributes=members":                                    scim.MaxSeats / scim.MaxUsers,
			"/Groups?filter=displayName+eq+%22team+3%22+and+id+pr&count=0":          1,
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := w.get(query).is(query, 200, "")
			runtime.ReadMemStats(&after)
			if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; r.at("totalResults") != want || mib > 16 {
				t.Error(query, r.at("totalResults"), "results, allocated MiB:", mib)
			}
		}
		two := "+or+members+eq+%22x%22+or+members+eq+%22y%22"
		w.get("/Groups?count=0&filter=members+eq+%22z%22"+two).is("too many looks", 400, "tooMany")
		w.get("/Users?count=0&filter=groups+eq+%22z%22"+strings.ReplaceAll(two, "members", "groups")).is("too many looks", 400, "tooMany")
		if g := w.get("/Users?count=1").at("Resources", 0, "groups"); len(g.([]any)) != 10 {
			t.Error(g)
		}
		if m := w.get("/Groups?filter=displayName+eq+%22team+3%22").at("Resources", 0, "members"); len(m.([]any)) != scim.MaxUsers {
			t.Error("members are missing")
		}
		if n := w.get("/Users?count=0&filter=groups.display+eq+%22team+3%22").at("totalResults"); n != float64(scim.MaxUsers) {
			t.Error(n)
		}
	})
}
