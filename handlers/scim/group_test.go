package scim_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// gives has owners let a group give a role.
func (w *world) gives(group, role string) {
	w.t.Helper()
	id, err := db.ParseID("scg", group)
	w.ok(err)
	_, err = w.store.SetGroupRole(w.t.Context(), w.Owner, w.North, id, role)
	w.ok(err)
}

func members(ids ...string) string {
	var all []string
	for _, id := range ids {
		all = append(all, `{"value":"`+id+`"}`)
	}
	return "[" + strings.Join(all, ",") + "]"
}

// Who is in a group, as the RFC (7644, section 3.5.2), Entra ID and Okta say it.
func TestMembersOfGroupsComeAndGo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann, bo, cy := w.person("ann@northwind.example"), w.person("bo@northwind.example"), w.person("cy@northwind.example")
		made := w.post("/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Tour Guides","externalId":"g-1","members":[{"value":"`+ann+`","display":"x"}]}`).is("create", 201, "")
		at := "/Groups/" + made.id()
		steps := []struct{ name, ops, want string }{
			{"RFC add", `{"op":"add","path":"members","value":[{"display":"Babs","value":"` + bo + `"}]}`, ann + bo},
			{"add who is in it", `{"op":"add","path":"members","value":` + members(ann, bo, bo) + `}`, ann + bo},
			{"RFC remove one", `{"op":"remove","path":"members[value eq \"` + ann + `\"]"}`, bo},
			{"remove who is not in it", `{"op":"remove","path":"members[value eq \"` + ann + `\"]"}`, bo},
			{"RFC remove and add", `{"op":"remove","path":"members"},{"op":"add","path":"members","value":` + members(cy) + `}`, cy},
			{"Entra ID add", `{"op":"Add","path":"members","value":` + members(ann) + `}`, ann + cy},
			{"Entra ID remove by value", `{"op":"Remove","path":"members","value":` + members(cy) + `}`, ann},
			{"Okta replace", `{"op":"replace","path":"members","value":` + members(bo, cy) + `}`, bo + cy},
			{"Okta rename", `{"op":"replace","value":{"id":"` + made.id() + `","displayName":"Guides"}}`, bo + cy},
			{"without path", `{"op":"add","value":{"members":` + members(ann) + `}}`, ann + bo + cy},
			{"one object", `{"op":"remove","path":"members","value":{"value":"` + ann + `"}}`, bo + cy},
			{"RFC remove all", `{"op":"remove","path":"members"}`, ""},
		}
		for _, s := range steps {
			r := w.patch(at, s.ops).is(s.name, 200, "")

			got := ""
			list, _ := r.at("members").([]any)
			for i := range list {
				got += fmt.Sprint(r.at("members", i, "value"))
			}
			if got != s.want {
				t.Errorf("%s: %s, want %s", s.name, got, s.want)
			}
		}
		w.put(at, `{"displayName":"Guides","members":`+members(ann, cy)+`}`).is("put", 200, "")
		read := w.get("/Users/"+ann).is("user", 200, "")
		if read.at("groups", 0, "value") != made.id() || read.at("groups", 0, "display") != "Guides" || w.get(at).at("externalId") != nil {
			t.Error(read.Text)
		}
		found := w.get("/Groups?filter=displayName+eq+%22guides%22&excludedAttributes=members").is("find", 200, "")
		if found.at("totalResults") != 1.0 || strings.Contains(found.Text, "members") {
			t.Error(found.Text)
		}
		w.post("/Groups", `{"displayName":"GUIDES"}`).is("taken", 409, "uniqueness")
		w.remove("/Users/"+ann).is("delete user", 204, "")
		if r := w.get(at); strings.Contains(r.Text, ann) {
			t.Error("who is gone is in the group:", r.Text)
		}
		w.remove(at).is("delete", 204, "")
		w.get(at).is("gone", 404, "")
	})
}

// Z5: a group gives what owners chose, never more, and never touches owners.
func TestGroupsGiveTheRolesThatOwnersChose(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.run("UPDATE users SET email = 'nora@northwind.example' WHERE id = ?", w.Owner.UserID)
		ann, nora := w.person("ann@northwind.example"), w.person("nora@northwind.example")
		devs := w.post("/Groups", `{"displayName":"Devs","role":"admin","roles":[{"value":"owner"}],"members":`+members(ann, nora)+`}`).is("create", 201, "").id()
		admins := w.post("/Groups", `{"displayName":"Owners"}`).is("create", 201, "").id()
		role := func(step, want string) {
			t.Helper()
			if got := w.role("ann@northwind.example"); got != want || w.role("nora@northwind.example") != "owner" {
				t.Errorf("%s: ann is %s, not %s; nora is %s", step, got, want, w.role("nora@northwind.example"))
			}
		}
		role("no mapping", "viewer")
		w.gives(devs, "developer")
		role("mapped", "developer")
		w.gives(admins, "admin")
		w.patch("/Groups/"+admins, `{"op":"add","path":"members","value":`+members(ann, nora)+`}`).is("add", 200, "")
		role("the highest", "admin")
		id, err := db.ParseID("scg", admins)
		w.ok(err)
		if _, err := w.store.SetGroupRole(t.Context(), w.Owner, w.North, id, "owner"); err == nil {
			t.Error("a group gives owner")
		}
		w.patch("/Groups/"+admins, `{"op":"remove","path":"members[value eq \"`+ann+`\"]"}`).is("remove", 200, "")
		role("out of one", "developer")
		w.patch("/Users/"+ann, `{"op":"replace","path":"active","value":false}`).is("deactivate", 200, "")
		w.gives(devs, "admin")
		role("not active", "")
		w.patch("/Users/"+ann, `{"op":"replace","path":"active","value":true}`).is("activate", 200, "")
		role("back, by the group", "admin")
		w.remove("/Groups/"+devs).is("delete group", 204, "")
		role("in none", "viewer")
		w.run("UPDATE members SET role = 'developer' WHERE user_id = ?", w.user("ann@northwind.example").ID)
		w.put("/Groups/"+admins, `{"displayName":"Owners"}`).is("put", 200, "")
		role("given by hand, in no group", "developer")
		if n := w.count("SELECT COUNT(*) FROM audit_events WHERE act = ? AND organization_id = ?", audit.MemberRoleChanged, w.North); n != 4 {
			t.Error(n, "changes of roles are recorded")
		}
		if n := w.count("SELECT COUNT(*) FROM members WHERE organization_id = ? AND role = 'owner'", w.North); n != 1 {
			t.Error(n, "owners")
		}
	})
}

func TestMembersAddedAtOnceAreAllIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var ids []string
		for i := range 8 {
			ids = append(ids, w.person(fmt.Sprintf("p%d@northwind.example", i)))
		}
		at := "/Groups/" + w.post("/Groups", `{"displayName":"All"}`).is("create", 201, "").id()
		var wait sync.WaitGroup
		for _, id := range ids {
			wait.Go(func() { w.patch(at, `{"op":"add","path":"members","value":`+members(id)+`}`) })
		}
		wait.Wait()

		if list, _ := w.get(at).at("members").([]any); len(list) != 8 {
			t.Error(len(list))
		}
	})
}

// L1, L2: what is not as the standard has it is refused in the standard's words, and changes nothing.
func TestWhatIsNoScimIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ann := w.person("ann@northwind.example")
		user, group := "/Users/"+ann, "/Groups/"+w.post("/Groups", `{"displayName":"All"}`).is("create", 201, "").id()
		before := w.get(user).Text + w.get(group).Text
		for _, bad := range []struct{ method, path, body, kind string }{
			{"POST", "/Users", `{`, "invalidSyntax"},
			{"POST", "/Users", `[]`, "invalidSyntax"},
			{"POST", "/Users", ``, "invalidSyntax"},
			{"POST", "/Users", `{"userName":"a@northwind.example","userName":"b@northwind.example"}`, "invalidSyntax"},
			{"POST", "/Users", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "invalidSyntax"},
			{"POST", "/Users", `{"userName":7}`, "invalidValue"},
			{"POST", "/Users", `{"userName":"a@northwind.example","active":"maybe"}`, "invalidValue"},
			{"POST", "/Users", `{"userName":"a@northwind.example","name":"Ann"}`, "invalidValue"},
			{"POST", "/Users", `{"userName":"a@northwind.example","displayName":"` + strings.Repeat("a", 300) + `"}`, "invalidValue"},
			{"POST", "/Users", `{"userName":"a@northwind.example","displayName":"a\u202eb"}`, "invalidValue"},
			{"PATCH", user, `{"Operations":[{"op":"add","value":{"displayName":"x"}}]}`, "invalidSyntax"},
			{"PATCH", user, patch(``), "invalidSyntax"},
			{"PATCH", user, patch(`7`), "invalidSyntax"},
			{"PATCH", user, patch(`{"op":"move","path":"displayName"}`), "invalidSyntax"},
			{"PATCH", user, patch(`{"op":"remove"}`), "noTarget"},
			{"PATCH", user, patch(`{"op":"add","value":"x"}`), "invalidValue"},
			{"PATCH", user, patch(`{"op":"add","path":"a..b","value":"x"}`), "invalidPath"},
			{"PATCH", user, patch(`{"op":"add","path":"emails[type eq]","value":"x"}`), "invalidFilter"},
			{"PATCH", user, patch(`{"op":"remove","path":"userName"}`), "mutability"},
			{"PATCH", user, patch(`{"op":"replace","path":"active"}`), "invalidValue"},
			{"PATCH", user, patch(`{"op":"add","path":"displayName","value":"x"},{"op":"add","path":"active","value":"maybe"}`), "invalidValue"},
			{"PATCH", group, patch(`{"op":"add","path":"members","value":[{"value":"usr_1"}]}`), "invalidValue"},
			{"PATCH", group, patch(`{"op":"replace","path":"members[value eq \"x\"].display","value":"y"}`), "mutability"},
			{"PATCH", group, patch(`{"op":"remove","path":"displayName"}`), "invalidValue"},
			{"POST", "/Groups", `{"displayName":" "}`, "invalidValue"},
			{"PUT", group, `{}`, "invalidValue"},
		} {
			w.send(w.token, bad.method, bad.path, bad.body).is(bad.method+" "+bad.body, 400, bad.kind)
		}
		w.send(w.token, "POST", "/Users", `userName=x`, "Content-Type", "application/x-www-form-urlencoded").is("a form", 415, "")
		w.post("/Users", `{"userName":"`+strings.Repeat("a", 2<<20)+`"}`).is("too long", 413, "")
		w.post("/Bulk", `{}`).is("bulk", 501, "")
		w.get("/Me").is("me", 501, "")
		w.get("/Nothing").is("no endpoint", 404, "")
		w.remove("/Users").is("no method", 404, "")

		if now := w.get(user).Text + w.get(group).Text; now != before || w.count("SELECT COUNT(*) FROM scim_users") != 1 {
			t.Error(before, now)
		}
	})
}

// RFC 7644, section 4.
func TestADirectoryFindsOutWhatIsOffered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.get("/ServiceProviderConfig").is("config", 200, "")
		for name, want := range map[string]bool{"patch": true, "bulk": false, "filter": true, "changePassword": false, "sort": false, "etag": true} {
			if c.at(name, "supported") != want {
				t.Error(name, c.at(name))
			}
		}
		for path, n := range map[string]float64{"/ResourceTypes": 2, "/Schemas": 2} {
			all := w.get(path).is(path, 200, "")
			if all.at("totalResults") != n {
				t.Error(all.Text)
			}
			for i := range int(n) {
				id := fmt.Sprint(all.at("Resources", i, "id"))
				if one := w.get(path+"/"+id).is(id, 200, ""); one.at("id") != id || one.at("meta", "location") == nil {
					t.Error(one.Text)
				}
			}
			w.get(path+"/x").is("none", 404, "")
			w.get(path+"?filter=id+pr").is("filtered", 403, "")
			w.send("", "GET", path, "").is("without a token", 401, "")
		}
	})
}

func TestCallsAreBounded(t *testing.T) { // A7, L7
	each(t, func(t *testing.T, w *world) {
		refused := 0
		for range 400 {
			if r := w.get("/ResourceTypes"); r.Status == 429 {
				r.is("too many", 429, "")
				if refused++; r.Header.Get("Retry-After") == "" {
					t.Fatal("it is not said when again")
				}
			}
		}
		if other := w.send(w.foreign, "GET", "/ResourceTypes", ""); refused == 0 || other.Status != 200 && other.Status != 429 {
			t.Error(refused, other.Status)
		}
	})
}
