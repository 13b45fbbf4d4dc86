package gatewayfile_test

import (
	"encoding/json"
	"strings"
	"testing"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	authz "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	mutation "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	rbac "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	router "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	manager "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	upstreams "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/gatehouse-dev/gatehouse/internal/gatewayfile"
)

// The types that the file's typed_config may be of.
var _ = []proto.Message{&authz.ExtAuthz{}, &mutation.HeaderMutation{}, &rbac.RBAC{}, &router.Router{}, &manager.HttpConnectionManager{}, &tls.UpstreamTlsContext{}, &upstreams.HttpProtocolOptions{}}

// parsed is the file as Envoy would read it: a field that its own configuration schema does not have fails, and so does a value that the schema forbids.
func parsed(t *testing.T, text string) (*bootstrap.Bootstrap, []proto.Message) {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	b := &bootstrap.Bootstrap{}
	if err := protojson.Unmarshal(asJSON, b); err != nil {
		t.Fatal(err)
	}
	all := unfolded(t, b)
	for _, m := range all {
		if v, ok := m.(interface{ ValidateAll() error }); !ok {
			t.Errorf("%T has no rules", m)
		} else if err := v.ValidateAll(); err != nil {
			t.Errorf("%T: %v", m, err)
		}
	}
	return b, all
}

// unfolded is m and every message that lies folded in it, as Any.
func unfolded(t *testing.T, m proto.Message) []proto.Message {
	t.Helper()
	all := []proto.Message{m}
	var walk func(m protoreflect.Message)
	one := func(d protoreflect.FieldDescriptor, v protoreflect.Value) {
		if d.Kind() == protoreflect.MessageKind {
			walk(v.Message())
		}
	}
	walk = func(m protoreflect.Message) {
		if folded, ok := m.Interface().(*anypb.Any); ok {
			inner, err := folded.UnmarshalNew()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, inner)
			walk(inner.ProtoReflect())
			return
		}
		m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case d.IsMap():
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool { one(d.MapValue(), v); return true })
			case d.IsList():
				for i := range v.List().Len() {
					one(d, v.List().Get(i))
				}
			default:
				one(d, v)
			}
			return true
		})
	}
	walk(m.ProtoReflect())
	return all
}

// D6, D7: Envoy itself is neither in Debian nor built by Go, so its own schema is what the file is held to.
func TestEnvoyFileIsAConfigurationByEnvoysOwnSchema(t *testing.T) {
	for name, o := range map[string]gatewayfile.Options{
		"plain":   {GatehouseURL: "http://127.0.0.1:8081", APISlug: "orders", Environment: "live", Token: token, Upstream: "http://127.0.0.1:9000"},
		"hosts":   {GatehouseURL: "https://gate.example", APISlug: "orders", Environment: "test", Token: token, Upstream: "https://service.example", ServerName: "api.example", Listen: "127.0.0.1:8443", EnvoyAddr: "envoy.gate.example:9001"},
		"IPv6":    {GatehouseURL: "http://[::1]:8081", APISlug: "orders", Environment: "live", Token: token, Upstream: "http://[2001:db8::1]:9000", Listen: "[::]:80"},
		"hostile": {GatehouseURL: "x", APISlug: "a\"}: [", Environment: "x", Token: "t\"}\n- x", Upstream: "http://h\"", ServerName: "n\": {}", Listen: "80; {", EnvoyAddr: "\"}:x"},
	} {
		t.Run(name, func(t *testing.T) {
			b, all := parsed(t, gatewayfile.Envoy(o))

			if l := len(b.GetStaticResources().GetListeners()); l != 1 {
				t.Error("listeners:", l)
			}
			var kinds []string
			for _, m := range all {
				kinds = append(kinds, string(m.ProtoReflect().Descriptor().Name()))
				switch m := m.(type) {
				case *authz.ExtAuthz:
					if m.GetFailureModeAllow() || m.GetStatusOnError().GetCode() != 503 || m.GetGrpcService().GetEnvoyGrpc().GetClusterName() == "" || m.GetAllowedHeaders() != nil {
						t.Error(m)
					}
				case *manager.HttpConnectionManager:
					var filters []string
					for _, f := range m.GetHttpFilters() {
						filters = append(filters, strings.TrimPrefix(f.GetName(), "envoy.filters.http."))
					}
					if got := strings.Join(filters, " "); got != "header_mutation ext_authz rbac router" || !m.GetUseRemoteAddress().GetValue() || m.GetNormalizePath().GetValue() {
						t.Error(got, m)
					}
				}
			}
			t.Log(kinds)
		})
	}
}

func TestEnvoySchemaTestFailsForWhatIsNoConfiguration(t *testing.T) {
	o := gatewayfile.Options{GatehouseURL: "http://127.0.0.1:8081", APISlug: "orders", Token: token, Upstream: "http://127.0.0.1:9000"}
	for _, spoiled := range [][2]string{{"failure_mode_allow: false", "failure_mode_alow: false"}, {"{code: ServiceUnavailable}", "{code: Nothing}"}, {"prefix: /}", "prefx: /}"}} {
		text := strings.Replace(gatewayfile.Envoy(o), spoiled[0], spoiled[1], 1)
		var tree any
		if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		if protojson.Unmarshal(asJSON, &bootstrap.Bootstrap{}) == nil {
			t.Errorf("%q is taken", spoiled[1])
		}
	}
}
