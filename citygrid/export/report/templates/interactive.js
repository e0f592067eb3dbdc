"use strict";
for (const drawn of document.querySelectorAll("script[type='application/json']")) {
  const { data, layout } = JSON.parse(drawn.textContent);
  Plotly.newPlot(drawn.dataset.chart, data, layout, { responsive: true, displaylogo: false });
}
