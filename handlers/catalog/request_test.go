package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/org"
)

func TestWhoCannotRequestAccessIsToldWhoCan(t *testing.T) {
	w := newWorld(t)
	dev := w.World.Person("Dev Eloper", "")
	w.Join(w.North, dev, "developer")

	page := w.as(dev).Get("/apis/orders/request")

	has(t, page, "You are a developer at Northwind. An admin or owner of it requests access.", `href="/console/apps/new"`)
	if strings.Contains(page.Body, "Make an app first") {
		t.Error("there is an app already")
	}
	w.Join(w.Contoso, dev, "admin")
	has(t, w.as(dev).Get("/apis/orders/request"), "Warehouse · Contoso", "You are a developer at Northwind.")
}

func TestTheAppThatWasJustMadeIsTheOneThatAccessIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.Clock.Advance(time.Minute)
	made, err := w.Org.CreateApp(t.Context(), w.Owner, w.North, org.AppInput{Name: "Zebra watch"})
	if err != nil {
		t.Fatal(err)
	}

	page := w.owner.Get("/apis/orders/request")

	has(t, page, `value="`+made.ID.Show(org.AppPrefix)+`" selected`)
	has(t, w.owner.Get("/apis/orders/request?app="+w.Shop.Show(org.AppPrefix)), `value="`+w.Shop.Show(org.AppPrefix)+`" selected`)
}

func TestAWaitingRequestIsSaidWhereItWasMade(t *testing.T) {
	w := newWorld(t)
	x := w.Request(w.Trusted, w.Read)

	page := w.owner.Get("/apis/orders")

	has(t, page, "Your request for Orders waits for a decision.", `href="/console/access/`+x.ID.Show(catalog.AccessPrefix)+`"`, "Request access for another app")
	if strings.Contains(page.Body, ">Request access<") {
		t.Error("a second request is still offered first")
	}
	for _, p := range []string{w.other.Get("/apis/orders").Body, w.Visitor().Get("/apis/orders").Body} {
		if strings.Contains(p, "waits for a decision") || !strings.Contains(p, ">Request access<") {
			t.Error("somebody else reads of the request, or can’t ask")
		}
	}
}
