package account

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"sync"
	_ "time/tzdata" // the same zones on every machine, also where none are installed

	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/text"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

//go:embed zones.txt
var zoneList string

// Zones are the time zones that a user can pick, UTC first: those of the tables of the time zone database.
var Zones = sync.OnceValue(func() []string { return strings.Fields(zoneList) })

// formerZones are the names that browsers give to some zones, as of old, and those of the list.
var formerZones = map[string]string{
	"Africa/Asmera": "Africa/Asmara", "America/Buenos_Aires": "America/Argentina/Buenos_Aires", "America/Catamarca": "America/Argentina/Catamarca",
	"America/Cordoba": "America/Argentina/Cordoba", "America/Godthab": "America/Nuuk", "America/Indianapolis": "America/Indiana/Indianapolis",
	"America/Jujuy": "America/Argentina/Jujuy", "America/Louisville": "America/Kentucky/Louisville", "America/Mendoza": "America/Argentina/Mendoza",
	"Asia/Calcutta": "Asia/Kolkata", "Asia/Katmandu": "Asia/Kathmandu", "Asia/Rangoon": "Asia/Yangon", "Asia/Saigon": "Asia/Ho_Chi_Minh",
	"Atlantic/Faeroe": "Atlantic/Faroe", "Europe/Kiev": "Europe/Kyiv", "Pacific/Enderbury": "Pacific/Kanton", "Pacific/Ponape": "Pacific/Pohnpei", "Pacific/Truk": "Pacific/Chuuk",
}

// knownZone is the zone of the list that a browser means; UTC when there is none.
func knownZone(name string) string {
	name = or(formerZones[name], name)
	if slices.Contains(Zones(), name) {
		return name
	}
	return "UTC"
}

// Profile is what a user says of themselves.
type Profile struct {
	Name, DisplayName, Language, TimeZone string
}

// ChangeProfile writes the actor's profile. The personal organization is called as they are. Faults: Invalid.
func (s *Store) ChangeProfile(ctx context.Context, a actor.Actor, in Profile) error {
	var p fault.Problems
	in.Name = checkName(&p, "name", in.Name)
	in.DisplayName = checkName(&p, "display_name", in.DisplayName)
	_, known := text.Parse(in.Language)
	p.Check(known, "language", "Choose a language of the list.")
	p.Check(slices.Contains(Zones(), in.TimeZone), "time_zone", "Choose a time zone of the list.")
	if err := p.Err(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("UPDATE users SET name = ?, display_name = ?, language = ?, time_zone = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL",
			in.Name, in.DisplayName, in.Language, in.TimeZone, tx.Now, a.UserID)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserProfileChanged, TargetKind: "user", TargetID: a.UserID, Details: map[string]string{"language": in.Language, "time_zone": in.TimeZone}})
		return s.renameOrganization(tx, a.UserID, in.Name)
	})
}

func (s *Store) renameOrganization(tx *db.Tx, userID db.ID, name string) error {
	id, err := personalOrganization(tx, userID)
	if err != nil || id.IsZero() {
		return err
	}
	n, err := tx.Run("UPDATE organizations SET name = ?, updated_at = ? WHERE id = ? AND name <> ?", name, tx.Now, id, name)
	if n > 0 {
		change.Record(tx, change.Organization, id)
	}
	return err
}

// ChangeLanguage writes only the language in which the actor reads. Faults: Invalid, NotFound.
func (s *Store) ChangeLanguage(ctx context.Context, a actor.Actor, language string) error {
	if _, known := text.Parse(language); !known {
		return fault.BadField("language", "Choose a language of the list.")
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Run("UPDATE users SET language = ?, updated_at = ? WHERE id = ? AND deleted_at IS NULL", language, tx.Now, a.UserID)
		if err == nil && n == 0 {
			return fault.Missing()
		}
		audit.Record(tx, a, audit.Event{Act: audit.UserProfileChanged, TargetKind: "user", TargetID: a.UserID, Details: map[string]string{"language": language}})
		return err
	})
}
