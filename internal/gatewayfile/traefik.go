package gatewayfile

// Traefik is a file for Traefik's file provider, made for 3.6 and later, whose routers can have others below them. What it does, in the order of a request:
// Gatehouse is asked, with the method, the address and the client's address as Traefik saw them; headers that could pass for ours, or for a proxy's word, are
// dropped, and those of the answer put in their place; a yes, which is a 200 that names a key, goes to the service, and its key is taken off. Every answer
// that is no 2xx goes back to the client as Gatehouse gave it; a 2xx that names nobody is 503, and no answer at all 500, never the service's. Traefik can't
// pass on what the answer of a yes tells of limits.
func Traefik(o Options) string {
	upstream := address(o.Upstream)
	rule := "PathPrefix(`/`)"
	if name := o.serverName(); name != "" {
		rule = "Host(`" + name + "`)"
	}
	return o.fill("«rule»", rule, "«upstream»", upstream.scheme+"://"+upstream.hostPort).Replace(traefikFile)
}

const traefikFile = `# Gatehouse guards the API «slug» («env») here. This file holds a key: keep it readable by Traefik alone.
http:
  routers:
    «name»:
      rule: "«rule»"
      middlewares: ["«name»_token", "«name»"]

    # A yes names the key. Its credentials have done their work.
    «name»_known:
      parentRefs: ["«name»"]
      rule: "HeaderRegexp(` + "`X-Gatehouse-Key-Id`, `^key_[0-9a-z]+$`" + `)"
      priority: 20
      middlewares: ["«name»_taken_off"]
      service: "«name»"

    # In report-only mode, what would have been refused goes on marked, with the credentials that it came with: they are for the service.
    «name»_would_refuse:
      parentRefs: ["«name»"]
      rule: "HeaderRegexp(` + "`X-Gatehouse-Would-Refuse`, `^[A-Z_]+$`" + `)"
      priority: 30
      service: "«name»"

    # What answers 200 and names nobody is not Gatehouse: nothing gets past it.
    «name»_nowhere:
      parentRefs: ["«name»"]
      rule: "PathPrefix(` + "`/`" + `)"
      priority: 10
      service: "«name»_nowhere"

  middlewares:
    «name»_token:
      headers:
        customRequestHeaders:
          X-Gatehouse-Token: "«token»"

    «name»:
      forwardAuth:
        address: "«gatehouse scheme»://«gatehouse»/v1/authz?api=«slug»&env=«env»"
        trustForwardHeader: false
        authRequestHeaders: ["X-Gatehouse-Token", "Authorization", "X-Api-Key", "Cookie", "Origin"]
        maxResponseBodySize: 65536
        # All that has such a name is dropped from the request, and then taken from the answer, which holds none but X-Gatehouse- ones: who calls, as Gatehouse says.
        # So names that another program could read as one of ours never get past this point, nor what a client says in a proxy's name.
        authResponseHeadersRegex: "(?i)[_.]|^x-gatehouse-|^x-original-|^x-rewrite-|^x-forwarded-(uri|method|prefix)|^x-http-method|^x-method-override$|^forwarded$"

    «name»_taken_off:
      headers:
        customRequestHeaders:
          Authorization: ""
          X-Api-Key: ""

  services:
    «name»:
      loadBalancer:
        passHostHeader: false
        servers:
          - url: "«upstream»"
    «name»_nowhere:
      loadBalancer:
        servers: []
`
