package support

import (
	"context"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// MostPosts is how many posts the desk shows of one question: the first and the latest.
const MostPosts = 200

// Said is a post at the desk: with the real name of its author beside the public one.
type Said struct {
	forum.Post
	AuthorName string
	PublicName string
	Flags      int64 // open ones
}

// Detail is all that the desk shows of a question.
type Detail struct {
	Item
	Posts     []Said // also those that wait, were hidden or rejected; not what its author deleted
	More      int64  // posts that are not among them
	Notes     []Note
	Others    []Answering
	Asker     Asker
	App       *App // that the asker chose to share
	Earlier   []Earlier
	EarlierN  int64
	Followers int64
	Merged    []forum.Question // those that lead here
	Target    string           // of a merged one: the title of the question to which it leads
}

// Asker is who asked, as far as the reader may see it: without the permissions for people and organizations only the public name.
type Asker struct {
	ID             db.ID
	Public         string
	Name, Email    string
	StaffRole      string
	CreatedAt      time.Time
	DeletedAt      *time.Time
	PostingBlocked bool
	Orgs           []Membership `gorm:"-"`
}

// Membership is an organization of the asker.
type Membership struct {
	ID   db.ID
	Name string
	Role string
}

// App is the app that the asker shared, with its access; without the permission for organizations not whose it is.
type App struct {
	ID             db.ID
	Name           string
	OrganizationID db.ID
	OrgName        string
	SuspendedAt    *time.Time
	DeletedAt      *time.Time
	Access         []Access `gorm:"-"`
}

// Access is the app's access to one API.
type Access struct {
	ID            db.ID
	APIName, Plan string
	State         string
}

// Earlier is another question of the same asker.
type Earlier struct {
	ID        db.ID
	Title     string
	CreatedAt time.Time
	ClosedAt  *time.Time
	Accepted  bool
}

// Question reads all that the desk shows of a question, in at most 15 queries. Faults: Forbidden, NotFound.
func (s *Store) Question(ctx context.Context, a actor.Actor, id db.ID) (Detail, error) {
	if err := reads(a); err != nil {
		return Detail{}, err
	}
	item, err := one[Item](s.db.Read(ctx), itemColumns+" WHERE q.id = ? AND q.deleted_at IS NULL", id)
	if err != nil {
		return Detail{}, err
	}
	items := []Item{item}
	if err := s.addTags(ctx, items); err != nil {
		return Detail{}, err
	}
	d := Detail{Item: items[0]}
	for _, read := range []func(context.Context, actor.Actor, *Detail) error{s.readPosts, s.readAsker, s.readApp, s.readRest} {
		if err := read(ctx, a, &d); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (s *Store) readPosts(ctx context.Context, _ actor.Actor, d *Detail) error {
	q := s.db.Read(ctx)
	const columns = `SELECT p.*, u.name AS author_name, u.display_name AS public_name, (SELECT COUNT(*) FROM flags f WHERE f.post_id = p.id AND f.state = 'open') AS flags
		FROM posts p JOIN users u ON u.id = p.author_id WHERE p.question_id = ? AND p.deleted_at IS NULL`
	err := q.Raw(`SELECT * FROM (`+columns+` AND (p.kind = 'question' OR p.id IN (SELECT l.id FROM posts l WHERE l.question_id = ? AND l.deleted_at IS NULL
		ORDER BY l.created_at DESC, l.id DESC LIMIT ?))) x ORDER BY created_at, id`, d.ID, d.ID, MostPosts).Scan(&d.Posts).Error
	if err != nil || len(d.Posts) < MostPosts {
		return err
	}
	all, err := number(q, "SELECT COUNT(*) FROM posts WHERE question_id = ? AND deleted_at IS NULL", d.ID)
	d.More = all - int64(len(d.Posts))
	return err
}

func (s *Store) readAsker(ctx context.Context, a actor.Actor, d *Detail) error {
	q := s.db.Read(ctx)
	var err error
	d.Asker, err = one[Asker](q, `SELECT id, display_name AS public, name, email, staff_role, created_at, deleted_at, CASE WHEN posting_blocked_at IS NOT NULL AND
		(posting_blocked_until IS NULL OR posting_blocked_until > ?) THEN 1 ELSE 0 END = 1 AS posting_blocked FROM users WHERE id = ?`, s.db.Now(), d.AskerID)
	if err != nil {
		return err
	}
	if !permission.Staff(a.StaffRole, permission.StaffUsersRead) {
		d.Asker = Asker{ID: d.Asker.ID, Public: d.Asker.Public, CreatedAt: d.Asker.CreatedAt, DeletedAt: d.Asker.DeletedAt, PostingBlocked: d.Asker.PostingBlocked}
	}
	if permission.Staff(a.StaffRole, permission.StaffOrgsRead) {
		err = q.Raw(`SELECT o.id, o.name, m.role FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = ? AND o.deleted_at IS NULL
			AND o.kind <> 'personal' ORDER BY o.name, o.id LIMIT 10`, d.AskerID).Scan(&d.Asker.Orgs).Error
	}
	return err
}

func (s *Store) readApp(ctx context.Context, a actor.Actor, d *Detail) error {
	if d.AppID == nil {
		return nil
	}
	q := s.db.Read(ctx)
	app, err := one[App](q, `SELECT a.id, a.name, a.organization_id, o.name AS org_name, a.suspended_at, a.deleted_at FROM apps a JOIN organizations o ON o.id = a.organization_id WHERE a.id = ?`, *d.AppID)
	if err != nil {
		return err
	}
	if !permission.Staff(a.StaffRole, permission.StaffOrgsRead) {
		app.OrganizationID, app.OrgName = db.ID{}, ""
	}
	d.App = &app
	return q.Raw(`SELECT x.id, p.name AS api_name, l.name AS plan, x.state FROM access x JOIN apis p ON p.id = x.api_id JOIN plans l ON l.id = x.plan_id
		WHERE x.app_id = ? AND x.state IN ('requested', 'approved', 'suspended') ORDER BY p.name, x.created_at LIMIT 20`, app.ID).Scan(&d.App.Access).Error
}

func (s *Store) readRest(ctx context.Context, a actor.Actor, d *Detail) error {
	q := s.db.Read(ctx)
	err := q.Raw(`SELECT id, title, created_at, closed_at, CASE WHEN accepted_post_id IS NOT NULL THEN 1 ELSE 0 END = 1 AS accepted FROM questions
		WHERE asker_id = ? AND id <> ? AND deleted_at IS NULL ORDER BY created_at DESC LIMIT 5`, d.AskerID, d.ID).Scan(&d.Earlier).Error
	if err != nil {
		return err
	}
	if d.EarlierN, err = number(q, "SELECT COUNT(*) FROM questions WHERE asker_id = ? AND id <> ? AND deleted_at IS NULL", d.AskerID, d.ID); err != nil {
		return err
	}
	if d.Followers, err = number(q, "SELECT COUNT(*) FROM follows WHERE kind = 'question' AND target_id = ? AND ended_at IS NULL", d.ID); err != nil {
		return err
	}
	if err := q.Raw("SELECT * FROM questions WHERE merged_into = ? AND deleted_at IS NULL ORDER BY created_at LIMIT 20", d.ID).Scan(&d.Merged).Error; err != nil {
		return err
	}
	if d.MergedInto != nil {
		if d.Target, err = one[string](q, "SELECT title FROM questions WHERE id = ?", *d.MergedInto); err != nil {
			return err
		}
	}
	if d.Notes, err = s.notesOf(ctx, d.ID); err != nil {
		return err
	}
	d.Others, err = s.others(ctx, a, d.ID)
	return err
}
