package move

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// Departed tells where the database went; false when it is still the one that is served.
func Departed(ctx context.Context, d *db.DB) (Mark, bool, error) {
	var m Mark
	_, moved, err := d.Moved(ctx)
	if err != nil || !moved {
		return m, false, err
	}
	_, err = setting.Get(ctx, d, movedName, &m)
	return m, true, err
}

// Arriving tells whether the database was filled by a move that has not been finished, or that was taken back: it must not be served.
func Arriving(ctx context.Context, d *db.DB) (Mark, bool, error) {
	var m Mark
	found, err := setting.Get(ctx, d, ArrivalName, &m)
	return m, found, err
}

// resume does the last step of a move that had only that left, and nothing for one that had none.
func (m *mover) resume(ctx context.Context, err error) (Report, error) {
	if err != nil {
		return Report{}, fmt.Errorf("move: %w", err)
	}
	gone, _, err := Departed(ctx, m.From)
	if err != nil {
		return Report{}, fmt.Errorf("move: %w", err)
	}
	already := fmt.Errorf("move: this database was moved to %s on %s already", gone.To, gone.At.Format("2006-01-02 15:04 MST"))
	if m.to, err = connect(ctx, m.To); err != nil {
		return Report{}, errors.Join(already, err)
	}
	defer func() { _ = m.to.Close(context.WithoutCancel(ctx)) }()
	var value string
	err = m.to.QueryRow(ctx, "SELECT value FROM settings WHERE name = $1", ArrivalName).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) && gone.To == m.report.Mark.To {
		return Report{Mark: gone, Already: true}, nil
	}
	if err != nil {
		return Report{}, already
	}
	var there Mark
	if err := json.Unmarshal([]byte(value), &there); err != nil || there.ID != gone.ID {
		return Report{}, already
	}
	return Report{Mark: gone, Resumed: true}, arrive(ctx, m.to)
}
