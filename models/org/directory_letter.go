package org

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Letters that come of what a directory does, in a day (L7).
const (
	directoryLetters = 200 // to those about whom one organization's directory says something
	directoryPerson  = 3   // of them to one person
	directoryNotices = 600 // to those who manage the organization
	directoryDay     = 24 * time.Hour
)

// LetterTx reports whether somebody whom the actor's act is about is told by mail: always, but for a directory, whose letters are counted. What it does is
// done without a letter then.
func LetterTx(tx *db.Tx, a actor.Actor, userID db.ID) (bool, error) {
	if a.Kind != actor.Directory {
		return true, nil
	}
	if ok, err := account.TakeTx(tx, "directory letters to "+userID.String(), directoryPerson, directoryDay); err != nil || !ok {
		return false, err
	}
	return account.TakeTx(tx, "directory letters of "+a.OrganizationID.String(), directoryLetters, directoryDay)
}

// NoticesTx is LetterTx of so many letters to those who manage the organization.
func NoticesTx(tx *db.Tx, a actor.Actor, n int) (bool, error) {
	if a.Kind != actor.Directory || n == 0 {
		return true, nil
	}
	if n > directoryNotices {
		return false, nil
	}
	return account.TakeManyTx(tx, "directory notices of "+a.OrganizationID.String(), n, directoryNotices, directoryDay)
}
