--[[
  Makes the lease of the latest claim end at another time.

  KEYS[1]  uploads of the owner (hash: "r:" id = record)
  KEYS[2]  the owner's charges, by when they are over

  ARGV[1]  id
  ARGV[2]  now, ms since the epoch
  ARGV[3]  fence
  ARGV[4]  the claimed state
  ARGV[5]  lease, ms from now

  Returns  {'extended'}
           {'refused'}  no such record, another state, or another fence
]]
-- include save.lua
local field, now = 'r:' .. ARGV[1], tonumber(ARGV[2])
local raw = redis.call('HGET', KEYS[1], field)
local record = raw and cjson.decode(raw)
if not record or record.keepUntil <= now then return { 'refused' } end
if record.state ~= ARGV[4] or record.fence ~= tonumber(ARGV[3]) then return { 'refused' } end

record.leaseUntil = now + tonumber(ARGV[5])
save(KEYS[1], KEYS[2], raw, record, now)
return { 'extended' }
