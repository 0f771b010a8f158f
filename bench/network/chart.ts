import { init } from "echarts";
import type { RateResult } from "./rate-step.ts";
import { FINALITY_GOAL_MS } from "./report.ts";

const SIZE = { width: 900, height: 520 };

/** One line of the chart: what was measured under one setting. */
export interface ChartSeries {
  readonly name: string;
  readonly rates: readonly RateResult[];
}

/** Latency to finality against settlements a second, as the text of an SVG file. */
export function latencyChart(title: string, all: readonly ChartSeries[]): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...SIZE });
  const lines = all.flatMap(({ name, rates }) =>
    (["p50", "p99"] as const).map((quantile) => ({
      name: `${name} ${quantile}`.trim(),
      type: "line" as const,
      symbolSize: 6,
      lineStyle: { type: quantile === "p50" ? ("dashed" as const) : ("solid" as const) },
      data: rates.flatMap(({ settledPerSecond, finalityMs }) =>
        finalityMs === undefined
          ? []
          : [[Math.round(settledPerSecond), Math.max(1, Math.round(finalityMs[quantile]))]],
      ),
      ...(quantile === "p99" ? { markLine: goalLine() } : {}),
    })),
  );
  try {
    chart.setOption({
      animation: false,
      title: { text: title, textStyle: { fontSize: 14 } },
      legend: { top: 28, type: "plain" },
      grid: { top: 80, left: 70, right: 40, bottom: 60 },
      xAxis: { type: "value", name: "settled/s", nameLocation: "middle", nameGap: 32 },
      yAxis: { type: "log", name: "ms to finality", min: 10 },
      series: lines,
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** The latency that a rate must stay under. */
function goalLine() {
  return {
    silent: true,
    symbol: "none",
    label: { show: false },
    lineStyle: { color: "#999999", type: "dotted" as const },
    data: [{ yAxis: FINALITY_GOAL_MS }],
  };
}
