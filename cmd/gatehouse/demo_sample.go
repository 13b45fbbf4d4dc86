package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gatehouse-dev/gatehouse/handlers"
	"github.com/gatehouse-dev/gatehouse/handlers/edge"
	"github.com/gatehouse-dev/gatehouse/internal/apikey"
	"github.com/gatehouse-dev/gatehouse/internal/config"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/sample"
	"github.com/gatehouse-dev/gatehouse/models/actor"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/db"
	"github.com/gatehouse-dev/gatehouse/models/setting"
)

// sampleSlug is the API of the demo behind whose addresses something answers.
const sampleSlug = "catalogue"

// samplePlaces are where the sample is served when nobody else is there.
var samplePlaces = map[string]string{catalog.EnvLive: "127.0.0.1:8090", catalog.EnvTest: "127.0.0.1:8091"}

// askTimeout bounds how long the sample waits for the portal's decision.
const askTimeout = 5 * time.Second

// serveSample opens the sample of the demo's Catalogue API on the loopback, live and test, and makes its addresses those of the API. It is guarded by the
// portal that listens at portal, as any service would be. A demo whose admin took that API away is served without.
func serveSample(w *world, o *opened, house *handlers.House, portal net.Addr) ([]server, error) {
	api, err := house.Stores.Catalog.BySlug(w.ctx, actor.ForOperator(), sampleSlug)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ask, err := portalClient(o.settings)
	if err != nil {
		return nil, err
	}
	token, err := sampleKey(w.ctx, o.db, house, api.ID)
	if err != nil {
		return nil, err
	}
	scheme := "http://"
	if o.settings.TLSCert != "" {
		scheme = "https://"
	}
	var all []server
	for _, e := range api.Environments {
		l, err := listenNear(samplePlaces[e.Environment])
		if err == nil {
			all = append(all, server{newServer(sample.New(sample.Options{
				Authz: scheme + portal.String() + edge.AuthzPath, Client: ask, Token: token, API: api.Slug, Environment: e.Environment,
			})), l, ""})
			err = moveTo(w.ctx, house, api, e, "http://"+l.Addr().String())
		}
		if err != nil {
			return nil, errors.Join(err, closeAll(all))
		}
		_, _ = fmt.Fprintf(w.stdout, "The %s answers at http://%s (%s)\n", api.Name, l.Addr(), e.Environment)
	}
	_, _ = fmt.Fprintln(w.stdout, "All other APIs of the demo are made up: nothing answers at their addresses.")
	return all, nil
}

// listenNear listens at the place, or at a free port of the loopback when that is taken.
func listenNear(place string) (net.Listener, error) {
	listen := &net.ListenConfig{}
	if l, err := listen.Listen(context.Background(), "tcp", place); err == nil {
		return l, nil
	}
	return listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
}

// moveTo sets the base URL of an environment, unless it is that already.
func moveTo(ctx context.Context, house *handlers.House, api catalog.Detail, e catalog.Environment, base string) error {
	if e.BaseURL == base {
		return nil
	}
	e.BaseURL = base
	return house.Stores.Catalog.SetEnvironment(ctx, actor.ForOperator(), api.ID, e)
}

// sampleSetting names the gateway key of the last run: its id, which is no secret.
const sampleSetting = "demo_sample"

// sampleKey makes the gateway key of this run, which is nowhere but in this process (K1), and revokes that of the last.
func sampleKey(ctx context.Context, d *db.DB, house *handlers.House, api db.ID) (apikey.Secret, error) {
	var last struct{ KeyID db.ID }
	found, err := setting.Get(ctx, d, sampleSetting, &last)
	if err != nil {
		return apikey.Secret{}, err
	}
	if found {
		err := house.Stores.Key.RevokeByStaff(ctx, actor.ForOperator(), last.KeyID, "The demo was started again: its sample of the Catalogue API has a new key.")
		if err != nil && !fault.Is(err, fault.NotFound) {
			return apikey.Secret{}, err
		}
	}
	made, err := house.Stores.Key.CreateGatewayKey(ctx, actor.ForOperator(), api, "")
	if err != nil {
		return apikey.Secret{}, err
	}
	last.KeyID = made.Key.ID
	return made.Secret, d.Tx(ctx, func(tx *db.Tx) error { return setting.Put(tx, sampleSetting, last) })
}

// portalClient asks the portal of this process, by no proxy, and believes no certificate but the portal's own.
func portalClient(s config.Settings) (*http.Client, error) {
	through := &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: idleTimeout}
	if s.TLSCert != "" {
		certificate, err := os.ReadFile(s.TLSCert)
		if err != nil {
			return nil, fmt.Errorf("TLS: %w", err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(certificate)
		through.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: s.BaseURL.Hostname(), MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: through, Timeout: askTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}
