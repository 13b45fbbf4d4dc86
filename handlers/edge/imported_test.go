package edge_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

// importer is a world with keys of another maker.
type importer struct {
	*world
	forms []apikey.Form
}

func (i importer) LoadForms(context.Context) ([]apikey.Form, error) { return i.forms, i.fail }

// K1, K3: an imported text is recognised by verification, authz and whoami; junk of our own form, and texts of no form, cost no look-up.
func TestAnImportedKeyIsRecognisedByItsFormAlone(t *testing.T) {
	w := newWorld(t)
	shape, err := apikey.NewShape("acme_", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 24)
	if err != nil {
		t.Fatal(err)
	}
	const text = "acme_3ZHq9TmWx2LpVb7RfKd1YcNs"
	facts := w.keys[keyring.Digest(w.digester.Sum(w.gateway))]
	w.keys[keyring.Digest(apikey.PlainSum(text))] = facts
	w.ring = keyring.NewRing(importer{w, []apikey.Form{{Shape: shape, Sum: apikey.PlainSum}}}, keyring.Options{TTL: keyring.DefaultTTL, Now: w.clock})
	w.poll()
	var told []keyring.Digest
	w.serve(edge.Options{Recognised: func(id keyring.ID, foreign, own keyring.Digest) {
		if id == facts.ID && foreign == keyring.Digest(apikey.PlainSum(text)) {
			told = append(told, own)
		}
	}})
	status := func(text string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/whoami", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+text)
		r.RemoteAddr = "203.0.113.7:1234"
		return w.do(r).Status
	}

	known := status(text)
	loads := w.loads
	noise := []int{status("gk_live_00000000000000000000000000000000000000"), status("acme_short"), status("other_3ZHq9TmWx2LpVb7RfKd1YcNs")}
	free := w.loads == loads
	wrong := status("acme_3ZHq9TmWx2LpVb7RfKd1YcNt")

	if known != 200 || wrong != 401 || noise[0] != 401 || noise[1] != 401 || noise[2] != 401 || !free || w.loads == loads {
		t.Fatal(known, wrong, noise, free)
	}
	if len(told) == 0 || told[0] != keyring.Digest(w.digester.Sum(text)) {
		t.Error("the key is not digested anew")
	}
}
