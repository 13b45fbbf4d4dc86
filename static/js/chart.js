// A read-out under the pointer, from the table of figures that stands beneath each chart.
export function charts(root) {
  for (const chart of root.querySelectorAll("[data-chart]")) readOut(chart);
}

function readOut(chart) {
  const plot = chart.querySelector(".bars-plot");
  const out = chart.querySelector(".readout");
  const rows = [...chart.querySelectorAll("tbody tr")];
  const names = [...chart.querySelectorAll("thead th")].map((th) => th.textContent);
  if (!plot || !out || rows.length === 0) return;
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * rows.length);
    const cells = rows[Math.min(Math.max(at, 0), rows.length - 1)].children;
    out.textContent = `${cells[0].textContent} · ${cells[1].textContent} ${names[1]} · ${cells[2].textContent} ${names[2]}`;
  });
  plot.addEventListener("pointerleave", () => (out.textContent = ""));
}
