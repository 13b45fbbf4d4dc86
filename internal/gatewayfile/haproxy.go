package gatewayfile

// HAProxy is the part of a configuration that guards one API, made for HAProxy 2.6 and later with Lua compiled in, as Debian's has it; HAProxyLua
// is the program that it loads. What both do, in the order of a request: headers that could pass for ours, or for a
// proxy's word, are dropped; Gatehouse is asked by HAProxy's own HTTP client, with the method, the address and the client's address as HAProxy saw
// them; a yes, which is a 200 that has the identity headers, goes to the service with these overwritten (empty where there is none)
// and the key taken off; 401, 403 and 429 go back to the client as Gatehouse answered them. Anything else is 503, also when the program fails.
func HAProxy(o Options) string {
	upstream := address(o.Upstream)
	host, port := o.listen()
	only, tls := "", ""
	if name := o.serverName(); name != "" {
		only = "\n  http-request deny deny_status 421 unless { req.hdr(host),host_only -i " + name + " }"
	}
	if upstream.scheme == "https" {
		tls = " ssl verify required ca-file @system-ca sni str(" + upstream.hostname + ")"
	}
	return o.fill("«bind»", host+":"+port, "«only»", only, "«upstream tls»", tls, "«upstream host»", upstream.host, "«upstream»", upstream.hostPort).Replace(haproxyFile)
}

// HAProxyLua is the program that HAProxy's part loads, from /etc/haproxy/gatehouse-<slug>-<environment>.lua.
func HAProxyLua(o Options) string { return o.fill().Replace(haproxyLua) }

const haproxyFile = `# Gatehouse guards the API «slug» («env») here.
global
  lua-load-per-thread /etc/haproxy/gatehouse-«slug»-«env».lua

frontend «name»
  mode http
  bind «bind»
  timeout client 30s
  timeout http-request 10s«only»

  # An address in one form alone, the one that is judged; one that can be read in two ways is none.
  http-request deny deny_status 400 if { url -m sub "#" }
  http-request set-uri %[pathq]

  # Names that another program could read as one of ours never get past this point, nor what a client says in a proxy's name.
  http-request del-header [_.] -m reg
  http-request del-header x-gatehouse- -m beg
  http-request del-header x-original- -m beg
  http-request del-header x-rewrite- -m beg
  http-request del-header x-forwarded- -m beg
  http-request del-header x-http-method -m beg
  http-request del-header x-method-override
  http-request del-header x-real-ip
  http-request del-header forwarded
  http-request del-header connection
  http-request del-header upgrade
  http-request del-header trailer
  http-request del-header te

  # What a client sends after the body could pass for a header, too. Before 3.2, HAProxy can't take it off: there, a body must say its length, and HTTP/2 is off.
.if version_atleast(3.2)
  option http-drop-request-trailers
.else
  option disable-h2-upgrade
  http-request return status 505 content-type application/problem+json string '{"type":"about:blank","title":"HTTP Version Not Supported","status":505,"detail":"This gateway takes HTTP/1 alone."}' unless { req.ver -m beg 1. }
  http-request return status 411 content-type application/problem+json string '{"type":"about:blank","title":"Length Required","status":411,"detail":"Send Content-Length: this gateway takes no bodies in chunks."}' if { req.hdr(transfer-encoding) -m found }
.endif

  http-request lua.«name»
  http-request return status 503 content-type application/problem+json hdr X-Gatehouse-Code UNAVAILABLE hdr Retry-After 5 string '{"type":"about:blank","title":"Service Unavailable","status":503,"code":"UNAVAILABLE"}' unless { var(txn.gatehouse) -m str yes }

  # In report-only mode, what would have been refused goes on marked, with the credentials that it came with: they are for the service.
  http-request del-header authorization unless { var(txn.gatehouse_would) -m found }
  http-request del-header x-api-key unless { var(txn.gatehouse_would) -m found }
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Real-IP %[src]
  http-request set-header Host «upstream host»
  http-response set-header RateLimit %[var(txn.gatehouse_ratelimit)] if { var(txn.gatehouse_ratelimit) -m found }
  http-response set-header RateLimit-Policy %[var(txn.gatehouse_policy)] if { var(txn.gatehouse_policy) -m found }
  http-response set-header X-Gatehouse-Quota-Warning %[var(txn.gatehouse_warning)] if { var(txn.gatehouse_warning) -m found }
  default_backend «name»_service

backend «name»_service
  mode http
  timeout connect 5s
  timeout server 60s
  server service «upstream»«upstream tls»
`

const haproxyLua = `-- Gatehouse guards the API «slug» («env»). This file holds a key: keep it readable by root alone.
local token = "«token»"
local authz = "«gatehouse scheme»://«gatehouse»/v1/authz?api=«slug»&env=«env»"
local identity = { "x-gatehouse-key-id", "x-gatehouse-app-id", "x-gatehouse-organization-id", "x-gatehouse-scopes", "x-gatehouse-environment" }
local passed = { "content-type", "x-gatehouse-code", "x-request-id", "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy", "x-gatehouse-quota-warning" }

local function first(headers, name)
  local values = headers[name]
  return values and (values[0] or values[1])
end

core.register_action("«name»", { "http-req" }, function(txn)
  local sent = txn.http:req_get_headers()
  local headers = {
    ["x-gatehouse-token"] = { token },
    ["x-forwarded-method"] = { txn.sf:method() },
    ["x-forwarded-uri"] = { txn.sf:pathq() },
    ["x-forwarded-for"] = { txn.sf:src() },
  }
  for _, name in ipairs({ "authorization", "x-api-key", "cookie", "origin" }) do
    if sent[name] then
      headers[name] = {}
      for i = 0, #sent[name] do
        table.insert(headers[name], sent[name][i])
      end
    end
  end

  local answer = core.httpclient():get({ url = authz, headers = headers, timeout = 5000 })
  local said = answer.headers or {}

  if answer.status == 200 and first(said, "x-gatehouse-key-id") then
    for _, name in ipairs(identity) do
      txn.http:req_set_header(name, first(said, name) or "")
    end
    if first(said, "x-gatehouse-would-refuse") then
      txn:set_var("txn.gatehouse_would", first(said, "x-gatehouse-would-refuse"))
      txn.http:req_set_header("x-gatehouse-would-refuse", first(said, "x-gatehouse-would-refuse"))
    end
    if first(said, "ratelimit") then
      txn:set_var("txn.gatehouse_ratelimit", first(said, "ratelimit"))
      txn:set_var("txn.gatehouse_policy", first(said, "ratelimit-policy") or "")
    end
    if first(said, "x-gatehouse-quota-warning") then
      txn:set_var("txn.gatehouse_warning", first(said, "x-gatehouse-quota-warning"))
    end
    txn:set_var("txn.gatehouse", "yes")
    return
  end

  if answer.status == 401 or answer.status == 403 or answer.status == 429 then
    local reply = txn:reply({ status = answer.status })
    for _, name in ipairs(passed) do
      if first(said, name) then
        reply:add_header(name, first(said, name))
      end
    end
    reply:set_body(answer.body or "")
    txn:done(reply)
  end
  -- Nobody knows: the line after this program in the configuration answers 503.
end)
`
