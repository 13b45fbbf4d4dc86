package scim_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// RFC 7644, section 3.12: whoever looks for what is wrong reads which attribute it is, what is expected and what came.
func TestARefusalSaysWhichAttributeWhatIsExpectedAndWhatCame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		absent := db.NewID().Show("scu")
		bo := "/Users/" + w.person("bo@northwind.example")
		group := "/Groups/" + w.post("/Groups", `{"displayName":"Devs"}`).is("group", 201, "").id()
		for name, c := range map[string]struct {
			got  resource
			want string
		}{
			"no address":    {w.post("/Users", `{"userName":"CORP\\bo"}`), "userName: This is no e-mail address, such as ada@example.com: “CORP\\bo”. In Entra ID, map userName to mail."},
			"domain":        {w.post("/Users", `{"userName":"al@contoso.example"}`), "userName: The domain contoso.example is none that this organization has proven. A directory manages people whose address is in one."},
			"type":          {w.post("/Users", `{"userName":"al@northwind.example","name":{"givenName":5}}`), "name.givenName has to be a text; it is 5."},
			"nobody's name": {w.post("/Users", `{"userName":"al@northwind.example","a b":1}`), `"a b" is no name of an attribute. Names are such as userName or name.givenName.`},
			"flag":          {w.patch(bo, `{"op":"replace","path":"displayName","value":"Bo"},{"op":"replace","path":"active","value":"no"}`), `Operations[1]: active has to be true or false; it is "no".`},
			"op":            {w.patch(bo, `{"op":"move","path":"active"}`), `Operations[0]: op has to be add, replace or remove; it is "move".`},
			"path":          {w.patch(bo, `{"op":"add","path":"a b","value":1}`), `Operations[0]: The path "a b" can’t be read. It names an attribute, such as active, name.givenName or members[value eq "scu_…"].`},
			"kind of path":  {w.patch(bo, `{"op":"add","path":7,"value":1}`), "Operations[0]: path has to be a text; it is 7."},
			"no value":      {w.patch(bo, `{"op":"add","path":"displayName"}`), `Operations[0]: add of "displayName" needs a value.`},
			"no object":     {w.patch(bo, `{"op":"add","value":[1]}`), `Operations[0]: Without a path, value has to be an object of attributes, such as {"active": false}; it is a list.`},
			"member":        {w.patch(group, `{"op":"add","path":"members","value":[{"value":"bo"}]}`), `Operations[0]: members: each is named by the id of a user of this directory, such as {"value": "scu_…"}; one is "bo".`},
			"no member":     {w.patch(group, `{"op":"add","path":"members","value":[{"value":"`+absent+`"}]}`), "members: There is no user " + absent + " in this directory. Make the user first, then the member."},
			"filter":        {w.get("/Users?filter=userName"), `The filter "userName" can’t be read. It takes an attribute, an operator and a value, such as userName eq "ada@example.com", at most 20 of these joined by and, or, not and brackets.`},
			"number":        {w.get("/Users?count=all"), `count has to be a whole number; it is "all".`},
			"nothing there": {w.get("/Users/" + absent), "There is nothing with the id of this path: it was removed, or never was in this directory."},
			"body":          {w.post("/Users", `[{"password":"hunter2"}]`), "The body has to be a JSON object; it is a list."},
			"long":          {w.post("/Users", `{"userName":"al@northwind.example","active":"`+strings.Repeat("x", 500)+`"}`), `active has to be true or false; it is "` + strings.Repeat("x", 80) + `…".`},
		} {
			if got, _ := c.got.at("detail").(string); !strings.HasSuffix(got, c.want) || c.got.Status < 400 {
				t.Errorf("%s: %d %q, want %q", name, c.got.Status, got, c.want)
			}
		}
	})
}

// K1: directories keep what they are answered where more people read than may see a key, so none comes back, nor the half of one.
func TestARefusalRepeatsNoKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bo := "/Users/" + w.person("bo@northwind.example")
		group := "/Groups/" + w.post("/Groups", `{"displayName":"Devs"}`).is("group", 201, "").id()
		late := strings.Repeat("x", 40) + " " + w.token // of which the bound on what is repeated would leave a part
		for name, got := range map[string]resource{
			"address":        w.post("/Users", `{"userName":"`+w.token+`"}`),
			"late":           w.post("/Users", `{"userName":"`+late+`"}`),
			"domain":         w.post("/Users", `{"userName":"bo@`+w.token+`"}`),
			"attribute":      w.post("/Users", `{"userName":"al@northwind.example","a `+w.token+`":1}`),
			"twice":          w.post("/Users", `{"userName":"al@northwind.example","`+w.token+`":1,"`+w.token+`":2}`),
			"flag":           w.patch(bo, `{"op":"replace","path":"active","value":"`+w.token+`"}`),
			"late flag":      w.patch(bo, `{"op":"replace","path":"active","value":"`+late+`"}`),
			"op":             w.patch(bo, `{"op":"`+w.token+`","path":"active"}`),
			"path":           w.patch(bo, `{"op":"add","path":"`+w.token+` b","value":1}`),
			"filter of path": w.patch(group, `{"op":"remove","path":"members[value \"`+w.token+`\"]"}`),
			"member":         w.patch(group, `{"op":"add","path":"members","value":[{"value":"`+w.token+`"}]}`),
			"filter":         w.get("/Users?filter=" + url.QueryEscape(`userName "`+w.token+`"`)),
			"number":         w.get("/Users?count=" + w.token),
		} {
			detail, _ := got.at("detail").(string)
			if half := w.token[:len(w.token)/2]; got.Status < 400 || detail == "" || strings.Contains(strings.ToLower(detail), strings.ToLower(half)) {
				t.Errorf("%s: %d %q", name, got.Status, detail)
			}
		}
	})
}
