/** What runs beside the requests. */
export { BackgroundWorker, type BackgroundWorkerOptions } from './background-worker.js'
