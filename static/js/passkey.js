// Passkeys: a form with data-passkey asks the portal for a challenge at that address, the browser for the answer, and is sent with it. Where browsers offer passkeys
// among the saved names, a form with data-offered waits there for one.
export function passkeys(root) {
  const forms = root.querySelectorAll("form[data-passkey]");
  if (!window.PublicKeyCredential || !navigator.credentials) return; // the form is sent as it is, and the portal says what is missing
  for (const form of forms) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      waiting?.abort();
      form.setAttribute("aria-busy", "true");
      await answer(form, {}).catch(() => say(form));
      form.removeAttribute("aria-busy");
    });
    if ("offered" in form.dataset) offer(form);
  }
}

let waiting;
const renew = 4 * 60 * 1000; // a challenge lives five minutes

async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  const { signal } = waiting;
  const timer = setTimeout(() => {
    waiting.abort();
    if (!document.hidden) offer(form);
    else document.addEventListener("visibilitychange", () => offer(form), { once: true });
  }, renew);
  signal.addEventListener("abort", () => clearTimeout(timer));
  answer(form, { mediation: "conditional", signal }).catch(() => {}); // whoever wants to know presses the button
}

async function answer(form, more) {
  const reply = await fetch(form.dataset.passkey, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (reply.redirected) return location.assign(reply.url); // to prove again who is there
  if (reply.status === 422 || reply.status === 409) return form.submit(); // what else is wrong is told on the page
  const { publicKey } = await reply.json();
  publicKey.challenge = bytes(publicKey.challenge);
  for (const c of [...(publicKey.allowCredentials || []), ...(publicKey.excludeCredentials || [])]) c.id = bytes(c.id);
  if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
  const made = await navigator.credentials[publicKey.user ? "create" : "get"]({ publicKey, ...more });
  form.elements.answer.value = JSON.stringify(plain(made));
  form.submit();
}

function plain(made) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (made.response[name]) response[name] = text(made.response[name]);
  }
  if (made.response.getTransports) response.transports = made.response.getTransports();
  return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} };
}

function say(form) {
  const words = form.querySelector("[data-said]");
  words.textContent = words.dataset.said;
  words.hidden = false;
}

const bytes = (s) => Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
