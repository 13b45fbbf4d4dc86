// Package asset keeps what browsers load beside pages, of all versions of the program that run over this database or did lately. While an upgrade rolls, a
// page of one version may ask a replica of another for its styles: each replica puts down its own at the start and finds the others' here.
package asset

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Asset is one file. Its URL holds a digest of the content, so what is at a URL never changes.
type Asset struct {
	URL     string
	Body    []byte
	Gzipped bool
}

// How often a process says that it has its assets, and for how long those of versions that nobody runs are kept: pages of them may still be open.
const (
	KeepEvery = 24 * time.Hour
	KeptFor   = 30 * 24 * time.Hour
)

// largest is the size of the largest that is kept: a fonts' file has some 50 KiB.
const largest = 1 << 20

// Keep puts down all that are not there yet, says of the others that they are in use, and forgets those that nobody has said that of for 30 days.
func Keep(ctx context.Context, d *db.DB, all []Asset) error {
	err := d.Tx(ctx, func(tx *db.Tx) error {
		var there []string
		if err := tx.Raw("SELECT url FROM assets").Scan(&there).Error; err != nil {
			return err
		}
		known := map[string]bool{}
		for _, url := range there {
			known[url] = true
		}
		for _, a := range all {
			if err := keep(tx, a, known[a.URL]); err != nil {
				return err
			}
		}
		_, err := tx.Run("DELETE FROM assets WHERE seen_at < ?", tx.Now.Add(-KeptFor))
		return err
	})
	if err != nil {
		return fmt.Errorf("asset: %w", err)
	}
	return nil
}

func keep(tx *db.Tx, a Asset, known bool) error {
	if len(a.Body) > largest {
		return fmt.Errorf("%s has %d bytes", a.URL, len(a.Body))
	}
	gzipped := 0
	if a.Gzipped {
		gzipped = 1
	}
	var err error
	if known {
		// Not each time: replicas that start together would wait for each other.
		_, err = tx.Run("UPDATE assets SET seen_at = ? WHERE url = ? AND seen_at < ?", tx.Now, a.URL, tx.Now.Add(-KeepEvery/2))
	} else {
		_, err = tx.Run("INSERT INTO assets (url, body, gzipped, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT (url) DO NOTHING", a.URL, a.Body, gzipped, tx.Now)
	}
	return err
}

// Find returns the asset at url; false when no version has it.
func Find(ctx context.Context, d *db.DB, url string) (Asset, bool, error) {
	var rows []struct {
		Body    []byte
		Gzipped int
	}
	if err := d.Read(ctx).Raw("SELECT body, gzipped FROM assets WHERE url = ?", url).Scan(&rows).Error; err != nil {
		return Asset{}, false, fmt.Errorf("asset: %w", err)
	}
	if len(rows) == 0 {
		return Asset{}, false, nil
	}
	return Asset{url, rows[0].Body, rows[0].Gzipped == 1}, true, nil
}
