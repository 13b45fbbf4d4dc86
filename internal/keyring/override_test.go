package keyring_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/keyring"
)

func TestAQueryThatAsksForAnotherMethodIsSeen(t *testing.T) { // K5
	for target, want := range map[string]bool{
		"/v2/orders": false, "/v2/orders?": false, "/v2/orders?a=b&c": false, "/v2/orders?_method=GET": false, "/v2/orders?_method=get&x=1": false,
		"/v2/orders?my_method=POST": false, "/v2/orders?_methods=POST": false, "/v2/orders?a=_method": false, "/v2/_method=POST": false,
		"/v2/orders?_method=POST": true, "/v2/orders?a=1&_method=delete": true, "/v2/orders?a=1;_method=PUT": true, "/v2/orders?%5fmethod=PUT": true,
		"/v2/orders?_METHOD=PUT": true, "/v2/orders?_method": true, "/v2/orders?_method=": true, "/v2/orders?_method=GET&_method=PUT": true,
		"/v2/orders?_method=%zz": true, "/v2/orders?.method=PUT": true, "/v2/orders?+_method=PUT": true, "/v2/orders??_method=PUT": true, "/v2/orders?_method%00x=PUT": true,
	} {
		if got := keyring.MethodOverridden("GET", target); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}
