package leak_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/secret"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/key/importing"
	"github.com/gatehouse-dev/gatehouse/models/key/leak"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// F7 of the review sec4b, K11: a key that waits for its first use, and one that was used under the current root, are known when they are reported although the root under which they were imported is gone.
func TestImportedKeysAreKnownAfterTheRootWasChanged(t *testing.T) {
	each(t, func(w *world) {
		const waiting, used = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs", "acme_4ZHq9TmWx2LpVb7RfKd1YcNs"
		id, usedID := w.importKey("acme_", waiting, false), w.importKey("acme_", used, false)
		under := func(current, before string) (*key.Store, *leak.Store, *secret.Root) {
			root, err := secret.Parse(current, before)
			w.ok(err)
			box, link := outbox.New(root.Sealer(secret.LabelMail)), func(p string) string { return "https://portal.example" + p }
			keys := key.NewStore(key.Options{DB: w.db, Outbox: box, Root: root, Brand: "gk", Link: link})
			return keys, leak.NewStore(leak.Options{DB: w.db, Keys: keys, Outbox: box, Root: root, Brand: "gk", Link: link}), root
		}
		keys, _, root := under("hV7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgK", "kT7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgi")
		w.ok(keys.Redigest(bg, []key.Redigested{{ID: usedID, Foreign: apikey.PlainSum(used), Own: apikey.Sum(root.Key(secret.LabelKeyPepper), used)}}))
		w.ok(importing.NewStore(w.db, keys, root.Sealer(secret.LabelImport)).Settle(bg))

		keys, leaks, _ := under("hV7Q0mX2vB9sLrE4wYzA6uHdJc1NpFgK", "")
		real, err := leaks.Deliver(bg, []byte("x"), []leak.Match{{Token: waiting}, {Token: used}})
		w.ok(err)
		known, err := keys.NewImporter(w.db.Read(bg), w.clock.Now()).Known([]apikey.Digest{apikey.PlainSum(used)})
		w.ok(err)

		if !real[0] || !real[1] || w.state(id) != key.Paused || known[apikey.PlainSum(used)].ID != usedID {
			t.Error(real, w.state(id), known)
		}
	})
}
