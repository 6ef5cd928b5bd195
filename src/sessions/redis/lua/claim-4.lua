--[[
  Makes one caller the only one that may complete, verify or abort the upload until its lease ends.

  KEYS[1]  uploads of the owner (hash: "r:" id = record, "d:" id = draft)
  KEYS[2]  parts of the upload
  KEYS[3]  odd ETags of the upload
  KEYS[4]  the owner's charges, by when they are over

  ARGV[1]  id
  ARGV[2]  now, ms since the epoch
  ARGV[3]  lease, ms
  ARGV[4]  'completing', 'verifying' or 'aborting'
  ARGV[5]  expected hash, or empty to keep the one there is
  ARGV[6]  most bytes that may be stored, or empty

  Returns  {'claimed', draft, record, parts, odd ETags, fence, attempt}
           {'busy', state, wait in ms}
           {'wrong-state', draft, record}
           {'over-limit', bytes stored, bytes asked for}
           {'not-found'}
]]
-- include save.lua
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

if open and to == 'completing' and ARGV[6] ~= '' and record.size then
  settleCharges(KEYS[1], KEYS[4], now)
  local stored = tonumber(redis.call('HGET', KEYS[1], 'u:stored') or 0)
  if stored + record.size > tonumber(ARGV[6]) then return { 'over-limit', stored, record.size } end
end

record.state, record.fence, record.leaseUntil = to, record.fence + 1, now + lease
record.attempts = (again and record.attempts or 0) + (lease > 0 and 1 or 0)
if done then record.standing = 1 end
if ARGV[5] ~= '' then record.expectedHash = ARGV[5] end
raw = save(KEYS[1], KEYS[4], raw, record, now)
local parts, odd = redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[3])
return { 'claimed', draft, raw, parts, odd, record.fence, record.attempts }
