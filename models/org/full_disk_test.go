package org_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/catalog/catalogtest"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

// REL-8, 4.5: whom staff suspend is suspended although the disk is full; what does not stop keys waits.
func TestSuspensionIsWrittenOnAFullDisk(t *testing.T) {
	d, fill := dbtest.Small(t, dbtest.NewClock())
	w := catalogtest.New(t, d)
	fill()
	ctx, s := t.Context(), org.Suspension{Reason: "Odd traffic."}

	app, organization := w.Org.SuspendApp(ctx, w.Staff, w.Shop, s), w.Org.SuspendOrganization(ctx, w.Staff, w.North, s)
	lifted := w.Org.UnsuspendApp(ctx, w.Staff, w.Shop)

	if app != nil || organization != nil || lifted == nil {
		t.Errorf("app: %v; organization: %v; lifting it: %v", app, organization, lifted)
	}
}
