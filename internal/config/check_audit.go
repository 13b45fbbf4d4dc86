package config

import (
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/collector"
)

// AuditPace says when a checkpoint of the audit log is due: after so many events, or after so long when there was any.
type AuditPace struct {
	Events int64
	Time   time.Duration
}

func checkAudit(raw variables, settings *Settings, problems *Problems) {
	events, minutes, ok := strings.Cut(raw.AuditPace, ",")
	n, err := strconv.ParseInt(strings.TrimSpace(events), 10, 64)
	m, err2 := strconv.ParseInt(strings.TrimSpace(minutes), 10, 64)
	if !ok || err != nil || err2 != nil || n < 1 || m < 1 || m > 1440 {
		problems.add("GATEHOUSE_AUDIT_CHECKPOINT_EVERY", "is "+strconv.Quote(raw.AuditPace), "Give a number of events and one of minutes up to 1440, such as 1000,60")
	}
	settings.AuditPace = AuditPace{n, time.Duration(m) * time.Minute}
	settings.AuditCheckpoints = raw.AuditOutside
	switch {
	case raw.AuditOutside == "":
	case strings.Contains(raw.AuditOutside, "://"):
		if address, err := url.Parse(raw.AuditOutside); err != nil || address.Hostname() == "" || address.User != nil || !validPort(address) || !encrypted(address) {
			problems.add("GATEHOUSE_AUDIT_CHECKPOINTS", "is no https address", "Write an https address without a user, or the path of a file")
		}
	default:
		folder := filepath.Dir(raw.AuditOutside)
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			problems.add("GATEHOUSE_AUDIT_CHECKPOINTS", "names a file in "+folder+", which is no folder that can be read", "Make the folder, best on another machine’s disk that is mounted here")
		}
	}
}

// checkAuditStream wants a collector to which nobody on the way listens: events name persons.
func checkAuditStream(raw variables, settings *Settings, problems *Problems) {
	if raw.AuditStream == "" {
		return
	}
	to, err := collector.New(raw.AuditStream, "")
	address, err2 := url.Parse(raw.AuditStream)
	switch {
	case err != nil || err2 != nil:
		problems.add("GATEHOUSE_AUDIT_STREAM", "is no collector", "Write tls://host:6514, unix:///dev/log or https://user:password@host/path")
	case (to.Scheme() == "tcp" || to.Scheme() == "http") && !onThisMachine(address):
		problems.add("GATEHOUSE_AUDIT_STREAM", "goes over the network as plain text", "Write tls:// or https://; tcp:// and http:// are for this machine alone")
	}
	settings.AuditStream = NewSecret(raw.AuditStream)
}

// leastAuditKeep is so long that what people do about what was just done finds it in the database.
const leastAuditKeep = 30 // days

func checkAuditArchive(raw variables, settings *Settings, problems *Problems) {
	settings.AuditArchive = raw.AuditArchive
	if raw.AuditArchive == "" {
		settings.AuditArchive = filepath.Join(raw.DataDir, "audit-archive")
	} else if info, err := os.Stat(raw.AuditArchive); err != nil || !info.IsDir() {
		problems.add("GATEHOUSE_AUDIT_ARCHIVE", "is "+raw.AuditArchive+", which is no folder that can be read", "Make the folder, for Gatehouse’s user alone; with several replicas one that they share")
	}
	if raw.AuditKeep == "" {
		return
	}
	days, err := strconv.Atoi(strings.TrimSpace(raw.AuditKeep))
	if err != nil || days < leastAuditKeep || days > 100*366 {
		problems.add("GATEHOUSE_AUDIT_KEEP", "is "+strconv.Quote(raw.AuditKeep), "Give a number of days from "+strconv.Itoa(leastAuditKeep)+" on, such as 400, or leave it unset to keep all events in the database")
		return
	}
	settings.AuditKeep = time.Duration(days) * 24 * time.Hour
}

// encrypted says whether what is sent there can't be read or changed on the way: by https, or on this machine.
func encrypted(address *url.URL) bool {
	return address.Scheme == "https" || address.Scheme == "http" && onThisMachine(address)
}

func onThisMachine(address *url.URL) bool {
	ip, err := netip.ParseAddr(address.Hostname())
	return address.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
