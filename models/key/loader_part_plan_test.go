package key

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/db/dbtest"
)

// R6: a part costs what is in it, however many keys there are: they are read in the order that they lie in.
func TestPartsAreReadInOrderWithoutSorting(t *testing.T) {
	d := dbtest.SQLite(t, dbtest.NewClock())
	var plan []struct{ Detail string }

	err := d.Read(t.Context()).Raw("EXPLAIN QUERY PLAN "+partQuery, []string{"one", "two"}, "", 1, 500).Scan(&plan).Error

	if err != nil || len(plan) == 0 || !strings.HasPrefix(plan[0].Detail, "SEARCH k USING") || !strings.Contains(plan[0].Detail, "(id>?)") {
		t.Errorf("%v %v", plan, err)
	}
	for _, step := range plan {
		if strings.Contains(step.Detail, "B-TREE") {
			t.Error(step.Detail)
		}
	}
}

// R1: keys in use are found by their ids, not by reading all.
func TestSeveralKeysAreFoundByTheirIDs(t *testing.T) {
	d := dbtest.SQLite(t, dbtest.NewClock())
	var plan []struct{ Detail string }

	err := d.Read(t.Context()).Raw("EXPLAIN QUERY PLAN "+someQuery, []string{"one", "two"}, make([]string, 512)).Scan(&plan).Error

	if err != nil || len(plan) == 0 || !strings.Contains(plan[0].Detail, "(id=?)") {
		t.Errorf("%v %v", plan, err)
	}
}
