import type * as Prometheus from 'prom-client'
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type LabelValues,
  METHOD,
  OTHER,
  SERIES,
  type Series,
} from './series.js'

type Labels = Readonly<Record<string, string>>

/** Counts and measures what {@link SERIES} lists, and nothing else. */
export class Meter {
  readonly #counters = new Map<string, Prometheus.Counter>()
  readonly #histograms = new Map<string, Prometheus.Histogram>()
  readonly #gauges = new Map<string, Prometheus.Gauge>()

  constructor(client: typeof Prometheus, registry: Prometheus.Registry) {
    for (const [name, series] of Object.entries<Series>(SERIES)) {
      this.#add(client, { name, ...series, registers: [registry] })
    }
  }

  count<N extends CounterName>(name: N, labels: LabelsOf<N>, by = 1): void {
    this.#counters.get(name)?.inc(closed(SERIES[name], labels), by)
  }

  /** Seconds. */
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, seconds: number): void {
    this.#histograms.get(name)?.observe(closed(SERIES[name], labels), seconds)
  }

  set(name: GaugeName, value: number): void {
    this.#gauges.get(name)?.set(value)
  }

  #add(
    client: typeof Prometheus,
    { kind, labels = {}, buckets = [], ...rest }: Series & Named,
  ): void {
    const config = { ...rest, labelNames: Object.keys(labels) }
    if (kind === 'histogram') {
      const histogram = new client.Histogram({ ...config, buckets: [...buckets] })
      this.#histograms.set(rest.name, histogram)
      for (const first of firstLabels(labels)) histogram.zero(first)
    } else if (kind === 'gauge') {
      const gauge = new client.Gauge(config)
      // Until it is known: 0 would say something.
      gauge.remove()
      this.#gauges.set(rest.name, gauge)
    } else {
      const counter = new client.Counter(config)
      this.#counters.set(rest.name, counter)
      for (const first of firstLabels(labels)) counter.inc(first, 0)
    }
  }
}

interface Named {
  readonly name: string
  readonly registers: Prometheus.Registry[]
}

/** A series that is there from the start can be asked for its increase. Of two labels most pairs never are. */
function firstLabels(labels: NonNullable<Series['labels']>): Record<string, string>[] {
  const [[label, values] = [], ...more] = Object.entries(labels)
  if (label === undefined || !isList(values) || more.length > 0) return []
  return values.map((value) => ({ [label]: value }))
}

function closed({ labels = {} }: Series, given: Labels): Record<string, string> {
  const entries = Object.entries(labels).map(([label, values]) => {
    const value = given[label] ?? OTHER
    return [label, isAllowed(values, value) ? value : OTHER]
  })
  return Object.fromEntries(entries)
}

function isAllowed(values: LabelValues, value: string): boolean {
  return isList(values) ? values.includes(value) : /^[a-z][A-Za-z]{0,39}$/.test(value)
}

function isList(values: LabelValues | undefined): values is readonly string[] {
  return values !== undefined && values !== METHOD
}
