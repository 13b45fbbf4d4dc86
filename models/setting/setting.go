// Package setting keeps the installation's settings as named JSON values. Nothing of them is remembered:
// every read asks the database, so that a change holds at once on every replica.
package setting

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-dev/gatehouse/models/change"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// Get reads the setting name into v and reports whether it was ever set; v is left alone when not.
func Get(ctx context.Context, d *db.DB, name string, v any) (bool, error) {
	var rows []string
	if err := d.Read(ctx).Raw("SELECT value FROM settings WHERE name = ?", name).Scan(&rows).Error; err != nil {
		return false, fmt.Errorf("setting %s: %w", name, err)
	}
	return decode(rows, name, v)
}

// GetTx is Get inside a transaction, seeing what it wrote.
func GetTx(tx *db.Tx, name string, v any) (bool, error) {
	var rows []string
	if err := tx.Raw("SELECT value FROM settings WHERE name = ?", name).Scan(&rows).Error; err != nil {
		return false, fmt.Errorf("setting %s: %w", name, err)
	}
	return decode(rows, name, v)
}

func decode(rows []string, name string, v any) (bool, error) {
	if len(rows) == 0 {
		return false, nil
	}
	if err := json.Unmarshal([]byte(rows[0]), v); err != nil {
		return false, fmt.Errorf("setting %s: %w", name, err)
	}
	return true, nil
}

// Put writes the setting and tells other processes. The caller records the act.
func Put(tx *db.Tx, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	change.Record(tx, change.Setting, db.ID{})
	_, err = tx.Run("INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at", name, string(b), tx.Now)
	return err
}

// PutFirst writes the setting unless it is there already, and reports whether it did: one of several replicas wins.
func PutFirst(tx *db.Tx, name string, v any) (bool, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("setting %s: %w", name, err)
	}
	n, err := tx.Run("INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING", name, string(b), tx.Now)
	return n == 1, err
}
