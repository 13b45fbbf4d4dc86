package openapi_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/openapi"
)

func TestDocumentOfPortalIsRead(t *testing.T) {
	d, err := openapi.Portal()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range d.Operations {
		if o.ID == "" || o.Tag == "" || o.Summary == "" || o.Status == 0 {
			t.Errorf("%s %s lacks something: %+v", o.Method, o.Path, o)
		}
	}
}

// L1: what is wrong is named by a pointer.
func TestWrongBodyIsPointedAt(t *testing.T) {
	d, err := openapi.Portal()
	if err != nil {
		t.Fatal(err)
	}
	var body *openapi.Schema
	for _, o := range d.Operations {
		if o.ID == "createKey" {
			body = o.Body
		}
	}
	app := `"app_id":"app_06bhmc8r4dyv5b0vke8sw8w2n8"`
	for text, want := range map[string]string{
		`{` + app + `,"name":"x","grants":[]}`:                                                        "",
		`{` + app + `,"name":"x","grants":[],"extra":1}`:                                              "/extra",
		`{` + app + `,"name":"","grants":[]}`:                                                         "/name",
		`{` + app + `,"name":"` + strings.Repeat("x", 81) + `","grants":[]}`:                          "/name",
		`{` + app + `,"name":"x"}`:                                                                    "/grants",
		`{` + app + `,"name":"x","grants":[{"api":"a","scope":"b","more":1}]}`:                        "/grants/0/more",
		`{` + app + `,"name":"x","grants":[{"api":"a"}]}`:                                             "/grants/0/scope",
		`{"app_id":"app_nope","name":"x","grants":[]}`:                                                "/app_id",
		`{` + app + `,"name":"x","grants":[],"rate":{"requests":1e30,"period_seconds":1}}`:            "/rate/requests",
		`{` + app + `,"name":"x","grants":[],"rate":{"requests":1,"period_seconds":7}}`:               "/rate/period_seconds",
		`{` + app + `,"name":"x","grants":[],"rate":{"requests":1.5,"period_seconds":1}}`:             "/rate/requests",
		`{` + app + `,"name":"x","grants":[],"metadata":{"a":1}}`:                                     "/metadata/a",
		`{` + app + `,"name":"x","grants":[],"metadata":{"a/b~c":1}}`:                                 "/metadata/a~1b~0c",
		`{` + app + `,"name":"x","grants":[],"environment":"prod"}`:                                   "/environment",
		`{` + app + `,"name":"x","grants":[],"networks":["1.2.3.4, 5.6.7.8"]}`:                        "/networks/0",
		`{` + app + `,"name":"x","grants":[],"name":"y"}`:                                             "/name",
		`{` + app + `,"name":"x\u0000","grants":[]}`:                                                  "/name",
		`{` + app + `,"name":"x","grants":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`: "/grants" + strings.Repeat("/0", 32),
	} {
		v, bad := openapi.Decode([]byte(text))
		got := ""
		if bad != nil {
			got = bad.Pointer
		} else if faults := body.Judge(v); len(faults) > 0 {
			got = faults[0].Pointer
		}
		if got != want {
			t.Errorf("%.120s\n points at %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"", "{", `{"a":1}{}`, "{\"a\":\"\xff\"}", `{"a" 1}`, `[1,]`, "nul"} {
		if _, bad := openapi.Decode([]byte(text)); bad == nil {
			t.Errorf("%q is taken for JSON", text)
		}
	}
}

func TestUnknownKeywordsAreRefused(t *testing.T) {
	for _, schema := range []string{`{type: string, contentMediaType: x}`, `{not: {type: string}}`, `{$ref: 'https://evil.example/x'}`, `{$ref: '#/components/schemas/Nothing'}`} {
		_, err := openapi.Parse([]byte("openapi: 3.1.0\npaths:\n  /x:\n    get:\n      parameters:\n        - {name: a, in: query, schema: " + schema + "}\n"))
		if err == nil {
			t.Errorf("%s is taken", schema)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if v, bad := openapi.Decode(text); bad != nil && v != nil {
			t.Error("a value beside a fault")
		}
	})
}
