// Package config reads Gatehouse's settings from the environment and refuses those that can't be right.
//
// Load reports all problems at once, each with the variable, what is wrong and what would be right, and never with the
// text of a secret. The rules are those of C1: a fresh installation is closed, and one that is open by mistake does not
// start. What can be seen only when things are opened (a database that does not answer, a port in use) is not judged here.
package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"time"
)

// Settings are the checked settings.
type Settings struct {
	Addr        string // host:port
	EdgeAddr    string // empty: none
	EnvoyAddr   string // empty: none
	MetricsAddr string // empty: none
	TracesURL   string // of a collector, without a slash at the end; empty: none
	TracesShare float64

	// BaseURL is scheme and host only; its String has no slash at the end.
	BaseURL *url.URL

	TLSCert, TLSKey string // paths; both empty or both set
	TrustedProxies  []netip.Prefix

	DataDir  string
	Database Database
	RedisURL Secret // not set: limits count in each process

	SMTPURL  Secret // not set: mail stays in the database
	MailFrom mail.Address

	Secret         Secret // not set: the one in the data folder, made when there is none
	SecretPrevious Secret

	KeyBrand      string
	DNS           string // host:port; empty: the machine's servers
	GitHubKeysURL string // https, or http on loopback
	ContentDir    string // empty: the guides of the binary alone
	Signup        Signup

	Providers        []Provider     // by which people may sign in besides a password
	ProvidersPrivate []netip.Prefix // networks besides the public ones where they may be

	StaffFactor   bool // staff reach nothing before they have a second factor
	NewDeviceCode bool // a code by mail besides the password, where the browser is not known and there is no factor; only with SMTPURL
	KeyringWhole  bool // all living keys are read at the start
	KeyringStrict bool // a key is read each time that it is used
	StaleMax      time.Duration
	Drain         time.Duration // between red readiness and the end

	AuditCheckpoints string // https address, or http on loopback, or a path; empty: they stay in the database
	AuditPace        AuditPace
	AuditArchive     string        // folder
	AuditKeep        time.Duration // 0: for ever
	AuditStream      Secret        // a URL as collector.New takes it; not set: none

	UsageSpool Spool
	UsageKeep  Keep

	// PasswordPasses is 0 where the machine is measured.
	PasswordPasses uint32
}

// Spool says where counts wait for the database.
type Spool struct {
	Dir  string // in the data folder; empty: in memory
	Size int64  // bytes at most
}

// Keep says for how long counts are kept, by how fine they are. Zero fields are as the default.
type Keep struct{ Minutes, Hours, Days time.Duration }

// Database says where the data is. Exactly one of its fields is set.
type Database struct {
	SQLitePath  string // empty when PostgreSQL is used; else a path, in the data folder by default
	PostgresURL Secret
}

// A SignupPolicy says who may create an account.
type SignupPolicy string

// The policies of GATEHOUSE_SIGNUP.
const (
	SignupOpen     SignupPolicy = "open"     // anybody
	SignupDomains  SignupPolicy = "domains"  // whoever has an address at one of the domains
	SignupApproval SignupPolicy = "approval" // anybody, but an admin lets them in
	SignupClosed   SignupPolicy = "closed"   // nobody
)

// Signup is the policy with the domains of SignupDomains, in lower case.
type Signup struct {
	Policy  SignupPolicy
	Domains []string
}

// Secure says whether browsers reach the portal by https. Without it cookies do without Secure and the prefix __Host-.
func (s Settings) Secure() bool { return s.BaseURL.Scheme == "https" }

// EdgeURL is where gateways on this machine, or, when the edge listens on all addresses, on its network, reach the edge listener; "" where there is none,
// or its port is not known before it listens.
func (s Settings) EdgeURL() string {
	host, port, err := net.SplitHostPort(s.EdgeAddr)
	if err != nil || port == "0" {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = s.BaseURL.Hostname()
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Load reads and checks the settings; lookupEnv is os.LookupEnv or a stand-in. Its error is of type Problems.
func Load(lookupEnv func(string) (string, bool)) (Settings, error) {
	var problems Problems
	raw, err := read(lookupEnv, &problems)
	if err != nil {
		return Settings{}, err
	}
	settings := Settings{
		Addr: raw.Addr, EdgeAddr: raw.EdgeAddr, EnvoyAddr: raw.EnvoyAddr, MetricsAddr: raw.MetricsAddr,
		TLSCert: raw.TLSCert, TLSKey: raw.TLSKey,
		DataDir: raw.DataDir, KeyBrand: raw.KeyBrand,
	}
	for _, check := range []func(variables, *Settings, *Problems){
		checkAddresses, checkTLS, checkProxies, checkBaseURL,
		checkDatabase, checkRedis, checkSecrets, checkMail,
		checkBrand, checkSignup, checkStaffFactor, checkNewDeviceCode, checkKeyring, checkStaleMax, checkDrain, checkContent, checkDNS, checkGitHubKeys, checkPasswords, checkUsage, checkTraces, checkAudit, checkAuditStream, checkAuditArchive,
	} {
		check(raw, &settings, &problems)
	}
	readProviders(lookupEnv, raw, &settings, &problems)
	if len(problems) > 0 {
		return Settings{}, problems
	}
	return settings, nil
}
