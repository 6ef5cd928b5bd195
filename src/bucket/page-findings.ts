import { type CorsReply, PART_HEADERS, type PageAnswers } from './ask-as-page.js'
import type { Finding } from './probe-report.js'

/** In plain words: whether pages of that origin can send parts. */
export function pageFindings(origin: string, { address, preflight, part }: PageAnswers): Finding[] {
  if (part.status >= 300) return [refusal(address, part.status)]
  const problems = [...preflightProblems(origin, preflight), ...partProblems(origin, part)]
  if (problems.length === 0) {
    return [{ level: 'ok', text: `Pages of ${origin} can send parts to ${address}.` }]
  }
  return problems.map((problem) => ({
    level: 'broken',
    text: `Pages of ${origin} cannot upload: ${problem}`,
  }))
}

function refusal(address: string, status: number): Finding {
  const advice =
    status === 403
      ? 'the signature does not fit the host it arrives at; PARTWAY_S3_PUBLIC_ENDPOINT must be the address as clients write it, and proxies must pass the Host header on'
      : 'check PARTWAY_S3_PUBLIC_ENDPOINT and whatever is in front of the bucket'
  const text = `A part that was sent to ${address}, as clients do, was answered ${status}: ${advice}.`
  return { level: 'broken', text }
}

function preflightProblems(origin: string, reply: CorsReply): string[] {
  const rules = 'add a CORS rule to the bucket that allows'
  if (reply.status >= 300 || !isAllowed(origin, reply.allowOrigin)) {
    return [`the bucket refuses the preflight (${reply.status}); ${rules} PUT from this origin.`]
  }
  const problems: string[] = []
  if (!lists(reply.allowMethods, ['put'])) problems.push(`PUT is not allowed; ${rules} it.`)
  if (!lists(reply.allowHeaders, PART_HEADERS)) {
    problems.push(`headers of checksums are not allowed; ${rules} any header.`)
  }
  return problems
}

function partProblems(origin: string, reply: PageAnswers['part']): string[] {
  const problems: string[] = []
  if (!isAllowed(origin, reply.allowOrigin)) {
    problems.push(
      'the answer to a part has no Access-Control-Allow-Origin for it; a proxy may take it away.',
    )
  }
  if (!reply.hasEtag) problems.push('the answer to a part has no ETag; a proxy may take it away.')
  if (!lists(reply.exposeHeaders, ['etag'])) {
    problems.push('ETag is not exposed; add it to ExposeHeaders of the CORS rule.')
  }
  return problems
}

function isAllowed(origin: string, allowed: string): boolean {
  return allowed === '*' || allowed === origin
}

function lists(header: string, wanted: readonly string[]): boolean {
  const names = header.split(',').map((name) => name.trim().toLowerCase())
  return names.includes('*') || wanted.every((name) => names.includes(name))
}
