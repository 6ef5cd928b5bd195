import { startLocalBucket } from '../../src/local-bucket/index.js'
import { LOCAL_CREDENTIALS } from './local-bucket.js'

/**
 * The embedded bucket as a process of its own. Its argument is the folder and, if wanted, the port; it prints its URL,
 * and its resident memory in bytes for every line that it is sent.
 */
const [, , folder = '', port = '0'] = process.argv

const { url } = await startLocalBucket({
  folder,
  port: Number(port),
  credentials: LOCAL_CREDENTIALS,
  buckets: ['partway'],
  log: (entry) => {
    if (entry.event === 'local-bucket.fault') console.error(entry.err)
  },
})
console.log(url)
process.stdin.on('data', () => console.log(process.memoryUsage.rss()))
