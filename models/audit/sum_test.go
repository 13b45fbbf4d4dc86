package audit_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/models/audit"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

// U3: whichever column of an event is changed, its hash is another one; of a column that is added later, too.
func TestEveryFieldOfAnEventIsInItsHash(t *testing.T) {
	ids := []db.ID{db.NewID(), db.NewID(), db.NewID(), db.NewID()}
	whole := audit.Row{
		Seq: 7, ID: ids[0], At: time.Date(2026, 11, 22, 9, 8, 7, 0, time.UTC), ActorKind: "user", ActorID: &ids[1], Act: "key.revoked", TargetKind: "key", TargetID: &ids[2],
		OrganizationID: &ids[3], Result: "done", RequestID: "req_1", Details: "{}", Personal: "{}", PreviousHash: []byte{1},
	}
	other := db.NewID()
	for i := range reflect.TypeFor[audit.Row]().NumField() {
		name := reflect.TypeFor[audit.Row]().Field(i).Name
		if name == "Hash" {
			continue
		}
		changed := whole
		field := reflect.ValueOf(&changed).Elem().Field(i)
		switch field.Interface().(type) {
		case int64:
			field.SetInt(8)
		case string:
			field.SetString(field.String() + "x")
		case time.Time:
			field.Set(reflect.ValueOf(whole.At.Add(time.Microsecond)))
		case db.ID:
			field.Set(reflect.ValueOf(other))
		case *db.ID:
			field.Set(reflect.ValueOf(&other))
		case []byte:
			field.SetBytes([]byte{2})
		default:
			t.Fatal("no other value is known for ", name)
		}

		if bytes.Equal(changed.Sum(), whole.Sum()) {
			t.Errorf("%s is not in the hash", name)
		}
	}
}
