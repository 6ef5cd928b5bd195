import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, until } from './programs.js'
import { nginxProgram } from './services.js'

const CONFIG = new URL('../../infra/nginx/partway.conf', import.meta.url)

export interface Nginx {
  readonly url: string
  stop(): Promise<void>
}

/** `infra/nginx/partway.conf` as it is, before the servers at these three addresses. */
export async function startNginx(servers: readonly [string, string, string]): Promise<Nginx> {
  const program = nginxProgram()
  if (program === null) throw new Error('there is no nginx')
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'partway-nginx-'))]
  await writeFile(join(folder, 'partway.conf'), await ownConfig(servers, port))
  await writeFile(join(folder, 'nginx.conf'), frame(folder))
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')]
  const child = spawn(program.path, args, {
    env: { ...process.env, ...program.env },
    stdio: 'ignore',
  })
  const isOver = once(child, 'exit')
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  const url = `http://127.0.0.1:${port}`
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await isOver
    process.off('exit', atExit)
    await rm(folder, { recursive: true, force: true })
  }
  let answers = false
  const ask = setInterval(() => {
    fetch(`${url}/healthz`).then(
      (reply) => {
        answers ||= reply.ok
      },
      () => {},
    )
  }, 50)
  try {
    await until(() => answers || child.exitCode !== null, 'nginx to answer')
  } finally {
    clearInterval(ask)
  }
  if (answers) return { url, stop }
  const log = await readFile(join(folder, 'error.log'), 'utf8')
  await rm(folder, { recursive: true, force: true })
  throw new Error(`nginx did not start:\n${log}`)
}

async function ownConfig(servers: readonly string[], port: number): Promise<string> {
  let text = await readFile(CONFIG, 'utf8')
  const replacements = [
    ...servers.map((address, position) => [`server-${position + 1}:8000`, address] as const),
    ['listen 8080;', `listen 127.0.0.1:${port};`] as const,
  ]
  for (const [from, to] of replacements) {
    if (text.split(from).length !== 2) throw new Error(`${CONFIG.pathname} has not one ${from}`)
    text = text.replace(from, to)
  }
  return text
}

/** What the image has around it, with everything in one folder. */
function frame(folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  include ${folder}/partway.conf;
}
`
}
