package gatewayfile

// Caddy is a site for a Caddyfile, made for Caddy 2.6 and later. What it does, in the order of a request: a body in chunks is refused; headers that could pass for
// ours, or for a proxy's word, are dropped, and so is Connection, by which a client could have ours dropped later; Gatehouse is asked, with the
// method, the address as the service will get it, and the client's address; a yes, which is a 200 that has the identity headers,
// goes to the service with these overwritten (empty where there is none) and the key taken off; 401, 403 and 429 go back to the client as Gatehouse
// answered them. Anything else is 503, never the service's.
func Caddy(o Options) string {
	upstream := address(o.Upstream)
	host, port := o.listen()
	bind := ""
	if host != "" {
		bind = "\n\tbind " + host
	}
	scheme := "http://"
	if port == "443" {
		scheme = "https://"
	}
	return o.fill("«site»", scheme+o.serverName()+":"+port, "«bind»", bind, "«upstream»", upstream.scheme+"://"+upstream.hostPort).Replace(caddyFile)
}

const caddyFile = `# Gatehouse guards the API «slug» («env») here. This file holds a key: keep it readable by Caddy alone.
«site» {«bind»
	route {
		vars gatehouse asked

		# What a client sends after the body could pass for a header, too, and newer Caddys pass it on: a body must say its length.
		@chunked header Transfer-Encoding *
		handle @chunked {
			header Content-Type application/problem+json
			respond ` + "`" + `{"type":"about:blank","title":"Length Required","status":411,"detail":"Send Content-Length: this gateway takes no bodies in chunks."}` + "`" + ` 411
		}

		# Names that another program could read as one of ours never get past this point, nor what a client says in a proxy's name.
		request_header -*_*
		request_header -*.*
		request_header -X-Gatehouse-*
		request_header -X-Original-*
		request_header -X-Rewrite-*
		request_header -X-Forwarded-*
		request_header -X-HTTP-Method*
		request_header -X-Method-Override
		request_header -X-Real-IP
		request_header -Forwarded
		request_header -Connection
		request_header -Upgrade

		reverse_proxy «gatehouse scheme»://«gatehouse» {
			method GET
			rewrite /v1/authz?api=«slug»&env=«env»
			header_up Host {upstream_hostport}
			header_up X-Gatehouse-Token "«token»"
			header_up X-Forwarded-Method {method}
			header_up X-Forwarded-Uri {uri}
			header_up -Range
			header_up -Expect
			header_up -If-*
			transport http {
				dial_timeout 2s
				response_header_timeout 5s
			}

			@yes {
				status 200
				header X-Gatehouse-Key-Id *
			}
			handle_response @yes {
				vars gatehouse yes
				# Who calls, as Gatehouse says; what the client said of it is gone, and so is its key.
				request_header X-Gatehouse-Key-Id {http.reverse_proxy.header.X-Gatehouse-Key-Id}
				request_header X-Gatehouse-App-Id {http.reverse_proxy.header.X-Gatehouse-App-Id}
				request_header X-Gatehouse-Organization-Id {http.reverse_proxy.header.X-Gatehouse-Organization-Id}
				request_header X-Gatehouse-Scopes {http.reverse_proxy.header.X-Gatehouse-Scopes}
				request_header X-Gatehouse-Environment {http.reverse_proxy.header.X-Gatehouse-Environment}
				# In report-only mode, what would have been refused goes on marked, with the credentials that it came with: they are for the service.
				@would vars_regexp {http.reverse_proxy.header.X-Gatehouse-Would-Refuse} ^[A-Z_]+$
				request_header @would X-Gatehouse-Would-Refuse {http.reverse_proxy.header.X-Gatehouse-Would-Refuse}
				@known not vars_regexp {http.reverse_proxy.header.X-Gatehouse-Would-Refuse} ^[A-Z_]+$
				request_header @known -Authorization
				request_header @known -X-API-Key

				@limit vars_regexp {http.reverse_proxy.header.Ratelimit} ^\S*;
				header @limit RateLimit {http.reverse_proxy.header.Ratelimit}
				@policy vars_regexp {http.reverse_proxy.header.Ratelimit-Policy} ^\S*;
				header @policy RateLimit-Policy {http.reverse_proxy.header.Ratelimit-Policy}
				@warned vars_regexp {http.reverse_proxy.header.X-Gatehouse-Quota-Warning} ^[a-z]+=
				header @warned X-Gatehouse-Quota-Warning {http.reverse_proxy.header.X-Gatehouse-Quota-Warning}
			}

			# With Retry-After and the RateLimit headers, as they came.
			@no status 401 403 429
			handle_response @no {
				copy_response
			}

			@neither status 1xx 2xx 3xx 4xx 5xx
			handle_response @neither {
				error 503
			}
		}

		reverse_proxy «upstream» {
			header_up Host {upstream_hostport}
			header_up X-Real-IP {remote_host}
		}
	}

	handle_errors {
		@unasked not vars gatehouse yes
		handle @unasked {
			header Content-Type application/problem+json
			header X-Gatehouse-Code UNAVAILABLE
			header Retry-After 5
			respond ` + "`" + `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"UNAVAILABLE"}` + "`" + ` 503
		}
		respond {http.error.status_code}
	}
}
`
