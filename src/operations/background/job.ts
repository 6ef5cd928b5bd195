import * as z from 'zod/mini'

/**
 * What is done beside the requests. A job says what to look at, never what to do to it: that is decided by the session
 * store when the job runs, so a job that is given twice, too late or in vain does no harm.
 */
export const jobSchema = z.discriminatedUnion('kind', [
  /** Goes on with a completion or an abort that was left, or verifies the whole file. */
  z.object({ kind: z.literal('settle'), owner: z.string(), id: z.string() }),
  /** Tells a receiver of webhooks of one event. */
  z.object({ kind: z.literal('deliver'), owner: z.string(), id: z.string(), target: z.string() }),
  /** Asks what is due, and adds it. */
  z.object({ kind: z.literal('sweep') }),
  /** Gives up the uploads that are past their time. */
  z.object({ kind: z.literal('janitor') }),
])

export type Job = z.infer<typeof jobSchema>
export type JobKind = Job['kind']
export type JobOf<K extends JobKind> = Extract<Job, { readonly kind: K }>
/** There is one of each: they can be repeated. */
export type RepeatedKind = 'sweep' | 'janitor'

export const JOB_KINDS = ['settle', 'deliver', 'sweep', 'janitor'] as const satisfies JobKind[]

/** The same for jobs of a kind that are the same, and for no others. */
export function keyOf(job: Job): string {
  switch (job.kind) {
    case 'settle':
      return JSON.stringify([job.owner, job.id])
    case 'deliver':
      return JSON.stringify([job.owner, job.id, job.target])
    default:
      return job.kind
  }
}

/** Whose turn it is, where turns are taken: an owner's, or a receiver's, so that none holds up the others. */
export function partyOf(job: Job): string | undefined {
  if (job.kind === 'deliver') return job.target
  return job.kind === 'settle' ? job.owner : undefined
}
