// Keeps "2 min ago" true while a page stays open. Only the last day, and only times that the server wrote that way.
const minute = 60, hour = 3600, day = 86400;

export function times(root) {
  const all = [...root.querySelectorAll("time[data-relative]")];
  if (all.length === 0) return;
  const lang = document.documentElement.lang || "en";
  const short = new Intl.RelativeTimeFormat(lang, { style: "short" });
  const long = new Intl.RelativeTimeFormat(lang);
  setInterval(() => {
    for (const time of all) {
      const seconds = Math.round((Date.parse(time.dateTime) - Date.now()) / 1000);
      const far = Math.abs(seconds);
      if (far < minute || far > day / 2) continue;
      const words = far < hour ? short.format(Math.trunc(seconds / minute), "minute") : long.format(Math.trunc(seconds / hour), "hour");
      time.textContent = words[0].toUpperCase() + words.slice(1).replace("min. ", "min ");
    }
  }, 30000);
}
