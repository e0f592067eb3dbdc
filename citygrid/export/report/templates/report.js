"use strict";
document.documentElement.classList.remove("no-script");
for (const part of document.querySelectorAll(".part")) {
  const data = JSON.parse(part.querySelector("script[type='application/json']").textContent);
  const all = (selector) => Array.from(part.querySelectorAll(selector));
  const slider = part.querySelector(".clock input"), output = part.querySelector(".clock output");
  const lines = all("[data-line]"), plates = all("[data-plate]"), cursors = all(".cursor");
  const values = all("[data-stack]"), stores = all("[data-store]"), charts = all(".close svg.plot");
  const means = { lines: lines.map((l) => l.getAttribute("class")),
    plates: plates.map((p) => p.getAttribute("width")), texts: [...values, ...stores].map((v) => v.textContent) };
  const count = data.times.length;
  const show = (i) => {
    part.classList.add("live");
    slider.value = i;
    output.textContent = data.times[i];
    slider.setAttribute("aria-valuetext", data.times[i]);
    lines.forEach((l) => l.setAttribute("class", l.dataset.network + " u" + data.lines[l.dataset.line][i]));
    plates.forEach((p) => p.setAttribute("width", (0.27 * data.plates[p.dataset.plate][i]).toFixed(1)));
    cursors.forEach((c) => {
      const left = +c.dataset.left, x = left + (+c.dataset.right - left) * (i + 0.5) / count;
      c.setAttribute("x1", x); c.setAttribute("x2", x);
    });
    values.forEach((v) => {
      const stack = data.stacks[v.dataset.stack];
      v.textContent = stack.values[v.dataset.layer][i].toLocaleString("en") + " " + stack.unit;
    });
    stores.forEach((s) => { s.textContent = data.levels[s.dataset.store][i].toLocaleString("en") + " kWh"; });
  };
  const rest = () => {
    part.classList.remove("live");
    output.textContent = "mean of the horizon";
    slider.setAttribute("aria-valuetext", "mean of the horizon");
    lines.forEach((l, i) => l.setAttribute("class", means.lines[i]));
    plates.forEach((p, i) => p.setAttribute("width", means.plates[i]));
    [...values, ...stores].forEach((v, i) => { v.textContent = means.texts[i]; });
  };
  slider.max = count - 1;
  slider.addEventListener("input", () => show(+slider.value));
  part.querySelector(".clock button").addEventListener("click", rest);
  for (const chart of charts) {
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect(), cursor = chart.querySelector(".cursor");
      const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
      const at = (x - cursor.dataset.left) / (cursor.dataset.right - cursor.dataset.left);
      if (at >= 0 && at < 1) show(Math.floor(at * count));
    });
  }
}
window.addEventListener("beforeprint", () => {
  for (const d of document.querySelectorAll("details")) d.open = true;
});
