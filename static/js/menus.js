// An open menu closes on Escape, and when something else is clicked; "/" leads to the search box of the page, or else to the page of search.
export function menus(root) {
  const open = () => root.querySelectorAll("details.menu[open]");
  root.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  root.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.altKey && !event.metaKey && !event.target.closest("input, textarea, select, [contenteditable]")) {
      event.preventDefault();
      const box = root.querySelector("main input[type=search]");
      box ? box.focus() : root.querySelector(".topbar a[href='/search']")?.click();
    }
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
