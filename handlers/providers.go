package handlers

import (
	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/org/domain"
)

// newProviders makes the store of who people are at the providers of the settings.
func newProviders(o Options, made provider.Options) *provider.Store {
	for _, p := range o.Settings.Providers {
		made.Providers = append(made.Providers, provider.Provider{Name: p.Name, Label: p.Label, Issuer: p.Issuer, Anew: !p.GitHub})
	}
	return provider.NewStore(made)
}

// domainProviders are those of the settings, with the domains that they speak for.
func domainProviders(o Options) (all []domain.Provider) {
	for _, p := range o.Settings.Providers {
		all = append(all, domain.Provider{Name: p.Name, Label: p.Label, Domains: p.Domains})
	}
	return all
}

// issuers are those of the providers of the settings.
func issuers(o Options) (all []string) {
	for _, p := range o.Settings.Providers {
		all = append(all, p.Issuer)
	}
	return all
}

// providerClients are what talks to the providers of the settings, by their names.
func providerClients(o Options) map[string]*openid.Client {
	all := map[string]*openid.Client{}
	for _, p := range o.Settings.Providers {
		s := openid.Settings{Name: p.Name, Label: p.Label, Issuer: p.Issuer, GitHub: p.GitHub, ClientID: p.ClientID, ClientSecret: p.ClientSecret.Text, Domains: p.Domains, TrustAddress: p.TrustAddress, Factor: p.Factor}
		all[p.Name] = openid.New(s, o.Settings.BaseURL.String()+"/login/with/"+p.Name+"/callback", o.Settings.ProvidersPrivate, o.DB.Now)
	}
	return all
}
