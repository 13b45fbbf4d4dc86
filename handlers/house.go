// Package handlers assembles the portal: stores, handlers and routes of every area over one database.
package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/account"
	"github.com/gatehouse-dev/gatehouse/handlers/account/factor"
	"github.com/gatehouse-dev/gatehouse/handlers/account/oidc"
	"github.com/gatehouse-dev/gatehouse/handlers/account/privacy"
	"github.com/gatehouse-dev/gatehouse/handlers/account/rights"
	"github.com/gatehouse-dev/gatehouse/handlers/api"
	"github.com/gatehouse-dev/gatehouse/handlers/audit"
	"github.com/gatehouse-dev/gatehouse/handlers/catalog"
	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/handlers/forum"
	"github.com/gatehouse-dev/gatehouse/handlers/forum/feed"
	"github.com/gatehouse-dev/gatehouse/handlers/forum/follow"
	"github.com/gatehouse-dev/gatehouse/handlers/forum/moderation"
	"github.com/gatehouse-dev/gatehouse/handlers/forum/support"
	"github.com/gatehouse-dev/gatehouse/handlers/guide"
	"github.com/gatehouse-dev/gatehouse/handlers/key"
	"github.com/gatehouse-dev/gatehouse/handlers/key/bulk"
	"github.com/gatehouse-dev/gatehouse/handlers/key/calendar"
	"github.com/gatehouse-dev/gatehouse/handlers/key/handover"
	"github.com/gatehouse-dev/gatehouse/handlers/key/importing"
	"github.com/gatehouse-dev/gatehouse/handlers/key/leak"
	policypages "github.com/gatehouse-dev/gatehouse/handlers/key/policy"
	"github.com/gatehouse-dev/gatehouse/handlers/key/rotation"
	"github.com/gatehouse-dev/gatehouse/handlers/org"
	"github.com/gatehouse-dev/gatehouse/handlers/org/share"
	"github.com/gatehouse-dev/gatehouse/handlers/replica"
	"github.com/gatehouse-dev/gatehouse/handlers/scim"
	"github.com/gatehouse-dev/gatehouse/handlers/site"
	"github.com/gatehouse-dev/gatehouse/handlers/staff"
	"github.com/gatehouse-dev/gatehouse/handlers/staff/review"
	staffroles "github.com/gatehouse-dev/gatehouse/handlers/staff/role"
	"github.com/gatehouse-dev/gatehouse/handlers/usage"
	"github.com/gatehouse-dev/gatehouse/handlers/usage/refusal"
	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/githubleak"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/org/activity"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// Options of Build. All are required, but for LogsLost and Hash.
type Options struct {
	DB       *db.DB
	Root     *secret.Root
	Settings config.Settings
	Replica  string            // names this process among its peers
	Version  string            // of the program
	LogsLost func() uint64     // how many lines of the log were lost
	Hash     password.HashFunc // computes argon2id; nil: this process does
}

// House is the running installation: what its listeners serve, and the work that it does beside.
type House struct {
	Portal  http.Handler // pages, and the edge in front of them
	Edge    *edge.Edge   // the edge alone, for a listener of its own
	Metrics http.Handler // /metrics, for a listener of its own (C10)
	Stores  Stores
	Table   []web.Route // every route of the portal but the edge's, which edge.Routes lists
	Echo    *echo.Echo

	options Options
	engine  engine
	site    *site.Handler
	others  otherFiles
}

// Build makes the house. It opens no listener and starts no work.
func Build(ctx context.Context, o Options) (*House, error) {
	stores, err := newStores(o)
	if err != nil {
		return nil, err
	}
	if err := stores.Catalog.UpgradePortal(ctx); err != nil {
		return nil, fmt.Errorf("bring the portal's own API up to date: %w", err)
	}
	h := &House{Stores: stores, options: o}
	if err := h.knownCost(ctx); err != nil {
		return nil, fmt.Errorf("read what a password hash costs: %w", err)
	}
	if err := h.keepAssets(ctx); err != nil && !errors.Is(err, db.ErrReadOnly) { // before the first page that names one of them; while the database is moved there is no other version
		return nil, err
	}
	h.noteProviders(ctx)
	if h.engine, err = newEngine(ctx, o, stores); err != nil {
		return nil, err
	}
	kit := &web.Kit{DB: o.DB, Accounts: stores.Account, BaseURL: o.Settings.BaseURL, Proxies: o.Settings.TrustedProxies, Keys: stores.Key, StaffFactor: o.Settings.StaffFactor}
	h.Echo = kit.NewEcho()
	h.Echo.Use(h.engine.metrics.countRequests, h.engine.traceRequests)
	r := web.NewRegistrar(kit, h.Echo)
	h.routes(kit, r)
	if err := h.programs(kit, r); err != nil {
		return nil, err
	}
	h.Table = r.Routes()
	h.Edge, h.Metrics = h.engine.edge, h.engine.metrics.handler()
	h.Portal = h.front(kit.Handler(h.Echo))
	return h, nil
}

// routes is the table of contents: which areas there are. Each lists its own routes, with the access that they need, in one method.
func (h *House) routes(kit *web.Kit, r *web.Registrar) {
	s := h.Stores
	h.site = &site.Handler{Kit: kit, Orgs: s.Org, Catalog: s.Catalog, Keys: s.Key, Usage: s.Usage, Guides: s.Guide, Notices: s.Notice, Forum: s.Forum, Desk: s.Support, Leaks: s.Leak, Shares: s.Share, Invitations: s.Invitation, Signup: h.options.Settings.Signup.Policy, Fresh: h.engine.fresh, Loaded: h.engine.loaded, Assets: h.otherAssets}
	h.site.Routes(r)
	people := account.New(kit, s.Account, !h.options.Settings.SMTPURL.IsSet())
	people.Factors = s.Factor
	people.Providers = s.Provider
	people.Routes(r)
	(&oidc.Handler{Kit: kit, Accounts: people, Store: s.Provider, Clients: providerClients(h.options), Sealer: h.options.Root.Sealer(secret.LabelProvider)}).Routes(r)
	(&privacy.Handler{Kit: kit, Downloads: s.Download, Policies: s.Policies}).Routes(r)
	(&factor.Handler{Kit: kit, Accounts: people, Store: s.Factor, Rules: s.Org.FactorRules}).Routes(r)
	orgs := org.New(kit, s.Org, s.Catalog, s.Quota, s.Invitation)
	kit.Elsewhere, kit.Shut = orgs.Elsewhere, orgs.Shut
	orgs.DomainStore = s.Domain
	orgs.Shares = &share.Handler{Kit: kit, Orgs: s.Org, Shares: s.Share, Usage: s.Usage, Refusals: s.Refusal, Keys: s.Key}
	orgs.Shares.Routes(r)
	directories := scim.New(kit, s.Scim, s.Org)
	directories.Routes(r)
	orgs.Directory = directories.OfOrganization
	orgs.Routes(r)
	(&audit.Handler{Kit: kit, Orgs: s.Org, Activity: activity.NewStore(h.options.DB)}).Routes(r)
	apis := catalog.New(kit, s.Catalog, s.Org, s.Key)
	apis.Forum, apis.Edge = s.Forum, h.options.Settings.EdgeURL()
	apis.Routes(r)
	keyPages := key.New(kit, s.Key, s.Handover)
	keyPages.Leaks = s.Leak
	keyPages.Bulks = s.Bulk
	(&importing.Handler{Kit: kit, Store: s.Import}).Routes(r)
	(&bulk.Handler{Kit: kit, Keys: s.Key, Bulks: s.Bulk}).Routes(r)
	keyPages.Routes(r)
	rotation.New(keyPages, s.Rotation).Routes(r)
	(&calendar.Handler{Kit: kit, Notices: s.Notice, Orgs: s.Org}).Routes(r)
	policypages.New(kit, s.Policy, s.Key).Routes(r)
	(&handover.Handler{Kit: kit, Store: s.Handover, Keys: keyPages, Orgs: s.Org}).Routes(r)
	github := githubleak.New(githubleak.Options{URL: h.options.Settings.GitHubKeysURL, Now: kit.Now})
	(&leak.Handler{Kit: kit, Keys: s.Key, Leaks: s.Leak, GitHub: github, Brand: h.options.Settings.KeyBrand}).Routes(r)
	figures := usage.New(kit, s.Usage, s.Quota)
	figures.Counting = &usage.Counting{Own: h.engine.flusher.State, Others: s.Replica.Lag}
	figures.Routes(r)
	(&refusal.Handler{Kit: kit, Refusals: s.Refusal, Usage: s.Usage, Keys: s.Key, Catalog: s.Catalog}).Routes(r)
	(&guide.Handler{Kit: kit, Guides: s.Guide, Forum: s.Forum, Signer: h.options.Root.Signer(secret.LabelVisitor)}).Routes(r)
	guide.NewSearch(kit, s.Search, s.Key).Routes(r)
	questions := forum.New(kit, s.Forum, s.Org, s.Catalog, s.Key)
	questions.Guides = s.Guide
	questions.Routes(r)
	(&feed.Handler{Kit: kit, Forum: s.Forum}).Routes(r)
	(&follow.Handler{Kit: kit, Store: s.Follow, Forum: s.Forum, Pace: questions.Paced}).Routes(r)
	(&moderation.Handler{Kit: kit, Store: s.Moderation, Forum: s.Forum}).Routes(r)
	(&support.Handler{Kit: kit, Desk: s.Support, Catalog: s.Catalog, Keys: s.Key, Usage: s.Usage, Guides: s.Guide}).Routes(r)
	(&replica.Handler{Kit: kit, Replicas: s.Replica}).Routes(r)
	(&rights.Handler{Kit: kit, Orgs: s.Org, Shared: orgs.Shares.Mine, Shut: orgs.ShutOrganizations}).Routes(r)
	(&staffroles.Handler{Kit: kit, Roles: staffrole.NewStore(h.options.DB), Staff: s.Staff}).Routes(r)
	(&review.Handler{Kit: kit, Reviews: s.Review, Orgs: s.Org}).Routes(r)
	(&staff.Handler{Kit: kit, Staff: s.Staff, Usage: s.Usage, Users: s.Account, Keys: s.Key, Desk: s.Support, APIs: s.Catalog, Signer: NewSigner(h.options.Root), Outside: h.options.Settings.AuditCheckpoints != "", Stream: newStream(h.options)}).Routes(r)
}

// programs are the routes of the management API.
func (h *House) programs(kit *web.Kit, r *web.Registrar) error {
	s := h.Stores
	programs, err := api.New(kit, h.admit, api.Stores{
		Orgs: s.Org, Catalog: s.Catalog, Key: s.Key, Rotation: s.Rotation, Policies: s.Policy, Leaks: s.Leak, Usage: s.Usage, Refusals: s.Refusal, Idempotency: s.Idempotency, Activity: activity.NewStore(h.options.DB),
		Told: refusal.ToldInConsole,
	})
	if err != nil {
		return err
	}
	return programs.Routes(r)
}

// admit has the edge judge calls of the management API.
func (h *House) admit(w http.ResponseWriter, r *http.Request, c api.Call) (api.Caller, bool) {
	caller, ok := h.engine.edge.Admit(w, r, edge.Call{RequestID: c.RequestID, Path: c.Path, Scope: c.Scope})
	return api.Caller{Facts: caller.Facts, Address: caller.Address}, ok
}

// front answers what must not depend on the host name or on cookies before the pages: health and the edge.
func (h *House) front(pages http.Handler) http.Handler {
	mux := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			h.site.Healthz(w, r)
		case "/readyz":
			h.site.Readyz(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
	return edge.InFront(h.engine.edge, mux)
}

// Join has the other processes over this database counted, and this one by them, before anything is served: limits are divided by their number from the first
// call on, and what is left of quotas is what they left. It waits for them, some seconds at most; a process that is alone waits for nobody. It fails in no way
// that matters: while the database is away this process counts itself, and asks again.
func (h *House) Join(ctx context.Context) {
	h.engine.fleet.heart.First(ctx)
	if h.engine.fleet.heart.Peers() == 1 {
		return
	}
	if err := h.engine.flusher.Seed(ctx); err != nil {
		slog.Warn("what is left of quotas is not read", "error", err)
	}
}

// Leave makes the house say that it is not ready any more.
func (h *House) Leave() { h.site.Leave() }

// SetupCode makes the code of the first start; "" when the portal is set up.
func (h *House) SetupCode(ctx context.Context) (string, error) {
	return h.Stores.Staff.NewSetupCode(ctx)
}

// noteProviders has the settings that the program starts with noted, before it lets anybody in. What fails is tried again within the hour, by the job.
func (h *House) noteProviders(ctx context.Context) {
	if err := h.Stores.Domain.NoteProviders(ctx); err != nil {
		slog.Error("the providers of domains are not noted", "error", err)
	}
}
