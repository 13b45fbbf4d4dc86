package config

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
)

func checkAddresses(raw variables, _ *Settings, problems *Problems) {
	taken := map[string]string{}
	for _, v := range []struct{ name, value string }{
		{"GATEHOUSE_ADDR", raw.Addr}, {"GATEHOUSE_EDGE_ADDR", raw.EdgeAddr}, {"GATEHOUSE_ENVOY_ADDR", raw.EnvoyAddr}, {"GATEHOUSE_METRICS_ADDR", raw.MetricsAddr},
	} {
		if v.value == "" {
			continue
		}
		if !isAddress(v.value) {
			problems.add(v.name, "is "+strconv.Quote(v.value)+", which is no address to listen on", "Give host and port, such as 127.0.0.1:8080")
			continue
		}
		if other := taken[v.value]; other != "" && !strings.HasSuffix(v.value, ":0") {
			problems.add(v.name, "is the same address as "+other, "Give each listener a port of its own")
		}
		taken[v.value] = v.name
	}
}

func isAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " /") {
		return false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(number, 10) == port
}

func checkTLS(raw variables, _ *Settings, problems *Problems) {
	if raw.TLSCert == "" && raw.TLSKey == "" {
		return
	}
	if raw.TLSCert == "" || raw.TLSKey == "" {
		set, unset := "GATEHOUSE_TLS_CERT", "GATEHOUSE_TLS_KEY"
		if raw.TLSCert == "" {
			set, unset = unset, set
		}
		problems.add(unset, "is not set, but "+set+" is", "Set both to serve TLS, or neither")
		return
	}
	if key, err := os.Open(raw.TLSKey); err == nil {
		defer key.Close()
		if !private(key) {
			problems.add("GATEHOUSE_TLS_KEY", "names "+raw.TLSKey+", which everybody on this machine can read", "Run chmod 600 "+raw.TLSKey)
		}
	}
	if _, err := tls.LoadX509KeyPair(raw.TLSCert, raw.TLSKey); err != nil {
		problems.add("GATEHOUSE_TLS_CERT", "and GATEHOUSE_TLS_KEY don't work together: "+err.Error(), "Name a certificate and its key, both PEM files")
	}
}

func checkProxies(raw variables, settings *Settings, problems *Problems) {
	for _, entry := range list(raw.TrustedProxies) {
		network, err := netip.ParsePrefix(entry)
		if address, plain := netip.ParseAddr(entry); plain == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		switch {
		case err != nil:
			problems.add("GATEHOUSE_TRUSTED_PROXIES", "has "+strconv.Quote(entry)+", which is no address or network", "Write addresses or networks such as 10.0.0.5 or 10.0.0.0/24, parted by commas")
		case network.Bits() == 0:
			problems.add("GATEHOUSE_TRUSTED_PROXIES", "has "+entry+", which would let anybody claim any address", "Name only the proxies in front of Gatehouse")
		case network != network.Masked():
			problems.add("GATEHOUSE_TRUSTED_PROXIES", "has "+entry+", which is an address within a network", "Write "+network.Masked().String()+" for the network or "+network.Addr().String()+" for the address")
		default:
			settings.TrustedProxies = append(settings.TrustedProxies, network)
		}
	}
}

const baseURLRight = "Give scheme and host as browsers see them, such as https://developers.example.com"

func checkBaseURL(raw variables, settings *Settings, problems *Problems) {
	text := raw.BaseURL
	if text == "" {
		text = baseURLFrom(raw)
	}
	if text == "" {
		problems.add("GATEHOUSE_BASE_URL", "is not set, and GATEHOUSE_ADDR is not a loopback address from which it could follow", baseURLRight)
		return
	}
	base, err := url.Parse(text)
	if err != nil || base.Hostname() == "" || base.Scheme != "http" && base.Scheme != "https" || strings.ToLower(base.Host) != base.Host || !validPort(base) {
		problems.add("GATEHOUSE_BASE_URL", "is "+strconv.Quote(text)+", which is no http or https address in lower case", baseURLRight)
		return
	}
	if strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil || base.ForceQuery {
		problems.add("GATEHOUSE_BASE_URL", "has more than scheme and host", "Gatehouse needs a host of its own, without a path: "+base.Scheme+"://"+base.Host)
		return
	}
	settings.BaseURL = &url.URL{Scheme: base.Scheme, Host: base.Host}
	checkTransport(raw, base, problems)
}

func checkDNS(raw variables, settings *Settings, problems *Problems) {
	if raw.DNS != "" && !isAddress(raw.DNS) {
		problems.add("GATEHOUSE_DNS", "is "+strconv.Quote(raw.DNS)+", which is no host and port", "Give both, such as 9.9.9.9:53")
	}
	settings.DNS = raw.DNS
}

// checkGitHubKeys refuses an address over which somebody else could hand us keys.
func checkGitHubKeys(raw variables, settings *Settings, problems *Problems) {
	address, err := url.Parse(raw.GitHubKeysURL)
	switch {
	case err != nil || address.Hostname() == "" || address.Scheme != "http" && address.Scheme != "https" || address.User != nil || !validPort(address):
		problems.add("GATEHOUSE_GITHUB_KEYS_URL", "is "+strconv.Quote(raw.GitHubKeysURL)+", which is no https address", "Leave it unset for GitHub’s own, or give a mirror such as https://mirror.example.com/public_keys")
	case address.Scheme == "http" && !isLoopback(address.Hostname()):
		problems.add("GATEHOUSE_GITHUB_KEYS_URL", "is http, so anybody on the way could put in keys of their own", "Use https; http is for 127.0.0.1 and localhost alone")
	}
	settings.GitHubKeysURL = raw.GitHubKeysURL
}

// checkTraces takes http too: there is no secret in a trace.
func checkTraces(raw variables, settings *Settings, problems *Problems) {
	share, err := strconv.ParseFloat(raw.TracesShare, 64)
	if err != nil || !(share >= 0 && share <= 1) {
		problems.add("GATEHOUSE_TRACES_SHARE", "is "+strconv.Quote(raw.TracesShare), "Give a share from 0 to 1, such as 0.05")
	}
	settings.TracesShare = share
	if raw.TracesURL == "" {
		return
	}
	address, err := url.Parse(raw.TracesURL)
	if err != nil || address.Hostname() == "" || address.Scheme != "http" && address.Scheme != "https" || address.User != nil || address.RawQuery != "" || !validPort(address) {
		problems.add("GATEHOUSE_TRACES_URL", "is no http or https address of a collector", "Write it without user and path, such as http://127.0.0.1:4318; /v1/traces is added")
		return
	}
	settings.TracesURL = strings.TrimRight(raw.TracesURL, "/")
}

func validPort(address *url.URL) bool {
	if address.Port() == "" {
		return !strings.HasSuffix(address.Host, ":")
	}
	number, err := strconv.ParseUint(address.Port(), 10, 16)
	return err == nil && number > 0
}

// checkTransport asks who encrypts: http is for one's own machine, and https needs a certificate here or a proxy that is
// named.
func checkTransport(raw variables, base *url.URL, problems *Problems) {
	switch {
	case base.Scheme == "http" && !isLoopback(base.Hostname()):
		problems.add("GATEHOUSE_BASE_URL", "is http on "+base.Host+", so passwords and keys would cross the network unencrypted", "Use https; http is for 127.0.0.1 and localhost alone")
	case base.Scheme == "http" && raw.TLSCert != "":
		problems.add("GATEHOUSE_BASE_URL", "is http, but Gatehouse serves TLS with GATEHOUSE_TLS_CERT", "Write https://"+base.Host)
	case base.Scheme == "https" && raw.TLSCert == "" && raw.TLSKey == "" && raw.TrustedProxies == "":
		problems.add("GATEHOUSE_TLS_CERT", "is not set, and no proxy is named that would serve "+base.String(), "Set GATEHOUSE_TLS_CERT and GATEHOUSE_TLS_KEY, or name the proxy in GATEHOUSE_TRUSTED_PROXIES")
	}
}

// baseURLFrom makes the base URL of a machine that serves only itself.
func baseURLFrom(raw variables) string {
	host, port, err := net.SplitHostPort(raw.Addr)
	if err != nil || !isLoopback(host) || port == "0" {
		return ""
	}
	scheme := "http"
	if raw.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// list parts a text at its commas and drops what is empty.
func list(text string) []string {
	var entries []string
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}
