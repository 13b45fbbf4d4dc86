package gatewayfile

import (
	"net"
	"strings"
)

// envoyPort is where GATEHOUSE_ENVOY_ADDR listens in our examples.
const envoyPort = "8082"

// Envoy is a whole configuration for Envoy, by the schema of go-control-plane 1.40, which asks over gRPC, at GATEHOUSE_ENVOY_ADDR: at port 8082 of Gatehouse's host, unless EnvoyAddr says where. What
// it does, in the order of a request: names with an underscore are dropped, and the headers of identity; Gatehouse is asked, and sees the headers, so that it tells Envoy which
// to overwrite and which to take off; a yes that names nobody is refused; what is left goes to the service. A refusal goes back with the status, the headers and the
// body that Gatehouse gave it; where none comes, the answer is 503, never the service's.
func Envoy(o Options) string {
	upstream, gatehouse := address(o.Upstream), address(o.GatehouseURL)
	host, port := o.listen()
	domains := `"*"`
	if name := o.serverName(); name != "" {
		domains = `"` + name + `", "` + name + `:*"`
	}
	askHost, askPort := gatehouse.hostname, envoyPort
	if h, p, err := net.SplitHostPort(foreignToHost.ReplaceAllString(o.EnvoyAddr, "")); err == nil && h != "" && p != "" {
		askHost, askPort = h, p
	}
	return o.fill(
		"«listen host»", or(host, "0.0.0.0"), "«listen port»", digits(port, "80"), "«domains»", domains, "«upstream host»", upstream.host,
		"«service address»", socket(upstream.hostname, portOf(upstream)), "«service tls»", upstream.envoyTLS(),
		"«gatehouse address»", socket(askHost, digits(askPort, envoyPort)), "«gatehouse tls»", place{scheme: gatehouse.scheme, hostname: askHost}.envoyTLS(),
	).Replace(envoyFile)
}

func socket(host, port string) string {
	return `{socket_address: {address: "` + strings.Trim(host, "[]") + `", port_value: ` + port + `}}`
}

func portOf(p place) string {
	_, port, err := net.SplitHostPort(p.hostPort)
	if err != nil {
		return "80"
	}
	return digits(port, "80")
}

// digits is text where it is a port, and otherwise what stands for it; @PORT@ stands for a test's.
func digits(text, otherwise string) string {
	if text == "@PORT@" || text != "" && strings.Trim(text, "0123456789") == "" {
		return text
	}
	return otherwise
}

// envoyTLS is what a cluster needs besides for https: the certificate must be for that host, by an authority that the system trusts.
func (p place) envoyTLS() string {
	if p.scheme != "https" {
		return ""
	}
	return strings.ReplaceAll(`
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: "«hostname»"
          common_tls_context:
            validation_context:
              trusted_ca: {filename: /etc/ssl/certs/ca-certificates.crt}
              match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: "«hostname»"}}]`, "«hostname»", p.hostname)
}

const envoyFile = `# Gatehouse guards the API «slug» («env») here. This file holds a key: keep it readable by Envoy alone.
static_resources:
  listeners:
    - name: «name»
      address: {socket_address: {address: "«listen host»", port_value: «listen port»}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: «name»
                # The caller is who is at the other end. What it says of others is not kept.
                use_remote_address: true
                skip_xff_append: true
                # An address as it came: it is judged so, and goes on so.
                normalize_path: false
                merge_slashes: false
                path_with_escaped_slashes_action: REJECT_REQUEST
                common_http_protocol_options: {headers_with_underscores_action: DROP_HEADER}
                stream_idle_timeout: 60s
                route_config:
                  virtual_hosts:
                    - name: «name»
                      domains: [«domains»]
                      # What services believe of the route, the method or the caller, when a proxy says it: none of it was judged.
                      request_headers_to_remove: [x-original-url, x-original-uri, x-original-method, x-rewrite-url, x-forwarded-uri, x-forwarded-method, x-forwarded-prefix, x-http-method, x-http-method-override, x-method-override, forwarded, x-gatehouse-token]
                      request_headers_to_add:
                        - {header: {key: x-forwarded-for, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
                        - {header: {key: x-real-ip, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
                      routes:
                        - match: {prefix: /}
                          route: {cluster: «name»_service, timeout: 60s, host_rewrite_literal: "«upstream host»"}
                http_filters:
                  # Nobody but Gatehouse says who calls.
                  - name: envoy.filters.http.header_mutation
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
                      mutations:
                        request_mutations:
                          - remove: x-gatehouse-key-id
                          - remove: x-gatehouse-app-id
                          - remove: x-gatehouse-organization-id
                          - remove: x-gatehouse-scopes
                          - remove: x-gatehouse-environment
                          - remove: x-gatehouse-would-refuse
                  # Gatehouse is asked, at GATEHOUSE_ENVOY_ADDR. With its yes it says which headers to overwrite and which to take off, the key too; a refusal comes with its
                  # own status, 429 with Retry-After. Where no answer comes, nobody passes.
                  - name: envoy.filters.http.ext_authz
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                      transport_api_version: V3
                      failure_mode_allow: false
                      status_on_error: {code: ServiceUnavailable}
                      grpc_service:
                        envoy_grpc: {cluster_name: «name»_gatehouse}
                        timeout: 5s
                        initial_metadata:
                          - {key: x-gatehouse-token, value: "«token»"}
                          - {key: x-gatehouse-api, value: "«slug»"}
                          - {key: x-gatehouse-env, value: "«env»"}
                  # A yes names the key, or, in report-only mode, what would have been refused. Anything else is no yes of Gatehouse.
                  - name: envoy.filters.http.rbac
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                      rules:
                        action: ALLOW
                        policies:
                          gatehouse:
                            permissions: [{any: true}]
                            principals:
                              - header: {name: x-gatehouse-key-id, string_match: {prefix: key_}}
                              - header: {name: x-gatehouse-would-refuse, string_match: {safe_regex: {regex: "[A-Z_]+"}}}
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router

  clusters:
    - name: «name»_service
      type: STRICT_DNS
      connect_timeout: 5s
      load_assignment:
        cluster_name: «name»_service
        endpoints: [{lb_endpoints: [{endpoint: {address: «service address»}}]}]«service tls»
    - name: «name»_gatehouse
      type: STRICT_DNS
      connect_timeout: 2s
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: {http2_protocol_options: {}}
      load_assignment:
        cluster_name: «name»_gatehouse
        endpoints: [{lb_endpoints: [{endpoint: {address: «gatehouse address»}}]}]«gatehouse tls»
`
