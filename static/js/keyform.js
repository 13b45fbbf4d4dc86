// The form that makes a key: presets tick boxes at once, the search hides rows as one types, and what the key can do is told
// as the form changes. All of it works without this, by sending the form.
export function keyForm(root) {
  const form = root.getElementById("keyform");
  const scopes = form?.querySelector("[data-grants]");
  if (!form) return;
  for (const row of form.querySelectorAll("[data-noscript]")) row.hidden = true;
  scopes?.addEventListener("click", (event) => {
    const preset = event.target.closest("[data-set]");
    if (!preset) return;
    event.preventDefault();
    const wanted = preset.dataset.set.split(" "), of = preset.dataset.of;
    for (const box of scopes.querySelectorAll("[name=grants]")) {
      if (!of || box.value.startsWith(of + "/")) box.checked = wanted.includes(box.value);
    }
    form.dispatchEvent(new Event("change"));
  });
  const search = scopes?.querySelector("[type=search]");
  if (search) narrow(scopes, search);
  tell(root, form);
}

function narrow(scopes, search) {
  search.removeAttribute("name"); // it narrows here, and is no question to the server
  scopes.querySelector("[name=scope_found]")?.remove();
  const apply = () => {
    const parts = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = false;
    for (const api of scopes.querySelectorAll("[data-api]")) {
      let any = false;
      const name = api.querySelector("strong").textContent;
      for (const row of api.querySelectorAll("[data-words]")) {
        const words = (name + " " + row.dataset.words).toLowerCase();
        row.hidden = !parts.every((p) => words.includes(p)) && !row.querySelector(":checked");
        any ||= !row.hidden;
      }
      api.hidden = !any;
      found ||= any;
    }
    scopes.querySelector("[data-none]").hidden = found;
  };
  search.addEventListener("input", apply);
  scopes.form.addEventListener("change", apply); // what a preset ticks is shown
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  apply();
}

// tell asks the server what the key would be able to do, once one has stopped typing. The newest answer wins.
function tell(root, form) {
  let timer, asked = 0;
  const ask = async () => {
    const body = new URLSearchParams(new FormData(form));
    body.set("show", "part");
    const mine = ++asked;
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
      const words = answer.ok && (await answer.text());
      if (!words || mine !== asked) return;
      const fresh = new DOMParser().parseFromString(words, "text/html");
      for (const id of ["ability", "brief"]) {
        const part = fresh.getElementById(id);
        if (part) root.getElementById(id)?.replaceChildren(...part.childNodes);
      }
      root.getElementById("f-grants-error")?.remove(); // the brief says what is wrong now
    } catch {
      // What stands there stays; creating the key tells all that is wrong.
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
}
