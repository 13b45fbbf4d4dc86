package stories_test

import (
	"testing"
)

// K5: publishers put scopes together for one purpose; who makes a key takes the preset by one press, with scripts or without, loses nothing of what was entered,
// gets no more than the app's access carries, and is told what was left out. The gateway agrees.
func TestPresetOfAPublisherMakesAKeyThatDoesJustThat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			s := narrowStage(t, c.dialect, c.kind)
			s.admin.open("/admin/apis")
			s.admin.follow(s.api.name)
			s.admin.follow("Scopes")
			s.admin.fill("Scope", "orders:cancel")
			s.admin.fill("What it allows", "Cancel orders")
			s.admin.press("Add scope")
			s.admin.follow("Presets")
			s.admin.see("No preset yet.")
			s.admin.fill("Name", "Checkout")
			s.admin.fill("What for", "Places orders for customers.")
			s.admin.tick("orders:write")
			s.admin.tick("orders:cancel")
			s.admin.press("Add preset")
			s.admin.see("The preset Checkout is there.")

			s.dev.open("/apis/" + s.api.slug)
			s.dev.see("Places orders for customers.")
			s.dev.open("/console/apps")
			s.dev.follow(s.app)
			s.dev.follow("Create key")
			s.dev.fill("Name", "Checkout worker")
			s.dev.fill("Allowed networks", "127.0.0.0/8")
			s.dev.tick("orders:read")
			if c.kind.withoutScripts {
				s.dev.press("Checkout")
			} else {
				s.dev.use("button", "Checkout", "")
			}
			s.dev.see("Left out, because the app’s access does not carry it: orders:cancel", "Place and change orders", "It works from these networks only: 127.0.0.0/8.", "because it needs orders:read.")
			s.dev.press("Create key")
			secret := s.dev.secret()
			s.secrets.keep("key", secret)

			if got := call(t, "POST", s.gate+"/v2/orders", secret); got.status/100 != 2 {
				t.Errorf("what the preset is for: %s", got)
			}
			if got := call(t, "GET", s.gate+"/v2/orders", secret); got.status != 403 || got.code != "INSUFFICIENT_SCOPE" {
				t.Errorf("what it is not for: %s", got)
			}
			s.admin.follow("Scopes")
			s.admin.follow("Withdraw scope orders:cancel")
			s.admin.press("Withdraw scope")
			s.admin.follow("Presets")
			s.admin.see("Left out because withdrawn: orders:cancel")
			s.dev.quiet()
		})
	}
}
