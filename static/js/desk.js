// While somebody writes an answer at the support desk, others are told so: at most once a minute. Without a script the desk's buttons tell it.
export function desk(root) {
  const form = root.querySelector("form[data-answering]");
  let last = 0;
  form?.addEventListener("input", () => {
    if (Date.now() - last < 60_000) return;
    last = Date.now();
    fetch(form.dataset.answering, { method: "POST" }).catch(() => {});
  });
}
