package catalog

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-dev/gatehouse/handlers/web"
	"github.com/gatehouse-dev/gatehouse/internal/fault"
	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
	"github.com/gatehouse-dev/gatehouse/models/catalog"
	"github.com/gatehouse-dev/gatehouse/models/key"
	"github.com/gatehouse-dev/gatehouse/models/org"
	views "github.com/gatehouse-dev/gatehouse/views/catalog"
	"github.com/gatehouse-dev/gatehouse/views/components"
	desk "github.com/gatehouse-dev/gatehouse/views/org"
)

type connectForm struct {
	Token       string `form:"form_token"`
	Environment string `form:"environment"`
	Upstream    string `form:"upstream"`
	Gatehouse   string `form:"gatehouse"`
	ServerName  string `form:"server_name"`
	Listen      string `form:"listen"`
}

// Connect shows whether a gateway asks about an API, and the form that makes one its key.
func (h *Handler) Connect(c echo.Context) error {
	api, err := h.connectable(c)
	if err != nil {
		return err
	}
	p := h.connectPage(c, api, h.connectDefaults(c, api), nil)
	p.Confirmed = confirmed(c)
	return h.Render(c, views.ConnectPage(p))
}

func (h *Handler) connectable(c echo.Context) (catalog.Detail, error) {
	api, err := h.detail(c)
	if err == nil && api.IsPortal {
		err = fault.New(fault.Conflict, "The portal guards its own API. It needs no gateway.")
	}
	return api, err
}

// connectDefaults fills the form in: with what was typed before the password was asked for, or with what is known of the API.
func (h *Handler) connectDefaults(c echo.Context, api catalog.Detail) connectForm {
	if confirmed(c) {
		return connectForm{
			Environment: c.QueryParam("environment"), Upstream: c.QueryParam("upstream"), Gatehouse: c.QueryParam("gatehouse"), ServerName: c.QueryParam("server_name"), Listen: c.QueryParam("listen"),
		}
	}
	f := connectForm{Environment: catalog.EnvLive, Gatehouse: h.Link(""), Listen: "80"}
	if h.Edge != "" {
		f.Gatehouse = h.Edge
	}
	for i, e := range api.Environments {
		if i == 0 || e.Environment == catalog.EnvLive {
			f.Environment, f.Upstream = e.Environment, e.BaseURL
			if u, err := url.Parse(e.BaseURL); err == nil {
				f.ServerName = u.Hostname()
			}
		}
	}
	if api.FirstCheckedAt != nil || f.options(api.API).Loops() {
		f.Upstream = "" // callers come to the gateway by that address: the service is elsewhere
	}
	return f
}

func (f *connectForm) options(api catalog.API) gatewayfile.Options {
	return gatewayfile.Options{GatehouseURL: f.Gatehouse, APISlug: api.Slug, Environment: f.Environment, Upstream: f.Upstream, ServerName: f.ServerName, Listen: f.Listen}
}

// inClear reports whether the gateway's key and those of all callers would cross a network as anybody on it can read them.
func (f *connectForm) inClear() bool {
	u, err := url.Parse(f.Gatehouse)
	return err == nil && u.Scheme == "http" && u.Host != "" && !gatewayfile.Loopback(u.Hostname())
}

func (h *Handler) connectPage(c echo.Context, api catalog.Detail, f connectForm, fields map[string]string) views.Connect {
	p := views.Connect{
		Frame: h.Frame(c, web.T(c, "Connect %s", api.Name)), Name: api.Name, Slug: api.Slug, Status: *h.gatewayStatus(c, api.API), Crumbs: []components.Crumb{{Label: web.T(c, "APIs"), Href: apisPath}, {Label: api.Name, Own: true, Href: apiPath(api.ID)}},
		TabsLabel: web.T(c, "Parts of this API"), Tabs: apiTabs(c, api.API, "/connect"),
		KeysHref: "/admin/keys?" + url.Values{"q": {key.GatewayKeyName(api.Name)}, "app": {key.GatewayApp}, "owner": {api.PublisherName}}.Encode(), InClear: f.inClear(),
	}
	if api.FirstCheckedAt != nil {
		p.Checked, p.First = true, *h.Moment(c, *api.FirstCheckedAt)
		p.Last = p.First
		if api.LastCheckedAt != nil {
			p.Last = *h.Moment(c, *api.LastCheckedAt)
		}
	} else {
		p.StatusURL = apiPath(api.ID) + "/connect"
	}
	p.ReportHref, p.Code = apiPath(api.ID)+reportOnlyTab, codeFiles(gatewayfile.Options{GatehouseURL: f.Gatehouse, APISlug: api.Slug, Environment: f.Environment})
	p.ReportOnly = h.reportOnlyNotes(c, api.API)
	if editable(c, api.API) {
		p.Form = h.connectFormView(c, api, f, fields)
	}
	return p
}

func (h *Handler) connectFormView(c echo.Context, api catalog.Detail, f connectForm, fields map[string]string) *desk.Form {
	environment := components.Field{Name: "environment", Label: web.T(c, "Environment"), Value: f.Environment, Error: fields["environment"]}
	for _, e := range []string{catalog.EnvLive, catalog.EnvTest} {
		environment.Options = append(environment.Options, components.Option{Value: e, Label: web.T(c, environmentWords[e])})
	}
	return &desk.Form{
		Spec: components.FormSpec{Action: apiPath(api.ID) + "/connect", Token: h.Keys.NewFormToken(web.Actor(c), key.GatewayPurpose(api.ID))},
		Text: web.T(c, "The key is a new one of the publisher’s app Gateway, without end. Keys made before keep working until they are revoked."),
		Inputs: []desk.Input{
			desk.Select(environment),
			desk.Line(components.Field{Name: "upstream", Type: "url", Label: web.T(c, "Address of the service"), Value: f.Upstream, Error: fields["upstream"], Code: true, Required: true, Hint: web.T(c, "Where the gateway finds the API itself. When the base URL is the gateway’s own, put the address behind it here.")}),
			desk.Line(components.Field{Name: "gatehouse", Type: "url", Label: web.T(c, "Address of Gatehouse"), Value: f.Gatehouse, Error: fields["gatehouse"], Code: true, Required: true, Hint: h.whereGatehouse(c)}),
			desk.Line(components.Field{Name: "server_name", Label: web.T(c, "Server name"), Value: f.ServerName, Error: fields["server_name"], Code: true, Optional: true, Hint: web.T(c, "The host that the gateway answers for. Empty: any.")}),
			desk.Line(components.Field{Name: "listen", Label: web.T(c, "Listen on"), Value: f.Listen, Error: fields["listen"], Code: true, Optional: true, Hint: web.T(c, "A port, or an address and a port.")}),
		}, Submit: web.T(c, "Make gateway key"), Kind: components.Primary,
	}
}

// whereGatehouse tells by which addresses gateways reach Gatehouse.
func (h *Handler) whereGatehouse(c echo.Context) string {
	if h.Edge == "" {
		return web.T(c, "As the gateway reaches it: this portal, or its edge listener.")
	}
	return web.T(c, "As the gateway reaches it. The edge listener, which is for gateways alone, is at %[1]s; this portal is at %[2]s.", h.Edge, h.Link(""))
}

// MakeGatewayKey makes the key, and shows it with the file this once. A repeat of the form shows no secret (K2).
func (h *Handler) MakeGatewayKey(c echo.Context) error {
	api, err := h.connectable(c)
	if err != nil {
		return err
	}
	if api.RetiredAt != nil {
		return fault.New(fault.Conflict, "This API is retired. It can’t be changed any more.")
	}
	var f connectForm
	if err := web.Bind(c, &f); err != nil {
		return err
	}
	var made key.Made
	if err = f.check(api.API); err == nil {
		if to, stale := h.unconfirmed(c, apiPath(api.ID)+"/connect", f.values()); stale {
			return h.See(c, to)
		}
		made, err = h.Keys.CreateGatewayKey(web.Ctx(c), web.Actor(c), api.ID, f.Token)
	}
	if err != nil {
		list, fields, ok := web.Problems(c, err)
		if !ok {
			return err
		}
		p := h.connectPage(c, api, f, fields)
		p.Problems = list
		return h.RenderProblems(c, views.ConnectPage(p))
	}
	if made.Again {
		return h.Warn(c, apiPath(api.ID)+"/connect", "This form made its gateway key already. Its secret was shown then and is not kept; make another one if it is lost.")
	}
	p := h.connectPage(c, api, f, nil)
	p.Form, p.Secret = nil, made.Secret.Reveal()
	o := f.options(api.API)
	o.Token = p.Secret
	p.Gateways = gatewayFiles(c, o)
	return h.RenderStatus(c, http.StatusOK, views.ConnectPage(p))
}

// gatewayFiles are the files of each gateway; those that CI does not run say so.
func gatewayFiles(c echo.Context, o gatewayfile.Options) []views.Gateway {
	name := "gatehouse-" + o.APISlug + "-" + o.Environment
	file := func(title, path, text string) components.CodeBlock {
		return components.CodeBlock{Title: title, Note: path, Text: text}
	}
	return []views.Gateway{
		{Name: "nginx", Href: "/guides/nginx", Files: []components.CodeBlock{file("nginx", "/etc/nginx/conf.d/"+name+".conf", gatewayfile.Nginx(o))}},
		{Name: "Caddy", Href: "/guides/caddy", Files: []components.CodeBlock{file("Caddy", "/etc/caddy/"+name+".caddy", gatewayfile.Caddy(o))}},
		{Name: "HAProxy", Href: "/guides/haproxy", Files: []components.CodeBlock{
			file("HAProxy", "/etc/haproxy/"+name+".cfg", gatewayfile.HAProxy(o)), file("HAProxy, Lua", "/etc/haproxy/"+name+".lua", gatewayfile.HAProxyLua(o)),
		}},
		{
			Name: "Traefik", Href: "/guides/traefik", Note: web.T(c, "This file is run with Traefik 3.6, but not at every change of Gatehouse."),
			Files: []components.CodeBlock{file("Traefik", "/etc/traefik/dynamic/"+name+".yaml", gatewayfile.Traefik(o))},
		},
		{
			Name: "Envoy", Href: "/guides/envoy", Note: web.T(c, "This file is checked against Envoy’s configuration schema, but we have never run it. Try it before you rely on it."),
			Files: []components.CodeBlock{file("Envoy", "/etc/envoy/envoy.yaml", gatewayfile.Envoy(o))},
		},
	}
}

// codeFiles are the code for a service without a gateway. There is no key in it.
func codeFiles(o gatewayfile.Options) []views.Gateway {
	const guide = "/guides/verifying-keys"
	return []views.Gateway{
		{Name: "Go", Href: guide, Files: []components.CodeBlock{{Title: "Go", Note: "protected.go", Text: gatewayfile.Go(o)}}},
		{Name: "Node", Href: guide, Files: []components.CodeBlock{{Title: "Node", Note: "gatehouse.mjs", Text: gatewayfile.Node(o)}}},
		{Name: "Python", Href: guide, Files: []components.CodeBlock{{Title: "Python", Note: "gatehouse.py", Text: gatewayfile.Python(o)}}},
	}
}

// values are what was typed; all of it was checked, and none is a secret.
func (f *connectForm) values() url.Values {
	return url.Values{"environment": {f.Environment}, "upstream": {f.Upstream}, "gatehouse": {f.Gatehouse}, "server_name": {f.ServerName}, "listen": {f.Listen}}
}

func (f *connectForm) check(api catalog.API) error {
	var p fault.Problems
	p.Check(f.Environment == catalog.EnvLive || f.Environment == catalog.EnvTest, "environment", "Choose an environment.")
	f.Upstream = org.CheckURL(&p, "upstream", f.Upstream)
	f.Gatehouse = org.CheckURL(&p, "gatehouse", f.Gatehouse)
	p.Check(f.Upstream != "", "upstream", "Enter an address that begins with https:// or http://.")
	p.Check(f.Gatehouse != "", "gatehouse", "Enter an address that begins with https:// or http://.")
	p.Check(gatewayfile.Fits(f.ServerName), "server_name", "A host name is letters, digits, dots and hyphens.")
	p.Check(gatewayfile.Fits(f.Listen), "listen", "Enter a port such as 80, or an address and a port such as 127.0.0.1:8081.")
	p.Check(f.Upstream == "" || !f.options(api).Loops(), "upstream", "The gateway itself answers there, so it would ask itself without end. Enter the address of the service behind it, or have the gateway listen elsewhere.")
	return p.Err()
}
