// Copy buttons appear where the clipboard can be written; a click on a secret selects it whole.
export function copyButtons(root) {
  for (const code of root.querySelectorAll("[data-select]")) {
    code.addEventListener("click", () => getSelection().selectAllChildren(code));
  }
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    const words = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
      } catch {
        return; // not allowed here: the text can still be selected
      }
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = words), 2000);
    });
  }
}
