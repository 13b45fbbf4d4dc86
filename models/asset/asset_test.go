package asset_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/asset"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

var bg = context.Background()

func found(t *testing.T, d *db.DB, url string) bool {
	t.Helper()
	_, ok, err := asset.Find(bg, d, url)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestAssetsOfTwoVersionsAreFoundAndForgottenOnceNobodyHasThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		keep := func(all ...asset.Asset) {
			t.Helper()
			if err := asset.Keep(bg, d, all); err != nil {
				t.Fatal(err)
			}
		}
		old := asset.Asset{URL: "/static/css/app.aaaaaaaaaaaa.css", Body: []byte("old\x00\xff"), Gzipped: true}
		both := asset.Asset{URL: "/static/js/app.bbbbbbbbbbbb.js", Body: []byte("both")}
		now := asset.Asset{URL: "/static/css/app.cccccccccccc.css", Body: []byte{}}
		keep(old, both)
		keep(now, both)

		got, ok, err := asset.Find(bg, d, old.URL)
		if err != nil || !ok || !bytes.Equal(got.Body, old.Body) || !got.Gzipped || got.URL != old.URL || !found(t, d, now.URL) || found(t, d, "/static/css/app.dddddddddddd.css") {
			t.Fatalf("%+v %v %v", got, ok, err)
		}
		for range 30 { // a process of the new version runs on and on
			clock.Advance(asset.KeepEvery)
			keep(now, both)
		}
		before := found(t, d, old.URL)
		clock.Advance(time.Hour)
		keep(now, both)

		if !before || found(t, d, old.URL) || !found(t, d, both.URL) || !found(t, d, now.URL) {
			t.Errorf("after 30 days: %v; then old %v, both %v, new %v", before, found(t, d, old.URL), found(t, d, both.URL), found(t, d, now.URL))
		}
	})
}

func TestAssetThatIsTooLargeIsRefused(t *testing.T) {
	d := dbtest.SQLite(t, dbtest.NewClock())

	if err := asset.Keep(bg, d, []asset.Asset{{URL: "/static/a.css", Body: make([]byte, 2<<20)}}); err == nil {
		t.Error("it was kept")
	}
}
