package handlers

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/openid"
	"github.com/gatehouse-dev/gatehouse/models/account"
	"github.com/gatehouse-dev/gatehouse/models/account/provider"
	"github.com/gatehouse-dev/gatehouse/models/outbox"
)

// newProviders makes the store of who people are at the providers of the settings.
func newProviders(o Options, accounts *account.Store, box *outbox.Outbox, link func(string) string, portalName func(context.Context) string) *provider.Store {
	var known []provider.Provider
	for _, p := range o.Settings.Providers {
		known = append(known, provider.Provider{Name: p.Name, Label: p.Label, Issuer: p.Issuer, Anew: !p.GitHub})
	}
	return provider.NewStore(provider.Options{DB: o.DB, Accounts: accounts, Outbox: box, Link: link, PortalName: portalName, Providers: known})
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
