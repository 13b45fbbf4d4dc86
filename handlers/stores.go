package handlers

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/docs"
	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/download"
	"github.com/gatehouse-dev/gatehouse/models/account/factor"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/moderation"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/idempotency"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/bulk"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/key/notice"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/key/rotation"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
	"github.com/gatehouse-dev/gatehouse/models/org/invitation"
	"github.com/gatehouse-dev/gatehouse/models/org/share"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
	"github.com/gatehouse-dev/gatehouse/models/replica"
	"github.com/gatehouse-dev/gatehouse/models/scim"
	"github.com/gatehouse-dev/gatehouse/models/setting"
	"github.com/gatehouse-dev/gatehouse/models/staff"
	"github.com/gatehouse-dev/gatehouse/models/staff/review"
	"github.com/gatehouse-dev/gatehouse/models/usage"
	"github.com/gatehouse-dev/gatehouse/models/usage/quota"
	"github.com/gatehouse-dev/gatehouse/models/usage/refusal"
)

// Stores are the stores of every area.
type Stores struct {
	Outbox      *outbox.Outbox
	Account     *account.Store
	Download    *download.Store
	Policies    privacy.Policies
	Factor      *factor.Store
	Provider    *provider.Store
	Org         *org.Store
	Invitation  *invitation.Store
	Domain      *domain.Store
	Scim        *scim.Store
	Share       *share.Store
	Catalog     *catalog.Store
	Key         *key.Store
	Handover    *handover.Store
	Leak        *leak.Store
	Rotation    *rotation.Store
	Policy      *policy.Store
	Enforcement *enforcement.Store
	Notice      *notice.Store
	Usage       *usage.Store
	Quota       *quota.Store
	Refusal     *refusal.Store
	Staff       *staff.Store
	Review      *review.Store
	Replica     *replica.Store
	Follow      *follow.Store
	Forum       *forum.Store
	Moderation  *moderation.Store
	Support     *support.Store
	Guide       *guide.Store
	Search      *guide.Searcher
	Import      *importing.Store
	Bulk        *bulk.Store

	Idempotency *idempotency.Store
}

func newStores(o Options) (Stores, error) {
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, o.Hash)
	if err != nil {
		return Stores{}, err
	}
	link := func(path string) string { return o.Settings.BaseURL.String() + path }
	box := outbox.New(o.Root.Sealer(secret.LabelMail))
	name := func(ctx context.Context) string {
		p, err := setting.PortalOf(ctx, o.DB)
		if err != nil {
			return "Gatehouse"
		}
		return p.Name
	}
	s := Stores{Outbox: box}
	s.Account = account.NewStore(account.Options{
		DB: o.DB, Hasher: hasher, Sealer: o.Root.Sealer(secret.LabelPassword), Signer: o.Root.Signer(secret.LabelSession), Outbox: box, Link: link,
		Signup: o.Settings.Signup, PortalName: name,
	})
	s.Factor = factor.NewStore(factor.Options{DB: o.DB, Accounts: s.Account, Sealer: o.Root.Sealer(secret.LabelFactor), Outbox: box, Link: link, PortalName: name, BaseURL: o.Settings.BaseURL, Issuers: issuers(o)})
	s.Policies = privacy.Policies{DB: o.DB}
	s.Download = download.NewStore(download.Options{DB: o.DB, Accounts: s.Account, Sealer: o.Root.Sealer(secret.LabelDownload), Outbox: box, Link: link, PortalName: name})
	s.Domain = domain.NewStore(domain.Options{DB: o.DB, Outbox: box, Link: link, DNS: domain.DNS{Server: o.Settings.DNS}, Providers: domainProviders(o)})
	s.Provider = newProviders(o, provider.Options{DB: o.DB, Accounts: s.Account, Outbox: box, Link: link, PortalName: name, Land: s.Domain.LandBy})
	s.Org = org.NewStore(org.Options{DB: o.DB, Outbox: box, Link: link})
	s.Invitation = invitation.NewStore(invitation.Options{DB: o.DB, Outbox: box, Link: link})
	s.Share = share.NewStore(share.Options{DB: o.DB, Outbox: box, Link: link})
	s.Catalog = catalog.NewStore(catalog.Options{DB: o.DB, Outbox: box, Link: link})
	s.Key = key.NewStore(key.Options{DB: o.DB, Outbox: box, Root: o.Root, Brand: o.Settings.KeyBrand, Link: link})
	s.Rotation = rotation.NewStore(o.DB, s.Key)
	s.Policy, s.Enforcement = policy.NewStore(o.DB), enforcement.NewStore(o.DB, s.Key)
	s.Notice = notice.NewStore(o.DB, s.Key, box)
	s.Leak = leak.NewStore(leak.Options{DB: o.DB, Keys: s.Key, Outbox: box, Root: o.Root, Brand: o.Settings.KeyBrand, Link: link})
	s.Handover = handover.NewStore(handover.Options{DB: o.DB, Outbox: box, Keys: s.Key, Link: link})
	s.Scim = scim.NewStore(scim.Options{DB: o.DB, Accounts: s.Account, Orgs: s.Org, Handover: s.Handover, Outbox: box, Root: o.Root, Brand: o.Settings.KeyBrand, Link: link})
	s.Import = importing.NewStore(o.DB, s.Key, o.Root.Sealer(secret.LabelImport))
	s.Bulk = bulk.NewStore(bulk.Options{DB: o.DB, Keys: s.Key, Outbox: box, Link: link})
	s.Usage = usage.NewStore(o.DB).Keeping(usage.Keep(o.Settings.UsageKeep))
	s.Quota = quota.NewStore(o.DB, box, link)
	s.Refusal = refusal.NewStore(o.DB, s.Key)
	s.Idempotency = idempotency.NewStore(o.DB)
	s.Replica = replica.NewStore(o.DB)
	s.Staff = staff.NewStore(o.DB, s.Account, s.Catalog)
	s.Review = review.NewStore(review.Options{DB: o.DB, Accounts: s.Account, Orgs: s.Org, Handover: s.Handover, Outbox: box, Link: link})
	s.Follow = follow.NewStore(follow.Options{
		DB: o.DB, Outbox: box, Signer: o.Root.Signer(secret.LabelNotice), Link: link, Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs},
	})
	s.Forum = forum.NewStore(forum.Options{DB: o.DB, Follow: s.Follow, Link: link})
	s.Moderation = moderation.NewStore(moderation.Options{DB: o.DB, Forum: s.Forum, Outbox: box, Link: link})
	s.Support = support.NewStore(support.Options{DB: o.DB, Forum: s.Forum, Outbox: box, Link: link})
	s.Guide = guide.NewStore(guide.Options{DB: o.DB, Library: content.Open(content.Options{
		Ours: docs.Files, Folder: o.Settings.ContentDir, Now: o.DB.Now, Values: map[string]string{"base": o.Settings.BaseURL.String(), "brand": o.Settings.KeyBrand},
	})})
	s.Search = guide.NewSearcher(guide.SearchOptions{DB: o.DB, Pages: s.Guide, Forum: s.Forum, Catalog: s.Catalog})
	s.acquaint(o)
	return s, nil
}

// acquaint gives stores what they ask of those that stand above them.
func (s Stores) acquaint(o Options) {
	s.Account.BindBy(s.Domain.Binding)
	s.Account.UnbindBy(s.Handover.UnbindTx)
	s.Account.CodeForNewDevices(o.Settings.NewDeviceCode)
	s.Staff.RequireFactor(o.Settings.StaffFactor)
	s.Account.OnDelete(s.Handover.Gone)
	s.Account.LeaveBy(s.Forum.Leave)
	s.Leak.Also(s.Scim.Reported)
}
