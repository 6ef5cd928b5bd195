import { fileURLToPath } from 'node:url'
import { expect, inject, it } from 'vitest'
import { run } from '../../infra/services/run.js'

const manifest = fileURLToPath(new URL('../../infra/kubernetes/partway.yaml', import.meta.url))

// Where there are no schemas the set-up has said so.
it.skipIf(inject('kubernetesValidate') === undefined).each(['1.30', '1.37'])(
  'infra/kubernetes/partway.yaml fits the schemas of Kubernetes %s, with no field that they do not know',
  async (version) => {
    const { command = '', args = [], env = {} } = inject('kubernetesValidate') ?? {}
    const told = await run(command, [...args, '--strict', '-k', version, manifest], { env })
    expect(told.match(/ passed for resource /g)).toHaveLength(7)
  },
)
