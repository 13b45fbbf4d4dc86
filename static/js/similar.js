// Questions like the title that is being typed: the server finds them and draws them, as it does without a script.
export function similar(root) {
  const place = root.querySelector("[data-similar]");
  if (!place) return;
  const form = place.closest("form");
  const title = form.elements.title;
  let timer;
  let last = "";
  title.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 400);
  });
  async function look() {
    const words = title.value.trim();
    if (words.length < 10 || words === last) return;
    last = words;
    const body = new URLSearchParams({ title: words, act: "similar" });
    const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
    if (answer?.ok && words === last) place.innerHTML = await answer.text();
  }
}
