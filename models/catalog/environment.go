package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// Environments of APIs and keys.
const (
	EnvLive = "live"
	EnvTest = "test"
)

// Environment is where developers reach an API in one environment, with an example call. An environment without base URL has no row.
type Environment struct {
	APIID         db.ID `gorm:"column:api_id"`
	Environment   string
	BaseURL       string // scheme, host and path, without a slash at the end
	ExampleMethod string
	ExamplePath   string
	ExampleBody   string
}

var exampleMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}

func (e *Environment) check() error {
	var p fault.Problems
	p.Check(e.Environment == EnvLive || e.Environment == EnvTest, "environment", "Choose an environment.")
	e.BaseURL = strings.TrimRight(org.CheckURL(&p, "base_url", e.BaseURL), "/")
	p.Check(!strings.ContainsAny(e.BaseURL, "?#"), "base_url", "A base URL ends before the query.")
	p.Check(slices.Contains(exampleMethods, e.ExampleMethod), "example_method", "Choose a method.")
	ok := e.ExamplePath == "" || strings.HasPrefix(e.ExamplePath, "/") && len(e.ExamplePath) <= 500 && !strings.ContainsFunc(e.ExamplePath, func(r rune) bool { return r <= ' ' || r > '~' })
	p.Check(ok, "example_path", "A path begins with / and has no spaces, such as /v2/orders?limit=10.")
	audit.NoKey(&p, "example_path", e.ExamplePath)
	e.ExampleBody = org.CheckText(&p, "example_body", e.ExampleBody, 4000)
	return p.Err()
}

// SetEnvironment sets where an API is reached in an environment; an empty base URL takes the environment away. Faults: Forbidden, NotFound,
// Conflict, Invalid.
func (s *Store) SetEnvironment(ctx context.Context, a actor.Actor, apiID db.ID, in Environment) error {
	return s.manage(ctx, a, apiID, func(tx *db.Tx, api API) error {
		if api.IsPortal {
			return fault.New(fault.Conflict, "The portal’s own API is reached where the portal is.")
		}
		if err := in.check(); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{
			Act: audit.APIChanged, TargetKind: "api", TargetID: apiID, OrganizationID: api.PublisherID,
			Details: map[string]string{"changed": "environment", "environment": in.Environment, "base url": in.BaseURL},
		})
		if in.BaseURL == "" {
			_, err := tx.Run("DELETE FROM api_environments WHERE api_id = ? AND environment = ?", apiID, in.Environment)
			return err
		}
		_, err := tx.Run(`INSERT INTO api_environments (api_id, environment, base_url, example_method, example_path, example_body) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (api_id, environment) DO UPDATE SET base_url = excluded.base_url, example_method = excluded.example_method, example_path = excluded.example_path, example_body = excluded.example_body`,
			apiID, in.Environment, in.BaseURL, in.ExampleMethod, in.ExamplePath, in.ExampleBody)
		return err
	})
}

// KeyVariable is the shell's variable that holds the key in commands to copy.
const KeyVariable = "$GATEHOUSE_KEY"

// Curl is the example call as a shell command; key stands where the key goes. Empty without an example.
func (e Environment) Curl(key string) string {
	if e.BaseURL == "" || e.ExamplePath == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("curl ")
	switch e.ExampleMethod {
	case "GET":
	case "HEAD":
		b.WriteString("--head ")
	default:
		b.WriteString("-X " + e.ExampleMethod + " ")
	}
	header := quote("Authorization: Bearer " + key)
	if key == KeyVariable {
		header = `"Authorization: Bearer ` + KeyVariable + `"` // double quotes: the shell puts the value in
	}
	b.WriteString(quote(e.BaseURL+e.ExamplePath) + " \\\n  -H " + header)
	if e.ExampleBody != "" {
		b.WriteString(" \\\n  -H 'Content-Type: application/json' \\\n  -d " + quote(e.ExampleBody))
	}
	return b.String()
}

// quote makes a word of the shell that stands for exactly s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
