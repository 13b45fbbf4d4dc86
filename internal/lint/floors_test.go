package lint

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// floors are the versions below which a weakness is known (P1).
var floors = map[string]string{
	"github.com/labstack/echo/v4":         "v4.16.0",
	"github.com/yuin/goldmark":            "v1.7.17",
	"github.com/getkin/kin-openapi":       "v0.144.0",
	"github.com/jackc/pgx/v5":             "v5.9.2",
	"github.com/redis/go-redis/v9":        "v9.7.3",
	"github.com/microcosm-cc/bluemonday":  "v1.0.16",
	"github.com/a-h/templ":                "v0.3.977",
	"golang.org/x/crypto":                 "v0.45.0",
	"github.com/pressly/goose/v3":         "v3.29.0",
	"github.com/gorilla/csrf":             "v99.0.0", // GO-2025-3607 and worse: never
	"github.com/dgrijalva/jwt-go":         "v99.0.0", // abandoned with a known weakness: never
	"github.com/glebarez/sqlite":          "v99.0.0", // registers the name of the driver that we use, and panics: never
	"github.com/mattn/go-sqlite3":         "v1.14.22",
	"github.com/alexedwards/argon2id":     "v1.0.0",
	"github.com/nbutton23/zxcvbn-go":      "v0.0.0-20210217022336-fa2cb2858354",
	"github.com/valyala/fasthttp":         "v1.58.0",
	"github.com/wneessen/go-mail":         "v0.7.2",
	"github.com/go-webauthn/webauthn":     "v0.18.0",
	"github.com/coreos/go-oidc/v3":        "v3.21.0",
	"github.com/prometheus/client_golang": "v1.11.1",
}

// P1
func TestDependenciesAreAboveTheirFloors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}

	if semver.Compare("v"+file.Go.Version, "v1.25.1") < 0 {
		t.Errorf("go %s is older than 1.25.1, whose cross-origin protection could be bypassed", file.Go.Version)
	}
	for _, required := range file.Require {
		if floor := floors[required.Mod.Path]; floor != "" && semver.Compare(required.Mod.Version, floor) < 0 {
			t.Errorf("%s %s is below %s", required.Mod.Path, required.Mod.Version, floor)
		}
		if required.Mod.Path == "modernc.org/sqlite" && required.Mod.Version != "v1.60.1" {
			t.Errorf("modernc.org/sqlite is %s: it is pinned to v1.60.1, see docs/decisions", required.Mod.Version)
		}
	}
	if len(file.Replace) > 0 {
		t.Errorf("go.mod replaces %d modules", len(file.Replace))
	}
}
