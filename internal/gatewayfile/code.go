package gatewayfile

import "strings"

// Go, Node and Python are code for a service that asks by itself, without a gateway. Each takes its key from the environment (GATEWAY_KEY), since code is
// no place for one, and keeps a yes for five seconds at most, a refusal never: that long a revoked key goes on.

// Go is the middleware of package guard around a service.
func Go(o Options) string { return o.code(goCode) }

// Node is a module that exports verify.
func Node(o Options) string { return o.code(nodeCode) }

// Python is a module that has verify.
func Python(o Options) string { return o.code(pythonCode) }

func (o Options) code(text string) string {
	gatehouse := address(o.GatehouseURL)
	return o.fill("«address»", strings.TrimSuffix(gatehouse.scheme+"://"+gatehouse.host, "/")).Replace(text)
}

const goCode = `package main

import (
	"net/http"
	"os"
	"time"

	"github.com/gatehouse-dev/gatehouse/client/guard"
)

// protected lets nobody at service but who may.
func protected(service http.Handler) (http.Handler, error) {
	g, err := guard.New(guard.Options{
		Gatehouse:   "«address»",
		Key:         os.Getenv("GATEWAY_KEY"),
		API:         "«slug»",
		Environment: "«env»",
		Keep:        5 * time.Second, // leave it out, and each request asks
	})
	if err != nil {
		return nil, err
	}
	return g.Protect(service), nil // guard.From(r.Context()) says who calls
}
`

const nodeCode = `import { createHash } from "node:crypto";

const yeses = new Map(), milliseconds = 5000, most = 10_000;

// verify tells whether key may do this: {valid, code, request_id, key, app, organization, …}. It throws when nobody knows: answer 503 then, never a yes.
export async function verify(key, method, path, ip) {
  const question = JSON.stringify({ api: "«slug»", environment: "«env»", key, method, path, ip });
  const name = createHash("sha256").update(question).digest("hex"), yes = yeses.get(name);
  if (yes && performance.now() < yes.until) return structuredClone(yes.verdict);
  const until = performance.now() + milliseconds;
  const answer = await fetch("«address»/v1/keys/verify", {
    method: "POST", body: question, redirect: "error", signal: AbortSignal.timeout(2000),
    headers: { Authorization: ` + "`Bearer ${process.env.GATEWAY_KEY}`" + `, "Content-Type": "application/json" },
  });
  if (answer.status === 400 || answer.status === 422) {
    return { valid: false, code: "BAD_REQUEST", request_id: answer.headers.get("X-Request-Id") };
  }
  if (answer.status !== 200) throw new Error(` + "`Gatehouse answered ${answer.status}`" + `);
  const verdict = await answer.json();
  if (verdict.valid === true) {
    if (yeses.size >= most) yeses.clear();
    const left = verdict.key.expires_at ? Date.parse(verdict.key.expires_at) - Date.now() : milliseconds;
    yeses.set(name, { verdict: structuredClone(verdict), until: Math.min(until, performance.now() + left) });
  }
  return verdict;
}
`

const pythonCode = `import copy, datetime, hashlib, json, os, time, urllib.error, urllib.request

YESES, SECONDS, MOST = {}, 5, 10_000


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None  # a redirect would take the key elsewhere, and a stranger's word for it


OPENER = urllib.request.build_opener(Stay)


def verify(key, method, path, ip):
    """Tells whether key may do this. Raises OSError or ValueError when nobody knows: answer 503 then, never a yes."""
    question = json.dumps({"api": "«slug»", "environment": "«env»", "key": key, "method": method, "path": path, "ip": ip}).encode()
    name, now = hashlib.sha256(question).digest(), time.monotonic()
    until, verdict = YESES.get(name, (now, None))
    if now < until:
        return copy.deepcopy(verdict)
    ask = urllib.request.Request(
        "«address»/v1/keys/verify", question, method="POST",
        headers={"Authorization": "Bearer " + os.environ["GATEWAY_KEY"], "Content-Type": "application/json"})
    try:
        with OPENER.open(ask, timeout=2) as answer:
            verdict = json.load(answer)
    except urllib.error.HTTPError as e:
        if e.code in (400, 422):
            return {"valid": False, "code": "BAD_REQUEST", "request_id": e.headers.get("X-Request-Id")}
        raise
    if verdict.get("valid") is True:
        if len(YESES) >= MOST:
            YESES.clear()
        seconds, end = SECONDS, verdict["key"].get("expires_at")
        if end:
            end = datetime.datetime.fromisoformat(end.replace("Z", "+00:00"))
            seconds = min(seconds, (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
        YESES[name] = (now + seconds, copy.deepcopy(verdict))
    return verdict
`
