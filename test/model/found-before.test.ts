import { it } from 'vitest'
import { Director } from './director.js'
import { FILES, type FileSpec, RELATED_FILES, type SaidHash } from './model-file.js'
import type { Fault } from './stage.js'
import type { Call, Step } from './steps.js'
import { World } from './world.js'

/** Runs of the model that once broke a promise, or would with one check less. They are rare enough for a random search to miss them. */
const RUNS: readonly {
  readonly name: string
  readonly files: readonly FileSpec[]
  readonly steps: readonly Step[]
}[] = [
  {
    name: 'a late holder does not say "completed" when a hash was asked for by whoever took over',
    files: [file('sha.bin')],
    steps: [
      init(0),
      send(0),
      complete(0, { faults: [{ at: 4, kind: 'stop' }] }),
      { step: 'advance', ms: 61_000 },
      complete(0, { hash: 'wrong sha256' }),
      { step: 'wake', order: [0] },
      work(0),
    ],
  },
  {
    name: 'an upload that is opened anew with the object of a twin is compared with the expected hash',
    files: [file('one.bin'), file('unnamed.bin')],
    steps: [
      init(0),
      init(1),
      send(1),
      complete(1),
      { step: 'lose the parts', file: 0 },
      complete(0, { hash: 'wrong md5' }),
    ],
  },
  {
    name: 'a completion that was given back is done for the worker, whatever was refused',
    files: [file('crc.bin')],
    steps: [
      init(0),
      send(0, 'changed'),
      complete(0, { faults: [{ at: 1, kind: 'crash-after' }] }),
      { step: 'advance', ms: 61_000 },
      work(0),
    ],
  },
  {
    name: 'the file_hash of a later init is not ignored',
    files: [file('one.bin'), file('one.bin', 'wrong sha256')],
    steps: [init(0), send(0), init(1), complete(1)],
  },
  {
    name: 'the file_hash of a later init does not cost the object of a completed upload',
    files: [file('one.bin'), file('one.bin', 'wrong sha256')],
    steps: [init(0), send(0), complete(0), { step: 'lose the store' }, init(1), work(1)],
  },
  {
    name: 'an upload keeps the object of a twin that has another checksum mode',
    files: [file('one.bin'), file('read.bin', 'sha256')],
    steps: [
      init(0),
      send(0),
      complete(0, { hash: 'sha256' }),
      work(0),
      init(1),
      init(1),
      complete(1),
      init(1),
    ],
  },
  {
    name: 'a wrong object is removed only by the holder of the latest claim',
    files: [file('sha.bin')],
    steps: [
      { step: 'deliver', file: 0, hash: 'wrong md5' },
      work(0, [{ at: 8, kind: 'stop' }]),
      { step: 'advance', ms: 61_000 },
      work(0, [{ at: 3, kind: 'stop' }]),
      { step: 'wake', order: [0] },
    ],
  },
]

for (const { name, files, steps } of RUNS) {
  it(name, async () => {
    const world = new World(files)
    const director = new Director(world)
    try {
      for (const step of steps) await director.take(step)
      await director.finish()
    } finally {
      await world.close()
    }
  })
}

function file(filename: string, hash?: SaidHash): FileSpec {
  const found = [...FILES, ...RELATED_FILES].find(
    (spec) => spec.filename === filename && spec.hash === hash,
  )
  if (found === undefined) throw new RangeError(`There is no ${filename}`)
  return found
}

function alone(call: Call, faults: readonly Fault[] = []): Step {
  return { step: 'calls', cast: [{ call, faults }], order: [0] }
}

function init(at: number): Step {
  return alone({ do: 'init', file: at })
}

function send(at: number, version: 'first' | 'changed' = 'first'): Step {
  const what = { parts: 7, version, bytes: 'signed', isReported: true } as const
  return alone({ do: 'send', file: at, ...what })
}

function complete(
  at: number,
  {
    hash = 'none',
    faults = [],
  }: { readonly hash?: SaidHash | 'none'; readonly faults?: readonly Fault[] } = {},
): Step {
  return alone({ do: 'complete', file: at, digest: 'none', hash, isReported: false }, faults)
}

function work(at: number, faults: readonly Fault[] = []): Step {
  return alone({ do: 'work', file: at, isTold: true, reading: 'whole' }, faults)
}
