-- Gatehouse guards the API orders (live). This file holds a key: keep it readable by root alone.
local token = "GATEWAY_KEY"
local authz = "http://127.0.0.1:8081/v1/authz?api=orders&env=live"
local identity = { "x-gatehouse-key-id", "x-gatehouse-app-id", "x-gatehouse-organization-id", "x-gatehouse-scopes", "x-gatehouse-environment" }
local passed = { "content-type", "x-gatehouse-code", "x-request-id", "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy", "x-gatehouse-quota-warning" }

local function first(headers, name)
  local values = headers[name]
  return values and (values[0] or values[1])
end

core.register_action("gatehouse_orders_live", { "http-req" }, function(txn)
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
