// Package demo fills a fresh database with a believable company: Northwind, which publishes three APIs, its partners with their people, apps, access
// and keys in every state, sixty days of usage with an incident in it, what they ask in the forum and how support answers, and the audit log, mail and
// settings that go with them. What happens in it goes through the stores of the house, day after day, under a clock that the filling moves; only usage
// and votes are written in bulk.
//
// Two databases filled at the same instant hold the same story. Ids, and the keys themselves, differ: those are always random.
package demo

import (
	"context"
	"embed"
	"errors"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/content"
	"github.com/gatehouse-dev/gatehouse/internal/password"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/moderation"
	"github.com/gatehouse-dev/gatehouse/models/forum/support"
	"github.com/gatehouse-dev/gatehouse/models/guide"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/enforcement"
	"github.com/gatehouse-dev/gatehouse/models/key/handover"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/key/notice"
	"github.com/gatehouse-dev/gatehouse/models/key/policy"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/setting"
	"github.com/gatehouse-dev/gatehouse/models/staff"
)

// Days is how far back usage goes.
const Days = 60

// Options of Fill. All are required.
type Options struct {
	DB    *db.DB // migrated; nothing else may use it while Fill runs, because its clock is moved
	Root  *secret.Root
	Brand string                   // how keys begin
	Link  func(path string) string // absolute address of a page
}

// mark is the setting that says that this database is a demo's.
type mark struct {
	BegunAt  time.Time  `json:"begun_at"`
	FilledAt *time.Time `json:"filled_at,omitempty"`
}

const markName = "demo"

// Reasons why Fill leaves a database alone.
var (
	ErrForeign = errors.New("this database has users that are not the demo’s: name another one")
	ErrHalf    = errors.New("a demo was begun in this database and not finished: delete it, and start again")
)

// Fill fills the database, unless it holds a finished demo already: then it does nothing and filled is false. It fails with ErrForeign for a
// database with users of its own and with ErrHalf for one in which an earlier Fill was cut off; both are left as they are.
// Cost: about a thousand small transactions and 100,000 rows of usage.
func Fill(ctx context.Context, o Options) (filled bool, err error) {
	done, err := ready(ctx, o.DB)
	if err != nil || done {
		return false, err
	}
	f, err := newFiller(o)
	if err != nil {
		return false, err
	}
	begun := mark{BegunAt: f.now}
	if err := o.DB.Tx(ctx, func(tx *db.Tx) error { return setting.Put(tx, markName, begun) }); err != nil {
		return false, err
	}
	if err := f.fill(ctx); err != nil {
		return false, err
	}
	begun.FilledAt = &f.now
	return true, o.DB.Tx(ctx, func(tx *db.Tx) error { return setting.Put(tx, markName, begun) })
}

// ready reports whether the demo is there already, and fails where none may be made.
func ready(ctx context.Context, d *db.DB) (bool, error) {
	var m mark
	found, err := setting.Get(ctx, d, markName, &m)
	switch {
	case err != nil:
		return false, err
	case found && m.FilledAt != nil:
		return true, nil
	case found:
		return false, ErrHalf
	}
	var users int64
	if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM users").Scan(&users).Error; err != nil {
		return false, err
	}
	if users > 0 {
		return false, ErrForeign
	}
	return false, nil
}

// filler is one filling.
type filler struct {
	db     *db.DB
	now    time.Time // of the filling; the story ends here
	clock  *handClock
	sealer *secret.Sealer
	phc    []byte // of Password
	plot   []moment

	accounts    *account.Store
	orgs        *org.Store
	apis        *catalog.Store
	keys        *key.Store
	policies    *policy.Store
	enforcement *enforcement.Store
	notices     *notice.Store
	handover    *handover.Store
	leaks       *leak.Store
	staff       *staff.Store
	forum       *forum.Store
	desk        *support.Store
	moderation  *moderation.Store
	pages       *guide.Store
	searcher    *guide.Searcher
	outbox      *outbox.Outbox

	users     map[string]account.User // by handle
	companies map[string]db.ID        // by handle; personal ones by that of their person
	apps      map[string]db.ID
	products  map[string]*shelved // by slug
	access    map[int]db.ID       // by place in requests
	made      []*made
	questions map[string]*asked // by key
	teams     map[string]db.ID  // by name
	votes     []vote
	steps     int
}

func newFiller(o Options) (*filler, error) {
	hasher, err := password.NewHasher(password.Default, password.GateOptions{}, nil)
	if err != nil {
		return nil, err
	}
	f := &filler{
		db: o.DB, now: o.DB.Now().Truncate(time.Second), sealer: o.Root.Sealer(secret.LabelPassword),
		users: map[string]account.User{}, companies: map[string]db.ID{}, apps: map[string]db.ID{}, products: map[string]*shelved{}, access: map[int]db.ID{},
		questions: map[string]*asked{}, teams: map[string]db.ID{},
	}
	f.clock = &handClock{now: f.now}
	box := outbox.New(o.Root.Sealer(secret.LabelMail))
	f.outbox = box
	f.accounts = account.NewStore(account.Options{
		DB: o.DB, Hasher: hasher, Sealer: f.sealer, Signer: o.Root.Signer(secret.LabelSession), Outbox: box, Link: o.Link, Floor: -1,
		PortalName: func(context.Context) string { return portalName },
	})
	f.orgs = org.NewStore(org.Options{DB: o.DB, Outbox: box, Link: o.Link})
	f.apis = catalog.NewStore(catalog.Options{DB: o.DB, Outbox: box, Link: o.Link})
	f.keys = key.NewStore(key.Options{DB: o.DB, Outbox: box, Root: o.Root, Brand: o.Brand, Link: o.Link})
	f.policies, f.enforcement, f.notices = policy.NewStore(o.DB), enforcement.NewStore(o.DB, f.keys), notice.NewStore(o.DB, f.keys, box)
	f.handover = handover.NewStore(handover.Options{DB: o.DB, Outbox: box, Keys: f.keys, Link: o.Link})
	f.leaks = leak.NewStore(leak.Options{DB: o.DB, Keys: f.keys, Outbox: box, Root: o.Root, Brand: o.Brand, Link: o.Link})
	f.staff = staff.NewStore(o.DB, f.accounts, f.apis)
	f.forum = forum.NewStore(forum.Options{DB: o.DB, Link: o.Link, Follow: follow.NewStore(follow.Options{
		DB: o.DB, Outbox: box, Signer: o.Root.Signer(secret.LabelNotice), Link: o.Link, Visible: follow.Visible{Condition: forum.Visible, Args: forum.VisibleArgs},
	})})
	f.desk = support.NewStore(support.Options{DB: o.DB, Forum: f.forum, Outbox: box, Link: o.Link})
	f.moderation = moderation.NewStore(moderation.Options{DB: o.DB, Forum: f.forum, Outbox: box, Link: o.Link})
	// What is said of pages needs no pages: the server reads those, and puts them into the search index.
	f.pages = guide.NewStore(guide.Options{DB: o.DB, Library: content.Open(content.Options{Ours: embed.FS{}, Now: o.DB.Now})})
	f.searcher = guide.NewSearcher(guide.SearchOptions{DB: o.DB, Pages: f.pages, Forum: f.forum, Catalog: f.apis})
	return f, nil
}

// fill tells the story in the order of its days, then writes the usage that belongs to it.
func (f *filler) fill(ctx context.Context) error {
	own := f.db.Clock
	f.db.Clock = f.clock.read
	defer func() { f.db.Clock = own }()
	f.plotPeople()
	f.plotCatalogue()
	f.plotApps()
	f.plotKeys()
	f.plotCare()
	f.plotStaff()
	f.plotDesk()
	f.plotPages()
	if err := f.plotQuestions(); err != nil {
		return err
	}
	if err := f.play(ctx); err != nil {
		return err
	}
	f.clock.now = f.now
	if err := f.writeUsage(ctx); err != nil {
		return err
	}
	if err := f.db.Tx(ctx, f.writeVotes); err != nil {
		return err
	}
	return f.settleMail(ctx)
}
