package gatewayfile

// nginxFile is what Nginx fills.
const nginxFile = `# Gatehouse guards the API «slug» («env») here. This file holds a key: keep it readable by root alone.

# In report-only mode, what would have been refused goes on with the credentials that it came with: they are for the service.
map $gh_would_refuse $«name»_authorization {
  "" "";
  default $http_authorization;
}
map $gh_would_refuse $«name»_api_key {
  "" "";
  default $http_x_api_key;
}

# What answers 200 and names nobody is not Gatehouse: nothing gets past it.
map $gh_key$gh_would_refuse $«name»_service {
  "" «name»_nowhere;
  default «name»_service;
}

# Each refusal names its request, also in its body: by that id the portal tells why it was refused.
map $gh_request $«name»_request {
  "" "";
  default ',"request_id":"$gh_request"';
}
log_format «name» '$remote_addr [$time_local] "$request_method $uri" $status $body_bytes_sent code=$gh_code request_id=$gh_request';

upstream «name»_nowhere {
  server 127.0.0.1:9 down;
}
upstream «name»_service {
  server «upstream»;
}

upstream «name» {
  server «gatehouse»;
  keepalive 32;
}

server {
  listen «listen»;
  server_name «server name»;
  # For a log whose lines name the request, as the portal does:
  # access_log /var/log/nginx/access.log «name»;

  # Names that another program could read as one of ours never get past this point. For lines that come before the host's, what the default
  # server of this address says decides. Gatehouse gets the headers of each request to see, and refuses what has such a name nevertheless.
  underscores_in_headers off;
  ignore_invalid_headers on;

  location / {
    auth_request /_gatehouse;
    auth_request_set $gh_key $upstream_http_x_gatehouse_key_id;
    auth_request_set $gh_app $upstream_http_x_gatehouse_app_id;
    auth_request_set $gh_organization $upstream_http_x_gatehouse_organization_id;
    auth_request_set $gh_scopes $upstream_http_x_gatehouse_scopes;
    auth_request_set $gh_environment $upstream_http_x_gatehouse_environment;
    auth_request_set $gh_would_refuse $upstream_http_x_gatehouse_would_refuse;
    auth_request_set $gh_code $upstream_http_x_gatehouse_code;
    auth_request_set $gh_request $upstream_http_x_request_id;
    auth_request_set $gh_retry_after $upstream_http_retry_after;
    auth_request_set $gh_ratelimit $upstream_http_ratelimit;
    auth_request_set $gh_ratelimit_policy $upstream_http_ratelimit_policy;
    auth_request_set $gh_quota_warning $upstream_http_x_gatehouse_quota_warning;

    error_page 401 = @gatehouse_unauthorized;
    error_page 403 = @gatehouse_refused;
    error_page 500 = @gatehouse_unavailable;

    add_header RateLimit $gh_ratelimit;
    add_header RateLimit-Policy $gh_ratelimit_policy;
    add_header X-Gatehouse-Quota-Warning $gh_quota_warning;

    # Who calls, as Gatehouse says; what the client said of it is gone, and so is its key.
    proxy_set_header X-Gatehouse-Key-Id $gh_key;
    proxy_set_header X-Gatehouse-App-Id $gh_app;
    proxy_set_header X-Gatehouse-Organization-Id $gh_organization;
    proxy_set_header X-Gatehouse-Scopes $gh_scopes;
    proxy_set_header X-Gatehouse-Environment $gh_environment;
    proxy_set_header X-Gatehouse-Code "";
    proxy_set_header X-Gatehouse-Token "";
    proxy_set_header Authorization $«name»_authorization;
    proxy_set_header X-API-Key $«name»_api_key;
    proxy_set_header X-Gatehouse-Would-Refuse $gh_would_refuse;
    proxy_set_header X-Gatehouse-Quota-Warning "";
    # What services believe of the route, the method or the caller, when a proxy says it: none of it was judged.
    proxy_set_header X-Original-URL "";
    proxy_set_header X-Original-URI "";
    proxy_set_header X-Original-Method "";
    proxy_set_header X-Rewrite-URL "";
    proxy_set_header X-Forwarded-Uri "";
    proxy_set_header X-Forwarded-Method "";
    proxy_set_header X-Forwarded-Prefix "";
    proxy_set_header X-HTTP-Method "";
    proxy_set_header X-HTTP-Method-Override "";
    proxy_set_header X-Method-Override "";
    proxy_set_header Forwarded "";
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header Connection "";
    proxy_http_version 1.1;
    proxy_intercept_errors off;«upstream tls»
    proxy_set_header Host «upstream host»;
    proxy_pass «upstream scheme»://$«name»_service;
  }

  location = /_gatehouse {
    internal;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_set_header Transfer-Encoding "";
    proxy_set_header Host «gatehouse host»;
    proxy_set_header X-Gatehouse-Token "«token»";
    proxy_set_header X-Forwarded-Method $request_method;
    proxy_set_header X-Forwarded-Uri $request_uri;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Original-Method "";
    proxy_set_header X-Original-URI "";
    proxy_set_header X-Original-URL "";
    proxy_set_header X-HTTP-Method-Override "";
    proxy_set_header X-Real-IP "";
    proxy_set_header Forwarded "";
    proxy_set_header Range "";
    proxy_set_header Expect "";
    proxy_set_header Upgrade "";
    proxy_set_header Connection "";
    proxy_http_version 1.1;
    proxy_connect_timeout 2s;
    proxy_read_timeout 5s;«gatehouse tls»
    proxy_pass «gatehouse scheme»://«name»/v1/authz?api=«slug»&env=«env»&nginx=1;
  }

  # auth_request knows 2xx, 401 and 403. The code in the header tells the others.
  location @gatehouse_unauthorized {
    internal;
    default_type application/problem+json;
    add_header X-Gatehouse-Code $gh_code always;
    add_header X-Request-Id $gh_request always;
    return 401 '{"type":"about:blank","title":"Unauthorized","status":401,"code":"$gh_code"$«name»_request}\n';
  }

  location @gatehouse_refused {
    internal;
    default_type application/problem+json;
    add_header X-Gatehouse-Code $gh_code always;
    add_header X-Request-Id $gh_request always;
    add_header Retry-After $gh_retry_after always;
    add_header RateLimit $gh_ratelimit always;
    add_header RateLimit-Policy $gh_ratelimit_policy always;
    add_header X-Gatehouse-Quota-Warning $gh_quota_warning always;
    if ($gh_code ~ ^(RATE_LIMITED|QUOTA_EXCEEDED)$) {
      return 429 '{"type":"about:blank","title":"Too Many Requests","status":429,"code":"$gh_code"$«name»_request}\n';
    }
    if ($gh_code ~ ^(UNAVAILABLE|GATEWAY_UNAUTHENTICATED)$) {
      return 503 '{"type":"about:blank","title":"Service Unavailable","status":503,"code":"$gh_code"$«name»_request}\n';
    }
    return 403 '{"type":"about:blank","title":"Forbidden","status":403,"code":"$gh_code"$«name»_request}\n';
  }

  location @gatehouse_unavailable {
    internal;
    default_type application/problem+json;
    add_header X-Gatehouse-Code UNAVAILABLE always;
    add_header X-Request-Id $gh_request always;
    add_header Retry-After 5 always;
    return 503 '{"type":"about:blank","title":"Service Unavailable","status":503,"code":"UNAVAILABLE"$«name»_request}\n';
  }
}
`
