package usage

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/key"
)

// NoteEvery is how often the last use of a key, a scope of it or a network of it is written while it goes on: what is read as "last used" is that late at most.
// The first use is written with the first batch. A thousand busy keys would otherwise cost three thousand rows a second that say nothing new.
const NoteEvery = time.Minute

const mostNoted = 200_000 // of each kind; beyond that all is forgotten, and written once more

// noted remembers what was written of last uses.
type noted struct {
	keys     map[db.ID]time.Time
	scopes   map[scopeOf]time.Time
	networks map[networkOf]time.Time
}

type scopeOf struct {
	key, api db.ID
	scope    string
}

type networkOf struct {
	key     db.ID
	network string
}

func newNoted() noted {
	return noted{keys: map[db.ID]time.Time{}, scopes: map[scopeOf]time.Time{}, networks: map[networkOf]time.Time{}}
}

// isNews reports whether a use at a time is worth writing when the one at written was.
func isNews(at, written time.Time) bool { return at.Sub(written) >= NoteEvery || written.IsZero() }

// news turns what the batch notes of let-through calls into the key area's words, as far as it is not written yet. A key with a new scope or network is written whole.
func (n *noted) news(b keyring.Batch) []key.Use {
	uses := map[keyring.ID]*key.Use{}
	use := func(id keyring.ID) *key.Use {
		if uses[id] == nil {
			uses[id] = &key.Use{KeyID: db.ID(id), At: b.Keys[id].Truncate(time.Microsecond)}
		}
		return uses[id]
	}
	for id, at := range b.Keys {
		if isNews(at, n.keys[db.ID(id)]) {
			use(id)
		}
	}
	for s, at := range b.Scopes {
		if _, there := b.Keys[s.Key]; there && isNews(at, n.scopes[scopeOf{db.ID(s.Key), db.ID(s.API), s.Scope}]) {
			u := use(s.Key)
			u.Scopes = append(u.Scopes, key.ScopeUse{APIID: db.ID(s.API), Scope: s.Scope, At: at.Truncate(time.Microsecond)})
		}
	}
	for of, at := range b.Networks {
		if _, there := b.Keys[of.Key]; !there || !of.Network.IsValid() {
			continue
		}
		if text := of.Network.String(); isNews(at, n.networks[networkOf{db.ID(of.Key), text}]) {
			u := use(of.Key)
			u.Networks = append(u.Networks, key.NetworkAt{Network: text, At: at.Truncate(time.Microsecond)})
		}
	}
	all := make([]key.Use, 0, len(uses))
	for _, u := range uses {
		all = append(all, *u)
	}
	return all
}

// note remembers uses, which are stored.
func (n *noted) note(uses []key.Use) {
	if len(n.keys) > mostNoted || len(n.scopes) > mostNoted || len(n.networks) > mostNoted {
		*n = newNoted()
	}
	for _, u := range uses {
		n.keys[u.KeyID] = u.At
		for _, s := range u.Scopes {
			n.scopes[scopeOf{u.KeyID, s.APIID, s.Scope}] = s.At
		}
		for _, w := range u.Networks {
			n.networks[networkOf{u.KeyID, w.Network}] = w.At
		}
	}
}
