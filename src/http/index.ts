export type { Access } from './access.js'
export type { CorsOptions } from './cors.js'
export type { Decision, DecisionLog } from './decisions.js'
export { createDocsRouter, type DocsOptions } from './docs.js'
export { errorHandler, type FaultContext, type FaultLog } from './error-handler.js'
export {
  type LimitedRatesOptions,
  limitedRates,
  type Rate,
  type RateLimits,
} from './limited-rates.js'
export { type OpenApiDocument, openApiDocument } from './openapi.js'
export type { Counted, RateGroup, RateState, Rates } from './rates.js'
export type { RequestEnd, RequestMeter } from './request-meter.js'
export type { RequestTracing, TracedRequest } from './request-tracing.js'
export { type BodyLimits, createRouter, type RouterOptions } from './router.js'
