package client_test

import (
	"errors"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/webtest"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/staff"
)

// portal is a running portal with an app and a key that manages keys.
func portal(t *testing.T) (url, app, text string) {
	t.Helper()
	clock, ctx := dbtest.NewClock(), t.Context()
	d := dbtest.SQLite(t, clock)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	must(t, err)
	addr := listener.Addr().String()
	data := t.TempDir()
	settings, err := config.Load(func(name string) (string, bool) {
		value, ok := map[string]string{"GATEHOUSE_ADDR": addr, "GATEHOUSE_DATA_DIR": data, "GATEHOUSE_STAFF_FACTOR": "optional"}[name]
		return value, ok
	})
	must(t, err)
	root, err := secret.Open(filepath.Join(t.TempDir(), "secret"), "")
	must(t, err)
	d.SetCursorKey(root.Key(secret.LabelCursor))
	house, err := handlers.Build(ctx, handlers.Options{DB: d, Root: root, Settings: settings, Replica: "test"})
	must(t, err)
	server := httptest.NewUnstartedServer(house.Portal)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	code, err := house.SetupCode(ctx)
	must(t, err)
	admin, err := house.Stores.Staff.SetUp(ctx, webtest.ActorOf(account.User{}), code, staff.Setup{
		Name: "Ada Admin", Email: "ada@company.example", Password: "a long enough sentence", Company: "Company", Portal: "Developers", Language: "en", TimeZone: "UTC",
	})
	must(t, err)
	app, text = managed(t, house, d, admin)
	return "http://" + addr, app, text
}

func managed(t *testing.T, house *handlers.House, d *db.DB, admin account.User) (app, text string) {
	t.Helper()
	ctx, a, s := t.Context(), webtest.ActorOf(admin), house.Stores
	made, err := s.Org.CreateApp(ctx, a, webtest.PersonalOrg(t, d, admin.ID), org.AppInput{Name: "Shop"})
	must(t, err)
	api, err := s.Catalog.BySlug(ctx, a, "portal")
	must(t, err)
	in := catalog.RequestInput{AppID: made.ID, PlanID: api.Plans[0].ID, Purpose: "Manage keys"}
	var pairs []key.Pair
	for _, scope := range api.Scopes {
		if strings.HasPrefix(scope.Name, "keys:") && scope.Name != key.VerifyScope {
			in.ScopeIDs, pairs = append(in.ScopeIDs, scope.ID), append(pairs, key.Pair{API: "portal", Scope: scope.Name})
		}
	}
	_, err = s.Catalog.Request(ctx, a, "portal", in)
	must(t, err)
	k, err := s.Key.Create(ctx, a, key.CreateRequest{Token: s.Key.NewFormToken(a, key.CreatePurpose()), AppID: made.ID, Environment: "live", Name: "Manager", Pairs: pairs})
	must(t, err)
	return made.ID.Show("app"), k.Secret.Reveal()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A program lists, creates, rotates and revokes keys.
func TestClientManagesKeys(t *testing.T) {
	url, app, text := portal(t)
	ctx := t.Context()
	c, err := client.At(url, text)
	must(t, err)
	once := "deployment 7"

	made, err := c.CreateKeyWithResponse(ctx, &client.CreateKeyParams{IdempotencyKey: &once}, client.NewKey{AppId: app, Name: "Reader", Grants: []client.Grant{{Api: "portal", Scope: "keys:read"}}})
	must(t, err)
	must(t, client.Refused(made.StatusCode(), made.Body))
	again, err := c.CreateKeyWithResponse(ctx, &client.CreateKeyParams{IdempotencyKey: &once}, client.NewKey{AppId: app, Name: "Reader", Grants: []client.Grant{{Api: "portal", Scope: "keys:read"}}})
	must(t, err)
	id := made.JSON201.Key.Id
	rotated, err := c.RotateKeyWithResponse(ctx, id, nil, client.Rotation{OverlapDays: 7})
	must(t, err)
	must(t, client.Refused(rotated.StatusCode(), rotated.Body))
	reason := "The test is over"
	revoked, err := c.RevokeKeyWithResponse(ctx, rotated.JSON201.Key.Id, nil, client.Revocation{Reason: &reason})
	must(t, err)
	must(t, client.Refused(revoked.StatusCode(), revoked.Body))
	listed, err := c.ListKeysWithResponse(ctx, nil)
	must(t, err)
	beyond, err := c.CreateKeyWithResponse(ctx, nil, client.NewKey{AppId: app, Name: "Verifier", Grants: []client.Grant{{Api: "portal", Scope: "keys:verify"}}})
	must(t, err)

	if made.JSON201.Secret == nil || again.JSON201.Secret != nil || !again.JSON201.Replayed || again.JSON201.Key.Id != id {
		t.Errorf("made %s\nagain %s", made.Body, again.Body)
	}
	if len(listed.JSON200.Data) != 3 || revoked.JSON200.State != client.KeyStateRevoked {
		t.Errorf("listed %s\nrevoked %s", listed.Body, revoked.Body)
	}
	var refused *client.Error
	if err := client.Refused(beyond.StatusCode(), beyond.Body); !errors.As(err, &refused) || refused.Status < 400 || refused.Code == "UNKNOWN" {
		t.Errorf("a key beyond its maker: %v", err)
	}
}

// K1: a key goes over no line that others read.
func TestClientSendsNoKeyOverPlainHTTP(t *testing.T) {
	for base, want := range map[string]string{
		"https://portal.example": "", "https://portal.example:8443/": "", "http://localhost:8080": "", "http://127.0.0.1:8080": "", "http://127.8.0.1": "", "http://[::1]:8080": "", "http://LOCALHOST": "",
		"http://portal.example": "not encrypted", "http://10.0.0.7:8080": "not encrypted", "http://localhost.evil.example": "not encrypted", "http://127.0.0.1.evil.example": "not encrypted", "HTTP://portal.example": "not encrypted",
		"http://user@portal.example": "not encrypted", "http://localhost@portal.example": "not encrypted", "http://0.0.0.0": "not encrypted",
		"portal.example": "no address", "": "no address", "ftp://portal.example": "no address", "https://": "no address", "://": "no address",
	} {
		c, err := client.At(base, "gk_live_x")
		switch {
		case want == "" && (err != nil || c == nil):
			t.Errorf("%s is refused: %v", base, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", base, err, want)
		case err != nil && strings.Contains(err.Error(), "gk_live_x"):
			t.Errorf("%s: the error tells the key", base)
		}
	}
}
