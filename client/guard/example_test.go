package guard_test

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/gatehouse-dev/gatehouse/client/guard"
)

var orders = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	caller, _ := guard.From(r.Context())
	_, _ = fmt.Fprintf(w, "Hello, %s\n", caller.AppName)
})

func ExampleGuard_Protect() {
	mux := http.NewServeMux()
	g, err := guard.New(guard.Options{
		Gatehouse: os.Getenv("GATEHOUSE_URL"),
		Key:       os.Getenv("GATEWAY_KEY"),
		API:       "orders",
		Keep:      5 * time.Second, // leave it out, and each request asks
	})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/v2/", g.Protect(orders)) // guard.From(r.Context()) says who calls
}
