package config

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Bounds of the spool: two live segments have to fit, and a mistyped figure must not fill the disk.
const leastSpool, mostSpool = 1, 1 << 20 // MiB

// The shortest times for which the pages have something to show: an hour by minutes and who fell silent a day ago, a week by hours, 90 days by days.
var leastKept = [3]int{2, 9, 92}

const mostKept = 3660 // days

func checkUsage(raw variables, settings *Settings, problems *Problems) {
	size, err := strconv.ParseInt(raw.UsageSpoolMB, 10, 64)
	switch {
	case err != nil || size != 0 && (size < leastSpool || size > mostSpool):
		problems.add("GATEHOUSE_USAGE_SPOOL_MB", "is "+strconv.Quote(raw.UsageSpoolMB), "Give a number of MiB from 1 on, such as 256, or 0 for none")
	case size > 0:
		settings.UsageSpool = Spool{Dir: filepath.Join(raw.DataDir, "usage"), Size: size << 20}
	}
	const right = "Give three numbers of days, for minutes, hours and days, such as 2,100,1098; at least 2,9,92"
	parts := strings.Split(raw.UsageKeep, ",")
	if len(parts) != len(leastKept) {
		problems.add("GATEHOUSE_USAGE_KEEP", "is "+strconv.Quote(raw.UsageKeep), right)
		return
	}
	var keep [3]time.Duration
	for i, part := range parts {
		days, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || days < leastKept[i] || days > mostKept {
			problems.add("GATEHOUSE_USAGE_KEEP", "has "+strconv.Quote(part), right)
			return
		}
		keep[i] = time.Duration(days) * 24 * time.Hour
	}
	settings.UsageKeep = Keep{Minutes: keep[0], Hours: keep[1], Days: keep[2]}
}
