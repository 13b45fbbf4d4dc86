package importing

import (
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// kinds are the prefixes of this portal's ids.
var kinds = []string{
	"acc", "api", "app", "brw", "bulk", "dom", "dwn", "event", "factor", "flg", "flw", "hnd", "idn", "imp", "inc", "inv", "key", "mail", "note", "org", "plan", "pol", "pre", "pst", "qst", "rat", "rep", "req", "rev", "review", "role", "rule", "scg", "scp", "sct", "scu", "session", "shr", "team", "user", "ver",
}

// looksOurs reports whether ids of this portal would be taken for keys of the shape, alone or within: they stand in addresses and in what people write.
func looksOurs(s apikey.Shape) bool {
	if !s.Distinctive() { // such are not looked for where people write
		return false
	}
	f := apikey.NewFinder(s)
	for _, kind := range kinds {
		for range 8 { // what is random in one may fall outside of the alphabet, or be of one kind
			if id := db.NewID().Show(kind); s.Fits(id) || len(f.Find(id)) > 0 {
				return true
			}
		}
	}
	return false
}
