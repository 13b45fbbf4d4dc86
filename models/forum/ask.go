package forum

import (
	"context"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/markdown"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/follow"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
)

// Draft is what somebody is about to ask.
type Draft struct {
	Title          string
	Body           string // Markdown
	Tags           []string
	Kind           string // KindQuestion when empty
	API            string // slug of what it is about; empty for none
	Visibility     string // Public when empty
	OrganizationID db.ID  // of Organization
	AppID          db.ID  // to share with staff; zero for none
	Source         string // path of the page on which it is asked; others are dropped
	Honey          string // the field that people don't see
	html           string
}

// Check brings the draft into its form and returns it rendered, without keeping anything: for previews. Faults: Invalid.
func (in *Draft) Check() (html string, err error) {
	var p fault.Problems
	in.check(&p)
	return in.html, p.Err()
}

func (in *Draft) check(p *fault.Problems) {
	in.Title = checkTitle(p, in.Title)
	in.Body, in.html = checkBody(p, in.Body)
	in.Tags = CheckTags(p, "tags", in.Tags)
	for _, t := range in.Tags {
		trust.NoKey(p, "tags", t)
	}
	if in.Kind == "" {
		in.Kind = KindQuestion
	}
	p.Check(in.Kind == KindQuestion || in.Kind == KindIdea || in.Kind == KindBug, "kind", "Choose what this is.")
	if in.Visibility == "" {
		in.Visibility = Public
	}
	p.Check(in.Visibility == Public || in.Visibility == Organization, "visibility", "Choose who reads this.")
	in.Source = CleanSource(in.Source)
}

// CleanSource is a path of one of the portal's pages on which a question can be asked, or empty.
func CleanSource(path string) string {
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, "#")
	for _, root := range []string{"/guides/", "/tutorials/", "/apis/"} {
		if rest, ok := strings.CutPrefix(path, root); ok && rest != "" && len(path) <= 200 && !strings.ContainsFunc(rest, badInSource) {
			return path
		}
	}
	return ""
}

func badInSource(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_/.", r)
}

// Ask asks a question. It is published at once or, when it looks like spam, waits for approval: its State says which. Faults:
// Unauthenticated, Invalid (title, body, tags, kind, api, visibility, app), and those of trust.Judge.
func (s *Store) Ask(ctx context.Context, a actor.Actor, in Draft) (Question, error) {
	if err := signedIn(a); err != nil {
		return Question{}, err
	}
	var p fault.Problems
	in.check(&p)
	var q Question
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		var err error
		q, err = s.newQuestion(tx, a, in, append(fault.Problems{}, p...))
		if err != nil {
			return err
		}
		if same, found, err := asked(tx, q, in.Body); err != nil || found {
			q = same
			return err
		}
		verdict, err := trust.Judge(tx, a, trust.Post{Question: true, Title: in.Title, Body: in.Body, Honey: in.Honey, Host: s.link("")})
		if err != nil {
			return err
		}
		q.State = Published
		if verdict.Pending {
			q.State = Pending
		}
		return s.insertQuestion(tx, a, q, in, verdict)
	})
	return q, err
}

// newQuestion looks up what the draft names, so that nobody asks about an API, for an organization or with an app that is not theirs.
func (s *Store) newQuestion(tx *db.Tx, a actor.Actor, in Draft, p fault.Problems) (Question, error) {
	q := Question{
		ID: db.NewID(), Kind: in.Kind, Title: in.Title, Slug: slugOf(in.Title), AskerID: a.UserID, Visibility: in.Visibility, Source: in.Source,
		WaitsOn: OnNobody, Version: 1, LastActivityAt: tx.Now, CreatedAt: tx.Now, UpdatedAt: tx.Now,
	}
	for _, look := range []func() error{
		func() error { return setAPI(tx, a, &q, in.API, &p) },
		func() error { return setOrganization(tx, a, &q, in.OrganizationID, &p) },
		func() error { return setApp(tx, a, &q, in.AppID, &p) },
	} {
		if err := look(); err != nil {
			return q, err
		}
	}
	return q, p.Err()
}

// asked finds the question that the same form made already: alike in all that others read, and in who does.
func asked(tx *db.Tx, q Question, body string) (Question, bool, error) {
	var rows []Question
	err := tx.Raw(`SELECT q.* FROM questions q JOIN posts p ON p.question_id = q.id AND p.kind = 'question' WHERE q.asker_id = ? AND q.created_at > ? AND q.title = ? AND q.deleted_at IS NULL
		AND p.body = ? AND q.kind = ? AND q.visibility = ? AND COALESCE(q.organization_id, ?) = ? AND COALESCE(q.api_id, ?) = ? LIMIT 1`,
		q.AskerID, tx.Now.Add(-repeat), q.Title, body, q.Kind, q.Visibility, db.ID{}, db.Deref(q.OrganizationID), db.ID{}, db.Deref(q.APIID)).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return q, false, err
	}
	return rows[0], true, nil
}

const openAPI = "SELECT x.id FROM apis x WHERE x.slug = ? AND " + catalog.Open

func setAPI(tx *db.Tx, a actor.Actor, q *Question, slug string, p *fault.Problems) error {
	if slug == "" {
		return nil
	}
	var ids []db.ID
	if err := tx.Raw(openAPI, append([]any{slug}, catalog.VisibleArgs(a)...)...).Scan(&ids).Error; err != nil {
		return err
	}
	if len(ids) == 0 {
		p.Add("api", "Choose one of the APIs that you can see.")
		return nil
	}
	q.APIID = ids[0].Ref()
	return nil
}

func setOrganization(tx *db.Tx, a actor.Actor, q *Question, id db.ID, p *fault.Problems) error {
	if q.Visibility != Organization {
		return nil
	}
	n, err := number(tx.DB, "SELECT COUNT(*) FROM members m JOIN organizations o ON o.id = m.organization_id WHERE m.organization_id = ? AND m.user_id = ? AND o.deleted_at IS NULL", id, a.Membership("m"))
	if err == nil && n == 0 {
		p.Add("visibility", "Choose one of your organizations.")
	}
	q.OrganizationID = id.Ref()
	return err
}

func setApp(tx *db.Tx, a actor.Actor, q *Question, id db.ID, p *fault.Problems) error {
	if id.IsZero() {
		return nil
	}
	unseen, hidden := a.Hidden()
	n, err := number(tx.DB, `SELECT COUNT(*) FROM apps x JOIN organizations o ON o.id = x.organization_id JOIN members m ON m.organization_id = o.id
		WHERE x.id = ? AND m.user_id = ? AND x.deleted_at IS NULL AND o.deleted_at IS NULL AND x.id NOT IN `+unseen, append([]any{id, a.Membership("m")}, hidden...)...)
	if err == nil && n == 0 {
		p.Add("app", "Choose one of your apps.")
	}
	q.AppID = id.Ref()
	return err
}

func (s *Store) insertQuestion(tx *db.Tx, a actor.Actor, q Question, in Draft, v trust.Verdict) error {
	_, err := tx.Run(`INSERT INTO questions (id, kind, title, slug, asker_id, visibility, organization_id, api_id, app_id, source, state, waits_on, last_activity_at, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, q.ID, q.Kind, q.Title, q.Slug, q.AskerID, q.Visibility, q.OrganizationID, q.APIID, q.AppID, q.Source, q.State, q.WaitsOn,
		tx.Now, tx.Now, tx.Now)
	if err != nil {
		return err
	}
	post := Post{ID: db.NewID(), QuestionID: q.ID, Kind: PostQuestion, AuthorID: a.UserID, ByStaff: answersFor(a), Body: in.Body, HTML: in.html, State: q.State}
	if err := insertPost(tx, post); err != nil {
		return err
	}
	if err := SetTags(tx, q.ID, in.Tags); err != nil {
		return err
	}
	if err := follow.Start(tx, a.UserID, follow.Question, q.ID, follow.Asked); err != nil {
		return err
	}
	audit.Record(tx, a, audit.Event{Act: audit.QuestionAsked, TargetKind: "question", TargetID: q.ID, OrganizationID: db.Deref(q.OrganizationID), Details: judged(map[string]string{"kind": q.Kind, "state": q.State}, v)})
	return s.publish(tx, post)
}

// judged adds to the details of an event which sign of spam was seen. What was written is never among them.
func judged(details map[string]string, v trust.Verdict) map[string]string {
	if v.Pending {
		details["why"] = v.Why
	}
	return details
}

func insertPost(tx *db.Tx, p Post) error {
	_, err := tx.Run(`INSERT INTO posts (id, question_id, parent_id, kind, author_id, by_staff, body, html, renderer_version, state, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, p.ID, p.QuestionID, p.ParentID, p.Kind, p.AuthorID, p.ByStaff, p.Body, p.HTML, markdown.RendererVersion, p.State, tx.Now, tx.Now)
	return err
}

// publish settles the question of a post that was just written or approved, and tells those who follow, when it is published.
func (s *Store) publish(tx *db.Tx, p Post) error {
	if err := Settle(tx, p.QuestionID); err != nil || p.State != Published {
		return err
	}
	return s.follow.Tell(tx, p.ID)
}
