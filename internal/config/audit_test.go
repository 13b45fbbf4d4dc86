package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

func TestWhereTheAuditLogGoesIsChecked(t *testing.T) {
	load := func(set map[string]string) (config.Settings, error) {
		return config.Load(func(name string) (string, bool) { v, ok := set[name]; return v, ok })
	}
	for what, wrong := range map[string]map[string]string{
		"is no https address":            {"GATEHOUSE_AUDIT_CHECKPOINTS": "http://example.com/x"},
		"which is no folder":             {"GATEHOUSE_AUDIT_CHECKPOINTS": "/nothing/here/x"},
		"is no collector":                {"GATEHOUSE_AUDIT_STREAM": "udp://example.com:514"},
		"over the network as plain text": {"GATEHOUSE_AUDIT_STREAM": "tcp://user-secret.example.com:514"},
		`KEEP is "29"`:                   {"GATEHOUSE_AUDIT_KEEP": "29"},
		"is /nothing/here":               {"GATEHOUSE_AUDIT_ARCHIVE": "/nothing/here"},
		`is "0,60"`:                      {"GATEHOUSE_AUDIT_CHECKPOINT_EVERY": "0,60"},
	} {
		if _, err := load(wrong); err == nil || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "user-secret") {
			t.Error(what, err)
		}
	}

	s, err := load(map[string]string{"GATEHOUSE_AUDIT_CHECKPOINTS": t.TempDir() + "/x", "GATEHOUSE_AUDIT_STREAM": "tls://siem.example.com:6514", "GATEHOUSE_AUDIT_CHECKPOINT_EVERY": "50, 5"})

	if err != nil || s.AuditPace != (config.AuditPace{Events: 50, Time: 5 * time.Minute}) || s.AuditStream.Reveal() != "tls://siem.example.com:6514" || s.AuditCheckpoints == "" {
		t.Error(err, s.AuditPace)
	}
	if s.AuditKeep != 0 || s.AuditArchive != "data/audit-archive" {
		t.Error(s.AuditKeep, s.AuditArchive)
	}
	folder := t.TempDir()
	s, err = load(map[string]string{"GATEHOUSE_AUDIT_KEEP": "400", "GATEHOUSE_AUDIT_ARCHIVE": folder})
	if err != nil || s.AuditKeep != 400*24*time.Hour || s.AuditArchive != folder {
		t.Error(err, s.AuditKeep, s.AuditArchive)
	}
}
