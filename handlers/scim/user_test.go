package scim_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// RFC 7644, section 3.3 and 3.4.1; RFC 7643, section 8.2: attributes that are not kept are left aside.
func TestADirectoryMakesAPersonAMember(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.post("/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"bjensen","userName":"BJensen@Northwind.example",
			"name":{"formatted":"Ms. Barbara J Jensen III","familyName":"Jensen","givenName":"Barbara"},"emails":[{"value":"b@evil.example","primary":true}],"password":"t1meMa$heen","roles":[{"value":"owner"}],
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984"}}`).is("create", 201, "")
		at := "/Users/" + made.id()

		read := w.get(at).is("read", 200, "")

		if made.Header.Get("Location") != w.site.URL+"/scim/v2"+at || made.Header.Get("ETag") == "" || made.Header.Get("ETag") != read.Header.Get("ETag") || made.Text != read.Text {
			t.Error(made.Header, read.Text)
		}
		if read.at("userName") != "bjensen@northwind.example" || read.at("active") != true || read.at("externalId") != "bjensen" || read.at("name", "givenName") != "Barbara" || read.at("emails", 0, "value") != "bjensen@northwind.example" ||
			read.at("meta", "resourceType") != "User" || read.at("meta", "version") != read.Header.Get("ETag") || read.at("password") != nil {
			t.Error(read.Text)
		}
		u := w.user("bjensen@northwind.example")
		if u.PasswordSealed != "" || u.Name != "Ms. Barbara J Jensen III" || u.StaffRole != "" || !u.Active(w.clock.Now()) || w.role("bjensen@northwind.example") != "viewer" {
			t.Error(u, w.role("bjensen@northwind.example"))
		}
		if got := w.Mails("bjensen@northwind.example"); !slices.Equal(got, []string{"directory_joined"}) {
			t.Error(got)
		}
		if n := w.count("SELECT COUNT(*) FROM audit_events WHERE organization_id = ? AND actor_kind = 'directory' AND act IN ?", w.North, []audit.Act{audit.DirectoryUserAdded, audit.MemberJoined}); n != 2 {
			t.Error(n, "acts of the directory")
		}
		if same := w.send(w.token, "GET", at, "", "If-None-Match", read.Header.Get("ETag")); same.Status != 304 {
			t.Error(same.Status)
		}
	})
}

// A15, Z8: only people in a domain that the organization has proven.
func TestADirectoryReachesNobodyOutsideItsDomains(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.count("SELECT COUNT(*) FROM users")
		for _, address := range []string{"a@contoso.example", "a@nobody.example", "a@sub.northwind.example", "a@badnorthwind.example", "nora.north@example.com", "not an address", "", "northwind.example", "a@contoso.example@northwind.example."} {
			w.post("/Users", `{"userName":"`+address+`"}`).is(address, 400, "invalidValue")
		}
		id := w.person("ann@northwind.example")
		w.put("/Users/"+id, `{"userName":"ann@contoso.example"}`).is("rename out", 400, "invalidValue")

		renamed := w.patch("/Users/"+id, `{"op":"replace","path":"userName","value":"anna@northwind.example"}`).is("rename within", 200, "")

		if renamed.at("userName") != "anna@northwind.example" || w.user("ann@northwind.example").Name == "" || w.count("SELECT COUNT(*) FROM users") != before+1 {
			t.Error("the account’s own address or another account changed:", renamed.Text)
		}
		w.run("UPDATE domains SET proven_at = NULL WHERE organization_id = ?", w.North)
		w.prove(w.North, "second.example")
		w.post("/Users", `{"userName":"bo@northwind.example"}`).is("a domain that was lost", 400, "invalidValue")
		w.patch("/Users/"+id, `{"op":"replace","path":"active","value":false}`).is("taking out still works", 200, "")
		w.patch("/Users/"+id, `{"op":"replace","path":"active","value":true}`).is("and back in does not", 400, "invalidValue")
	})
}

// S4, Z7, K6: who is deactivated loses the organization and all sessions at once, by whatever words a directory says so.
func TestWhoIsDeactivatedIsOutAtOnce(t *testing.T) {
	words := map[string]func(w *world, at string) resource{
		"RFC": func(w *world, at string) resource {
			return w.patch(at, `{"op":"replace","path":"active","value":false}`)
		},
		"Entra ID": func(w *world, at string) resource {
			return w.patch(at, `{"op":"Replace","path":"active","value":"False"},{"op":"Add","path":"name.givenName","value":"Ann"},{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x@evil.example"},
				{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Sales"}`)
		},
		"Entra ID without paths": func(w *world, at string) resource {
			return w.patch(at, `{"op":"replace","value":{"Active":"False","name.familyName":"North","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager":"x"}}`)
		},
		"Okta": func(w *world, at string) resource { return w.patch(at, `{"op":"replace","value":{"active":false}}`) },
		"PUT": func(w *world, at string) resource {
			return w.put(at, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann@northwind.example","active":false}`)
		},
	}
	for name, say := range words {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				at := "/Users/" + w.person("ann@northwind.example")
				u := w.user("ann@northwind.example")
				browser := w.site.As(u)
				north := "/console/organizations/" + w.North.Show("org") + "/directory"
				in := browser.Get(north).Status

				said := say(w, at).is("deactivate", 200, "")

				if said.at("active") != false || w.role(u.Email) != "" || in != 403 || browser.Get(north).Status != 401 || w.count("SELECT COUNT(*) FROM sessions WHERE user_id = ?", u.ID) != 0 {
					t.Error(said.Text, w.role(u.Email), in, browser.Get(north).Status)
				}
				if w.count("SELECT COUNT(*) FROM domain_barred WHERE user_id = ?", u.ID) != 1 || w.user(u.Email).DeletedAt != nil {
					t.Error("they can come back by their address, or the account is gone")
				}
				back := w.patch(at, `{"op":"replace","path":"active","value":"True"}`).is("activate", 200, "")
				if back.at("active") != true || w.role(u.Email) != "viewer" {
					t.Error(back.Text)
				}
				w.remove(at).is("delete", 204, "")
				w.get(at).is("gone", 404, "")
				w.remove(at).is("again", 404, "")
				if w.role(u.Email) != "" || w.user(u.Email).DeletedAt != nil {
					t.Error("the membership stayed, or the account went")
				}
			})
		})
	}
}

// Staff of the portal, and people whose address is elsewhere by now, lose the membership and keep their sessions.
func TestADirectoryEndsNoSessionsThatAreNotItsOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		staff, moved := "/Users/"+w.person("staff@northwind.example"), "/Users/"+w.person("moved@northwind.example")
		w.run("UPDATE users SET staff_role = 'admin' WHERE email = 'staff@northwind.example'")
		w.run("UPDATE users SET email = 'moved@home.example' WHERE email = 'moved@northwind.example'")
		a, b := w.user("staff@northwind.example"), w.user("moved@home.example")
		w.site.As(a)
		w.site.As(b)

		for _, at := range []string{staff, moved} {
			w.patch(at, `{"op":"replace","value":{"active":false}}`).is("deactivate", 200, "")
		}

		if w.role(a.Email)+w.role(b.Email) != "" || w.count("SELECT COUNT(*) FROM sessions WHERE user_id IN ?", []db.ID{a.ID, b.ID}) != 2 || w.user(a.Email).StaffRole != "admin" {
			t.Error("a session ended, or a membership did not")
		}
	})
}

// Z5: the last owner stays, also when several go at once.
func TestTheLastOwnerIsNotADirectorysToTakeOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run("UPDATE users SET email = 'nora@northwind.example' WHERE id = ?", w.Owner.UserID)
		nora, second := w.person("nora@northwind.example"), w.person("second@northwind.example")
		w.patch("/Users/"+nora, `{"op":"replace","path":"active","value":false}`).is("deactivate", 409, "")
		w.remove("/Users/"+nora).is("delete", 409, "")
		w.put("/Users/"+nora, `{"userName":"nora@northwind.example","active":false}`).is("put", 409, "")
		if w.role("nora@northwind.example") != "owner" {
			t.Fatal("the last owner is out")
		}
		w.run("UPDATE members SET role = 'owner' WHERE user_id = ?", w.user("second@northwind.example").ID)

		var wait sync.WaitGroup
		for i := range 20 {
			wait.Go(func() { w.remove("/Users/" + []string{nora, second}[i%2]) })
		}
		wait.Wait()

		if n := w.count("SELECT COUNT(*) FROM members WHERE organization_id = ? AND role = 'owner'", w.North); n != 1 {
			t.Error(n, "owners are left")
		}
	})
}

// Of many who make one userName at once one does, and there is one account.
func TestOneUserNameIsMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var wait sync.WaitGroup
		made := make([]resource, 20)
		for i := range made {
			wait.Go(func() { made[i] = w.post("/Users", `{"userName":"ann@northwind.example"}`) })
		}
		wait.Wait()

		created := 0
		for _, r := range made {
			if r.Status == 201 {
				created++
			} else if r.Status != 409 || r.at("scimType") != "uniqueness" {
				t.Error(r.Status, r.Text)
			}
		}
		if created != 1 || w.count("SELECT COUNT(*) FROM users WHERE email = 'ann@northwind.example'") != 1 || w.count("SELECT COUNT(*) FROM scim_users") != 1 {
			t.Error(created)
		}
		other := w.person("bo@northwind.example")
		w.patch("/Users/"+other, `{"op":"replace","path":"userName","value":"ANN@northwind.example"}`).is("rename to a taken one", 409, "uniqueness")
	})
}

// An account that is there is joined: what it is called, its password and what it is elsewhere stay.
func TestAnAccountThatIsThereIsJoined(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.Person("Ann Admin", "")
		w.run("UPDATE users SET email = 'ann@northwind.example', password_sealed = 'x' WHERE id = ?", ann.UserID)
		w.Join(w.Contoso, ann, "admin")
		w.run("UPDATE users SET email = 'later@northwind.example', email_verified_at = NULL WHERE id = ?", w.Support.UserID)

		joined := w.post("/Users", `{"userName":"ann@northwind.example","displayName":"Somebody else"}`).is("join", 201, "")
		unverified := w.post("/Users", `{"userName":"later@northwind.example"}`)

		u := w.user("ann@northwind.example")
		if u.ID != ann.UserID || u.Name != "Ann Admin" || u.PasswordSealed != "x" || w.role(u.Email) != "viewer" || strings.Contains(joined.Text, "Contoso") || strings.Contains(joined.Text, "admin") || strings.Contains(joined.Text, ann.UserID.String()) {
			t.Error(u, joined.Text)
		}
		if unverified.is("who has not verified the address", 409, "").id() != "" || w.count("SELECT COUNT(*) FROM members WHERE user_id = ?", w.Support.UserID) != 0 {
			t.Error(unverified.Text)
		}
		w.remove("/Users/"+joined.id()).is("delete", 204, "")
		if w.count("SELECT COUNT(*) FROM members WHERE user_id = ? AND organization_id = ? AND role = 'admin'", ann.UserID, w.Contoso) != 1 {
			t.Error("another organization’s membership changed")
		}
	})
}

// Who was removed by hand, or left, does not come back by a synchronization that says active as ever.
func TestWhoWasRemovedByHandStaysOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		at := "/Users/" + w.person("ann@northwind.example")
		w.run("DELETE FROM members WHERE user_id = ? AND organization_id = ?", w.user("ann@northwind.example").ID, w.North)

		again := w.put(at, `{"userName":"ann@northwind.example","active":true,"displayName":"Ann"}`).is("put", 200, "")
		out := w.role("ann@northwind.example")
		w.patch(at, `{"op":"replace","path":"active","value":false}`).is("deactivate", 200, "")
		back := w.patch(at, `{"op":"replace","path":"active","value":true}`).is("activate", 200, "")

		if again.at("active") != false || again.at("displayName") != "Ann" || out != "" || back.at("active") != true || w.role("ann@northwind.example") != "viewer" {
			t.Error(again.Text, out, back.Text)
		}
	})
}

// RFC 7644, section 3.14.
func TestAStaleVersionChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		at := "/Users/" + w.person("ann@northwind.example")
		first := w.get(at).Header.Get("ETag")
		second := w.send(w.token, "PATCH", at, patch(`{"op":"add","path":"displayName","value":"Ann"}`), "If-Match", first).is("fits", 200, "").Header.Get("ETag")

		w.send(w.token, "PATCH", at, patch(`{"op":"replace","path":"active","value":false}`), "If-Match", first).is("patch", 412, "")
		w.send(w.token, "PUT", at, `{"userName":"ann@northwind.example","active":false}`, "If-Match", first).is("put", 412, "")
		w.remove(at, "If-Match", first).is("delete", 412, "")
		w.run("DELETE FROM members WHERE user_id = ?", w.user("ann@northwind.example").ID)
		w.remove(at, "If-Match", second).is("who left meanwhile", 412, "")

		if now := w.get(at).is("read", 200, ""); now.at("displayName") != "Ann" || first == second {
			t.Error(now.Text)
		}
		w.remove(at, "If-Match", `"x", *`).is("delete", 204, "")
	})
}

// RFC 7644, section 3.4.2.
func TestListsAreFilteredAndCutAsAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 7 {
			w.post("/Users", fmt.Sprintf(`{"userName":"p%d@northwind.example","externalId":"X%d","displayName":"Person %d"}`, i, i, i)).is("create", 201, "")
		}
		w.post("/Users", `{"userName":"out@northwind.example","active":false}`).is("create", 201, "")
		if w.role("out@northwind.example") != "" {
			t.Error("who was made inactive is a member")
		}
		for query, want := range map[string]string{
			"": "8 8 1",
			"?filter=userName+eq+%22P3@northwind.example%22":           "1 1 1",
			"?filter=externalId+eq+%22X3%22":                           "1 1 1",
			"?filter=externalId+eq+%22x3%22":                           "0 0 1",
			"?filter=emails.value+eq+%22p3@northwind.example%22":       "1 1 1",
			"?filter=emails%5Btype+eq+%22work%22%5D":                   "8 8 1",
			"?filter=active+eq+false":                                  "1 1 1",
			"?filter=displayName+eq+%22person+3%22+or+active+eq+false": "2 2 1",
			"?startIndex=3&count=2":                                    "8 2 3",
			"?startIndex=-5&count=-1":                                  "8 0 1",
			"?count=0":                                                 "8 0 1",
			"?startIndex=100":                                          "8 0 100",
			"?count=100000":                                            "8 8 1",
		} {
			r := w.get("/Users"+query).is(query, 200, "")
			resources, _ := r.at("Resources").([]any)
			if got := fmt.Sprint(r.at("totalResults"), len(resources), r.at("startIndex")); got != want || r.at("schemas", 0) != "urn:ietf:params:scim:api:messages:2.0:ListResponse" {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		w.get("/Users?filter=userName+is+1").is("filter", 400, "invalidFilter")
		w.get("/Users?count=x").is("count", 400, "invalidValue")
		only := w.get("/Users?filter=externalId+eq+%22X1%22&attributes=userName,emails.value").at("Resources", 0)
		without := w.get("/Users?filter=externalId+eq+%22X1%22&excludedAttributes=emails,urn:ietf:params:scim:schemas:core:2.0:User:displayName,id").at("Resources", 0)
		if got := fmt.Sprint(only); strings.Contains(got, "displayName") || strings.Contains(got, "primary") || strings.Contains(got, "meta") || !strings.Contains(got, "p1@northwind.example") || !strings.Contains(got, "id:scu_") {
			t.Error(got)
		}
		if got := fmt.Sprint(without); strings.Contains(got, "displayName") || strings.Contains(got, "emails") || !strings.Contains(got, "id:scu_") || !strings.Contains(got, "externalId") {
			t.Error(got)
		}
	})
}

// Z2: what is another organization's is as absent as what is nothing.
func TestATokenSeesAndChangesItsOwnOrganizationAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		theirs := w.send(w.foreign, "POST", "/Users", `{"userName":"cara@contoso.example"}`).is("create", 201, "").id()
		team := w.send(w.foreign, "POST", "/Groups", `{"displayName":"Team","members":[{"value":"`+theirs+`"}]}`).is("create", 201, "").id()
		mine := w.person("ann@northwind.example")
		before := w.send(w.foreign, "GET", "/Users/"+theirs, "").Text + w.send(w.foreign, "GET", "/Groups/"+team, "").Text

		for kind, id := range map[string]string{"/Users/": theirs, "/Groups/": team} {
			absent := db.NewID().Show(id[:3])
			for _, call := range []struct{ method, body string }{
				{"GET", ""}, {"PUT", `{"userName":"cara@northwind.example","displayName":"x","active":false}`}, {"PATCH", patch(`{"op":"replace","value":{"active":false,"displayName":"x"}}`)}, {"DELETE", ""},
			} {
				foreign, none := w.send(w.token, call.method, kind+id, call.body).is(call.method, 404, ""), w.send(w.token, call.method, kind+absent, call.body).is(call.method, 404, "")
				if foreign.Text != none.Text {
					t.Error(call.method, kind, foreign.Text, none.Text)
				}
			}
		}
		for _, call := range []resource{
			w.post("/Groups", `{"displayName":"Ours","members":[{"value":"`+mine+`"},{"value":"`+theirs+`"}]}`),
			w.post("/Groups", `{"displayName":"Ours","members":[{"value":"`+db.NewID().Show("scu")+`"}]}`),
		} {
			call.is("a foreign member", 400, "invalidValue")
		}
		for _, path := range []string{"/Users", "/Groups", "/Users?filter=userName+pr", "/Groups?filter=members.value+pr"} {
			if r := w.get(path); strings.Contains(r.Text, theirs) || strings.Contains(r.Text, team) || strings.Contains(r.Text, "contoso") {
				t.Error(path, r.Text)
			}
		}
		if after := w.send(w.foreign, "GET", "/Users/"+theirs, "").Text + w.send(w.foreign, "GET", "/Groups/"+team, "").Text; after != before || w.count("SELECT COUNT(*) FROM scim_groups WHERE organization_id = ?", w.North) != 0 {
			t.Error(before, after)
		}
	})
}

// Z7: a token dies with all that it rests on, at its next call.
func TestATokenEndsWithWhatItRestsOn(t *testing.T) {
	ends := map[string]func(w *world){
		"revoked": func(w *world) {
			d, err := w.store.Directory(w.t.Context(), w.Owner, w.North)
			w.ok(err)
			_, err = w.store.RevokeToken(w.t.Context(), w.Owner, w.North, d.Tokens[0].ID)
			w.ok(err)
		},
		"expired":              func(w *world) { w.clock.Advance(366 * 24 * time.Hour) },
		"organization deleted": func(w *world) { w.ok(w.Org.Delete(w.t.Context(), w.Owner, w.North, "Northwind")) },
		"organization suspended": func(w *world) {
			w.run("UPDATE organizations SET suspended_at = ? WHERE id = ?", w.clock.Now(), w.North)
		},
		"no domain":          func(w *world) { w.run("UPDATE domains SET proven_at = NULL WHERE organization_id = ?", w.North) },
		"maker is no owner":  func(w *world) { w.run("UPDATE members SET role = 'admin' WHERE user_id = ?", w.Owner.UserID) },
		"maker is gone":      func(w *world) { w.run("DELETE FROM members WHERE user_id = ?", w.Owner.UserID) },
		"maker is suspended": func(w *world) { w.run("UPDATE users SET suspended_at = ? WHERE id = ?", w.clock.Now(), w.Owner.UserID) },
		"maker lacks a factor now": func(w *world) {
			w.run("UPDATE organizations SET factor_from = ? WHERE id = ?", w.clock.Now().Add(-time.Hour), w.North)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.get("/Users").is("before", 200, "")

				end(w)

				ended := w.get("/Users").is("list", 401, "")
				wrong := w.send("gk_live_"+strings.Repeat("a", 38), "GET", "/Users", "").is("invented", 401, "")
				w.post("/Users", `{"userName":"ann@northwind.example"}`).is("create", 401, "")
				if ended.Text != wrong.Text || ended.Header.Get("WWW-Authenticate") == "" || w.count("SELECT COUNT(*) FROM scim_users") != 0 {
					t.Error(ended.Text, wrong.Text)
				}
				w.send(w.foreign, "GET", "/Users", "").is("of another", map[bool]int{true: 401, false: 200}[name == "expired"], "")
			})
		})
	}
}

func TestOnlyATokenOpensIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.send("", "GET", "/Users", "").is("none", 401, "")
		w.send("", "GET", "/Users", "", "Authorization", "Basic "+w.token).is("another scheme", 401, "")
		w.send("", "GET", "/Users", "", "Authorization", "bearer "+w.token).is("small letters", 200, "")
		if p := w.as(w.Owner).Get("/scim/v2/Users"); p.Status != 401 {
			t.Error("a cookie opens it:", p.Status)
		}
		var kept []string
		w.ok(w.DB.Read(t.Context()).Raw("SELECT CAST(id AS TEXT) || name || hint || CAST(digest AS TEXT) FROM scim_tokens UNION ALL SELECT details FROM audit_events UNION ALL SELECT value FROM audit_personal").Scan(&kept).Error)
		if len(kept) == 0 || strings.Contains(strings.Join(kept, " "), w.token[8:40]) { // K1
			t.Error("the token’s text is kept")
		}
		if n := w.count("SELECT COUNT(*) FROM scim_tokens WHERE last_used_at IS NOT NULL AND organization_id = ?", w.North); n != 1 {
			t.Error("its use is not noted")
		}
	})
}
