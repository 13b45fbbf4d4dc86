package config_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/config"
)

var twoProviders = environment{
	"GATEHOUSE_OIDC":                          "github, north-wind",
	"GATEHOUSE_OIDC_GITHUB_CLIENT_ID":         "gh",
	"GATEHOUSE_OIDC_GITHUB_CLIENT_SECRET":     "gh-hunter2",
	"GATEHOUSE_OIDC_NORTH_WIND_ISSUER":        "https://login.northwind.example/",
	"GATEHOUSE_OIDC_NORTH_WIND_CLIENT_ID":     "portal",
	"GATEHOUSE_OIDC_NORTH_WIND_CLIENT_SECRET": "nw-hunter2",
	"GATEHOUSE_OIDC_NORTH_WIND_LABEL":         "Northwind",
	"GATEHOUSE_OIDC_NORTH_WIND_DOMAINS":       "Northwind.example, nw.example",
	"GATEHOUSE_OIDC_NORTH_WIND_TRUST_ADDRESS": "yes",
	"GATEHOUSE_OIDC_NORTH_WIND_SECOND_FACTOR": "mfa,otp",
	"GATEHOUSE_OIDC_PRIVATE":                  "10.1.2.3/24,127.0.0.1",
}

func TestProvidersAreReadByTheirNames(t *testing.T) {
	settings, err := config.Load(production(twoProviders).lookup)
	if err != nil {
		t.Fatal(err)
	}

	github, north := settings.Providers[0], settings.Providers[1]

	if !github.GitHub || github.Label != "GitHub" || github.Issuer != "https://github.com" || github.ClientSecret.Reveal() != "gh-hunter2" || github.TrustAddress || !slices.Equal(github.Domains, []string{"*"}) {
		t.Errorf("%+v", github)
	}
	if north.GitHub || north.Label != "Northwind" || north.Issuer != "https://login.northwind.example/" || north.ClientID != "portal" || !north.TrustAddress || !slices.Equal(north.Domains, []string{"northwind.example", "nw.example"}) || !slices.Equal(north.Factor, []string{"mfa", "otp"}) {
		t.Errorf("%+v", north)
	}
	if got := fmt.Sprint(settings.ProvidersPrivate); got != "[10.1.2.0/24 127.0.0.1/32]" {
		t.Error(got)
	}
	if shown := fmt.Sprintf("%+v %#v", settings, settings); strings.Contains(shown, "hunter2") {
		t.Error("a secret shows")
	}
	names := []string{"GATEHOUSE_OIDC_TYPO_ISSUER=x", "GATEHOUSE_OIDC_GITHUB_CLIENT_SECRET_FILE=x"}
	for name, value := range twoProviders {
		names = append(names, name+"="+value)
	}
	if got := config.Unknown(names); !slices.Equal(got, []string{"GATEHOUSE_OIDC_TYPO_ISSUER"}) {
		t.Error(got)
	}
}

// C1.
func TestWrongProvidersAreRefused(t *testing.T) {
	for variable, value := range map[string]string{
		"GATEHOUSE_OIDC":                          "github,north-wind,North",
		"GATEHOUSE_OIDC_NORTH_WIND_ISSUER":        "http://login.northwind.example",
		"GATEHOUSE_OIDC_NORTH_WIND_CLIENT_ID":     "",
		"GATEHOUSE_OIDC_NORTH_WIND_CLIENT_SECRET": "",
		"GATEHOUSE_OIDC_NORTH_WIND_TRUST_ADDRESS": "maybe",
		"GATEHOUSE_OIDC_NORTH_WIND_DOMAINS":       "northwind.example,@southwind.example",
		"GATEHOUSE_OIDC_PRIVATE":                  "0.0.0.0/0",
	} {
		wrong := maps.Clone(twoProviders)
		wrong[variable] = value
		if _, err := config.Load(production(wrong).lookup); err == nil || !strings.Contains(err.Error(), variable+" ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s=%s: %v", variable, value, err)
		}
	}
	twice := maps.Clone(twoProviders)
	twice["GATEHOUSE_OIDC"] = "github,north-wind,github"
	if _, err := config.Load(production(twice).lookup); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Error(err)
	}
	microsoft := environment{"GATEHOUSE_OIDC": "microsoft", "GATEHOUSE_OIDC_MICROSOFT_CLIENT_ID": "x", "GATEHOUSE_OIDC_MICROSOFT_CLIENT_SECRET": "y"}
	if _, err := config.Load(production(microsoft).lookup); err == nil || !strings.Contains(err.Error(), "GATEHOUSE_OIDC_MICROSOFT_ISSUER is not set") {
		t.Error("Microsoft for every directory at once:", err)
	}
}

// A15: only who verifies each address may speak for all; of everybody else the operator lists the domains.
func TestAProviderSpeaksForNoDomainUnlessItIsListed(t *testing.T) {
	domains := func(change environment) ([]string, []string, error) {
		env := maps.Clone(twoProviders)
		delete(env, "GATEHOUSE_OIDC_NORTH_WIND_DOMAINS")
		delete(env, "GATEHOUSE_OIDC_NORTH_WIND_TRUST_ADDRESS")
		maps.Copy(env, change)
		settings, err := config.Load(production(env).lookup)
		if err != nil {
			return nil, nil, err
		}
		return settings.Providers[0].Domains, settings.Providers[1].Domains, nil
	}

	github, north, err1 := domains(nil)
	enterprise, _, err2 := domains(environment{"GATEHOUSE_OIDC_GITHUB_ISSUER": "https://github.northwind.example"})
	narrow, all, err3 := domains(environment{"GATEHOUSE_OIDC_GITHUB_DOMAINS": "northwind.example", "GATEHOUSE_OIDC_NORTH_WIND_DOMAINS": "*"})
	_, _, blind := domains(environment{"GATEHOUSE_OIDC_NORTH_WIND_TRUST_ADDRESS": "yes"})

	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(github, []string{"*"}) || north != nil || enterprise != nil || !slices.Equal(narrow, []string{"northwind.example"}) || !slices.Equal(all, []string{"*"}) {
		t.Error(github, north, enterprise, narrow, all)
	}
	if blind == nil || !strings.Contains(blind.Error(), "GATEHOUSE_OIDC_NORTH_WIND_TRUST_ADDRESS is yes for no domain") {
		t.Error("each address of a provider is trusted, at whosever domain:", blind)
	}
}
