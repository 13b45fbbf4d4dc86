package stories_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// operatorsTutorial is what the operator of a portal writes: its front matter names the checks.
const operatorsTutorial = `---
title: Sell with Northwind
summary: Our own way in.
order: 1
changed: 2026-11-21
apis: [orders]
steps:
  - id: make-a-key
    check: {kind: key_made, api: orders}
  - id: call-orders
    check: {kind: first_call, api: orders, scope: "orders:read"}
  - id: meet-a-refusal
    check: {kind: refusal_understood, api: orders, code: INSUFFICIENT_SCOPE}
---
## Make a key {#make-a-key}

A key that may read orders.

## Call orders {#call-orders}

Call them once.

## Meet a refusal {#meet-a-refusal}

Place an order with it, be refused, and read one instead.
`

// An operator's own tutorial, put into GATEHOUSE_CONTENT_DIR while the portal runs, ticks itself by what a developer does through the pages and the gateway.
func TestOperatorsOwnTutorialTicksItself(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect string
		kind    kind
	}{"with scripts": {"SQLite", kind{}}, "without scripts": {"PostgreSQL", kind{withoutScripts: true}}} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			w := &world{house: newHouseWith(t, c.dialect, func(env map[string]string) { env["GATEHOUSE_CONTENT_DIR"] = folder })}
			w.secrets.keep("password", adminPassword)
			w.secrets.keep("password", devPassword)
			s := narrowStageOf(t, w, c.kind)
			s.dev.open("/tutorials")
			s.dev.seeNot("Sell with Northwind")
			if err := os.MkdirAll(filepath.Join(folder, "tutorials"), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "tutorials", "sell.md"), []byte(operatorsTutorial), 0o600); err != nil {
				t.Fatal(err)
			}
			untilSeen := func(words string) {
				t.Helper()
				if !await(context.Background(), func() bool { s.dev.open("/tutorials/sell"); return s.dev.sees(words) }) {
					t.Fatalf("the tutorial never says %q\n%s", words, s.dev.describe())
				}
			}

			untilSeen("0 of 3 steps done")
			s.dev.open("/tutorials")
			s.dev.see("Sell with Northwind")
			k := s.makeKey(s.dev, s.app, "Tracking page", "Live", "orders:read")
			untilSeen("1 of 3 steps done")
			s.dev.seeNot(k.secret)
			s.answers(t, k, 200, "")
			untilSeen("2 of 3 steps done")
			if got := call(t, "POST", s.gate+"/v2/orders", k.secret); got.code != "INSUFFICIENT_SCOPE" {
				t.Fatalf("the call that is refused: %s", got)
			}
			s.answers(t, k, 200, "")
			untilSeen("All steps are done.")
			s.dev.quiet("404") // of the tutorial that was not there yet
		})
	}
}
