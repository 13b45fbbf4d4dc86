package scim_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// REL-8, A14: who leaves is out although the disk is full; what does not take somebody out waits.
func TestOffboardingIsWrittenOnAFullDisk(t *testing.T) {
	clock := dbtest.NewClock()
	d, fill := dbtest.Small(t, clock)
	w := newWorld(t, d, clock)
	ann, ben := w.person("ann@northwind.example"), w.person("ben@northwind.example")
	cleo := w.person("cleo@northwind.example")
	w.patch("/Users/"+cleo, `{"op":"replace","path":"active","value":false}`).is("before", 200, "")
	fill()

	w.patch("/Users/"+ann, `{"op":"replace","path":"active","value":false}`).is("inactive", 200, "")
	w.remove("/Users/"+ben).is("removed", 204, "")
	back := w.patch("/Users/"+cleo, `{"op":"replace","path":"active","value":true}`)

	if w.role("ann@northwind.example")+w.role("ben@northwind.example") != "" || back.Status < 500 || w.role("cleo@northwind.example") != "" {
		t.Error("somebody is in:", back.Text)
	}
}

// F6, A16: what a directory writes of somebody is not what the forum calls them; nor is their address.
func TestADirectoryDoesNotNameItsPeopleInPublic(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.post("/Users", `{"userName":"ann@northwind.example","displayName":"Ann Secret ann@northwind.example","name":{"givenName":"Ann","familyName":"Arbor"}}`).is("named", 201, "")
		w.post("/Users", `{"userName":"ben.hidden@northwind.example"}`).is("an address alone", 201, "")
		w.post("/Users", `{"userName":"cleo@northwind.example","displayName":"cleo@northwind.example"}`).is("the address as a name", 201, "")

		if a, b, c := w.user("ann@northwind.example"), w.user("ben.hidden@northwind.example"), w.user("cleo@northwind.example"); a.DisplayName != "Ann" || b.DisplayName != "New member" || c.DisplayName != "New member" {
			t.Error(a.DisplayName, b.DisplayName, c.DisplayName)
		}
	})
}
