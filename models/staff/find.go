package staff

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// EventPrefix is that of the audit log's own ids, as pages and files show them.
const EventPrefix = "event"

// calledSo finds by a part of their name what the log tells of: people, by their addresses too, first.
const calledSo = `SELECT kind, id FROM (
	SELECT 1 AS kind, id FROM users WHERE LOWER(name) LIKE LOWER(?) ESCAPE '!' OR LOWER(display_name) LIKE LOWER(?) ESCAPE '!' OR email LIKE LOWER(?) ESCAPE '!'
	UNION ALL SELECT 2, id FROM organizations WHERE LOWER(name) LIKE LOWER(?) ESCAPE '!'
	UNION ALL SELECT 3, id FROM apps WHERE LOWER(name) LIKE LOWER(?) ESCAPE '!'
	UNION ALL SELECT 4, id FROM apis WHERE LOWER(name) LIKE LOWER(?) ESCAPE '!'
	UNION ALL SELECT 5, id FROM staff_roles WHERE LOWER(name) LIKE LOWER(?) ESCAPE '!'
	UNION ALL SELECT 6, id FROM keys WHERE LOWER(name) LIKE LOWER(?) ESCAPE '!'
) called ORDER BY kind, id DESC LIMIT ?`

// ofOrganizations is their kind in calledSo.
const ofOrganizations = 2

// About reads what somebody typed to find events by: an id of anything, in either of its forms, a request's id, or words. Of more things that go by the words than
// audit.MostAbout it takes the first, and says that there are more. Nil for no words.
func (s *Store) About(ctx context.Context, typed string) (about *audit.About, more bool, err error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return nil, false, nil
	}
	if strings.HasPrefix(typed, "req_") {
		return &audit.About{Request: typed}, false, nil
	}
	if about := aboutID(typed); about != nil {
		return about, false, nil
	}
	return s.called(ctx, typed)
}

// aboutID is what an id finds: an event by its own, and whatever else by that of who did it, what it was done to, or in which organization. Nil for no id.
func aboutID(typed string) *audit.About {
	if id, err := db.ParseID(EventPrefix, typed); err == nil {
		return &audit.About{Event: id}
	}
	prefix, _, _ := strings.Cut(typed, "_")
	if id, err := db.ParseID(prefix, typed); err == nil {
		return &audit.About{Things: []db.ID{id}, Organizations: []db.ID{id}}
	}
	if id, err := uuid.Parse(typed); err == nil { // as lines of JSON have them
		return &audit.About{Event: db.ID(id), Things: []db.ID{db.ID(id)}, Organizations: []db.ID{db.ID(id)}}
	}
	return nil
}

func (s *Store) called(ctx context.Context, words string) (about *audit.About, more bool, err error) {
	like := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(words) + "%"
	var found []struct {
		Kind int
		ID   db.ID
	}
	err = s.db.Read(ctx).Raw(calledSo, like, like, like, like, like, like, like, like, audit.MostAbout+1).Scan(&found).Error
	if err != nil {
		return nil, false, err
	}
	if more = len(found) > audit.MostAbout; more {
		found = found[:audit.MostAbout]
	}
	about = &audit.About{Words: words, Names: true}
	for _, f := range found {
		about.Things = append(about.Things, f.ID)
		switch f.Kind {
		case ofOrganizations:
			about.Organizations = append(about.Organizations, f.ID)
		case 1:
			about.Names = false
		}
	}
	return about, more, nil
}
