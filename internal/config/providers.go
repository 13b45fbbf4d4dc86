package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Provider is one elsewhere by which people sign in.
type Provider struct {
	Name         string // in addresses and in the names of settings
	Label        string
	Issuer       string // exactly as the provider writes it, by https, or by http on loopback
	GitHub       bool   // OAuth as GitHub has it
	ClientID     string
	ClientSecret Secret
	Domains      []string // of whose addresses its word counts, in small letters; "*": all; none: it never counts
	TrustAddress bool     // within Domains, each address that it names counts as verified
	Factor       []string
}

// The parts of GATEHOUSE_OIDC_<NAME>_<PART>.
const (
	partIssuer       = "ISSUER"
	partClientID     = "CLIENT_ID"
	partClientSecret = "CLIENT_SECRET"
	partLabel        = "LABEL"
	partDomains      = "DOMAINS"
	partTrust        = "TRUST_ADDRESS"
	partFactor       = "SECOND_FACTOR"
)

var providerParts = []struct{ part, help string }{
	{partIssuer, "address of the provider, exactly as it names itself; google and github know theirs"},
	{partClientID, "what it calls this portal"},
	{partClientSecret, "what it knows this portal by (or _CLIENT_SECRET_FILE)"},
	{partLabel, "what people call it, such as Northwind; default: its name"},
	{partDomains, "domains of whose addresses its word counts, parted by commas, such as northwind.example; *: all; a mail proves each other address first; default: * for google and github at their own addresses, none for all others"},
	{partTrust, "yes: within its domains, which must be set too, each address that it names counts as verified, since it is the directory of a company; default: those alone that it says are"},
	{partFactor, "values of amr or acr, parted by commas, that say that a second factor was shown there, such as mfa; ours is then not asked for; unset: it always is"},
}

// presets are the providers whose names say enough. Microsoft's issuer names the directory, so there is none for all.
var presets = map[string]Provider{
	"google":    {Label: "Google", Issuer: "https://accounts.google.com"},
	"microsoft": {Label: "Microsoft"},
	"github":    {Label: "GitHub", Issuer: "https://github.com", GitHub: true},
}

var providerForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const longestProvider = 30

func providerVariable(name, part string) string {
	return "GATEHOUSE_OIDC_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_" + part
}

// providerVariables are the names of all settings of the providers that the environment names.
func providerVariables(names string) []string {
	var all []string
	for _, name := range list(names) {
		for _, p := range providerParts {
			all = append(all, providerVariable(name, p.part))
		}
		all = append(all, providerVariable(name, partClientSecret)+"_FILE")
	}
	return all
}

// readProviders reads the settings of each provider that GATEHOUSE_OIDC names.
func readProviders(lookupEnv func(string) (string, bool), raw variables, settings *Settings, problems *Problems) {
	for _, name := range list(raw.OIDC) {
		if !providerForm.MatchString(name) || len(name) > longestProvider {
			problems.add("GATEHOUSE_OIDC", "has "+strconv.Quote(name)+", which is no name of a provider", "Use small letters, digits and hyphens, such as google,northwind")
			continue
		}
		if slices.ContainsFunc(settings.Providers, func(p Provider) bool { return providerVariable(p.Name, "") == providerVariable(name, "") }) {
			problems.add("GATEHOUSE_OIDC", "has "+strconv.Quote(name)+" twice", "Name each provider once")
			continue
		}
		settings.Providers = append(settings.Providers, readProvider(lookupEnv, name, problems))
	}
	for _, entry := range list(raw.OIDCPrivate) {
		network, err := netip.ParsePrefix(entry)
		if address, plain := netip.ParseAddr(entry); plain == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil || network.Bits() == 0 {
			problems.add("GATEHOUSE_OIDC_PRIVATE", "has "+strconv.Quote(entry)+", which is no network", "Write addresses or networks such as 10.0.0.5 or 10.0.0.0/24, parted by commas")
			continue
		}
		settings.ProvidersPrivate = append(settings.ProvidersPrivate, network.Masked())
	}
}

func readProvider(lookupEnv func(string) (string, bool), name string, problems *Problems) Provider {
	get := func(part string) string {
		value, _ := lookupEnv(providerVariable(name, part))
		return strings.TrimSpace(value)
	}
	p := presets[name]
	p.Name = name
	p.Issuer = or(get(partIssuer), p.Issuer)
	p.Label = or(get(partLabel), or(p.Label, name))
	p.ClientID, p.Factor = get(partClientID), list(get(partFactor))
	p.ClientSecret = readProviderSecret(lookupEnv, name, get(partClientSecret), problems)
	if p.GitHub {
		p.Issuer = strings.TrimRight(p.Issuer, "/")
	}
	issuer, err := url.Parse(p.Issuer)
	switch {
	case p.Issuer == "":
		problems.add(providerVariable(name, partIssuer), "is not set", "Give the address of the provider, such as https://login.example.com; for Microsoft https://login.microsoftonline.com/<tenant>/v2.0")
	case err != nil || issuer.Host == "" || issuer.User != nil || issuer.RawQuery != "" || issuer.Fragment != "" || !encrypted(issuer):
		problems.add(providerVariable(name, partIssuer), "is "+strconv.Quote(p.Issuer)+", which is no https address", "Write it exactly as the provider does; http is for this machine alone")
	}
	if p.ClientID == "" {
		problems.add(providerVariable(name, partClientID), "is not set", "Give what the provider calls this portal, once you registered it there")
	}
	if !p.ClientSecret.IsSet() {
		problems.add(providerVariable(name, partClientSecret), "is not set", "Give what the provider knows this portal by, here or in a file that "+providerVariable(name, partClientSecret)+"_FILE names")
	}
	readProviderDomains(get(partDomains), &p, problems)
	switch trust := get(partTrust); trust {
	case "", "no":
	case "yes":
		p.TrustAddress = true
		if get(partDomains) == "" {
			problems.add(providerVariable(name, partTrust), "is yes for no domain", "List the domains of the directory in "+providerVariable(name, partDomains)+", such as northwind.example")
		}
	default:
		problems.add(providerVariable(name, partTrust), "is "+strconv.Quote(trust), "Write yes or no")
	}
	return p
}

// verifying are the providers that verify each address themselves, whoever's it is, and where alone they do.
var verifying = map[string]string{"google": presets["google"].Issuer, "github": presets["github"].Issuer}

func readProviderDomains(text string, p *Provider, problems *Problems) {
	if text == "" {
		if p.Issuer != "" && verifying[p.Name] == p.Issuer {
			p.Domains = []string{"*"}
		}
		return
	}
	for _, domain := range list(strings.ToLower(text)) {
		if domain != "*" && !domainForm.MatchString(domain) {
			problems.add(providerVariable(p.Name, partDomains), "has "+strconv.Quote(domain)+", which is no domain", "Write domains such as northwind.example, parted by commas, or * for all")
		}
		p.Domains = append(p.Domains, domain)
	}
}

func readProviderSecret(lookupEnv func(string) (string, bool), name, value string, problems *Problems) Secret {
	variable := providerVariable(name, partClientSecret)
	if file, _ := lookupEnv(variable + "_FILE"); file != "" {
		if value != "" {
			problems.add(variable, "and "+variable+"_FILE are both set", "Keep one of them")
		}
		value = readSecretFile(variable+"_FILE", file, problems)
	}
	if value == "" {
		return Secret{}
	}
	return NewSecret(value)
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
