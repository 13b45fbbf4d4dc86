package scim_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/scim"
)

const bjensen = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"Scu_1","externalId":"Bj-7","userName":"bjensen@example.com","active":true,"title":"",
	"name":{"familyName":"O'Malley","givenName":"Barbara"},"emails":[{"value":"bjensen@example.com","type":"work"},{"value":"babs@home.example","type":"home"}],
	"meta":{"lastModified":"2026-05-13T04:42:34Z"}}`

func resource(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(bjensen), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// RFC 7644, figure 2, and what Entra ID and Okta ask.
func TestFiltersOfTheStandardAreAnswered(t *testing.T) {
	for text, want := range map[string]bool{
		`userName eq "bjensen@example.com"`: true, `USERNAME Eq "BJensen@Example.com"`: true, `userName eq "bjensen"`: false,
		`name.familyName co "O'Malley"`: true, `userName sw "BJ"`: true, `userName ew "example.com"`: true, `userName ne "x"`: true, `userName ne "bjensen@example.com"`: false,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b"`: true, `urn:ietf:params:scim:schemas:core:2.0:User:name.givenName eq "barbara"`: true,
		`title pr`: false, `name pr`: true, `emails pr`: true, `nickName pr`: false, `nickName eq null`: true,
		`meta.lastModified gt "2011-05-13T04:42:34Z"`: true, `meta.lastModified ge "2026-05-13T04:42:34Z"`: true, `meta.lastModified lt "2026-05-13T04:42:34Z"`: false, `meta.lastModified le "2026-05-13T04:42:34Z"`: true,
		`title pr and userName sw "b"`: false, `title pr or userName sw "b"`: true, `userName sw "b" or title pr and title pr`: true, `(userName sw "b" or title pr) and title pr`: false,
		`not (title pr)`: true, `userName sw "b" and not(active eq false)`: true, `active eq true`: true, `active eq "True"`: true, `active eq false`: false,
		`emails eq "babs@home.example"`: true, `emails.value co "home"`: true, `emails[type eq "work" and value co "@home.example"]`: false, `emails[type eq "home" and value co "@home.example"]`: true,
		`emails[not (type eq "work")]`: true, `schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`: true,
		`externalId eq "Bj-7"`: true, `externalId eq "bj-7"`: false, `id eq "scu_1"`: false, `userName eq 7`: false, `userName eq "b\u006aensen@example.com"`: true,
	} {
		f, err := scim.ParseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.Match(resource(t)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestWhatIsNoFilterIsRefused(t *testing.T) { // L1
	for _, text := range []string{
		"", " ", "userName", "userName eq", `userName eq "a`, `userName eq a`, `userName xx "a"`, `userName eq "a" and`, `(userName pr`, `userName pr)`, `emails[type pr`, `emails[]`, `a.b.c pr`, `.a pr`, `1a pr`,
		`userName eq "a" "b"`, `userName pr pr`, "userName\tpr", `not userName pr`, `userName eq {"a":1}`, strings.Repeat("(", 500) + "id pr" + strings.Repeat(")", 500), strings.Repeat("a", 3000) + " pr", "urn: pr", "urn:x:2.0 pr",
		"id pr" + strings.Repeat(" or id pr", 20), "id pr" + strings.Repeat(" or (emails[type pr])", 10), // L2
	} {
		if _, err := scim.ParseFilter(text); !errors.Is(err, scim.ErrFilter) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func TestPathsOfPatchesAreRead(t *testing.T) {
	for text, want := range map[string]scim.Path{
		"members": {Attribute: "members"}, "name.familyName": {Attribute: "name", Sub: "familyname"}, `addresses[type eq "work"]`: {Attribute: "addresses"},
		`members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName`:     {Attribute: "members", Sub: "displayname"},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":    {Schema: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user", Attribute: "department"},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value": {Schema: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user", Attribute: "manager", Sub: "value"},
	} {
		got, err := scim.ParsePath(text)
		if (got.Values != nil) != strings.Contains(text, "[") {
			t.Errorf("%s: %v", text, got)
		}
		if got.Values = nil; err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a b", "members[", "members[value eq]", "members[value pr].", "members[value pr].a.b", "a.b[c pr]", "members[value pr] x", "a..b", "=", strings.Repeat("a", 3000)} {
		if _, err := scim.ParsePath(text); err == nil {
			t.Errorf("%.40s is a path", text)
		}
	}
}

func FuzzNoFilterStopsTheProgram(f *testing.F) { // L2
	for _, s := range []string{`userName eq "a"`, `emails[type eq "work" and not (value pr)] or active eq true`, `urn:a:b:c.d pr`, `((`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if filter, err := scim.ParseFilter(text); err == nil {
			filter.Match(resource(t))
		}
		_, _ = scim.ParsePath(text)
	})
}

func TestConditionsOfAFilterAreCounted(t *testing.T) { // L2
	for text, want := range map[string]int{`id pr`: 1, `id pr and (active eq true or not (id eq "x"))`: 3, `emails[type eq "work" and value pr]`: 2, "id pr" + strings.Repeat(" or id pr", 19): 20} {
		f, err := scim.ParseFilter(text)
		if err != nil {
			t.Fatal(text, err)
		}
		if got := scim.Looks(f); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
	if _, err := scim.ParsePath("members[" + "value pr" + strings.Repeat(" or value pr", 20) + "]"); !errors.Is(err, scim.ErrFilter) {
		t.Error(err)
	}
}
