package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	brandForm  = regexp.MustCompile(`^[a-z][a-z0-9]{1,9}$`)
	domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
)

func checkBrand(raw variables, _ *Settings, problems *Problems) {
	if !brandForm.MatchString(raw.KeyBrand) {
		problems.add("GATEHOUSE_KEY_BRAND", "is "+strconv.Quote(raw.KeyBrand), "Use 2 to 10 small letters and digits, a letter first, such as acme")
	}
}

func checkSignup(raw variables, settings *Settings, problems *Problems) {
	const right = "Write open, approval, closed, or domains:example.com,example.org"
	name, domains, hasDomains := strings.Cut(raw.Signup, ":")
	policy := SignupPolicy(name)
	known := slices.Contains([]SignupPolicy{SignupOpen, SignupDomains, SignupApproval, SignupClosed}, policy)
	if !known || hasDomains != (policy == SignupDomains) {
		problems.add("GATEHOUSE_SIGNUP", "is "+strconv.Quote(raw.Signup), right)
		return
	}
	settings.Signup = Signup{Policy: policy}
	for _, domain := range list(strings.ToLower(domains)) {
		if !domainForm.MatchString(domain) {
			problems.add("GATEHOUSE_SIGNUP", "has "+strconv.Quote(domain)+", which is no domain", right)
		}
		settings.Signup.Domains = append(settings.Signup.Domains, domain)
	}
	if policy == SignupDomains && len(settings.Signup.Domains) == 0 {
		problems.add("GATEHOUSE_SIGNUP", "names no domain, so nobody could sign up", right)
	}
}

func checkStaffFactor(raw variables, settings *Settings, problems *Problems) {
	if raw.StaffFactor != "required" && raw.StaffFactor != "optional" {
		problems.add("GATEHOUSE_STAFF_FACTOR", "is "+strconv.Quote(raw.StaffFactor), "Write required or optional")
	}
	settings.StaffFactor = raw.StaffFactor != "optional"
}

// checkNewDeviceCode refuses a check that would keep everybody out: without a mail server no code arrives.
func checkNewDeviceCode(raw variables, settings *Settings, problems *Problems) {
	switch {
	case raw.NewDeviceCode != "yes" && raw.NewDeviceCode != "no":
		problems.add("GATEHOUSE_NEW_DEVICE_CODE", "is "+strconv.Quote(raw.NewDeviceCode), "Write yes or no")
	case raw.NewDeviceCode == "yes" && raw.SMTPURL == "":
		problems.add("GATEHOUSE_NEW_DEVICE_CODE", "is yes, but GATEHOUSE_SMTP_URL is not set, so no code would arrive", "Set a mail server, or write no")
	}
	settings.NewDeviceCode = raw.NewDeviceCode == "yes"
}

func checkKeyring(raw variables, settings *Settings, problems *Problems) {
	if raw.Keyring != "lazy" && raw.Keyring != "whole" && raw.Keyring != "strict" {
		problems.add("GATEHOUSE_KEYRING", "is "+strconv.Quote(raw.Keyring), "Write lazy, whole or strict")
	}
	settings.KeyringWhole, settings.KeyringStrict = raw.Keyring == "whole", raw.Keyring == "strict"
}

// Below a second a single slow answer of the database would stop verification; above a minute a revoked key would live
// on for longer than anybody expects.
const staleMin, staleMax = time.Second, time.Minute

func checkStaleMax(raw variables, settings *Settings, problems *Problems) {
	bound, err := time.ParseDuration(raw.StaleMax)
	if err != nil || bound < staleMin || bound > staleMax {
		problems.add("GATEHOUSE_STALE_MAX", "is "+strconv.Quote(raw.StaleMax), "Give a time from 1s to 60s, such as 10s")
	}
	settings.StaleMax = bound
}

func checkDrain(raw variables, settings *Settings, problems *Problems) {
	drain, err := time.ParseDuration(raw.Drain)
	if err != nil || drain < 0 || drain > time.Minute {
		problems.add("GATEHOUSE_DRAIN", "is "+strconv.Quote(raw.Drain), "Give a time from 0s to 60s, such as 5s")
	}
	settings.Drain = drain
}
