package staff

import (
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// sharedRight is the right of a share by which people of another organization do to o some of what p allows; "" for what no share opens. Of keys they do no more than
// to rotate them.
func sharedRight(p permission.Name, o Object) actor.Right {
	app, one := o.Kind == "app", o.Kind == "key"
	switch {
	case p == permission.UsageRead && app:
		return actor.ReadUsage
	case p == permission.KeysRead && (app || one):
		return actor.ReadKeys
	case p == permission.KeysMake && app, (p == permission.KeysMake || p == permission.KeysManageAll) && one && o.Environment == "test":
		return actor.RotateTest
	case p == permission.KeysManageAll && app, (p == permission.KeysMake || p == permission.KeysManageAll) && one:
		return actor.RotateAll
	}
	return ""
}

// What stands around actor.SharedByAll; whoRotate and whoList, with three arguments more, ask for a key that the share opens.
const (
	whoShared = `SELECT u.id, u.name, g.role, 'share' AS "by", g.share_id, g.receiver, g.ends_at` + needsFactor + `g.asks_factor` + andHasNone + ` FROM `
	whoOfApp  = ` g JOIN users u ON u.id = g.user_id WHERE g.app_id = ? AND` + signsIn
	whoList   = whoOfApp + ` AND EXISTS (SELECT 1 FROM keys k WHERE k.id = ? AND ` + key.SharedLists + `)`
	whoRotate = whoOfApp + ` AND EXISTS (SELECT 1 FROM keys k WHERE k.id = ? AND ` + key.SharedRotates + `)`
)

// sharers are those to whom shares open o.
func (w asking) sharers(p permission.Name, o Object) ([]Can, error) {
	right := sharedRight(p, o)
	if right == "" {
		return nil, nil
	}
	opened, args := actor.SharedByAll(right, w.now)
	args = append(append(append([]any{w.factor}, w.bare...), args...), o.AppID, w.now)
	rest := whoOfApp
	if o.Kind == "key" {
		rest, args = whoRotate, append(args, o.ID, w.now, w.now)
		if right == actor.ReadKeys {
			rest = whoList
		}
	}
	var out []Can
	err := w.q.Raw(whoShared+opened+rest+byName, append(args, MostWho)...).Scan(&out).Error
	for i := range out {
		out[i].Right = right
	}
	return out, err
}
