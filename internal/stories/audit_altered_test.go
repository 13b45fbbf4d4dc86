package stories_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/tools/rig"
	"github.com/gatehouse-dev/gatehouse/models/db"
)

var fromOutside = regexp.MustCompile(`[1-9]\d* of them from outside`)

// isAltered has somebody change one row past Gatehouse, who owns the database and takes its triggers away.
func (r *record) isAltered() {
	r.t.Helper()
	dir, key := r.t.TempDir(), strings.TrimSpace(r.run("audit", "key"))
	before, after := filepath.Join(dir, "before.jsonl"), filepath.Join(dir, "after.jsonl")
	r.run("audit", "export", before)
	verifier := filepath.Join(dir, "verify-audit")
	root, err := rig.Root()
	if err != nil {
		r.t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", verifier, "main.go", "line.go", "log.go") // as the guide for auditors has it
	build.Dir = filepath.Join(root, "docs", "verify-audit")
	if said, err := build.CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %s", err, said)
	}
	verify := func(path string) string {
		said, err := exec.Command(verifier, "-key", key, "-checkpoints", r.env["GATEHOUSE_AUDIT_CHECKPOINTS"], path).CombinedOutput()
		return fmt.Sprint(string(said), err)
	}
	if said := r.run("audit", "verify"); !strings.Contains(said, "The audit log is whole") || !fromOutside.MatchString(said) {
		r.t.Errorf("before: %s", said)
	}
	if said := verify(before); !strings.HasPrefix(said, "The log is whole: ") || !strings.HasSuffix(said, "<nil>") {
		r.t.Errorf("the verifier, before: %s", said)
	}

	r.stop()
	seq := r.alter()
	r.start()

	said, err := rig.RunOnce(r.t.Context(), r.env, "audit", "verify")
	if want := fmt.Sprintf("the audit log is not whole: event %d: its content differs from its hash", seq); err == nil || !strings.Contains(said, want) {
		r.t.Errorf("after: %v %s, want %s", err, said, want)
	}
	r.run("audit", "export", after)
	if said, want := verify(after), fmt.Sprintf("event %d: its content differs from its hash", seq); !strings.Contains(said, want) || !strings.HasSuffix(said, "exit status 1") {
		r.t.Errorf("the verifier, after: %s, want %s", said, want)
	}
	if said := verify(before); !strings.HasPrefix(said, "The log is whole: ") {
		r.t.Errorf("what was exported before: %s", said)
	}
	r.admin.open("/admin/audit")
	r.admin.see(fmt.Sprintf("The chain is not whole: event %d does not fit.", seq))
}

// alter makes it somebody else who changed the role, and returns which event tells of it.
func (r *record) alter() (seq int64) {
	r.t.Helper()
	url, trigger := r.env["GATEHOUSE_DATABASE_URL"], "DROP TRIGGER audit_events_no_change ON audit_events"
	if url == "" {
		url, trigger = "sqlite:"+filepath.Join(r.dir, "gatehouse.db"), "DROP TRIGGER audit_events_no_update"
	}
	d, err := db.Open(context.Background(), db.Options{URL: url})
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Read(r.t.Context()).Raw("SELECT seq FROM audit_events WHERE act = 'member.role_changed'").Scan(&seq).Error; err != nil || seq == 0 {
		r.t.Fatal(seq, err)
	}
	for _, s := range []string{trigger, fmt.Sprintf("UPDATE audit_events SET actor_id = (SELECT id FROM users WHERE name = 'Sam Stranger') WHERE seq = %d", seq)} {
		if _, err := d.Writer().Exec(s); err != nil {
			r.t.Fatal(s, err)
		}
	}
	return seq
}
