package catalog_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/testenv"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

func TestConnectPageTurnsGreenByItself(t *testing.T) {
	w := newWorld(t)
	w.Tx(func(tx *db.Tx) error {
		digest := sha256.Sum256([]byte("session-of-ada"))
		_, err := tx.Run("INSERT INTO sessions (id, digest, user_id, reauthenticated_at, last_seen_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
			db.NewID(), digest[:], w.Staff.UserID, tx.Now, tx.Now, tx.Now.Add(account.SessionAbsolute), tx.Now)
		return err
	})
	ctx, _ := testenv.Browser(t, testenv.BrowserOptions{Limit: time.Minute})
	if err := chromedp.Do(ctx, chromedp.Navigate(w.URL+"/apis"), chromedp.Evaluate[chromedp.Void](`document.cookie = "gatehouse-session=session-of-ada; path=/"; undefined`),
		chromedp.Navigate(w.URL+w.api("/connect")), chromedp.WaitVisible(chromedp.CSS("[data-connect] .status.warn"))); err != nil {
		t.Fatal(err)
	}

	w.Tx(func(tx *db.Tx) error {
		_, err := tx.Run("UPDATE apis SET first_checked_at = ?, last_checked_at = ? WHERE id = ?", tx.Now, tx.Now, w.API)
		return err
	})

	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS("[data-connect] .status.ok"))); err != nil {
		t.Fatal(err, testenv.Complaints(ctx))
	}
}
