package config_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

func TestAMisspeltSettingIsToldByTheNearestName(t *testing.T) {
	for name, want := range map[string]string{
		"GATEHOUSE_ADR": "GATEHOUSE_ADDR", "GATEHOUSE_ADDDR": "GATEHOUSE_ADDR", "GATEHOUSE_EGDE_ADDR": "GATEHOUSE_EDGE_ADDR", "GATEHOUSE_DATABASE_URI": "GATEHOUSE_DATABASE_URL", "GATEHOUSE_DATABASE_URL_FIL": "GATEHOUSE_DATABASE_URL_FILE",
		"GATEHOUSE_BASEURL": "GATEHOUSE_BASE_URL", "GATEHOUSE_LOG_LEVEL": "", "GATEHOUSE_PORT_80_TCP_PROTO": "",
	} {
		if got := config.Near(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
