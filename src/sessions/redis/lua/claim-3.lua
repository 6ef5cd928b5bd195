--[[
  Makes one caller the only one that may complete, verify or abort the upload until its lease ends.

  KEYS[1]  uploads of the owner (hash: "r:" id = record, "d:" id = draft)
  KEYS[2]  parts of the upload
  KEYS[3]  odd ETags of the upload

  ARGV[1]  id
  ARGV[2]  now, ms since the epoch
  ARGV[3]  lease, ms
  ARGV[4]  'completing', 'verifying' or 'aborting'
  ARGV[5]  expected hash, or empty to keep the one there is

  Returns  {'claimed', draft, record, parts, odd ETags, fence, attempt}
           {'busy', state, wait in ms}
           {'wrong-state', draft, record}
           {'not-found'}
]]
local id, now, to = ARGV[1], tonumber(ARGV[2]), ARGV[4]
local raw, draft = unpack(redis.call('HMGET', KEYS[1], 'r:' .. id, 'd:' .. id))
local record = raw and cjson.decode(raw)

if not record or record.keepUntil <= now then return { 'not-found' } end
if record.state ~= 'creating' and record.leaseUntil > now then
  return { 'busy', record.state, record.leaseUntil - now }
end
local lease, again = tonumber(ARGV[3]), record.state == to
local open = record.state == 'uploading'
  and (to == 'aborting' or (to == 'completing' and record.expiresAt > now))
local done = record.state == 'completed' and to == 'verifying'
if not open and not done and not again then return { 'wrong-state', draft, raw } end

record.state, record.fence, record.leaseUntil = to, record.fence + 1, now + lease
record.attempts = (again and record.attempts or 0) + (lease > 0 and 1 or 0)
if done then record.standing = 1 end
if ARGV[5] ~= '' then record.expectedHash = ARGV[5] end
raw = cjson.encode(record)
redis.call('HSET', KEYS[1], 'r:' .. id, raw)
local parts, odd = redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[3])
return { 'claimed', draft, raw, parts, odd, record.fence, record.attempts }
