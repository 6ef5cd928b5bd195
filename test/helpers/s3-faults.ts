import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Intervention, ProxiedReply } from './fault-proxy.js'
import type { S3CallName } from './s3-call.js'

/** How long the callers in the matrix wait for an answer, and what is longer than that. */
export const PATIENCE_MS = 1_500
const DELAY_MS = 2_000

/** What can happen to any call. */
const COMMON: Readonly<Record<string, Fault>> = {
  'apply-then-drop': { after: () => 'drop' },
  'drop-before-apply': { before: () => 'drop' },
  'apply-after-the-caller-gave-up': { before: later },
  'answer-after-the-caller-gave-up': { after: later },
  '503': { before: () => errorReply(503, 'SlowDown') },
  '500': { before: () => errorReply(500, 'InternalError') },
  'apply-then-500': { after: () => errorReply(500, 'InternalError') },
}

/** To the calls whose replies have a body, or at least a length of one. */
const OF_BODIES: Readonly<Record<string, Fault>> = {
  'apply-then-cut': { after: () => 'cut' },
}

/** To an object that is read: what a broken connection does, but without a word. */
const OF_GET_OBJECT: Readonly<Record<string, Fault>> = {
  'body-stall': { after: () => 'stall' },
  'body-half': { after: half },
  '200-with-error': { before: () => errorReply(200, 'InternalError') },
  '404': { before: () => errorReply(404, 'NoSuchKey') },
  '412': { before: () => errorReply(412, 'PreconditionFailed') },
}

/** The answers to a repeated removal, and one that is never true of the object that was meant. */
const OF_DELETE_OBJECT: Readonly<Record<string, Fault>> = {
  'apply-then-404': { after: () => errorReply(404, 'NoSuchKey') },
  'apply-then-412': { after: () => errorReply(412, 'PreconditionFailed') },
  '412': { before: () => errorReply(412, 'PreconditionFailed') },
}

/** Calls whose replies have no body. */
const BODILESS: readonly S3CallName[] = ['HeadObject', 'AbortMultipartUpload', 'DeleteObject']

/** The ways in which buckets answer a completion wrongly, or rightly but for a second time. */
const OF_COMPLETE: Readonly<Record<string, Fault>> = {
  '200-with-error': { before: () => errorReply(200, 'InternalError') },
  'apply-then-200-with-error': { after: () => errorReply(200, 'InternalError') },
  'apply-then-404': { after: () => errorReply(404, 'NoSuchUpload') },
  'apply-then-412': { after: () => errorReply(412, 'PreconditionFailed') },
  'apply-then-invalid-part': { after: () => errorReply(400, 'InvalidPart') },
  'invalid-part': { before: () => errorReply(400, 'InvalidPart') },
}

/** Lists that say of parts that are there that they are not, if they are believed. */
const OF_LIST_PARTS: Readonly<Record<string, Fault>> = {
  'truncated-without-marker': { after: (reply) => truncated(reply, '') },
  'truncated-marker-nowhere': {
    after: (reply) => truncated(reply, '<NextPartNumberMarker>0</NextPartNumberMarker>'),
  },
  'truncated-marker-beyond': {
    after: (reply) => truncated(reply, '<NextPartNumberMarker>99999</NextPartNumberMarker>'),
  },
  'truncated-and-skipped': {
    after: (reply) => truncated(reply, '<NextPartNumberMarker>3</NextPartNumberMarker>'),
  },
  'half-a-page': { after: (reply) => halved(reply) },
}

async function later(): Promise<Intervention> {
  await sleep(DELAY_MS)
  return 'pass'
}

/** What the faults of one kind of call are called, with what they do. */
export function faultsOf(call: S3CallName): readonly (readonly [string, Fault])[] {
  return Object.entries({
    ...COMMON,
    ...(BODILESS.includes(call) ? {} : OF_BODIES),
    ...(call === 'GetObject' ? OF_GET_OBJECT : {}),
    ...(call === 'DeleteObject' ? OF_DELETE_OBJECT : {}),
    ...(call === 'CompleteMultipartUpload' ? OF_COMPLETE : {}),
    ...(call === 'ListParts' ? OF_LIST_PARTS : {}),
  })
}

function errorReply(status: number, code: string): ProxiedReply {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>A fault of the test.</Message></Error>`
  return xml(status, text)
}

/** No part of the list, and the word that there are more. */
function truncated(reply: ProxiedReply, marker: string): ProxiedReply {
  const end = '</ListPartsResult>'
  const text = withoutParts(reply)
  if (!text.includes(end)) throw new Error(`this is no list of parts: ${text}`)
  return xml(200, text.replace(end, `<IsTruncated>true</IsTruncated>${marker}${end}`))
}

function withoutParts(reply: ProxiedReply): string {
  return reply.body
    .toString()
    .replaceAll(/<Part>.*?<\/Part>/gs, '')
    .replaceAll(/<(IsTruncated|NextPartNumberMarker)>.*?<\/\1>/gs, '')
}

/** Half of the bytes, and a length that says that this is all. */
function half({ status, headers, body }: ProxiedReply): ProxiedReply {
  const bytes = body.subarray(0, body.length / 2)
  return { status, headers: { ...headers, 'content-length': String(bytes.length) }, body: bytes }
}

/** The first half of the XML, as the whole reply. */
function halved(reply: ProxiedReply): ProxiedReply {
  return xml(reply.status, reply.body.toString().slice(0, reply.body.length / 2))
}

function xml(status: number, text: string): ProxiedReply {
  const body = Buffer.from(text)
  const headers = { 'content-type': 'application/xml', 'content-length': String(body.length) }
  return { status, headers, body }
}
