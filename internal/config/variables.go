package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// variables are the settings as they are written, before any check. The tags are the one list of what there is: Load,
// Help and Unknown read them.
type variables struct {
	Addr           string `env:"GATEHOUSE_ADDR" envDefault:"127.0.0.1:8080" help:"address of the portal and of /v1"`
	EdgeAddr       string `env:"GATEHOUSE_EDGE_ADDR" help:"address of a listener for verification and forward-auth alone; unset: they answer at GATEHOUSE_ADDR only"`
	EnvoyAddr      string `env:"GATEHOUSE_ENVOY_ADDR" help:"address of a listener for Envoy's check over gRPC (ext_authz); unset: none"`
	MetricsAddr    string `env:"GATEHOUSE_METRICS_ADDR" help:"address of /metrics; unset: not served"`
	TracesURL      string `env:"GATEHOUSE_TRACES_URL" help:"collector of traces, by OTLP over HTTP, such as http://127.0.0.1:4318; unset: nothing is traced"`
	TracesShare    string `env:"GATEHOUSE_TRACES_SHARE" envDefault:"0.05" help:"share of all requests that is traced, from 0 to 1"`
	BaseURL        string `env:"GATEHOUSE_BASE_URL" help:"how browsers reach the portal, such as https://developers.example.com; default: from GATEHOUSE_ADDR when that is loopback"`
	TLSCert        string `env:"GATEHOUSE_TLS_CERT" help:"file of the certificate and its chain (PEM), to serve TLS itself"`
	TLSKey         string `env:"GATEHOUSE_TLS_KEY" help:"file of the certificate's private key (PEM)"`
	TrustedProxies string `env:"GATEHOUSE_TRUSTED_PROXIES" help:"addresses or networks of the proxies in front, parted by commas; only they are believed about a client's address"`
	DataDir        string `env:"GATEHOUSE_DATA_DIR" envDefault:"data" help:"folder of the SQLite database and of the secret"`
	DatabaseURL    string `env:"GATEHOUSE_DATABASE_URL" secret:"yes" help:"postgres://user:password@host/name, or sqlite:path; default: SQLite in the data folder"`
	RedisURL       string `env:"GATEHOUSE_REDIS_URL" secret:"yes" help:"redis:// or rediss://; limits then count across replicas"`
	SMTPURL        string `env:"GATEHOUSE_SMTP_URL" secret:"yes" help:"smtp://user:password@host:587 or smtps://…:465; unset: mail waits at /admin/mail"`
	MailFrom       string `env:"GATEHOUSE_MAIL_FROM" help:"sender of mail, such as Example Developers <developers@example.com>"`
	Secret         string `env:"GATEHOUSE_SECRET" secret:"yes" help:"from which all keys of the server are derived; default: made once and kept in the data folder"`
	SecretPrevious string `env:"GATEHOUSE_SECRET_PREVIOUS" secret:"yes" help:"the secret before it, while it is being changed"`
	DNS            string `env:"GATEHOUSE_DNS" help:"host and port of the DNS server that is asked for the records by which organizations prove their domains; unset: those of this machine"`
	GitHubKeysURL  string `env:"GATEHOUSE_GITHUB_KEYS_URL" envDefault:"https://api.github.com/meta/public_keys/secret_scanning" help:"where the public keys are read with which GitHub signs its reports of leaked keys; asked only when such a report comes"`
	KeyBrand       string `env:"GATEHOUSE_KEY_BRAND" envDefault:"gk" help:"what every API key starts with"`
	Signup         string `env:"GATEHOUSE_SIGNUP" envDefault:"open" help:"who may create an account: open, domains:a.example,b.example, approval or closed"`
	OIDC           string `env:"GATEHOUSE_OIDC" help:"names of the providers by which people may sign in besides a password, such as google,github,northwind; of each, GATEHOUSE_OIDC_<NAME>_… below; unset: none"`
	OIDCPrivate    string `env:"GATEHOUSE_OIDC_PRIVATE" help:"addresses or networks that are not on the internet where providers may be, parted by commas, such as 10.0.0.0/24; unset: none"`
	StaffFactor    string `env:"GATEHOUSE_STAFF_FACTOR" envDefault:"required" help:"whether staff need a second factor before they reach anything: required or optional"`
	NewDeviceCode  string `env:"GATEHOUSE_NEW_DEVICE_CODE" envDefault:"no" help:"whether signing in by password with a browser that is not known also takes a code by mail, of people without a second factor: yes or no; yes needs a mail server"`
	ContentDir     string `env:"GATEHOUSE_CONTENT_DIR" help:"folder with guides/ and tutorials/ of your own, laid over ours and seen without a restart; unset: ours alone"`
	PasswordPasses string `env:"GATEHOUSE_PASSWORD_PASSES" envDefault:"auto" help:"passes of argon2id over its 19 MiB, 2 to 10; auto: as many as this machine does in 80 to 250 ms, as measured after the start, and never fewer than before"`
	UsageSpoolMB   string `env:"GATEHOUSE_USAGE_SPOOL_MB" envDefault:"256" help:"most that counts may take in the data folder while the database is away, in MiB; 0: they wait in memory and die with the process"`
	UsageKeep      string `env:"GATEHOUSE_USAGE_KEEP" envDefault:"2,100,1098" help:"for how many days counts by minute, by hour and by day are kept"`
	AuditOutside   string `env:"GATEHOUSE_AUDIT_CHECKPOINTS" help:"file or https address outside, where signed checkpoints of the audit log are written down; unset: they stay in the database alone"`
	AuditStream    string `env:"GATEHOUSE_AUDIT_STREAM" secret:"yes" help:"collector of logs to which every event of the audit log is sent: tls://host:6514 (syslog), unix:///dev/log or https://user:password@host/path; unset: none"`
	AuditKeep      string `env:"GATEHOUSE_AUDIT_KEEP" help:"for how many days, 30 or more, events of the audit log stay in the database before they are archived in files; unset: for ever"`
	AuditArchive   string `env:"GATEHOUSE_AUDIT_ARCHIVE" help:"folder of the archived parts of the audit log, one for all replicas; default: audit-archive in the data folder"`
	AuditPace      string `env:"GATEHOUSE_AUDIT_CHECKPOINT_EVERY" envDefault:"1000,60" help:"after how many events, and after how many minutes when there was any, a checkpoint of the audit log is signed"`
	Drain          string `env:"GATEHOUSE_DRAIN" envDefault:"5s" help:"how long SIGTERM leaves between red readiness and the end, in which everything is still answered, 0s to 60s"`
	Keyring        string `env:"GATEHOUSE_KEYRING" envDefault:"lazy" help:"lazy: keys are read when they are first used; whole: all living keys are read at the start, and the replica is ready once they are; strict: a key is read anew at each use"`
	StaleMax       string `env:"GATEHOUSE_STALE_MAX" envDefault:"10s" help:"how long a replica that can't reach the database still says yes, 1s to 60s"`
}

type variable struct {
	name, value, help string
	secret            bool
}

func allVariables() []variable {
	var all []variable
	structure := reflect.TypeFor[variables]()
	for i := range structure.NumField() {
		tag := structure.Field(i).Tag
		all = append(all, variable{tag.Get("env"), tag.Get("envDefault"), tag.Get("help"), tag.Get("secret") != ""})
	}
	return all
}

// Help is the table of all settings for a terminal.
func Help() string {
	var text strings.Builder
	text.WriteString("Settings are environment variables:\n\n")
	for _, v := range allVariables() {
		name := v.name
		if v.secret {
			name += " (or " + v.name + "_FILE)"
		}
		if v.value != "" {
			name += " = " + v.value
		}
		fmt.Fprintf(&text, "  %s\n      %s\n", name, v.help)
	}
	text.WriteString("\nOf each provider that GATEHOUSE_OIDC names, with its name in capitals and _ for a hyphen:\n\n")
	for _, p := range providerParts {
		fmt.Fprintf(&text, "  GATEHOUSE_OIDC_<NAME>_%s\n      %s\n", p.part, p.help)
	}
	text.WriteString("\nA variable that ends in _FILE names a file that holds the value and that only its owner can read.\n")
	return text.String()
}

// Unknown returns those variables of an environment (as os.Environ gives it) that look like settings but are none, such
// as misspelt ones. Those for tests are left out.
func Unknown(environ []string) []string {
	known := map[string]bool{}
	for _, v := range allVariables() {
		known[v.name] = true
		known[v.name+"_FILE"] = v.secret
	}
	for _, entry := range environ {
		if names, ok := strings.CutPrefix(entry, "GATEHOUSE_OIDC="); ok {
			for _, name := range providerVariables(names) {
				known[name] = true
			}
		}
	}
	var unknown []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "GATEHOUSE_") && !strings.HasPrefix(name, "GATEHOUSE_TEST_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// nearEnough is how many letters may be wrong, missing or too many in a name for which another was likely meant.
const nearEnough = 4

// Near is the setting whose name is nearest to one that is none, whether its value or its file is meant; "" when none is near.
func Near(name string) string {
	best, least := "", nearEnough+1
	for _, v := range allVariables() {
		names := []string{v.name}
		if v.secret {
			names = append(names, v.name+"_FILE")
		}
		for _, known := range names {
			a, b := strings.TrimPrefix(name, "GATEHOUSE_"), strings.TrimPrefix(known, "GATEHOUSE_")
			if d := distance(a, b); d < least && 3*d <= 2*max(len(a), len(b)) {
				best, least = known, d
			}
		}
	}
	return best
}

// distance is how many letters are to be changed, added or taken away to make one text of another (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// read collects the variables, and for secrets the files that their _FILE twins name. An empty value counts as unset,
// since that is what compose files make of a variable that is not there.
func read(lookupEnv func(string) (string, bool), problems *Problems) (variables, error) {
	environment := map[string]string{}
	for _, v := range allVariables() {
		value, _ := lookupEnv(v.name)
		if file, _ := lookupEnv(v.name + "_FILE"); v.secret && file != "" {
			if value != "" {
				problems.add(v.name, "and "+v.name+"_FILE are both set", "Keep one of them")
			}
			value = readSecretFile(v.name+"_FILE", file, problems)
		}
		if value != "" {
			environment[v.name] = value
		}
	}
	return env.ParseAsWithOptions[variables](env.Options{Environment: environment})
}

const secretFileMax = 64 << 10

// readSecretFile returns the first line's worth of a file: everything but the line end that editors add.
func readSecretFile(name, path string, problems *Problems) string {
	file, err := os.Open(path)
	if err != nil {
		problems.add(name, "names "+path+", which can't be opened", "Name a file that Gatehouse's user can read")
		return ""
	}
	defer file.Close()
	if !private(file) {
		problems.add(name, "names "+path+", which is no file or which everybody on this machine can read", "Run chmod 600 "+path)
		return ""
	}
	content, err := io.ReadAll(io.LimitReader(file, secretFileMax))
	text := strings.TrimRight(string(content), "\r\n")
	if err != nil || text == "" || len(content) == secretFileMax {
		problems.add(name, "names "+path+", which is empty, too large or unreadable", "Write the value into it, and nothing else")
		return ""
	}
	return text
}

// private says whether it is a plain file that others can't read. Its group may: that is how secrets are mounted for a
// service that doesn't own them.
func private(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o007 == 0
}
