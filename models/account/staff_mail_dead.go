package account

import (
	"context"
	"net/url"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
	"github.com/gatehouse-dev/gatehouse/models/permission"
)

// worksStill finds, by the digest of its token, the link of a letter of each kind that opens something, as long as the link does. Its arguments are digests, and the moment. A
// link of another kind works until its letter expires, and goes with it.
var worksStill = map[string]string{
	"verify_address":  "SELECT link_digest FROM signups WHERE link_digest IN ? AND expires_at > ?",
	"reset_password":  liveLinks,
	"change_address":  liveLinks,
	"address_changed": liveLinks,
	"invitation":      "SELECT i.digest FROM invitations i JOIN organizations o ON o.id = i.organization_id AND o.deleted_at IS NULL WHERE i.digest IN ? AND i.expires_at > ?",
}

const liveLinks = "SELECT digest FROM one_time_links WHERE digest IN ? AND used_at IS NULL AND expires_at > ?"

// DeadMails are those of the waiting mails whose link does not work any more: it was used, taken back, or replaced by a newer one, or its time is over. Faults: Forbidden.
func (s *Store) DeadMails(ctx context.Context, a actor.Actor, mails []outbox.Mail) (map[db.ID]bool, error) {
	if err := allowed(a, permission.StaffMailManage); err != nil {
		return nil, err
	}
	kinds, ids := map[string]map[db.ID][]byte{}, []db.ID{}
	dead := map[db.ID]bool{}
	for _, m := range mails {
		if worksStill[m.Kind] != "" && m.State == "waiting" {
			ids = append(ids, m.ID)
		}
	}
	letters, err := s.outbox.Waiting(ctx, s.db, ids)
	if err != nil {
		return nil, err
	}
	for id, l := range letters {
		if token := tokenOf(l.URL); token != "" {
			if kinds[l.Kind] == nil {
				kinds[l.Kind] = map[db.ID][]byte{}
			}
			kinds[l.Kind][id] = tokenDigest(token)
		}
	}
	for kind, digests := range kinds {
		alive, err := s.alive(ctx, worksStill[kind], digests, s.db.Now())
		if err != nil {
			return nil, err
		}
		for id, digest := range digests {
			dead[id] = !alive[string(digest)]
		}
	}
	return dead, nil
}

func (s *Store) alive(ctx context.Context, query string, digests map[db.ID][]byte, now time.Time) (map[string]bool, error) {
	all := make([][]byte, 0, len(digests))
	for _, d := range digests {
		all = append(all, d)
	}
	var found [][]byte
	err := s.db.Read(ctx).Raw(query, all, now).Scan(&found).Error
	alive := make(map[string]bool, len(found))
	for _, d := range found {
		alive[string(d)] = true
	}
	return alive, err
}

// ActsFor reports whether a letter holds what acts for its recipient, in whoever's hands: a code, or a link with a token. Other links lead to pages that ask who is there.
func ActsFor(l outbox.Letter) bool {
	if l.Code != "" || tokenOf(l.URL) != "" {
		return true
	}
	for _, x := range l.Links {
		if tokenOf(x.URL) != "" {
			return true
		}
	}
	return false
}

func tokenOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get("token")
}
