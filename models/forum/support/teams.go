package support

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/forum/trust"
	"github.com/gatehouse-dev/gatehouse/models/org"
	"github.com/gatehouse-dev/gatehouse/models/permission"
	"github.com/gatehouse-dev/gatehouse/models/staffrole"
)

// MaxTeams bounds the teams.
const MaxTeams = 100

// Team is people who answer together.
type Team struct {
	ID      db.ID
	Name    string
	Members []Person `gorm:"-"`
	Open    int64    // questions handed to it that are open
}

// Person is one of staff who can answer.
type Person struct {
	ID   db.ID
	Name string
}

// Teams lists all teams with their members, by name. Faults: Forbidden.
func (s *Store) Teams(ctx context.Context, a actor.Actor) ([]Team, error) {
	if err := reads(a); err != nil {
		return nil, err
	}
	var teams []Team
	q := s.db.Read(ctx)
	err := q.Raw(`SELECT t.id, t.name, (SELECT COUNT(*) FROM questions q` + open + ` AND q.team_id = t.id) AS open FROM support_teams t ORDER BY LOWER(t.name), t.id`).Scan(&teams).Error
	if err != nil {
		return nil, err
	}
	var members []struct {
		TeamID db.ID
		Person
	}
	if err := q.Raw("SELECT m.team_id, u.id, u.name FROM support_team_members m JOIN users u ON u.id = m.user_id WHERE u.deleted_at IS NULL ORDER BY u.name, u.id").Scan(&members).Error; err != nil {
		return nil, err
	}
	at := map[db.ID]int{}
	for i, t := range teams {
		at[t.ID] = i
	}
	for _, m := range members {
		i := at[m.TeamID]
		teams[i].Members = append(teams[i].Members, m.Person)
	}
	return teams, nil
}

// People are those of staff who may answer and can sign in, by name; at most 200. Faults: Forbidden.
func (s *Store) People(ctx context.Context, a actor.Actor) ([]Person, error) {
	if err := reads(a); err != nil {
		return nil, err
	}
	roles, err := staffrole.With(s.db.Read(ctx), permission.StaffQuestionsAnswer)
	if err != nil {
		return nil, err
	}
	var rows []Person
	err = s.db.Read(ctx).Raw(`SELECT id, name FROM users WHERE staff_role IN ? AND deleted_at IS NULL AND (suspended_at IS NULL OR suspended_until <= ?) ORDER BY LOWER(name), id LIMIT 200`,
		roles, s.db.Now()).Scan(&rows).Error
	return rows, err
}

// canAnswer reports whether somebody may answer and can sign in.
func canAnswer(tx *db.Tx, id db.ID) (bool, error) {
	roles, err := staffrole.With(tx.DB, permission.StaffQuestionsAnswer)
	if err != nil {
		return false, err
	}
	n, err := number(tx.DB, `SELECT COUNT(*) FROM users WHERE id = ? AND staff_role IN ? AND deleted_at IS NULL AND (suspended_at IS NULL OR suspended_until <= ?)`,
		id, roles, tx.Now)
	return n > 0, err
}

// SaveTeam makes a team of these members, or changes it when it has an ID. Faults: Forbidden, Invalid (name, members), NotFound, Conflict at MaxTeams.
func (s *Store) SaveTeam(ctx context.Context, a actor.Actor, id db.ID, name string, members []db.ID) (db.ID, error) {
	if err := manages(a); err != nil {
		return id, err
	}
	var bad fault.Problems
	name = org.CheckName(&bad, "name", name)
	trust.NoKey(&bad, "name", name)
	bad.Check(len(members) <= 200, "members", "A team has at most %d members.", 200)
	if err := bad.Err(); err != nil {
		return id, err
	}
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := putTeam(tx, &id, name); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM support_team_members WHERE team_id = ?", id); err != nil {
			return err
		}
		for _, m := range members {
			ok, err := canAnswer(tx, m)
			if err != nil {
				return err
			}
			if !ok {
				return fault.BadField("members", "One of them can’t answer questions. Choose from the list.")
			}
			if _, err := tx.Run("INSERT INTO support_team_members (team_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING", id, m); err != nil {
				return err
			}
		}
		audit.Record(tx, a, audit.Event{Act: audit.TeamSaved, TargetKind: "support_team", TargetID: id, Details: map[string]string{"name": name}})
		return nil
	})
	if db.Duplicate(err) {
		return id, fault.BadField("name", "There is one of this name already.")
	}
	return id, err
}

func putTeam(tx *db.Tx, id *db.ID, name string) error {
	if !id.IsZero() {
		return changed(tx.Run("UPDATE support_teams SET name = ? WHERE id = ?", name, *id))
	}
	n, err := number(tx.DB, "SELECT COUNT(*) FROM support_teams")
	if err != nil {
		return err
	}
	if n >= MaxTeams {
		return fault.New(fault.Conflict, "There are %d teams, which is the most.", n)
	}
	*id = db.NewID()
	_, err = tx.Run("INSERT INTO support_teams (id, name, created_at) VALUES (?, ?, ?)", *id, name, tx.Now)
	return err
}

// DeleteTeam deletes a team; its questions are nobody's again. Faults: Forbidden, NotFound.
func (s *Store) DeleteTeam(ctx context.Context, a actor.Actor, id db.ID) error {
	if err := manages(a); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Run("UPDATE questions SET team_id = NULL WHERE team_id = ?", id); err != nil {
			return err
		}
		if _, err := tx.Run("DELETE FROM support_team_members WHERE team_id = ?", id); err != nil {
			return err
		}
		audit.Record(tx, a, audit.Event{Act: audit.TeamDeleted, TargetKind: "support_team", TargetID: id})
		return changed(tx.Run("DELETE FROM support_teams WHERE id = ?", id))
	})
}
