package config_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

func TestEdgeListenerIsProposedByAnAddressThatReachesIt(t *testing.T) {
	for at, want := range map[string]string{
		"127.0.0.1:8081": "http://127.0.0.1:8081", "0.0.0.0:8081": "http://developers.example.com:8081", ":8081": "http://developers.example.com:8081",
		"[::]:8081": "http://developers.example.com:8081", "[fd00::5]:8081": "http://[fd00::5]:8081", "edge.internal:8081": "http://edge.internal:8081", "127.0.0.1:0": "", "": "",
	} {
		settings, err := config.Load(production(environment{"GATEHOUSE_EDGE_ADDR": at}).lookup)
		if err != nil {
			t.Fatal(at, err)
		}
		if got := settings.EdgeURL(); got != want {
			t.Errorf("%q: %q, want %q", at, got, want)
		}
	}
}
