import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { VARIABLES } from '../../../src/server/variables.js'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const options = { merge: true }
const scale = parse(read('docker-compose.scale.yml'), options)
const single = parse(read('docker-compose.yml'), options)
const nginx = read('infra/nginx/partway.conf')

it('docker-compose.scale.yml runs the servers that infra/nginx/partway.conf names, and no others', () => {
  const named = [...nginx.matchAll(/^ {2}server ([\w-]+):8000 /gm)].map(([, name]) => name)
  const built = Object.keys(scale.services).filter((name) => name.startsWith('server'))
  expect(named).toEqual(built)
  expect(Object.keys(scale.services.nginx.depends_on)).toEqual(built)
})

it('docker-compose.scale.yml mounts a file that exists, and publishes the port that nginx listens on', () => {
  const [volume = '', port = ''] = [scale.services.nginx.volumes[0], scale.services.nginx.ports[0]]
  expect(existsSync(new URL(volume.split(':')[0], root))).toBe(true)
  expect(nginx).toContain(`listen ${port.split(':').at(-1)};`)
})

it('docker-compose.scale.yml gives its servers what docker-compose.yml does, and says who is trusted', () => {
  const { environment } = scale.services['server-1']
  expect(environment).toEqual({
    ...single.services.server.environment,
    PARTWAY_TRUST_PROXY: '1',
  })
  const ours = Object.keys(environment).filter((name) => name.startsWith('PARTWAY_'))
  const known = VARIABLES.map(({ name }): string => name)
  expect(ours.filter((name) => !known.includes(name))).toEqual([])
})

it('docker-compose.scale.yml takes from docker-compose.yml only what is there, with its volumes', () => {
  for (const { extends: from } of Object.values<{ extends?: { service: string } }>(
    scale.services,
  )) {
    if (from !== undefined) expect(single.services).toHaveProperty(from.service)
  }
  expect(Object.keys(scale.volumes)).toEqual(Object.keys(single.volumes))
})
