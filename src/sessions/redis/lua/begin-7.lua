--[[
  Claims the right to create an upload, or tells what is there already. Forgets some of the owner's
  records that have ended, so that they do not pile up.

  KEYS[1]  uploads of the owner (hash: "r:" id = record, "d:" id = draft)
  KEYS[2]  parts of the upload
  KEYS[3]  odd ETags of the upload
  KEYS[4]  the owner's entries, by age
  KEYS[5]  the owner's entries, by the end of the record
  KEYS[6]  the owner's contents (hash: content = id of the upload that has it)
  KEYS[7]  the owner's charges, by when they are over

  ARGV[1]   id
  ARGV[2]   now, ms since the epoch
  ARGV[3]   lease, ms
  ARGV[4]   epoch that may be superseded, or 0
  ARGV[5]   expiresAt, ms since the epoch
  ARGV[6]   keepUntil, ms since the epoch
  ARGV[7]   draft, JSON
  ARGV[8]   entry of the upload in both indexes
  ARGV[9]   number of parts
  ARGV[10]  bytes of a part's checksum
  ARGV[11]  how much longer than the records the keys live, ms
  ARGV[12]  content, or empty
  ARGV[13]  size of the file, bytes
  ARGV[14]  limits, JSON, or empty: names as in `UsageLimits`
  ARGV[15]  URLs that are about to be signed
  ARGV[16]  how many there may be a day for each part
  ARGV[17]  how many there may be a day besides

  Returns  {'created', epoch, fence, judged epoch}
           {'created', epoch, fence, judged epoch, draft, record}  of the completed upload with that content
           {'busy', wait in ms}
           {'exists', draft, record, parts, odd ETags}
           {'over-limit', name of the limit, most, used, asked}
           {'over-budget', URLs signed today, most of them}
]]
-- include save.lua
-- include keep.lua
-- include sign.lua
local id, now, supersedes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
local expiresAt, keepUntil = tonumber(ARGV[5]), tonumber(ARGV[6])
-- What another `init` replaces.
local ended = { failed = true, aborted = true, expired = true }

local function keep(before, record)
  local saved = save(KEYS[1], KEYS[7], before, record, now)
  keepKeys(record, ARGV[11])
  return saved
end

-- The limit that would be exceeded if `old` gave back its room and an upload of that size took its own.
local function exceeded(old, size, starts)
  if ARGV[14] == '' then return nil end
  settleCharges(KEYS[1], KEYS[7], now)
  local limits, has = cjson.decode(ARGV[14]), {}
  for _, name in ipairs({ 'open', 'reserved', 'stored', 'opening', 'day', 'opened' }) do
    has[name] = tonumber(redis.call('HGET', KEYS[1], 'u:' .. name) or 0)
  end
  local freed, open, reserved, stored = old and chargeOf(old, now), 1, size, size
  if freed and redis.call('ZSCORE', KEYS[7], freed) then
    stored = stored - old.size
    if string.sub(freed, 1, 1) ~= 's' then open, reserved = 0, reserved - old.size end
  end
  local opened = has.day >= math.floor(now / 86400000) and has.opened or 0
  -- In the order of `USAGE_LIMITS`.
  for _, row in ipairs({
    { 'maxStoredBytes', has.stored + has.reserved, stored },
    { 'maxReservedBytes', has.reserved, reserved },
    { 'maxUploadsPerDay', has.opening + opened, starts },
    { 'maxOpenUploads', has.open, open },
  }) do
    local name, used, asked = unpack(row)
    local max = limits[name]
    if max and asked > 0 and used + asked > max then return { 'over-limit', name, max, used, asked } end
  end
end

local function forget(entry)
  local gone = string.sub(entry, 18)
  local raw = redis.call('HGET', KEYS[1], 'r:' .. gone)
  for _, content in ipairs(raw and cjson.decode(raw).contents or {}) do
    if redis.call('HGET', KEYS[6], content) == gone then redis.call('HDEL', KEYS[6], content) end
  end
  redis.call('HDEL', KEYS[1], 'r:' .. gone, 'd:' .. gone)
  redis.call('ZREM', KEYS[4], entry)
  redis.call('ZREM', KEYS[5], entry)
end

-- A record begun anew by a release that knew no contents is still in the index, but has none of its own.
local function hasContent(record)
  for _, content in ipairs(record.contents or {}) do
    if content == ARGV[12] then return true end
  end
  return false
end

local function twin()
  local other = ARGV[12] ~= '' and redis.call('HGET', KEYS[6], ARGV[12])
  if not other then return nil end
  local raw, draft = unpack(redis.call('HMGET', KEYS[1], 'r:' .. other, 'd:' .. other))
  local record = raw and cjson.decode(raw)
  if not record or record.state ~= 'completed' or record.keepUntil <= now then return nil end
  if hasContent(record) then return draft, raw end
end

local function budget(record, missing)
  local urls = math.min(tonumber(ARGV[15]), missing)
  return sign(record, urls, tonumber(ARGV[16]), tonumber(ARGV[17]), now)
end

local raw, draft = unpack(redis.call('HMGET', KEYS[1], 'r:' .. id, 'd:' .. id))
local old = raw and cjson.decode(raw)
-- The fences of an upload start at the time, so that they grow even where its record was forgotten.
local epoch, judged, fence = 0, 0, now
if old and old.keepUntil > now then
  local isEnded = ended[old.state]
  if old.state == 'creating' or (old.epoch == supersedes and not isEnded) then
    if old.leaseUntil > now then return { 'busy', old.leaseUntil - now } end
  elseif supersedes > 0 or not isEnded then
    if old.state == 'uploading' then
      local isWithin, used, most = budget(old, old.total - old.arrived)
      if not isWithin then return { 'over-budget', used, most } end
      -- One past its time takes its room again.
      local refusal = old.expiresAt <= now and exceeded(nil, old.size or 0, 0)
      if refusal then return refusal end
      old.expiresAt = math.max(old.expiresAt, expiresAt)
      old.keepUntil = math.max(old.keepUntil, keepUntil)
      raw = keep(raw, old)
    end
    local parts, odd = redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[3])
    return { 'exists', draft, raw, parts, odd }
  end
  epoch, fence = old.epoch, old.fence
  judged = old.state == 'creating' and (old.judged or 0) or old.epoch
end

local isAlive = old and old.keepUntil > now
-- The same upload that begins anew: nobody has asked for another.
local renewed = isAlive and not ended[old.state] and (old.state ~= 'creating' or old.renewed == 1)
local record = {
  state = 'creating', epoch = epoch + 1, judged = judged, fence = fence + 1,
  leaseUntil = now + tonumber(ARGV[3]), revision = 0, arrived = 0, expiresAt = expiresAt,
  keepUntil = keepUntil, entry = ARGV[8], total = tonumber(ARGV[9]), width = tonumber(ARGV[10]),
  size = tonumber(ARGV[13]), renewed = renewed and 1 or nil,
}
local isWithin, used, most = budget(record, record.total)
if not isWithin then return { 'over-budget', used, most } end
local refusal = exceeded(isAlive and old, record.size, renewed and 0 or 1)
if refusal then return refusal end

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, 20)) do
  forget(entry)
end
if old then forget(old.entry) end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'd:' .. id, ARGV[7])
redis.call('ZADD', KEYS[4], 0, ARGV[8])
keep(raw, record)
return { 'created', record.epoch, record.fence, judged, twin() }
