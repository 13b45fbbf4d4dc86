package openapi_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/openapi"
)

// What reading a body costs grows with its length alone, however long its names are and however deep it is (L1).
func TestBodyCostsNoMoreThanItIsLong(t *testing.T) {
	name := strings.Repeat("~", 250)
	deep := strings.Repeat(`{"`+name+`":`, 30) + "[" + strings.Repeat("1,", 100_000) + "1]" + strings.Repeat("}", 30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	_, bad := openapi.Decode([]byte(deep))

	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; bad != nil || spent > 64<<20 {
		t.Errorf("%v, and %d bytes were allocated for %d", bad, spent, len(deep))
	}
	if _, bad = openapi.Decode([]byte(`{"a":{"` + strings.Repeat("x", 257) + `":1}}`)); bad == nil || bad.Pointer != "/a" {
		t.Errorf("a name that nobody has: %v", bad)
	}
	if _, bad = openapi.Decode([]byte(`{"a/b":[0,{"c~":1,"c~":2}]}`)); bad == nil || bad.Pointer != "/a~1b/1/c~0" {
		t.Errorf("a field that is there twice is shown at %v", bad)
	}
}
