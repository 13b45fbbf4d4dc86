package account_test

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/privacy"
)

// U8, B1-3: of a person with a row in every table nothing is found in the whole database after the account is deleted, all that is another's is, and the chain of the
// audit log holds.
func TestNothingOfADeletedPersonIsLeftInAnyColumn(t *testing.T) {
	eachSeeded(t, func(s *seeding) {
		gone := s.seed("gone@example.com", "Zephyrine Quill", netip.MustParseAddr("203.0.113.77"))
		other := s.seed("other@example.net", "Barnaby Thistle", netip.MustParseAddr("198.51.100.77"))
		before := s.everything()

		s.must(s.store.Delete(t.Context(), gone.actor, gone.Email, good))
		s.sends(nil)

		after := s.everything()
		for _, mark := range []string{gone.Email, gone.mark, "Zephyrine", gone.network, "203.0.113"} {
			for line := range strings.Lines(after) {
				if strings.Contains(line, mark) {
					t.Errorf("%q is left: %s", mark, line)
				}
			}
		}
		for _, mark := range []string{other.Email, other.mark, other.network, other.ID.String()} {
			if had, has := strings.Count(before, mark), strings.Count(after, mark); had == 0 || had != has {
				t.Errorf("%q of another stood %d times, and stands %d times", mark, had, has)
			}
		}
		for _, table := range privacy.Tables() {
			if table.Fate == privacy.Deleted && table.Name != "audit_personal" && s.count("SELECT COUNT(*) FROM "+table.Name) != 1 {
				t.Errorf("%s: a row is left, or another's is gone", table.Name)
			}
		}
		if v, err := audit.Verify(t.Context(), s.d); err != nil || !v.Sound {
			t.Error(v, err)
		}
	})
}

// U8, B1-3: nor is it in the files of SQLite, in room that is free again or in the write-ahead log, which whoever copies the disk can read.
func TestNothingOfADeletedPersonIsLeftInTheFiles(t *testing.T) {
	eachSeeded(t, func(s *seeding) {
		if s.d.Dialect != db.SQLite {
			return // its server keeps house
		}
		gone := s.seed("gone@example.com", "Zephyrine Quill", netip.MustParseAddr("203.0.113.77"))
		raw := func() string {
			t.Helper()
			var all []byte
			for _, tail := range []string{"", "-wal"} {
				b, err := os.ReadFile(s.d.Path + tail)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b...)
			}
			return string(all)
		}
		before := raw()

		s.must(s.store.Delete(t.Context(), gone.actor, gone.Email, good))
		s.sends(nil)

		after := raw()
		for _, mark := range []string{gone.Email, "Zephyrine", "203.0.113.77"} {
			if had, has := strings.Count(before, mark), strings.Count(after, mark); had == 0 || has != 0 {
				t.Errorf("%q stood %d times, and stands %d times", mark, had, has)
			}
		}
	})
}
