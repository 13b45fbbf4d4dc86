package edge_test

import (
	"net/http"
	"testing"
)

// D9: a gateway that takes headers off by exact names hands the others over with its question, and there they are refused.
func TestQuestionWithAHeaderThatPosesAsOneOfOursIsRefused(t *testing.T) {
	w := newWorld(t)
	key := w.add(w.client())
	for name, status := range map[string]int{
		"X_Gatehouse_Key_Id": 403, "X.Gatehouse.Key.Id": 403, "x-gatehouse_key-id": 403, "X-Gatehouse-Role": 403, "X-Gatehouse-Key-Id2": 403, "X_GATEHOUSE_TOKEN": 403,
		"X-Gatehouse-Key-Id": 200, "x-gatehouse-scopes": 200, "X-Gatehouse-Code": 200, "X-Gatehouse": 200, "X-Gatehouses-Role": 200, "X_Mine": 200, "Gatehouse-Role": 200,
	} {
		r := w.asking(key)
		r.Header[name] = []string{"admin"}
		got := w.do(r)

		if got.Status != status || status == http.StatusForbidden && got.code() != "BAD_REQUEST" {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
}
