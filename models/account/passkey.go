package account

import (
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// ShowPasskey is ShowFactor of a passkey that has verified its user: it stands for the password, too, so that the session is fresh (A14). Faults: as of ShowFactor.
func ShowPasskey(tx *db.Tx, a actor.Actor, by Shown) (string, Session, error) {
	token, s, err := ShowFactor(tx, a, by)
	if err != nil {
		return "", Session{}, err
	}
	s.ReauthenticatedAt = tx.Now
	_, err = tx.Run("UPDATE sessions SET reauthenticated_at = ? WHERE id = ?", tx.Now, s.ID)
	return token, s, err
}
