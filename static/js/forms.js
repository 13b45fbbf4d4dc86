// Forms: the error summary takes the focus, a changed filter is sent, a second click sends nothing twice, a form that
// says so asks before it goes, and who signs up needs not tell their time zone.
export function forms(root) {
  root.querySelector("[data-focus]")?.focus();
  for (const field of root.querySelectorAll("input[type=hidden][name=time_zone]")) {
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  }
  for (const form of root.querySelectorAll("form[data-filter]")) {
    form.addEventListener("change", (event) => {
      if (event.target.matches("select")) form.requestSubmit();
    });
  }
  root.addEventListener("submit", (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm;
    if (question && !form.dataset.agreed) {
      event.preventDefault();
      ask(form, event.submitter, question);
      return;
    }
    delete form.dataset.agreed;
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  // Coming back by the browser's history gives the form a second life.
  addEventListener("pageshow", () => {
    for (const form of root.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
}

function ask(form, button, question) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  const words = document.createElement("p");
  words.textContent = question;
  words.id = "ask-question";
  dialog.setAttribute("aria-labelledby", words.id);
  const row = document.createElement("div");
  row.className = "row";
  const no = choice(button.dataset.cancel, "btn");
  const yes = choice(button.textContent, "btn danger");
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    form.dataset.agreed = "1";
    dialog.close();
    form.requestSubmit(button);
  });
  dialog.addEventListener("close", () => dialog.remove());
  row.append(yes, no);
  dialog.append(words, row);
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
}

function choice(label, className) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = className;
  button.textContent = label;
  return button;
}
