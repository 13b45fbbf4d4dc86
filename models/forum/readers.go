package forum

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/index"
)

// FindAs is index.Find among what the reader may see, public or not, and nothing else: what they may not see changes neither what is found nor its order and worth.
// Who reads all is served by all there is. Public and Readers of the query are set here; the caller still asks Visible, which alone decides.
func (s *Store) FindAs(ctx context.Context, a actor.Actor, q index.Query) ([]index.Hit, error) {
	if q.Public = !readsAll(a); q.Public && a.SignedIn() {
		var err error
		if q.Readers, err = s.marks(ctx, a); err != nil {
			return nil, err
		}
	}
	return index.Find(ctx, s.db, q)
}

// markOf is the mark of those who read a question when not anybody does, as Visible has it.
func markOf(q Question) string {
	api := db.Deref(q.APIID)
	switch {
	case q.Visibility == Organization && q.OrganizationID != nil:
		return index.OfOrganization(*q.OrganizationID, api)
	case q.Visibility == Public && !api.IsZero():
		return index.AboutAPI(api)
	}
	return ""
}

// What a reader holds: of each organization of theirs the APIs that its private questions are about and that are open to them, and the APIs that not anybody sees.
const (
	ownMarks = `SELECT t.organization_id, t.api_id FROM (SELECT DISTINCT q.organization_id, q.api_id FROM members qm JOIN organizations qo ON qo.id = qm.organization_id
			JOIN questions q ON q.organization_id = qo.id WHERE qm.user_id = ? AND qo.deleted_at IS NULL AND q.visibility = 'organization') t
		WHERE t.api_id IS NULL OR EXISTS (SELECT 1 FROM apis x WHERE x.id = t.api_id AND ` + catalog.Open + `) ORDER BY 1, 2`
	apiMarks = `SELECT x.id AS api_id, CASE WHEN ` + catalog.Shown + ` THEN 1 ELSE 0 END AS shown, CASE WHEN ` + catalog.Open + ` THEN 1 ELSE 0 END AS readable FROM apis x
		WHERE x.visibility <> 'public' OR NOT EXISTS (SELECT 1 FROM api_versions v WHERE v.api_id = x.id AND v.state IN ('live', 'deprecated')) ORDER BY x.id`
)

// marks are those that somebody signed in holds, their organizations' first.
func (s *Store) marks(ctx context.Context, a actor.Actor) ([]string, error) {
	args := catalog.VisibleArgs(a)
	var own []struct {
		OrganizationID db.ID
		APIID          *db.ID `gorm:"column:api_id"`
	}
	if err := s.db.Read(ctx).Raw(ownMarks, append([]any{a.Membership("qm")}, args...)...).Scan(&own).Error; err != nil {
		return nil, err
	}
	var apis []struct {
		APIID           db.ID `gorm:"column:api_id"`
		Shown, Readable int
	}
	if err := s.db.Read(ctx).Raw(apiMarks, append(append([]any{}, args...), args...)...).Scan(&apis).Error; err != nil {
		return nil, err
	}
	var marks []string
	for _, r := range own {
		marks = append(marks, index.OfOrganization(r.OrganizationID, db.Deref(r.APIID)))
	}
	for _, r := range apis {
		if r.Readable == 1 {
			marks = append(marks, index.AboutAPI(r.APIID))
		}
		if r.Shown == 1 {
			marks = append(marks, index.InCatalogue(r.APIID))
		}
	}
	return marks, nil
}
